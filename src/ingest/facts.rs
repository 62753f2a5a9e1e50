//! What is true in the end of some news: each item's newest version, and who is gone.

use super::news::{Author, Item, News, Post, Repost};
use crate::model::Micros;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// How many deletions are remembered of what is not known.
const DEPARTED: usize = 65_536;

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

    /// Folds news in the order in which they came. What `departed` knows to be gone stays gone.
    pub(super) fn of(news: impl IntoIterator<Item = News>, departed: &mut Departed) -> Self {
        let mut facts = Self::default();
        let mut posts: HashMap<Item, Post> = HashMap::new();
        let mut reposts: HashMap<Item, Repost> = HashMap::new();
        let mut order: Vec<Item> = Vec::new();
        for one in news {
            match one {
                News::Posted(post) if departed.knows(&post.item) => {}
                News::Posted(post) => match posts.get_mut(&post.item) {
                    Some(other) => merge(other, *post),
                    None => {
                        order.push(post.item.clone());
                        posts.insert(post.item.clone(), *post);
                    }
                },
                News::Reposted(repost) if departed.knows(&repost.item) => {}
                News::Reposted(repost) => {
                    order.push(repost.item.clone());
                    reposts.insert(repost.item.clone(), *repost);
                }
                News::Gone(item) => {
                    if posts.remove(&item).is_some_and(|post| post.is_wanted) {
                        facts.stillborn.push(item.clone());
                    }
                    reposts.remove(&item);
                    departed.remember(&item);
                    facts.gone.push(item);
                }
                News::AccountGone(url) => {
                    posts.retain(|_, post| post.author.url != url);
                    reposts.retain(|_, repost| repost.author.url != url);
                    facts.accounts_gone.push(url);
                }
                News::Known(author) => facts.authors.push(*author),
            }
        }
        for item in order {
            facts.posts.extend(posts.remove(&item));
            facts.reposts.extend(reposts.remove(&item));
        }
        facts
    }
}

/// Of two versions of a post the newer one stands. It is wanted if any of them was: the other
/// would have been stored by itself, and then edited.
fn merge(post: &mut Post, other: Post) {
    let is_wanted = post.is_wanted || other.is_wanted;
    if other.version > post.version {
        *post = other;
    }
    post.is_wanted = is_wanted;
}

/// The deletions of late, so that a post that comes behind its own end is not taken.
#[derive(Debug, Default)]
pub(super) struct Departed {
    items: HashSet<Item>,
    order: VecDeque<Item>,
}

impl Departed {
    fn knows(&self, item: &Item) -> bool {
        self.items.contains(item)
    }

    fn remember(&mut self, item: &Item) {
        if !self.items.insert(item.clone()) {
            return;
        }
        self.order.push_back(item.clone());
        if self.order.len() > DEPARTED
            && let Some(oldest) = self.order.pop_front()
        {
            self.items.remove(&oldest);
        }
    }
}
