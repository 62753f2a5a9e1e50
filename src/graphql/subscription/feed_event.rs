//! Events of feeds.

use super::tweet_event::author_of;
use crate::graphql::error::Result;
use crate::graphql::loader::Loaders;
use crate::graphql::object::{Action, Feed};
use crate::graphql::request::Scope;
use crate::graphql::scalar::DateTime;
use crate::model::action::AUTOMATIC;
use crate::model::id::GlobalId;
use crate::model::{Entity, Error, Event};
use async_graphql::{Enum, ID, SimpleObject};

/// What happened to a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum FeedEventKind {
    /// An action came in.
    Added,
    /// An action went.
    Removed,
}

/// An event of a feed.
#[derive(Clone, SimpleObject)]
pub struct FeedEvent {
    /// What happened.
    kind: FeedEventKind,
    /// To which action.
    action_id: ID,
    /// Null where kind is REMOVED, or, in a replay, where it is gone since.
    action: Option<Action>,
    /// The feed, with its counts as they are now.
    feed: Feed,
    /// Pass it as `after` to go on from here.
    cursor: String,
    /// When it happened.
    occurred_at: DateTime,
}

/// Keeps account of whose doing is told: the actor's and, of what goes with what it was done to, that
/// tweet's author's, whether they may be seen or not.
async fn account(scope: &Scope, event: &Event) -> Result<()> {
    if let Some(actor) = event.body.actor {
        scope.told_by(actor);
    }
    let Some((_, entry)) = event.body.added.first() else {
        return Ok(());
    };
    match &entry.object {
        Some(Entity::Tweet(id)) if AUTOMATIC.contains(&&*entry.verb) => {
            if let Some(author) = author_of(scope, *id).await? {
                scope.told_by(author);
            }
        }
        Some(Entity::User(id)) if AUTOMATIC.contains(&&*entry.verb) => scope.show_user(*id),
        _ => {}
    }
    Ok(())
}

/// The event as it is told now: with the action as it is, or without when it is gone.
pub(super) async fn feed_event(
    scope: &Scope,
    load: &Loaders,
    event: &Event,
    kind: FeedEventKind,
    feed: Feed,
) -> Result<FeedEvent> {
    let id = event
        .body
        .action
        .ok_or_else(|| Error::internal("an event without its action"))?;
    let action = match kind {
        FeedEventKind::Added => load.action(id).await?,
        FeedEventKind::Removed => None,
    };
    if let Some(action) = &action {
        scope.show_action(action.id);
    }
    account(scope, event).await?;
    Ok(FeedEvent {
        kind,
        action_id: ID(GlobalId::Action(id).to_string()),
        action: action.map(Action),
        feed,
        cursor: event.position.encode(),
        occurred_at: DateTime(event.at),
    })
}
