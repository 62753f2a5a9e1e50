//! Following users, hashtags and external objects.

use super::{Social, acting, shown};
use crate::model::id::GlobalId;
use crate::model::{Deed, Entity, Error, EventKind, Key, NewEvent, Place, Result, Topic, UserId, Viewer, text};
use crate::store::follow::FOLLOWING;
use crate::store::known::{Brief, Claim};
use crate::store::tx::Tx;
use std::sync::Arc;

/// The most characters of a flag.
const FLAG_LENGTH: usize = 64;
/// The most entries that a follow brings in at once.
const MOST_BACKFILL: i32 = 1_000;

/// How many entries come in with a follow that is handed over.
const HANDED_OVER: usize = 100;

/// What is to be followed, and how.
#[derive(Clone, Debug)]
pub struct NewFollow {
    /// What: the global id as the client wrote it.
    pub target: String,
    /// Under which flag.
    pub flag: String,
    /// How many of the target's newest entries come into the timeline: 0 to 1,000.
    pub backfill: i32,
}

/// What was followed or is no longer.
#[derive(Clone, Debug)]
pub struct Followed {
    /// What.
    pub target: Entity,
    /// By whom.
    pub follower: UserId,
}

/// Checks a flag.
///
/// # Errors
/// [`Error::Invalid`] of `field`.
pub fn check_flag(field: &'static str, flag: &str) -> Result<()> {
    if (1..=FLAG_LENGTH).contains(&flag.chars().count()) && !flag.contains('\0') {
        return Ok(());
    }
    Err(Error::invalid(field, "a flag has 1 to 64 characters"))
}

/// What an id names, if it may be followed.
fn target(id: &str, follower: UserId) -> Result<Entity> {
    match GlobalId::parse(id) {
        Some(GlobalId::User(id)) if id == follower => {
            Err(Error::invalid("input.targetId", "nobody follows themselves"))
        }
        Some(GlobalId::User(id)) => Ok(Entity::User(id)),
        Some(GlobalId::Hashtag(name)) => text::hashtag_key(&name)
            .map(Entity::Hashtag)
            .ok_or(Error::NotFound("hashtag")),
        Some(GlobalId::Object(key)) => Ok(Entity::Object(key)),
        Some(GlobalId::Tweet(_)) => Err(Error::invalid("input.targetId", "a tweet can't be followed")),
        _ => Err(Error::NotFound("target")),
    }
}

impl Social {
    /// Follows a user, a hashtag or an external object; nothing changes when the viewer does already.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NotFound`], [`Error::Forbidden`] when one of the two blocks the
    /// other.
    pub async fn follow(&self, viewer: &Viewer, new: NewFollow) -> Result<Followed> {
        let follower = viewer.require_user()?;
        check_flag("input.flag", &new.flag)?;
        let backfill = usize::try_from(new.backfill)
            .ok()
            .filter(|_| new.backfill <= MOST_BACKFILL)
            .ok_or_else(|| Error::invalid("input.backfill", "0 to 1,000"))?;
        let target = target(&new.target, follower)?;
        let topic = Topic::followed(&target).ok_or(Error::NotFound("target"))?;
        let brief = Brief {
            users: target.user().into_iter().chain([follower]).collect(),
            by: Some(follower),
            claim: Some(Claim::Follow(follower, target.clone(), new.flag.clone())),
            // What is followed may have a topic of what was done to it, and others read that.
            enters: Topic::about(&target)
                .into_iter()
                .chain([Topic::user(follower)])
                .collect(),
            reads: vec![topic.clone()],
            ..Brief::default()
        };
        let work = Arc::new((target, topic, new.flag));
        self.store
            .stage(brief, move |tx| {
                let work = Arc::clone(&work);
                Box::pin(async move {
                    let (target, topic, flag) = &*work;
                    acting(tx, follower).await?;
                    there(tx, target).await?;
                    if let Some(user) = target.user()
                        && tx.are_apart(follower, user).await?
                    {
                        return Err(Error::Forbidden("one of you blocks the other"));
                    }
                    if tx.follow(follower, target, flag).await?.is_none() {
                        let from = from(tx, topic, backfill).await?;
                        insert(tx, follower, target, flag, from).await?;
                    }
                    Ok(Followed {
                        target: target.clone(),
                        follower,
                    })
                })
            })
            .await
    }

    /// Ends a follow; nothing changes when there is none.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NotFound`].
    pub async fn unfollow(&self, viewer: &Viewer, id: &str, flag: String, keep_history: bool) -> Result<Followed> {
        let follower = viewer.require_user()?;
        check_flag("input.flag", &flag)?;
        let target = target(id, follower)?;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    acting(tx, follower).await?;
                    there(tx, &target).await?;
                    remove(tx, follower, &target, &flag, keep_history).await?;
                    Ok(Followed { target, follower })
                })
            })
            .await
    }
}

/// Lets those who follow a user follow another one instead.
pub(super) async fn hand_over(tx: &Tx, old: UserId, user: UserId) -> Result<()> {
    let (old, new) = (Entity::User(old), Entity::User(user));
    let Some(topic) = Topic::followed(&new) else {
        return Ok(());
    };
    for (follower, flag) in tx.follows_of(&old).await? {
        remove(tx, follower, &old, &flag, false).await?;
        let is_due = tx.follow(follower, &new, &flag).await?.is_none();
        if is_due && follower != user && !tx.are_apart(follower, user).await? {
            let from = from(tx, &topic, HANDED_OVER).await?;
            insert(tx, follower, &new, &flag, from).await?;
        }
    }
    Ok(())
}

/// Makes sure that a target can be followed.
async fn there(tx: &Tx, target: &Entity) -> Result<()> {
    match target {
        Entity::User(id) => drop(shown(tx, *id).await?),
        Entity::Object(key) => drop(tx.object(key).await?.ok_or(Error::NotFound("external object"))?),
        Entity::Hashtag(_) | Entity::Tweet(_) => {}
    }
    Ok(())
}

async fn insert(tx: &Tx, follower: UserId, target: &Entity, flag: &str, from: Place) -> Result<()> {
    if flag != FOLLOWING {
        tx.insert_follow(follower, target, flag, None).await?;
        let mut event = NewEvent::new(EventKind::Follow);
        event.actor = Some(follower);
        event.keys = Key::of_follow(follower, target);
        tx.emit(event);
        return Ok(());
    }
    let action = tx.next_action().await?;
    tx.insert_follow(follower, target, flag, Some(action)).await?;
    if let Some(topic) = Topic::followed(target) {
        tx.open_span(follower, &topic, from).await?;
    }
    tx.record(&Deed::follow(action, follower, target, tx.now())).await
}

/// The place of the oldest of a topic's newest entries, or of all when there are fewer.
async fn from(tx: &Tx, topic: &Topic, backfill: usize) -> Result<Place> {
    if let Some(deepest) = backfill.checked_sub(1) {
        return Ok(tx.entry_at_depth(topic, deepest).await?.unwrap_or(Place::OLDEST));
    }
    let now = Place::new(tx.now(), i64::MIN);
    let newest = tx.entry_at_depth(topic, 0).await?;
    Ok(newest.map_or(now, |newest| {
        now.max(Place {
            id: newest.id + 1,
            ..newest
        })
    }))
}

/// Ends a follow, if there is one, and what stands of it in the timeline.
pub(super) async fn remove(tx: &Tx, follower: UserId, target: &Entity, flag: &str, keep_history: bool) -> Result<()> {
    let follow = tx.follow(follower, target, flag).await?;
    if let Some(topic) = Topic::followed(target).filter(|_| flag == FOLLOWING) {
        match keep_history {
            true => tx.close_span(follower, &topic).await?,
            false => tx.delete_spans(follower, &topic).await?,
        }
    }
    let mut event = NewEvent::new(EventKind::Follow);
    event.actor = Some(follower);
    event.keys = Key::of_follow(follower, target);
    let mut actions = Vec::new();
    if let Some(follow) = follow {
        tx.delete_follow(follower, target, &follow).await?;
        event.action = follow.action;
        actions.extend(follow.action);
    }
    tx.retract(event, &actions).await
}
