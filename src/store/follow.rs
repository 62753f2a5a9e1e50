//! Who follows what, and which stretches of it stand in their timeline.

use super::Store;
use super::bulk::Numbered;
use super::cache::Kept;
use super::entity::{follow, follow_span};
use super::snapshot::{Snapshot, json};
use super::stage::{NewFollow, Stage};
use super::tx::Tx;
use crate::model::{ActionId, Entity, Entry, FollowId, Key, Place, Result, Topic, UserId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
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
        let first = self.spans.partition_point(|span| span.topic < *topic);
        let mut spans = self.spans.iter().skip(first).take_while(|span| span.topic == *topic);
        entry.actor != owner && spans.any(|span| span.covers(entry))
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

impl From<follow_span::Model> for Span {
    fn from(row: follow_span::Model) -> Self {
        let until = row.until_at.zip(row.until_id).zip(row.until_action);
        Self {
            topic: Topic::from_row(&row.topic),
            from: Place {
                at: row.from_at,
                id: row.from_id,
            },
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

    /// Which of these users follow a user.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn followers_among(&self, user: UserId, among: &[UserId]) -> Result<HashSet<UserId>> {
        let sql = "SELECT f.follower_id FROM {each} JOIN follow f ON f.follower_id = {number} \
                   AND f.target_kind = 'user' AND f.target_key = ? AND f.flag = 'following'";
        let rows = self
            .snapshot()
            .await?
            .rows(sql, [json(&among), user.to_string().into()])
            .await?;
        rows.iter().map(|row| Ok(UserId(row.try_get_by_index(0)?))).collect()
    }
}

impl Snapshot {
    pub(super) async fn follows(&self, user: UserId) -> Result<Follows> {
        let spans = follow_span::Entity::find()
            .filter(follow_span::Column::FollowerId.eq(user.0))
            .all(self.conn())
            .await?;
        let mut spans: Vec<Span> = spans.into_iter().map(Span::from).collect();
        spans.sort_by(|a, b| a.topic.cmp(&b.topic));
        let targets = follow::Entity::find()
            .filter(follow::Column::FollowerId.eq(user.0))
            .filter(follow::Column::Flag.eq(FOLLOWING))
            .all(self.conn())
            .await?;
        Ok(Follows {
            spans,
            targets: targets
                .iter()
                .filter_map(|row| Entity::from_row(&row.target_kind, &row.target_key))
                .collect(),
        })
    }
}

/// Adds to the counts of a follower and of what they follow.
fn count(stage: &mut Stage, follower: UserId, target: &Entity, n: i64) {
    stage.count_user(follower, [0, 0, n]);
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
            count(stage, follower, target, i64::from(action.is_some()));
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
        let counted = i64::from(follow.action.is_some());
        self.put(|stage| count(stage, follower, target, -counted)).await
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
