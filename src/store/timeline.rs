//! The newest part of timelines, kept in memory as lists of their own, which events keep up to date
//! when they are next read. That of those who follow very many is merged by the database, that of
//! others in memory, from the heads of topics.

#[cfg(test)]
mod tests;

use super::cache::{Head, Kept};
use super::feed::Select;
use super::follow::Follows;
use super::list::Stretch;
use super::log::Log;
use super::snapshot::{Snapshot, View, json};
use crate::model::{Entity, Entry, EntryKind, Event, EventKind, Key, Place, Result, Seq, Topic, TweetId, UserId};
use sea_orm::{ConnectionTrait, DbBackend};
use serde::Deserialize;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// From how many spans on a timeline is read like this: merging as many heads of topics for each
/// page would cost more.
pub const WIDE: usize = 256;
/// How many entries are read at once: what the largest page looks at, and some more.
const DEPTH: usize = 240;
/// How many spans are looked at for them first: those with the newest entries, and some more for what
/// was taken out of topics since.
const SPANS: usize = DEPTH + DEPTH / 4;
/// How many are kept of what is merged in memory: what usual pages look at. More is soon merged.
pub const MERGED: usize = 96;
/// How far behind the log a list may be and still be brought up to it, in events.
const BEHIND: i64 = 4_096;
/// How often a list is tried to be read while what is followed changes, before it is done without.
const TRIES: usize = 3;

/// The kinds of entries of a timeline that are read together.
pub type Kinds = &'static [EntryKind];

/// Which kinds are: always the first of all.
pub(super) const KINDS: [Kinds; 3] = [
    &[EntryKind::Post],
    &[EntryKind::Post, EntryKind::Retweet],
    &EntryKind::ALL,
];

/// The newest part of a timeline, as of a position of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// The entries, each once.
    pub head: Arc<Head>,
    /// Through which topics they stand there, newest first. None for what was merged in memory,
    /// and is merged anew when one of them goes.
    brought: Option<Arc<Vec<(Place, Topic)>>>,
    seq: Seq,
}

impl Kept for Timeline {
    type Id = (UserId, Kinds);

    fn key((owner, _): &Self::Id) -> Key {
        Key::Follows(*owner)
    }

    fn weight(&self) -> usize {
        let brought = self.brought.as_ref().map_or(0, |brought| brought.len());
        self.head.entries.len() * size_of::<Entry>() + brought * (size_of::<(Place, Topic)>() + 32)
    }
}

/// An entry that comes into a topic or goes out of it.
struct Change<'e> {
    topic: &'e Topic,
    entry: &'e Entry,
    comes: bool,
}

impl Timeline {
    fn new(read: Vec<(Entry, Vec<Topic>)>, depth: usize, seq: Seq) -> Self {
        let whole = read.len() < depth;
        let brought = read.iter().flat_map(|(entry, topics)| {
            let place = entry.place;
            topics.iter().map(move |topic| (place, topic.clone()))
        });
        let brought = Some(Arc::new(brought.collect()));
        let entries = read.into_iter().map(|(entry, _)| entry).collect();
        let head = Arc::new(Head { entries, whole });
        Self { head, brought, seq }
    }

    /// The list without what only some topics bring, which have to be known.
    #[must_use]
    pub fn without(&self, hidden: &HashSet<Topic>) -> Arc<Head> {
        if hidden.is_empty() {
            return Arc::clone(&self.head);
        }
        let mut head = (*self.head).clone();
        head.entries
            .retain(|entry| self.bringing(entry.place).any(|topic| !hidden.contains(topic)));
        Arc::new(head)
    }

    fn bringing(&self, place: Place) -> impl Iterator<Item = &Topic> {
        let brought = self.brought.as_deref().map(Vec::as_slice).unwrap_or_default();
        let first = brought.partition_point(|(brought, _)| *brought > place);
        let here = brought
            .iter()
            .skip(first)
            .take_while(move |(brought, _)| *brought == place);
        here.map(|(_, topic)| topic)
    }

    /// The list at a later position. None when it has to be read anew.
    fn at(self: Arc<Self>, seq: Seq, log: &Log, id: &<Self as Kept>::Id, follows: &Follows) -> Option<Arc<Self>> {
        if seq <= self.seq {
            return Some(self);
        }
        if seq - self.seq > BEHIND {
            return None;
        }
        let events = log.recent(self.seq)?;
        let events: Vec<&Event> = events
            .iter()
            .map(Arc::as_ref)
            .filter(|event| event.position.seq <= seq)
            .collect();
        if events.iter().any(|event| says_too_little(event, follows)) {
            return None;
        }
        let mut timeline = Self { seq, ..(*self).clone() };
        timeline
            .change(&changes(&events, id, follows))
            .then(|| Arc::new(timeline))
    }

    /// Takes changes in. False when the list has to be read anew.
    fn change(&mut self, changes: &[Change]) -> bool {
        if changes.is_empty() {
            return true;
        }
        let head = Arc::make_mut(&mut self.head);
        let Some(brought) = self.brought.as_mut().map(Arc::make_mut) else {
            return changes.iter().all(|Change { entry, comes, .. }| {
                if *comes {
                    head.add(entry);
                }
                // Another topic may bring it still.
                *comes || !head.has(entry.place)
            });
        };
        for Change { topic, entry, comes } in changes {
            let place = entry.place;
            if place < head.tail() {
                continue;
            }
            let first = brought.partition_point(|(other, _)| *other > place);
            let here = brought.iter().skip(first).take_while(|(other, _)| *other == place);
            let known = here.clone().position(|(_, other)| other == *topic);
            let count = here.count();
            match (known, comes) {
                (None, true) => {
                    brought.insert(first, (place, (*topic).clone()));
                    head.add(entry);
                }
                (Some(at), false) => {
                    brought.remove(first + at);
                    if count == 1 {
                        head.remove(place);
                    }
                }
                _ => {}
            }
        }
        let tail = head.tail();
        brought.truncate(brought.partition_point(|(place, _)| *place >= tail));
        true
    }
}

/// Whether an event changes what is followed without naming the entries.
fn says_too_little(event: &Event, follows: &Follows) -> bool {
    let untold = |key: &Key| matches!(key, Key::Topic(topic) if follows.has(topic));
    event.body.kind == EventKind::Import || event.body.keys.iter().any(untold)
}

/// What events change in a timeline, in their order.
fn changes<'e>(events: &[&'e Event], (owner, kinds): &(UserId, Kinds), follows: &Follows) -> Vec<Change<'e>> {
    let mut changes = Vec::new();
    for event in events {
        for (rows, comes) in [(&event.body.removed, false), (&event.body.added, true)] {
            let rows = rows.iter().filter(|(_, entry)| kinds.contains(&entry.kind));
            let rows = rows.filter(|(topic, entry)| follows.bring(*owner, topic, entry));
            changes.extend(rows.map(|(topic, entry)| Change { topic, entry, comes }));
        }
    }
    changes
}

impl View<'_> {
    /// The newest part of a timeline that was merged in memory, if it is there: as of a position of
    /// the log, at which these were its owner's follows.
    #[must_use]
    pub fn merged(&self, owner: UserId, kinds: Kinds, seq: Seq, follows: &Follows) -> Option<Arc<Head>> {
        let caches = self.store().caches();
        let id = (owner, kinds);
        let kept = caches.one::<Timeline>(&id)?;
        let known = kept.seq;
        let timeline = kept.at(seq, self.store().log(), &id, follows)?;
        if !caches.hold(seq, [Key::Follows(owner)]) {
            return None;
        }
        if timeline.seq > known {
            caches.put(timeline.seq, [(id, &timeline)]);
        }
        Some(Arc::clone(&timeline.head))
    }

    /// Keeps the newest part of a timeline, merged of what the caches had at a position or later.
    #[must_use]
    pub fn keep_merged(&self, owner: UserId, kinds: Kinds, seq: Seq, head: Head) -> Arc<Head> {
        let head = Arc::new(head);
        let timeline = Arc::new(Timeline {
            head: Arc::clone(&head),
            brought: None,
            seq,
        });
        self.store().caches().put(seq, [((owner, kinds), &timeline)]);
        head
    }

    /// The newest part of a timeline, from memory or, where it is not there, from disk. None while
    /// memory can't be used.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn timeline(&self, owner: UserId, kinds: Kinds) -> Result<Option<Arc<Timeline>>> {
        let (caches, log) = (self.store().caches(), self.store().log());
        let id = (owner, kinds);
        for _ in 0..TRIES {
            let seq = log.position().seq;
            let follows = self.store().follows(owner).await?;
            let kept = caches.get::<Timeline>([id]).0.remove(&id);
            let mut timeline = kept.and_then(|kept| kept.at(seq, log, &id, &follows));
            if timeline.is_none() {
                let read = Arc::new(self.snapshot().await?.newest(owner, kinds, DEPTH, SPANS).await?);
                timeline = read.at(seq, log, &id, &follows);
            }
            // What it was brought up to it with has to be what is followed by then.
            let holds = caches.hold(seq, [Key::Follows(owner)]);
            if let Some(timeline) = timeline.filter(|_| holds) {
                caches.put(timeline.seq, [(id, &timeline)]);
                return Ok(Some(timeline));
            }
        }
        Ok(None)
    }
}

/// Which spans of an owner are merged.
#[derive(Clone, Copy)]
enum Spans<'s> {
    All,
    These(&'s BTreeSet<i64>),
}

/// The spans that may have the newest entries, and before which time the others may have some.
struct Nearest {
    spans: BTreeSet<i64>,
    beyond: Option<i64>,
}

/// An entry as it is read, and the topics that bring it.
#[derive(Deserialize)]
struct Read {
    at: i64,
    id: i64,
    kind: i16,
    verb: String,
    actor: i64,
    tweet: Option<i64>,
    object: String,
    topics: String,
}

impl Read {
    fn entry(self) -> Result<(Entry, Vec<Topic>)> {
        let topics: Vec<(Topic,)> = serde_json::from_str(&self.topics).map_err(crate::model::Error::internal)?;
        // Several spans of a topic may bring an entry.
        let topics: BTreeSet<Topic> = topics.into_iter().map(|(topic,)| topic).collect();
        let tweet = self.tweet.map(TweetId).map(Entity::Tweet);
        let entry = Entry {
            place: Place {
                at: self.at,
                id: self.id,
            },
            kind: EntryKind::from_row(self.kind),
            verb: self.verb.into(),
            actor: UserId(self.actor),
            object: tweet.or_else(|| Entity::parse(&self.object)),
        };
        Ok((entry, topics.into_iter().collect()))
    }
}

impl Snapshot {
    /// The newest part of a timeline, so many entries, and through so many spans at first.
    pub(super) async fn newest(&self, owner: UserId, kinds: Kinds, depth: usize, spans: usize) -> Result<Timeline> {
        let selects: Vec<Select> = kinds.iter().copied().map(Select::Kind).collect();
        let stretch = Stretch {
            below: Place::NEWEST,
            above: Place::OLDEST,
            newest_first: true,
            limit: depth,
        };
        let none = HashSet::new();
        if self.conn().get_database_backend() == DbBackend::Sqlite {
            let nearest = self.nearest(owner, kinds, spans).await?;
            let mut read = self
                .merge(Spans::These(&nearest.spans), owner, &selects, &none, stretch)
                .await?;
            read.retain(|(entry, _)| nearest.beyond.is_none_or(|beyond| entry.place.at > beyond));
            if nearest.beyond.is_none() || read.len() == depth {
                return Ok(Timeline::new(read, depth, self.seq()));
            }
        }
        let read = self.timeline(owner, &selects, &none, stretch).await?;
        Ok(Timeline::new(read, depth, self.seq()))
    }

    /// The spans with the newest entries, by what SQLite keeps of each topic.
    async fn nearest(&self, owner: UserId, kinds: Kinds, spans: usize) -> Result<Nearest> {
        // A range: SQLite makes a list of a list for each of the spans.
        let sql = "SELECT {pack:s.id, s.at} FROM (SELECT f.id, MIN(n.at, COALESCE(f.until_at, n.at)) AS at \
                   FROM follow_span f CROSS JOIN topic_newest n ON n.topic = f.topic \
                   WHERE f.follower_id = ? AND n.kind <= ? ORDER BY at DESC LIMIT ?) s";
        let last = kinds.iter().copied().map(i16::from).max();
        let limit = i64::try_from(spans + 1).unwrap_or(i64::MAX);
        let mut found: Vec<(i64, i64)> = self.packed(sql, [owner.0.into(), last.into(), limit.into()]).await?;
        found.sort_unstable_by_key(|(_, at)| Reverse(*at));
        let beyond = found.get(spans).map(|(_, at)| *at);
        found.truncate(spans);
        // A span stands there with each kind.
        let spans: BTreeSet<i64> = found.into_iter().map(|(id, _)| id).collect();
        Ok(Nearest { spans, beyond })
    }

    /// A stretch of a timeline, with the topics that bring each entry; none through the hidden ones
    /// alone. `selects` are all of one form. The work is one look at each span, and then at no more
    /// entries than the page has, and as many of each topic at the most where all begin together.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn timeline(
        &self,
        owner: UserId,
        selects: &[Select],
        hidden: &HashSet<Topic>,
        stretch: Stretch,
    ) -> Result<Vec<(Entry, Vec<Topic>)>> {
        self.merge(Spans::All, owner, selects, hidden, stretch).await
    }

    async fn merge(
        &self,
        spans: Spans<'_>,
        owner: UserId,
        selects: &[Select],
        hidden: &HashSet<Topic>,
        stretch: Stretch,
    ) -> Result<Vec<(Entry, Vec<Topic>)>> {
        let Some(form) = selects.first() else {
            return Ok(Vec::new());
        };
        let chosen: Vec<(serde_json::Value, &str)> = selects.iter().map(Select::chosen).collect();
        let sql = sql(self.conn().get_database_backend(), spans, form, stretch.newest_first);
        let limit = i64::try_from(stretch.limit).unwrap_or(i64::MAX);
        let (above, below) = (stretch.above, stretch.below);
        let these = match spans {
            Spans::All => None,
            Spans::These(ids) => Some(json(&ids)),
        };
        let values = [
            owner.0.into(),
            above.at.into(),
            above.id.into(),
            below.at.into(),
            below.id.into(),
            json(&hidden),
            limit.into(),
            limit.into(),
            limit.into(),
        ];
        let values = [json(&chosen)].into_iter().chain(these).chain(values);
        let mut read: Vec<Read> = self.packed(&sql, values).await?;
        read.sort_unstable_by_key(|read| (read.at, read.id));
        if stretch.newest_first {
            read.reverse();
        }
        read.into_iter().map(Read::entry).collect()
    }
}

/// The entries of a timeline's stretch in one statement. `b` says where each span begins; at `e`, so
/// many entries have begun as are wanted, so nothing behind it is looked at: `r` are the spans that
/// begin before. The owner stands in a query of its own, and joins say their order: else SQLite
/// would go through all spans there are for those that it wants.
fn sql(backend: DbBackend, spans: Spans, form: &Select, newest_first: bool) -> String {
    let (order, first, before) = if newest_first {
        ("DESC", "MAX", ">=")
    } else {
        ("ASC", "MIN", "<=")
    };
    // The later of the bounds of a span and of the stretch, and the earlier.
    let from = "CASE WHEN f.from_at > p.above_at THEN f.from_at ELSE p.above_at END";
    let to = "CASE WHEN f.until_at < p.below_at THEN f.until_at ELSE p.below_at END";
    let (lo, hi) = if newest_first {
        (
            format!("CASE WHEN {from} > e.begins THEN {from} ELSE COALESCE(e.begins, {from}) END"),
            to.to_owned(),
        )
    } else {
        (
            from.to_owned(),
            format!("CASE WHEN {to} < e.begins THEN {to} ELSE COALESCE(e.begins, {to}) END"),
        )
    };
    let begins = range(form, "f", "p", from, to);
    let entries = range(form, "r", "r", "r.lo", "r.hi");
    let sorted = format!("ORDER BY y.created_at {order}, y.id {order}");
    let entries = match backend {
        // SQLite has no LATERAL, but lets the rows be named by a correlated query.
        DbBackend::Sqlite => format!(
            "feed_entry x WHERE x.topic = r.topic AND {} AND (x.created_at, x.id) IN \
             (SELECT y.created_at, y.id FROM feed_entry y WHERE {entries} {sorted} LIMIT ?)",
            form.chosen_by("x")
        ),
        _ => format!("LATERAL (SELECT y.* FROM feed_entry y WHERE {entries} {sorted} LIMIT ?) x WHERE TRUE"),
    };
    let (these, spans) = match spans {
        Spans::All => (
            "",
            "follow_span f CROSS JOIN p WHERE f.follower_id = (SELECT owner FROM p)",
        ),
        Spans::These(_) => (
            "s AS MATERIALIZED (SELECT {number} AS id FROM {each}), ",
            "s CROSS JOIN follow_span f CROSS JOIN p WHERE f.id = s.id",
        ),
    };
    format!(
        "WITH k AS MATERIALIZED (SELECT {} AS chosen, {{text:1}} AS object FROM {{each}}), {these}\
         p AS MATERIALIZED (SELECT CAST(? AS BIGINT) AS owner, CAST(? AS BIGINT) AS above_at, CAST(? AS BIGINT) AS above_id, \
         CAST(? AS BIGINT) AS below_at, CAST(? AS BIGINT) AS below_id), \
         b AS MATERIALIZED (SELECT f.id, (SELECT {first}(q.at) FROM (SELECT (SELECT y.created_at FROM feed_entry y \
         WHERE {begins} {sorted} LIMIT 1) AS at FROM k) q) AS begins FROM {spans} AND f.topic NOT IN (SELECT {{value}} FROM {{each}})), \
         e AS MATERIALIZED (SELECT DISTINCT begins FROM b WHERE begins IS NOT NULL ORDER BY begins {order} \
         LIMIT 1 OFFSET ? - 1), \
         r AS MATERIALIZED (SELECT f.*, p.*, {lo} AS lo, {hi} AS hi FROM p CROSS JOIN b LEFT JOIN e ON TRUE \
         CROSS JOIN follow_span f WHERE f.id = b.id AND b.begins {before} COALESCE(e.begins, b.begins)) \
         SELECT {{pack:m.created_at, m.id, m.kind, m.verb, m.actor_id, m.tweet_id, m.object, m.topics}} FROM \
         (SELECT x.created_at, x.id, x.kind, x.verb, x.actor_id, x.tweet_id, x.object, {{pack:x.topic}} AS topics \
         FROM r CROSS JOIN k CROSS JOIN {entries} \
         GROUP BY x.created_at, x.id, x.kind, x.verb, x.actor_id, x.tweet_id, x.object \
         ORDER BY x.created_at {order}, x.id {order} LIMIT ?) m",
        form.chosen_as(),
    )
}

/// Which entries `y` of the span `f` are in the stretch `p`. The times alone bound what is looked
/// at; a sign before them keeps the other conditions from being taken for that.
fn range(form: &Select, f: &str, p: &str, lo: &str, hi: &str) -> String {
    format!(
        "y.topic = {f}.topic AND {} AND y.created_at >= {lo} AND y.created_at <= {hi} \
         AND (+y.created_at, y.id) > ({p}.above_at, {p}.above_id) AND (+y.created_at, y.id) < ({p}.below_at, {p}.below_id) \
         AND (+y.created_at, y.id) >= ({f}.from_at, {f}.from_id) AND ({f}.until_at IS NULL \
         OR ((+y.created_at, y.id) <= ({f}.until_at, {f}.until_id) AND y.id <= {f}.until_action)) \
         AND y.actor_id <> {p}.owner",
        form.chosen_by("y")
    )
}
