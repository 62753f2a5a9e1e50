//! Events of feeds.

use crate::graphql::error::Result;
use crate::graphql::loader::Loaders;
use crate::graphql::object::{Action, Feed};
use crate::graphql::request::Scope;
use crate::graphql::scalar::DateTime;
use crate::model::id::GlobalId;
use crate::model::{Error, Event};
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
    if let Some(actor) = event.body.actor {
        scope.told_by(actor);
    }
    Ok(FeedEvent {
        kind,
        action_id: ID(GlobalId::Action(id).to_string()),
        action: action.map(Action),
        feed,
        cursor: event.position.encode(),
        occurred_at: DateTime(event.at),
    })
}
