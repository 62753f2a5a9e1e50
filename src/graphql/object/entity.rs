//! What actions refer to, and whatever has a global identifier.

use super::{Action, ActionGroup, ExternalObject, Feed, Hashtag, Tweet, User, Wall};
use crate::graphql::error::Result;
use crate::graphql::request::Ask;
use crate::graphql::scalar::DateTime;
use crate::model;
use async_graphql::{Context, ID, Interface, Object, Union};

/// What an action can be about. Every member is also a Node.
#[derive(Clone, Union)]
pub enum Entity {
    /// Somebody.
    User(User),
    /// A tweet.
    Tweet(Tweet),
    /// A hashtag.
    Hashtag(Hashtag),
    /// Something that lives outside.
    ExternalObject(ExternalObject),
    /// What was deleted since.
    Tombstone(Tombstone),
}

/// An object with a global identifier, `Type:key`, for example `Tweet:7300912837465088`.
#[derive(Clone, Interface)]
#[graphql(field(name = "id", ty = "ID"))]
pub enum Node {
    /// Somebody.
    User(User),
    /// A tweet.
    Tweet(Tweet),
    /// A hashtag.
    Hashtag(Hashtag),
    /// Something that lives outside.
    ExternalObject(ExternalObject),
    /// A recorded action.
    Action(Action),
    /// A feed.
    Feed(Feed),
    /// Actions of a feed with one verb and one object, on one day.
    ActionGroup(ActionGroup),
    /// A wall.
    Wall(Wall),
    /// What was deleted since.
    Tombstone(Tombstone),
}

/// Something that was deleted.
#[derive(Clone)]
pub struct Tombstone {
    id: String,
    former_type: &'static str,
    deleted_at: model::Micros,
}

/// Stands where an action refers to something that was deleted since.
#[Object]
impl Tombstone {
    /// The id that it had.
    pub async fn id(&self) -> ID {
        ID(self.id.clone())
    }

    /// The type that it was: `Tweet`, `User`, ...
    async fn former_type(&self) -> &str {
        self.former_type
    }

    /// When it was deleted.
    async fn deleted_at(&self) -> DateTime {
        DateTime(self.deleted_at)
    }
}

/// What a reference stands for today: the object, its tombstone, or nothing that may be seen.
///
/// # Errors
/// `INTERNAL_SERVER_ERROR` when the database fails.
pub async fn entity(ctx: &Context<'_>, named: &model::Entity) -> Result<Option<Entity>> {
    let load = ctx.load();
    let found = match named {
        model::Entity::User(id) => load.user(*id).await?.map(|user| Entity::User(User(user))),
        model::Entity::Tweet(id) => load.tweet(*id).await?.map(|tweet| Entity::Tweet(Tweet(tweet))),
        model::Entity::Hashtag(name) => {
            let tag = load.hashtag(name.clone()).await?;
            tag.map(|tag| Entity::Hashtag(Hashtag(tag)))
        }
        model::Entity::Object(key) => {
            let object = load.object(key.clone()).await?;
            object.map(|object| Entity::ExternalObject(ExternalObject(object)))
        }
    };
    if found.is_some() {
        return Ok(found);
    }
    let deleted_at = load.tombstone(named.clone()).await?;
    Ok(deleted_at.map(|deleted_at| {
        let (former_type, id) = match named {
            model::Entity::User(id) => ("User", model::id::GlobalId::User(*id)),
            model::Entity::Tweet(id) => ("Tweet", model::id::GlobalId::Tweet(*id)),
            model::Entity::Hashtag(name) => ("Hashtag", model::id::GlobalId::Hashtag(name.clone())),
            model::Entity::Object(key) => ("ExternalObject", model::id::GlobalId::Object(key.clone())),
        };
        Entity::Tombstone(Tombstone {
            id: id.to_string(),
            former_type,
            deleted_at,
        })
    }))
}
