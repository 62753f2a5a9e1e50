//! External objects.

use super::{ActionConnection, Feed, FollowerConnection, window};
use crate::graphql::error::{Nullable, Result};
use crate::graphql::loader::{ActionsPage, ListPage};
use crate::graphql::request::Ask;
use crate::graphql::scalar::Json;
use crate::model::id::GlobalId;
use crate::model::{self, Entity};
use crate::reading::feed::{ActionsOf, FeedKey};
use crate::social::follow::check_flag;
use crate::store::list::List;
use async_graphql::{Context, ID, Object};
use std::sync::Arc;

/// An external object.
#[derive(Clone)]
pub struct ExternalObject(pub Arc<model::Object>);

impl ExternalObject {
    fn entity(&self) -> Entity {
        Entity::Object(self.0.key.clone())
    }
}

/// Something that lives outside Linnet and that actions refer to: a repository, a commit, an
/// article.
#[Object]
impl ExternalObject {
    /// The global identifier.
    pub async fn id(&self) -> ID {
        ID(GlobalId::Object(self.0.key.clone()).to_string())
    }

    /// What it is: `repository`.
    #[graphql(name = "type")]
    async fn kind(&self) -> &str {
        &self.0.key.kind
    }

    /// Which of its type: `acme/x`.
    async fn key(&self) -> &str {
        &self.0.key.key
    }

    /// The name to show: the key, when none was given.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Where it is.
    async fn url(&self, ctx: &Context<'_>) -> Nullable<&str> {
        ctx.request().held(self.0.url.as_deref())
    }

    /// What else was told of it.
    async fn data(&self, ctx: &Context<'_>) -> Nullable<Json> {
        ctx.request().held_data(self.0.data.as_ref())
    }

    /// Every public action in which this is the actor, the object or the target.
    async fn feed(&self) -> Feed {
        Feed::of_object(&self.0.key)
    }

    /// The actions of its feed.
    async fn actions(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<ActionConnection> {
        let page = ActionsPage {
            of: ActionsOf::Feed(FeedKey::Object(self.0.key.clone())),
            verbs: None,
            window: window(first, after, last, before)?,
        };
        Ok(ActionConnection::of_page(&*ctx.load().feed_actions(page).await?))
    }

    /// Who follows it, the newest follow first.
    async fn followers(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = "following")] flag: String,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<FollowerConnection> {
        check_flag("flag", &flag)?;
        let page = ListPage(
            List::followers(&self.entity(), &flag),
            window(first, after, last, before)?,
        );
        FollowerConnection::of_list(ctx, &*ctx.load().list(page).await?).await
    }

    /// How many users follow it, under the flag `following`.
    async fn follower_count(&self) -> i64 {
        self.0.follower_count
    }

    /// False for an anonymous viewer.
    async fn viewer_is_following(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = "following")] flag: String,
    ) -> Result<bool> {
        check_flag("flag", &flag)?;
        let viewer = ctx.viewer().user();
        Ok(ctx.load().is_following_under(viewer, self.entity(), flag).await?)
    }
}
