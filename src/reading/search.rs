//! What the text index finds.

use super::feed::{FeedKey, Tweets};
use super::page::{Scanned, Source, pages};
use super::visible;
use crate::model::page::Page;
use crate::model::text::fold;
use crate::model::{Entity, Place, Result, Tweet, TweetId, UserId, Window};
use crate::store::Store;
use crate::store::list::{List, ListKind, Stretch};
use crate::store::search::TweetQuery;
use crate::store::snapshot::View;

/// How many tweets are looked at for a text that is too short for the index.
const LOOKED_AT: usize = 10_000;

/// Which tweets are asked for. Names are canonical, the author exists.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// A part of the text, in NFC.
    pub contains: Option<String>,
    /// The author, with the username.
    pub author: Option<(UserId, String)>,
    /// A hashtag.
    pub hashtag: Option<String>,
}

/// A page of the tweets that pass a filter, newest first. Each filter reads the index that has
/// it, and nothing beside.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn tweets(store: &Store, filter: Filter, window: Window) -> Result<Page<TweetId>> {
    let part = filter.contains.as_deref().filter(|part| !part.is_empty()).map(fold);
    let short = part.as_deref().is_some_and(|part| !store.is_searchable(part));
    let long = part.clone().filter(|_| !short);
    let accept = part.filter(|_| short).map(|part| {
        let accept = move |tweet: &Tweet| fold(&tweet.text).contains(&part);
        Box::new(accept) as super::feed::Accept<'_>
    });
    let pages = match (&filter.author, &filter.hashtag, long) {
        (None, None, None) => {
            let all = AllTweets { store, accept };
            pages(&all, window).await?
        }
        (Some((author, _)), None, None) => by_feed(store, FeedKey::User(*author), accept, window).await?,
        (None, Some(tag), None) => by_feed(store, FeedKey::Hashtag(tag.clone()), accept, window).await?,
        (author, hashtag, contains) => {
            let query = TweetQuery {
                contains,
                author: author.as_ref().map(|(_, name)| name.clone()),
                hashtag: hashtag.clone(),
            };
            pages(&Found { store, query, accept }, window).await?
        }
    };
    Ok(pages.into_iter().next().unwrap_or_default())
}

async fn by_feed(
    store: &Store,
    feed: FeedKey,
    accept: Option<super::feed::Accept<'_>>,
    window: Window,
) -> Result<Vec<Page<TweetId>>> {
    let mut source = Tweets::new(store, &[feed], false).await?;
    if let Some(accept) = accept {
        source = source.only(LOOKED_AT, accept);
    }
    pages(&source, window).await
}

struct AllTweets<'a> {
    store: &'a Store,
    accept: Option<super::feed::Accept<'a>>,
}

impl Source for AllTweets<'_> {
    type Item = TweetId;

    fn count(&self) -> usize {
        1
    }

    fn past(&self) -> usize {
        if self.accept.is_some() {
            LOOKED_AT
        } else {
            super::page::PAST
        }
    }

    async fn scan(&self, _: &[usize], stretch: Stretch) -> Result<Vec<Vec<Scanned<TweetId>>>> {
        let view = self.store.view();
        let lists = view
            .snapshot()
            .await?
            .lists(ListKind::Tweets, &[&List::tweets()], stretch)
            .await?;
        let found = lists.into_iter().flatten().map(|item| match item.entity {
            Entity::Tweet(id) => (item.place, Some(id)),
            _ => (item.place, None),
        });
        accepted(&view, found.collect(), self.accept.as_ref()).await
    }
}

struct Found<'a> {
    store: &'a Store,
    query: TweetQuery,
    accept: Option<super::feed::Accept<'a>>,
}

impl Source for Found<'_> {
    type Item = TweetId;

    fn count(&self) -> usize {
        1
    }

    fn past(&self) -> usize {
        if self.accept.is_some() {
            LOOKED_AT
        } else {
            super::page::PAST
        }
    }

    async fn scan(&self, _: &[usize], stretch: Stretch) -> Result<Vec<Vec<Scanned<TweetId>>>> {
        let bound = |place: Place| (place != Place::NEWEST && place != Place::OLDEST).then_some(place);
        let view = self.store.view();
        let found = view
            .snapshot()
            .await?
            .search_tweets(
                &self.query,
                bound(stretch.below),
                bound(stretch.above),
                stretch.newest_first,
                stretch.limit,
            )
            .await?;
        let within = |place: Place| place < stretch.below && place > stretch.above;
        let found = found
            .into_iter()
            .map(|(place, id)| (place, within(place).then_some(id)))
            .collect();
        accepted(&view, found, self.accept.as_ref()).await
    }
}

async fn accepted(
    view: &View<'_>,
    found: Vec<(Place, Option<TweetId>)>,
    accept: Option<&super::feed::Accept<'_>>,
) -> Result<Vec<Vec<Scanned<TweetId>>>> {
    let ids: Vec<TweetId> = found.iter().filter_map(|(_, id)| *id).collect();
    let seen = visible::look(view, Some(&ids), &[]).await?;
    let is_seen = |id: &TweetId| {
        seen.tweets
            .get(id)
            .is_some_and(|tweet| accept.is_none_or(|accept| accept(tweet)))
    };
    Ok(vec![
        found
            .into_iter()
            .map(|(place, id)| Scanned {
                place,
                item: id.filter(|id| is_seen(id)),
            })
            .collect(),
    ])
}

/// A page of the users whose username or display name contains a text, the most followed first.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn users(store: &Store, contains: &str, window: Window) -> Result<Page<UserId>> {
    let source = FoundUsers {
        store,
        contains: contains.to_owned(),
    };
    Ok(pages(&source, window).await?.into_iter().next().unwrap_or_default())
}

struct FoundUsers<'a> {
    store: &'a Store,
    contains: String,
}

impl Source for FoundUsers<'_> {
    type Item = UserId;

    fn count(&self) -> usize {
        1
    }

    async fn scan(&self, _: &[usize], stretch: Stretch) -> Result<Vec<Vec<Scanned<UserId>>>> {
        let view = self.store.view();
        let found = view
            .snapshot()
            .await?
            .search_users(
                &self.contains,
                Some(stretch.below),
                Some(stretch.above),
                stretch.newest_first,
                stretch.limit,
            )
            .await?;
        let ids: Vec<UserId> = found.iter().map(|(_, id)| *id).collect();
        let seen = visible::look(&view, None, &ids).await?;
        Ok(vec![
            found
                .into_iter()
                .map(|(place, id)| Scanned {
                    place,
                    item: seen.users.contains(&id).then_some(id),
                })
                .collect(),
        ])
    }
}
