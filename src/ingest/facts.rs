//! What is true in the end of some news: each item's newest version, and who is gone.

use super::news::{Author, Item, News, Post, Repost};
use super::recent::{Recent, merge};
use crate::model::Micros;
use std::collections::HashMap;
use std::sync::Arc;

/// What is to be written together.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub posts: Vec<Post>,
    pub reposts: Vec<Repost>,
    pub gone: Vec<Item>,
    /// Wanted posts that ended before they were written.
    pub stillborn: Vec<Item>,
    pub accounts_gone: Vec<String>,
    pub authors: Vec<Author>,
}

impl Facts {
    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.posts.is_empty()
            && self.reposts.is_empty()
            && self.gone.is_empty()
            && self.stillborn.is_empty()
            && self.accounts_gone.is_empty()
            && self.authors.is_empty()
    }

    /// When the first of the posts and reposts was news.
    pub(super) fn begun(&self) -> Option<Micros> {
        let posts = self.posts.iter().map(|post| post.seen_at);
        posts.chain(self.reposts.iter().map(|repost| repost.seen_at)).min()
    }

    /// Each of the facts by itself.
    pub(super) fn apart(&self) -> Vec<Arc<Self>> {
        let mut parts = Vec::new();
        let mut part = |fill: &dyn Fn(&mut Self)| {
            let mut facts = Self::default();
            fill(&mut facts);
            parts.push(Arc::new(facts));
        };
        self.posts
            .iter()
            .for_each(|one| part(&|facts| facts.posts.push(one.clone())));
        self.reposts
            .iter()
            .for_each(|one| part(&|facts| facts.reposts.push(one.clone())));
        self.gone
            .iter()
            .for_each(|one| part(&|facts| facts.gone.push(one.clone())));
        self.stillborn
            .iter()
            .for_each(|one| part(&|facts| facts.stillborn.push(one.clone())));
        self.accounts_gone
            .iter()
            .for_each(|one| part(&|facts| facts.accounts_gone.push(one.clone())));
        self.authors
            .iter()
            .for_each(|one| part(&|facts| facts.authors.push(one.clone())));
        parts
    }

    /// Folds news in the order in which they came, behind what was told of late.
    pub(super) fn of(news: impl IntoIterator<Item = News>, recent: &mut Recent) -> Self {
        let mut facts = Self::default();
        let mut posts: HashMap<Item, Post> = HashMap::new();
        let mut reposts: HashMap<Item, Repost> = HashMap::new();
        let mut order: Vec<Item> = Vec::new();
        for one in news {
            match one {
                News::Posted(post) if recent.is_gone(&post.item) => {}
                News::Posted(post) => match posts.get_mut(&post.item) {
                    Some(other) => merge(other, *post),
                    None => {
                        order.push(post.item.clone());
                        posts.insert(post.item.clone(), recent.newest(*post));
                    }
                },
                News::Reposted(repost) if recent.is_gone(&repost.item) => {}
                News::Reposted(repost) => {
                    order.push(repost.item.clone());
                    reposts.insert(repost.item.clone(), *repost);
                }
                News::Gone(item) => {
                    if posts.remove(&item).is_some_and(|post| post.is_wanted) {
                        facts.stillborn.push(item.clone());
                    }
                    reposts.remove(&item);
                    recent.end(&item);
                    facts.gone.push(item);
                }
                News::AccountGone(url) => {
                    posts.retain(|_, post| post.author.url != url);
                    reposts.retain(|_, repost| repost.author.url != url);
                    recent.end_account(&url);
                    facts.accounts_gone.push(url);
                }
                News::Known(author) => facts.authors.push(*author),
            }
        }
        for item in order {
            facts.posts.extend(posts.remove(&item));
            facts.reposts.extend(reposts.remove(&item));
        }
        let unwanted = facts.posts.iter().filter(|post| !post.is_wanted);
        unwanted.for_each(|post| recent.note(post));
        facts
    }
}
