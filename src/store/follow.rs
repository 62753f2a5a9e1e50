//! Who follows what, and which stretches of it stand in their timeline.

use super::Store;
use super::bulk::Numbered;
use super::cache::Kept;
use super::entity::follow;
use super::snapshot::{Snapshot, json};
use super::stage::{NewFollow, Stage};
use super::tx::Tx;
use crate::model::{ActionId, Entity, Entry, FollowId, Key, Place, Result, Topic, UserId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::Deserialize;
use std::collections::HashSet;
use std::sync::Arc;

/// The flag that feeds the timeline.
pub const FOLLOWING: &str = "following";

/// A stretch of a topic that stands in a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Of which topic.
    pub topic: Topic,
    /// From this place on, inclusive.
    pub from: Place,
    /// A closed span: up to this place, inclusive, as far as recorded up to this action.
    pub until: Option<(Place, ActionId)>,
}

impl Span {
    /// Whether an entry of the topic lies in it.
    #[must_use]
    pub fn covers(&self, entry: &Entry) -> bool {
        let ends_behind = |(to, action): (Place, ActionId)| entry.place <= to && entry.action() <= action;
        entry.place >= self.from && self.until.is_none_or(ends_behind)
    }
}

/// What a user's timeline is made of, and whom they follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Follows {
    /// The stretches, in the order of their topics.
    pub spans: Vec<Span>,
    /// What is followed now, under the flag `following`.
    pub targets: HashSet<Entity>,
}

impl Follows {
    /// Whether an entry of a topic stands in the timeline: nobody's own doing does.
    #[must_use]
    pub fn bring(&self, owner: UserId, topic: &Topic, entry: &Entry) -> bool {
        entry.actor != owner && self.spans_of(topic).any(|span| span.covers(entry))
    }

    /// Whether anything of a topic stands in the timeline.
    #[must_use]
    pub fn has(&self, topic: &Topic) -> bool {
        self.spans_of(topic).next().is_some()
    }

    fn spans_of(&self, topic: &Topic) -> impl Iterator<Item = &Span> {
        let first = self.spans.partition_point(|span| span.topic < *topic);
        let spans = self.spans.iter().skip(first);
        spans.take_while(move |span| span.topic == *topic)
    }
}

impl Kept for Follows {
    type Id = UserId;

    fn key(id: &UserId) -> Key {
        Key::Follows(*id)
    }

    fn weight(&self) -> usize {
        self.spans.len() * (size_of::<Span>() + 32) + self.targets.len() * (size_of::<Entity>() + 16)
    }
}

/// A span as it is read: its topic, where it begins, and where a closed one ends.
#[derive(Deserialize)]
struct Read(Topic, i64, i64, Option<i64>, Option<i64>, Option<i64>);

impl From<Read> for Span {
    fn from(Read(topic, at, id, until_at, until_id, until_action): Read) -> Self {
        let until = until_at.zip(until_id).zip(until_action);
        Self {
            topic,
            from: Place { at, id },
            until: until.map(|((at, id), action)| (Place { at, id }, ActionId(action))),
        }
    }
}

/// A follow that stands.
#[derive(Clone, Copy, Debug)]
pub struct Follow {
    /// Its row.
    pub id: FollowId,
    /// The action that records it; none under another flag than `following`.
    pub action: Option<ActionId>,
    /// Whether the target's count leaves it out, since the follower is banned.
    follower_banned: bool,
    /// Whether the follower's count leaves it out, since the target is banned.
    target_banned: bool,
}

impl Store {
    /// What a user's timeline is made of, as memory has it.
    #[must_use]
    pub fn cached_follows(&self, user: UserId) -> Option<Arc<Follows>> {
        self.caches().one::<Follows>(&user)
    }

    /// What a user's timeline is made of.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn follows(&self, user: UserId) -> Result<Arc<Follows>> {
        if let Some(follows) = self.cached_follows(user) {
            return Ok(follows);
        }
        let snapshot = self.snapshot().await?;
        let follows = Arc::new(snapshot.follows(user).await?);
        self.caches().put(snapshot.seq(), [(user, &follows)]);
        Ok(follows)
    }

    /// Which of these a user follows, each under its flag.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn followed_under(&self, user: UserId, asked: &[(Entity, String)]) -> Result<HashSet<(Entity, String)>> {
        let keys: Vec<_> = asked.iter().map(|(of, flag)| (of.kind(), of.key(), flag)).collect();
        let sql = "SELECT k.key FROM {each} JOIN follow f ON f.follower_id = ? \
                   AND f.target_kind = {text:0} AND f.target_key = {text:1} AND f.flag = {text:2}";
        let rows = self.snapshot().await?.rows(sql, [json(&keys), user.0.into()]).await?;
        let places = super::bulk::places(&rows)?.into_iter();
        Ok(places.filter_map(|place| asked.get(place).cloned()).collect())
    }
}

impl Snapshot {
    pub(super) async fn follows(&self, user: UserId) -> Result<Follows> {
        let sql = "SELECT {pack:s.topic, s.from_at, s.from_id, s.until_at, s.until_id, s.until_action} \
                   FROM follow_span s WHERE s.follower_id = ?";
        let spans: Vec<Read> = self.packed(sql, [user.0.into()]).await?;
        let mut spans: Vec<Span> = spans.into_iter().map(Span::from).collect();
        spans.sort_by(|a, b| a.topic.cmp(&b.topic));
        let sql = "SELECT {pack:f.target_kind, f.target_key} FROM follow f WHERE f.follower_id = ? AND f.flag = ?";
        let targets: Vec<(String, String)> = self.packed(sql, [user.0.into(), FOLLOWING.into()]).await?;
        let targets = targets.iter().filter_map(|(kind, key)| Entity::from_row(kind, key));
        Ok(Follows {
            spans,
            targets: targets.collect(),
        })
    }
}

/// Adds to the count of what is followed, which exists from now on.
pub(super) fn count_follower(stage: &mut Stage, target: &Entity, n: i64) {
    match target {
        Entity::User(id) => stage.count_user(*id, [0, n, 0]),
        Entity::Hashtag(name) => stage.count_hashtag(name, [0, n]),
        Entity::Object(key) => stage.count_object(key, n),
        Entity::Tweet(_) => {}
    }
}

impl Tx {
    /// A user's follow of a target, if it stands.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn follow(&self, follower: UserId, target: &Entity, flag: &str) -> Result<Option<Follow>> {
        let row = follow::Entity::find()
            .filter(follow::Column::FollowerId.eq(follower.0))
            .filter(follow::Column::TargetKind.eq(target.kind()))
            .filter(follow::Column::TargetKey.eq(target.key()))
            .filter(follow::Column::Flag.eq(flag))
            .one(self.conn())
            .await?;
        Ok(row.map(|row| Follow {
            id: FollowId(row.id),
            action: row.action_id.map(ActionId),
            follower_banned: row.follower_banned,
            target_banned: row.target_banned,
        }))
    }

    /// Records a follow, and counts it if it has an action. What is followed exists from now on.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_follow(
        &self,
        follower: UserId,
        target: &Entity,
        flag: &str,
        action: Option<ActionId>,
    ) -> Result<()> {
        let new = NewFollow {
            id: FollowId(self.next(Numbered::Follows).await?),
            follower,
            target: target.clone(),
            flag: flag.to_owned(),
            created_at: self.now(),
            action,
        };
        self.put(|stage| {
            let counted = i64::from(action.is_some());
            stage.count_user(follower, [0, 0, counted]);
            count_follower(stage, target, counted);
            stage.follows.push(new);
        })
        .await
    }

    /// Takes a user's follow of a target back.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn delete_follow(&self, follower: UserId, target: &Entity, follow: &Follow) -> Result<()> {
        follow::Entity::delete_by_id(follow.id.0).exec(self.conn()).await?;
        let counted = |is_uncounted: bool| i64::from(follow.action.is_some() && !is_uncounted);
        self.put(|stage| {
            stage.count_user(follower, [0, 0, -counted(follow.target_banned)]);
            count_follower(stage, target, -counted(follow.follower_banned));
        })
        .await
    }

    /// The flags under which a user follows a target.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn flags_of(&self, follower: UserId, target: &Entity) -> Result<Vec<String>> {
        let sql = "SELECT flag FROM follow WHERE follower_id = ? AND target_kind = ? AND target_key = ? ORDER BY id";
        let values = [follower.0.into(), target.kind().into(), target.key().into()];
        let rows = self.rows(sql, values).await?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    /// Who follows a target, and under which flag, but for who is banned.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn follows_of(&self, target: &Entity) -> Result<Vec<(UserId, String)>> {
        let sql = "SELECT follower_id, flag FROM follow \
                   WHERE target_kind = ? AND target_key = ? AND NOT follower_banned ORDER BY id";
        let rows = self.rows(sql, [target.kind().into(), target.key().into()]).await?;
        rows.iter()
            .map(|row| Ok((UserId(row.try_get_by_index(0)?), row.try_get_by_index(1)?)))
            .collect()
    }

    /// Opens a span at a place.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn open_span(&self, follower: UserId, topic: &Topic, from: Place) -> Result<()> {
        let span = (follower, topic.clone(), from);
        self.put(|stage| stage.spans.push(span)).await
    }

    /// Closes the open span of a topic at what is recorded by now.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn close_span(&self, follower: UserId, topic: &Topic) -> Result<()> {
        // An edit may yet bring in a tweet that is newer than all that the topic has now.
        let newest = self.entry_at_depth(topic, 0).await?.unwrap_or(Place::OLDEST);
        let newest = newest.max(Place::new(self.now(), i64::MAX));
        let sql = "UPDATE follow_span SET until_at = ?, until_id = ?, \
                   until_action = (SELECT COALESCE(MAX(id), 0) FROM action) \
                   WHERE follower_id = ? AND topic = ? AND until_at IS NULL";
        let values = [
            newest.at.into(),
            newest.id.into(),
            follower.0.into(),
            topic.as_str().into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Removes all spans of a topic.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn delete_spans(&self, follower: UserId, topic: &Topic) -> Result<()> {
        let sql = "DELETE FROM follow_span WHERE follower_id = ? AND topic = ?";
        self.execute(sql, [follower.0.into(), topic.as_str().into()]).await?;
        Ok(())
    }
}
