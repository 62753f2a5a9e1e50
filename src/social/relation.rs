//! Blocking and muting.

use super::follow::remove;
use super::{Social, acting, shown};
use crate::model::id::GlobalId;
use crate::model::{Entity, Error, EventKind, Key, NewEvent, Relation, Result, UserId, Viewer};
use crate::store::tx::Tx;

impl Social {
    /// Blocks or mutes a user; nothing changes when the viewer does already. Blocking ends follows
    /// both ways.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::Forbidden`], [`Error::Invalid`] of `input.userId` for
    /// oneself, [`Error::NotFound`].
    pub async fn relate(&self, viewer: &Viewer, relation: Relation, target: &str) -> Result<UserId> {
        let user = viewer.require_user()?;
        let target = other(user, target)?;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    acting(tx, user).await?;
                    shown(tx, target).await?;
                    if tx.insert_relation(relation, user, target).await? {
                        tx.emit(changed(user));
                        if relation == Relation::Block {
                            part(tx, user, target).await?;
                        }
                    }
                    Ok(target)
                })
            })
            .await
    }

    /// Blocks or mutes a user no longer; nothing changes when the viewer does not.
    ///
    /// # Errors
    /// As [`Social::relate`].
    pub async fn end_relation(&self, viewer: &Viewer, relation: Relation, target: &str) -> Result<UserId> {
        let user = viewer.require_user()?;
        let target = other(user, target)?;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    acting(tx, user).await?;
                    shown(tx, target).await?;
                    if tx.delete_relation(relation, user, target).await? {
                        tx.emit(changed(user));
                    }
                    Ok(target)
                })
            })
            .await
    }
}

/// The user that an id names, who is somebody else.
pub(super) fn other(user: UserId, target: &str) -> Result<UserId> {
    match GlobalId::parse(target) {
        Some(GlobalId::User(id)) if id == user => Err(Error::invalid("input.userId", "that is you")),
        Some(GlobalId::User(id)) => Ok(id),
        _ => Err(Error::NotFound("user")),
    }
}

/// Ends what two users follow of one another, under every flag, with the actions of that.
///
/// # Errors
/// [`Error::Internal`] when the database fails.
pub async fn part(tx: &Tx, one: UserId, other: UserId) -> Result<()> {
    for (follower, followed) in [(one, other), (other, one)] {
        let target = Entity::User(followed);
        for flag in tx.flags_of(follower, &target).await? {
            remove(tx, follower, &target, &flag, false).await?;
        }
    }
    Ok(())
}

fn changed(user: UserId) -> NewEvent {
    let mut event = NewEvent::new(EventKind::Relation);
    event.actor = Some(user);
    event.keys = vec![Key::Hides(user)];
    event
}
