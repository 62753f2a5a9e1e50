//! Rows of follows, with the spans that stand in timelines.

use super::{Page, Reference, Rows, time};
use crate::model::{Entity, Place, Result, Topic};
use crate::store::follow::FOLLOWING;
use crate::store::snapshot::{Snapshot, json};
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;
use std::collections::{HashMap, HashSet};

#[derive(FromQueryResult)]
struct Found {
    id: i64,
    username: String,
    follower_id: i64,
    target_kind: String,
    target_key: String,
    flag: String,
    created_at: i64,
    action_id: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_key: Option<i64>,
    follower: String,
    followee: Followee,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    /// Left out where everything stands in the timeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    spans: Option<Vec<Stretch>>,
    /// Whether the follow has ended, and only its spans are left.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    ended: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Followee {
    Name(String),
    Object {
        #[serde(rename = "type")]
        kind: String,
        id: String,
    },
}

impl Followee {
    fn of(target: &Entity, reference: Option<&Reference>) -> Option<Self> {
        match (target, reference?) {
            (Entity::User(_), Reference::User { id, .. }) => Some(Self::Name(id.clone())),
            (Entity::Hashtag(name), _) => Some(Self::Name(format!("#{name}"))),
            (Entity::Object(key), _) => Some(Self::Object {
                kind: key.kind.clone(),
                id: key.key.clone(),
            }),
            _ => None,
        }
    }
}

#[derive(FromQueryResult)]
struct FoundSpan {
    from_at: i64,
    from_id: i64,
    until_at: Option<i64>,
    until_id: Option<i64>,
    until_action: Option<i64>,
}

/// From one place, inclusive, to another.
#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stretch {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_key: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until_key: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until_action: Option<i64>,
}

impl From<FoundSpan> for Stretch {
    fn from(found: FoundSpan) -> Self {
        let from = Place {
            at: found.from_at,
            id: found.from_id,
        };
        let from = (from != Place::OLDEST).then_some(from);
        Self {
            from: from.map(|from| time(from.at)),
            from_key: from.map(|from| from.id),
            until: found.until_at.map(time),
            until_key: found.until_id,
            until_action: found.until_action,
        }
    }
}

impl Stretch {
    fn is_whole(&self) -> bool {
        self.from.is_none() && self.until.is_none()
    }
}

pub(super) async fn follows(snapshot: &Snapshot, after: Option<Vec<Value>>) -> Result<Page> {
    let sql = "SELECT f.id, u.username, f.follower_id, f.target_kind, f.target_key, f.flag, f.created_at, f.action_id \
               FROM follow f JOIN users u ON u.id = f.follower_id AND u.deleted_at IS NULL \
               WHERE f.id > ? ORDER BY f.id LIMIT ?";
    let found = snapshot.page::<Found>(sql, after, &[0_i64.into()]).await?;
    let targets: HashSet<Entity> = found.rows.iter().filter_map(Found::target).collect();
    let references = snapshot.references(&targets).await?;
    let mut spans = spans_of(snapshot, &found).await?;
    found.page(|found| {
        let Some(target) = found.target() else { return Ok(None) };
        let Some(followee) = Followee::of(&target, references.get(&target)) else {
            return Ok(None);
        };
        let is_feeding = found.flag == FOLLOWING;
        let spans = spans.remove(&found.id).unwrap_or_default();
        let is_whole = matches!(spans.as_slice(), [one] if one.is_whole());
        Ok(Some(Row {
            key: Some(found.id),
            action_key: found.action_id,
            follower: found.username,
            followee,
            flag: Some(found.flag),
            created_at: Some(time(found.created_at)),
            spans: (is_feeding && !is_whole).then_some(spans),
            ended: false,
        }))
    })
}

impl Found {
    fn target(&self) -> Option<Entity> {
        Entity::from_row(&self.target_kind, &self.target_key)
    }
}

/// The spans of follows, oldest first.
async fn spans_of(snapshot: &Snapshot, found: &Rows<Found>) -> Result<HashMap<i64, Vec<Stretch>>> {
    let feeding = found.rows.iter().filter(|found| found.flag == FOLLOWING);
    let asked: Vec<(i64, Topic, i64)> = feeding
        .filter_map(|found| Some((found.follower_id, Topic::followed(&found.target()?)?, found.id)))
        .collect();
    let sql = "SELECT {int:2}, s.from_at, s.from_id, s.until_at, s.until_id, s.until_action \
               FROM {each} JOIN follow_span s ON s.follower_id = {int:0} AND s.topic = {text:1} ORDER BY s.id";
    let mut spans: HashMap<i64, Vec<Stretch>> = HashMap::new();
    for row in &snapshot.rows(sql, [json(&asked)]).await? {
        let of = spans.entry(row.try_get_by_index(0)?).or_default();
        of.push(FoundSpan::from_query_result(row, "")?.into());
    }
    Ok(spans)
}

#[derive(FromQueryResult)]
struct Left {
    username: String,
    topic: String,
    #[sea_orm(nested)]
    span: FoundSpan,
}

/// Spans of what is no longer followed.
pub(super) async fn spans(snapshot: &Snapshot, after: Option<Vec<Value>>) -> Result<Page> {
    let sql = "SELECT s.id, u.username, s.topic, s.from_at, s.from_id, s.until_at, s.until_id, s.until_action \
               FROM follow_span s JOIN users u ON u.id = s.follower_id AND u.deleted_at IS NULL \
               WHERE s.id > ? AND NOT EXISTS (SELECT 1 FROM follow f WHERE f.follower_id = s.follower_id \
               AND f.flag = 'following' AND f.target_kind || ':' || f.target_key = s.topic) ORDER BY s.id LIMIT ?";
    let found = snapshot.page::<Left>(sql, after, &[0_i64.into()]).await?;
    let target = |left: &Left| Entity::parse(&left.topic);
    let references = snapshot
        .references(&found.rows.iter().filter_map(target).collect())
        .await?;
    found.page(|left| {
        let Some(target) = target(&left) else { return Ok(None) };
        let followee = Followee::of(&target, references.get(&target));
        Ok(followee.map(|followee| Row {
            key: None,
            action_key: None,
            follower: left.username,
            followee,
            flag: None,
            created_at: None,
            spans: Some(vec![left.span.into()]),
            ended: true,
        }))
    })
}
