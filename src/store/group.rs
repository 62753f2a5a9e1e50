//! Groups of a feed's entries, made at reading: by verb, object and day.

use super::feed::{Range, bounds};
use super::snapshot::{Snapshot, json};
use crate::model::{Entity, GroupKey, Place, Result, UserId};
use std::collections::{HashMap, HashSet};

/// How far the actions of a group are counted.
pub const COUNTED: i64 = 1_000;

/// How many actions a group has, and by how many actors. Neither is above [`COUNTED`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counts {
    /// Its actions.
    pub actions: i64,
    /// Who did them, each once.
    pub actors: i64,
}

/// The feeds whose groups are asked for: the stretches of topics that each is made of, and whom
/// whoever asks may not see.
#[derive(Clone, Copy)]
pub struct Feeds<'a> {
    /// Of each feed its stretches; what they select is not looked at.
    pub ranges: &'a [Vec<Range>],
    /// Whose doing is left out everywhere.
    pub hidden: &'a [UserId],
    /// Whose doing is left out of the feeds that leave out what muted users do.
    pub muted: &'a [UserId],
    /// Of each feed whether it does.
    pub muting: &'a [bool],
    /// Whether those who are banned are there.
    pub sees_banned: bool,
}

/// A stretch of a feed: the feed, the topic, the places below and above, the last action, by whom
/// not, and whether what muted users do is left out.
type Part<'a> = (usize, &'a str, i64, i64, i64, i64, i64, i64, bool);

impl Feeds<'_> {
    fn rows(&self) -> Vec<Part<'_>> {
        let all = self.ranges.iter().enumerate();
        all.flat_map(|(feed, ranges)| {
            let muting = self.muting.get(feed).copied().unwrap_or_default();
            ranges.iter().map(move |range| {
                let (below_at, below_id, above_at, above_id, until) = bounds(range);
                let not_by = range.not_by.map_or(-1, |id| id.0);
                let topic = range.topic.as_str();
                (
                    feed, topic, below_at, below_id, above_at, above_id, until, not_by, muting,
                )
            })
        })
        .collect()
    }

    /// The values of [`PARTS`], with the groups that are asked for.
    fn values(&self, asked: &[Row<'_>]) -> [sea_orm::Value; 4] {
        [json(&self.rows()), json(&asked), json(&self.hidden), json(&self.muted)]
    }

    /// What finds the entries of a part in the table of this name.
    fn found(&self, table: &str) -> String {
        let banned = match self.sees_banned {
            true => "",
            false => " AND ~.actor_id NOT IN (SELECT user_id FROM ban)",
        };
        format!("{FOUND}{banned}").replace('~', table)
    }
}

/// Each group's part of each stretch, as rows `r`: of both, the rows are feeds with a stretch, then
/// groups with their feed, verb, object, and the two places between which they are looked at.
const PARTS: &str = "WITH part AS MATERIALIZED (SELECT {int:0} AS feed, {text:1} AS topic, {int:2} AS below_at, \
    {int:3} AS below_id, {int:4} AS above_at, {int:5} AS above_id, {int:6} AS until_id, {int:7} AS not_by, {bool:8} AS muting FROM {each}), \
    ranges AS MATERIALIZED (SELECT k.key AS list, {text:1} AS verb, {text:2} AS object, {int:3} AS begin_at, \
    {int:4} AS begin_id, {int:5} AS end_at, {int:6} AS end_id, p.* FROM {each} CROSS JOIN part p WHERE p.feed = {int:0}), \
    hidden AS MATERIALIZED (SELECT {number} AS id FROM {each}), \
    muted AS MATERIALIZED (SELECT {number} AS id FROM {each})";
/// What finds the entries of such a part.
const FOUND: &str = "~.kind <> 0 AND ~.topic = r.topic AND ~.verb = r.verb AND ~.object = r.object \
    AND (~.created_at, ~.id) > (r.begin_at, r.begin_id) AND (~.created_at, ~.id) < (r.end_at, r.end_id) \
    AND (~.created_at, ~.id) > (r.above_at, r.above_id) AND (~.created_at, ~.id) < (r.below_at, r.below_id) \
    AND ~.id <= r.until_id AND ~.actor_id <> r.not_by AND ~.actor_id NOT IN (SELECT id FROM hidden) \
    AND (NOT r.muting OR ~.actor_id NOT IN (SELECT id FROM muted))";

/// A group of a feed, between two places, both exclusive.
type Row<'a> = (usize, &'a str, String, i64, i64, i64, i64);

fn row<'a>(feed: usize, key: &'a GroupKey, above: Place) -> Row<'a> {
    let end = key.span().1;
    let (verb, object) = (key.verb.as_str(), key.object_name());
    (feed, verb, object, above.at, above.id, end.at + 1, 0)
}

/// From the day's beginning on.
fn whole<'a>(feed: usize, key: &'a GroupKey) -> Row<'a> {
    let begin = key.span().0.at - 1;
    row(
        feed,
        key,
        Place {
            at: begin,
            id: i64::MAX - 1,
        },
    )
}

impl Snapshot {
    /// Which of these groups, each of a feed, have an action above a place of their day.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn groups_going_on(
        &self,
        feeds: Feeds<'_>,
        groups: &[(usize, GroupKey, Place)],
    ) -> Result<HashSet<usize>> {
        let asked: Vec<Row<'_>> = groups
            .iter()
            .map(|(feed, key, above)| row(*feed, key, *above))
            .collect();
        let sql = format!(
            "{PARTS} SELECT DISTINCT r.list FROM ranges r WHERE EXISTS (SELECT 1 FROM feed_entry x WHERE {})",
            feeds.found("x")
        );
        let rows = self.rows(&sql, feeds.values(&asked)).await?;
        super::bulk::places(&rows)
    }

    /// How many actions groups have, each of a feed, and by how many actors.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn group_counts(
        &self,
        feeds: Feeds<'_>,
        groups: &[(usize, &GroupKey)],
    ) -> Result<HashMap<usize, Counts>> {
        let sql = format!(
            "{} SELECT list, COUNT(DISTINCT id) AS actions, COUNT(DISTINCT actor) AS actors FROM member GROUP BY list",
            members(feeds)
        );
        let asked: Vec<Row<'_>> = groups.iter().map(|(feed, key)| whole(*feed, key)).collect();
        let values = feeds.values(&asked).into_iter().chain([COUNTED.into()]);
        let rows = self.rows(&sql, values).await?;
        rows.iter()
            .map(|row| {
                let list: i64 = row.try_get("", "list")?;
                let counts = Counts {
                    actions: row.try_get::<i64>("", "actions")?.min(COUNTED),
                    actors: row.try_get::<i64>("", "actors")?.min(COUNTED),
                };
                Ok((usize::try_from(list).unwrap_or(usize::MAX), counts))
            })
            .collect()
    }

    /// The first actors of groups, each of a feed: the newest first, each once.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn group_actors(
        &self,
        feeds: Feeds<'_>,
        groups: &[(usize, &GroupKey)],
        first: usize,
    ) -> Result<Vec<Vec<Entity>>> {
        let sql = format!(
            "{} SELECT list, actor FROM (SELECT list, actor, ROW_NUMBER() OVER \
             (PARTITION BY list ORDER BY created_at DESC, id DESC) AS place FROM (SELECT m.*, ROW_NUMBER() OVER \
             (PARTITION BY list, actor ORDER BY created_at DESC, id DESC) AS turn FROM member m) t WHERE turn = 1) o \
             WHERE place <= ? ORDER BY list, place",
            members(feeds)
        );
        let asked: Vec<Row<'_>> = groups.iter().map(|(feed, key)| whole(*feed, key)).collect();
        let first = i64::try_from(first).unwrap_or(i64::MAX);
        let values = feeds
            .values(&asked)
            .into_iter()
            .chain([(COUNTED - 1).into(), first.into()]);
        let mut found = vec![Vec::new(); groups.len()];
        for row in &self.rows(&sql, values).await? {
            let (list, actor): (i64, String) = (row.try_get("", "list")?, row.try_get("", "actor")?);
            let slot = usize::try_from(list).ok().and_then(|list| found.get_mut(list));
            if let Some(slot) = slot {
                slot.extend(Entity::parse(&actor));
            }
        }
        Ok(found)
    }
}

/// The newest entries of each group in each stretch, as rows `member`. Where they end is found
/// first, once for each.
fn members(feeds: Feeds<'_>) -> String {
    let (oldest, newest) = (feeds.found("y"), feeds.found("x"));
    format!(
        "{PARTS}, ended AS MATERIALIZED (SELECT r.*, COALESCE((SELECT y.created_at FROM feed_entry y WHERE {oldest} \
         ORDER BY y.created_at DESC, y.id DESC LIMIT 1 OFFSET ?), r.begin_at) AS oldest_at FROM ranges r), \
         member AS MATERIALIZED (SELECT r.list, x.created_at, x.id, CASE WHEN x.actor_id = 0 THEN \
         (SELECT a.actor_kind || ':' || a.actor_key FROM action a WHERE a.id = x.id) \
         ELSE 'user:' || x.actor_id END AS actor FROM ended r CROSS JOIN feed_entry x \
         WHERE {newest} AND x.created_at >= r.oldest_at)"
    )
}
