//! Pages and other lists of many owners: what they are asked for by, and how a level of a query is answered
//! with one look-up for all that are asked for alike.

use super::Found;
use crate::graphql::request::Scope;
use crate::model::page::Page;
use crate::model::{Entity, Micros, Topic, TweetId, UserId, Window};
use crate::reading::feed::{Actions, ActionsOf, FeedKey, Standing, Tweets};
use crate::reading::group::{self, Group};
use crate::reading::list::Lists;
use crate::reading::page::pages;
use crate::reading::top;
use crate::store::list::{List, ListKind};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// A page of a list with rows of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListPage(pub List, pub Window);

/// A page of the tweets of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TweetsPage {
    /// Which feed.
    pub feed: FeedKey,
    /// Whether retweets count.
    pub retweets: bool,
    /// Which part.
    pub window: Window,
}

/// A page of actions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ActionsPage {
    /// Whose.
    pub of: ActionsOf,
    /// Which verbs; none: all.
    pub verbs: Option<Vec<String>>,
    /// Which part.
    pub window: Window,
}

/// A page of the groups of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupsPage {
    /// Which feed.
    pub feed: FeedKey,
    /// Which part.
    pub window: Window,
}

/// A page of the actions of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupActionsPage {
    /// Which group.
    pub group: Group,
    /// Which part.
    pub window: Window,
}

/// The first actors of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupActors {
    /// Which group.
    pub group: Group,
    /// How many.
    pub first: usize,
}

/// The best of a topic since a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Top {
    /// Which topic.
    pub topic: Topic,
    /// How many.
    pub first: usize,
    /// Since when; none: ever.
    pub since: Option<Micros>,
}

/// Groups of keys that one statement can answer.
fn grouped<K, G: Eq + Hash>(keys: Vec<K>, group: impl Fn(&K) -> G) -> HashMap<G, Vec<K>> {
    let mut groups: HashMap<G, Vec<K>> = HashMap::new();
    for key in keys {
        groups.entry(group(&key)).or_default().push(key);
    }
    groups
}

pub(super) async fn lists(scope: &Scope, asked: Vec<ListPage>) -> Found<ListPage, Arc<Page<Entity>>> {
    let mut found = HashMap::new();
    let groups: HashMap<(ListKind, Window), Vec<ListPage>> = grouped(asked, |page| (page.0.kind, page.1));
    for ((kind, window), keys) in groups {
        let lists: Vec<List> = keys.iter().map(|page| page.0.clone()).collect();
        let source = Lists {
            store: scope.store(),
            sight: &scope.sight().await?,
            kind,
            lists: &lists,
        };
        let pages = pages(&source, window).await?;
        found.extend(keys.into_iter().zip(pages.into_iter().map(Arc::new)));
    }
    Ok(found)
}

pub(super) async fn feed_tweets(scope: &Scope, asked: Vec<TweetsPage>) -> Found<TweetsPage, Arc<Page<TweetId>>> {
    let mut found = HashMap::new();
    for ((retweets, window), keys) in grouped(asked, |page| (page.retweets, page.window)) {
        let feeds: Vec<FeedKey> = keys.iter().map(|page| page.feed.clone()).collect();
        let sight = scope.sight().await?;
        let source = Tweets::new(scope.store(), &sight, &feeds, retweets).await?;
        let pages = pages(&source, window).await?;
        found.extend(keys.into_iter().zip(pages.into_iter().map(Arc::new)));
    }
    Ok(found)
}

pub(super) async fn feed_actions(scope: &Scope, asked: Vec<ActionsPage>) -> Found<ActionsPage, Arc<Page<Standing>>> {
    let mut found = HashMap::new();
    for ((verbs, window), keys) in grouped(asked, |page| (page.verbs.clone(), page.window)) {
        let lists: Vec<ActionsOf> = keys.iter().map(|page| page.of.clone()).collect();
        let sight = scope.sight().await?;
        let source = Actions::new(scope.store(), &sight, &lists, verbs).await?;
        let pages = pages(&source, window).await?;
        found.extend(keys.into_iter().zip(pages.into_iter().map(Arc::new)));
    }
    Ok(found)
}

pub(super) async fn groups(scope: &Scope, asked: Vec<GroupsPage>) -> Found<GroupsPage, Arc<Page<Group>>> {
    let mut found = HashMap::new();
    for (window, keys) in grouped(asked, |page| page.window) {
        let feeds: Vec<FeedKey> = keys.into_iter().map(|page| page.feed).collect();
        let pages = group::groups(scope.store(), &scope.sight().await?, &feeds, window).await?;
        found.extend(
            pages
                .into_iter()
                .map(|(feed, page)| (GroupsPage { feed, window }, Arc::new(page))),
        );
    }
    Ok(found)
}

pub(super) async fn group_actors(scope: &Scope, asked: Vec<GroupActors>) -> Found<GroupActors, Arc<Vec<Entity>>> {
    let mut found = HashMap::new();
    for (first, keys) in grouped(asked, |asked| asked.first) {
        let groups: Vec<Group> = keys.into_iter().map(|asked| asked.group).collect();
        let actors = group::actors(scope.store(), &scope.sight().await?, groups, first).await?;
        let answers = actors.into_iter();
        found.extend(answers.map(|(group, actors)| (GroupActors { group, first }, Arc::new(actors))));
    }
    Ok(found)
}

pub(super) async fn group_actions(
    scope: &Scope,
    asked: Vec<GroupActionsPage>,
) -> Found<GroupActionsPage, Arc<Page<Standing>>> {
    let mut found = HashMap::new();
    for (window, keys) in grouped(asked, |page| page.window) {
        let groups: Vec<_> = keys.iter().map(|page| page.group.actions()).collect();
        let sight = scope.sight().await?;
        let source = Actions::of_groups(scope.store(), &sight, &groups).await?;
        let pages = pages(&source, window).await?;
        found.extend(keys.into_iter().zip(pages.into_iter().map(Arc::new)));
    }
    Ok(found)
}

pub(super) async fn top_users(scope: &Scope, asked: Vec<Top>) -> Found<Top, Arc<Vec<(UserId, u64)>>> {
    let mut found = HashMap::new();
    for (first, keys) in grouped(asked, |top| top.first) {
        let best = top::users(scope.store(), &scope.sight().await?, &topics(&keys), first).await?;
        found.extend(keys.into_iter().zip(best.into_iter().map(Arc::new)));
    }
    Ok(found)
}

pub(super) async fn top_tweets(scope: &Scope, asked: Vec<Top>) -> Found<Top, Arc<Vec<TweetId>>> {
    let mut found = HashMap::new();
    for (first, keys) in grouped(asked, |top| top.first) {
        let best = top::tweets(scope.store(), &scope.sight().await?, &topics(&keys), first).await?;
        found.extend(keys.into_iter().zip(best.into_iter().map(Arc::new)));
    }
    Ok(found)
}

fn topics(asked: &[Top]) -> Vec<top::Asked> {
    asked.iter().map(|top| (top.topic.clone(), top.since)).collect()
}
