//! Feeds.

use super::{ActionConnection, TweetConnection, window};
use crate::graphql::error::Result;
use crate::graphql::loader::{ActionsPage, TweetsPage};
use crate::graphql::request::Ask;
use crate::model::id::GlobalId;
use crate::model::{self, Error, UserId};
use crate::reading::feed::FeedKey;
use async_graphql::{Context, Enum, ID, Object};

/// Which list a feed is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "model::FeedGroup")]
pub enum FeedGroup {
    /// The actions that one user performed. Slug: the username.
    User,
    /// The actions of those whom one user follows. Slug: the username.
    Timeline,
    /// What happened to one user. Slug: the username.
    Notification,
    /// The tweets with one hashtag. Slug: the hashtag, without the #.
    Hashtag,
    /// Every public action in which one external object is the actor, the object or the target.
    /// Slug: `type:key`.
    Object,
}

/// A feed, by its key and its slug.
#[derive(Clone)]
pub struct Feed {
    key: FeedKey,
    slug: String,
}

impl Feed {
    /// The actions that a user performed.
    #[must_use]
    pub fn of_user(user: &model::User) -> Self {
        Self {
            key: FeedKey::User(user.id),
            slug: user.username.clone(),
        }
    }

    /// What those did whom a user follows.
    #[must_use]
    pub fn timeline(user: &model::User) -> Self {
        Self {
            key: FeedKey::Timeline(user.id),
            slug: user.username.clone(),
        }
    }

    /// The tweets with a hashtag.
    #[must_use]
    pub fn of_hashtag(name: &str) -> Self {
        Self {
            key: FeedKey::Hashtag(name.to_owned()),
            slug: name.to_owned(),
        }
    }

    /// What happened to a user.
    #[must_use]
    pub fn notifications(user: &model::User) -> Self {
        Self {
            key: FeedKey::Notification(user.id),
            slug: user.username.clone(),
        }
    }

    fn group(&self) -> model::FeedGroup {
        match self.key {
            FeedKey::User(_) => model::FeedGroup::User,
            FeedKey::Timeline(_) => model::FeedGroup::Timeline,
            FeedKey::Notification(_) => model::FeedGroup::Notification,
            FeedKey::Hashtag(_) => model::FeedGroup::Hashtag,
            FeedKey::Object(_) => model::FeedGroup::Object,
        }
    }
}

/// The feed of a group and slug, if there is one.
///
/// # Errors
/// `FORBIDDEN` for somebody else's timeline.
pub async fn find(ctx: &Context<'_>, group: model::FeedGroup, slug: &str) -> Result<Option<Feed>> {
    if group == model::FeedGroup::Object {
        return Ok(None);
    }
    if group == model::FeedGroup::Hashtag {
        let Some(name) = model::text::hashtag_key(slug) else {
            return Ok(None);
        };
        return Ok(ctx.load().hashtag(name).await?.map(|tag| Feed::of_hashtag(&tag.name)));
    }
    let Some(id) = ctx.load().user_named(model::user::username_key(slug)).await? else {
        return Ok(None);
    };
    if group.is_private() {
        require_owner(ctx, id)?;
    }
    let user = ctx.load().user(id).await?;
    Ok(user.map(|user| match group {
        model::FeedGroup::Notification => Feed::notifications(&user),
        model::FeedGroup::Timeline => Feed::timeline(&user),
        _ => Feed::of_user(&user),
    }))
}

/// A timeline is its owner's alone.
///
/// # Errors
/// `FORBIDDEN` for anybody else.
pub fn require_owner(ctx: &Context<'_>, owner: UserId) -> Result<()> {
    if ctx.viewer().user() == Some(owner) {
        return Ok(());
    }
    Err(Error::Forbidden("only its owner may see that").into())
}

/// A list of actions, newest first, kept for one owner; the actions come enriched with the
/// objects that they refer to.
#[Object]
impl Feed {
    /// The global identifier.
    pub async fn id(&self) -> ID {
        ID(GlobalId::Feed(self.group(), self.slug.clone()).to_string())
    }

    /// Which list.
    #[graphql(name = "group")]
    async fn feed_group(&self) -> FeedGroup {
        self.group().into()
    }

    /// Whose list.
    async fn slug(&self) -> &str {
        &self.slug
    }

    /// The actions in this feed, of these verbs or of all.
    async fn actions(
        &self,
        ctx: &Context<'_>,
        verbs: Option<Vec<String>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<ActionConnection> {
        let verbs = verbs.map(|mut verbs| {
            verbs.sort_unstable();
            verbs.dedup();
            verbs
        });
        if verbs.as_ref().is_some_and(|verbs| verbs.len() > MOST_VERBS) {
            return Err(Error::invalid("verbs", format!("at most {MOST_VERBS} verbs")).into());
        }
        let page = ActionsPage {
            feed: self.key.clone(),
            verbs,
            window: window(first, after, last, before)?,
        };
        Ok(ActionConnection::of_page(&*ctx.load().feed_actions(page).await?))
    }

    /// Only the tweets in this feed; a retweeted tweet stands where its retweet does.
    async fn tweets(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = true)] include_retweets: bool,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<TweetConnection> {
        let page = TweetsPage {
            feed: self.key.clone(),
            retweets: include_retweets && self.group() != model::FeedGroup::Hashtag,
            window: window(first, after, last, before)?,
        };
        TweetConnection::of_ids(ctx, &*ctx.load().feed_tweets(page).await?).await
    }
}

/// How many verbs may be asked for at once.
const MOST_VERBS: usize = 20;
