//! Following users and hashtags.

use super::{Social, entry};
use crate::model::action::FOLLOW;
use crate::model::id::GlobalId;
use crate::model::{Change, Entity, Error, EventKind, Key, NewEvent, Place, Result, Topic, UserId, Viewer, text};
use crate::store::follow::FOLLOWING;
use crate::store::writer::Tx;

/// The most characters of a flag.
const FLAG_LENGTH: usize = 64;
/// The most entries that a follow brings in at once.
const MOST_BACKFILL: i32 = 1_000;

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

/// The topic that following something brings into the timeline.
fn topic(target: &Entity) -> Topic {
    match target {
        Entity::Hashtag(name) => Topic::hashtag(name),
        Entity::User(id) => Topic::user(*id),
        Entity::Tweet(id) => Topic::from_row(&format!("tweet:{id}")),
    }
}

fn check_flag(flag: &str) -> Result<()> {
    if (1..=FLAG_LENGTH).contains(&flag.chars().count()) && !flag.contains('\0') {
        return Ok(());
    }
    Err(Error::invalid("input.flag", "a flag has 1 to 64 characters"))
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
        Some(GlobalId::Tweet(_)) => Err(Error::invalid("input.targetId", "a tweet can't be followed")),
        _ => Err(Error::NotFound("target")),
    }
}

impl Social {
    /// Follows a user or a hashtag; nothing changes when the viewer does already.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NotFound`].
    pub async fn follow(&self, viewer: &Viewer, new: NewFollow) -> Result<Followed> {
        let follower = viewer.require_user()?;
        check_flag(&new.flag)?;
        let backfill = usize::try_from(new.backfill)
            .ok()
            .filter(|_| new.backfill <= MOST_BACKFILL)
            .ok_or_else(|| Error::invalid("input.backfill", "0 to 1,000"))?;
        let target = target(&new.target, follower)?;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    if let Entity::User(id) = &target {
                        tx.user(*id).await?.ok_or(Error::NotFound("user"))?;
                    }
                    if tx.follow(follower, &target, &new.flag).await?.is_none() {
                        insert(tx, follower, &target, &new.flag, backfill).await?;
                    }
                    Ok(Followed { target, follower })
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
        check_flag(&flag)?;
        let target = target(id, follower)?;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    if let Entity::User(id) = &target {
                        tx.user(*id).await?.ok_or(Error::NotFound("user"))?;
                    }
                    remove(tx, follower, &target, &flag, keep_history).await?;
                    Ok(Followed { target, follower })
                })
            })
            .await
    }
}

async fn count(tx: &Tx, follower: UserId, target: &Entity, n: i64) -> Result<()> {
    tx.count_user(follower, 0, 0, n).await?;
    match target {
        Entity::User(id) => tx.count_user(*id, 0, n, 0).await,
        Entity::Hashtag(name) => tx.count_hashtag_followers(name, n).await,
        Entity::Tweet(_) => Ok(()),
    }
}

fn about(follower: UserId, target: &Entity) -> NewEvent {
    let mut event = NewEvent::new(EventKind::Follow);
    event.actor = Some(follower);
    event.keys = vec![Key::User(follower), Key::Follows(follower)];
    event.keys.extend(match target {
        Entity::User(id) => Some(Key::User(*id)),
        Entity::Hashtag(name) => Some(Key::Hashtag(name.clone())),
        Entity::Tweet(_) => None,
    });
    event
}

async fn insert(tx: &Tx, follower: UserId, target: &Entity, flag: &str, backfill: usize) -> Result<()> {
    let mut event = about(follower, target);
    if flag == FOLLOWING {
        let actor = Entity::User(follower);
        let action = tx.insert_action(&actor, FOLLOW, Some(target), None).await?;
        tx.insert_follow(follower, target, flag, Some(action)).await?;
        count(tx, follower, target, 1).await?;
        let topic = topic(target);
        tx.open_span(follower, &topic, from(tx, &topic, backfill).await?)
            .await?;
        event.action = Some(action);
        event.topics = vec![(Topic::user(follower), Change::Created)];
        event.added = vec![(Topic::user(follower), entry(tx.now(), action, FOLLOW, follower, None))];
        tx.insert_entries(&event.added).await?;
    } else {
        if let Entity::Hashtag(name) = target {
            tx.count_hashtag_followers(name, 0).await?;
        }
        tx.insert_follow(follower, target, flag, None).await?;
    }
    tx.emit(event);
    Ok(())
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

async fn remove(tx: &Tx, follower: UserId, target: &Entity, flag: &str, keep_history: bool) -> Result<()> {
    let follow = tx.follow(follower, target, flag).await?;
    let topic = topic(target);
    if flag == FOLLOWING {
        match keep_history {
            true => tx.close_span(follower, &topic).await?,
            false => tx.delete_spans(follower, &topic).await?,
        }
    }
    let mut event = about(follower, target);
    let mut actions = Vec::new();
    if let Some(follow) = follow {
        tx.delete_follow(follow.id).await?;
        if let Some(action) = follow.action {
            count(tx, follower, target, -1).await?;
            event.action = Some(action);
            event.topics = vec![(Topic::user(follower), Change::Deleted)];
            actions.push(action);
        }
    }
    tx.retract(event, &actions).await
}
