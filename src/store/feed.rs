//! The entries of topics, on disk and their heads in memory.

use super::cache::{Head, Kept};
use super::list::{Lateral, fit, owner, sort};
use super::notification::Notice;
use super::script::Script;
use super::snapshot::{Snapshot, View, json};
use super::tx::Tx;
use crate::model::{ActionId, Entity, Entry, EntryKind, Key, Place, Result, Topic, TweetId, UserId};
use sea_orm::QueryResult;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// How many entries a head begins with: what the largest page looks at, and some more.
pub const HEAD: usize = 200;
/// How many entries are read at once to fill heads: the more heads, the fewer of each.
const FILL: usize = 16_384;
/// How many heads are filled at once; a reader that lacks more reads from disk.
const HEADS: usize = 16_384;

/// How deep heads are filled when so many are.
fn depth(heads: usize) -> usize {
    (FILL / heads.max(1)).clamp(1, HEAD)
}

/// One kind of a topic's entries.
pub type HeadId = (Topic, EntryKind);

impl Kept for Head {
    type Id = HeadId;

    fn key((topic, _): &HeadId) -> Key {
        Key::Topic(topic.clone())
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + self.entries.len() * size_of::<Entry>()
    }
}

/// What of a topic is read, without reading past anything else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Select {
    /// The entries of a kind.
    Kind(EntryKind),
    /// The entries with a verb.
    Verb(String),
    /// The entries with a verb and an object (`kind:key`, empty for none), but no posts.
    About(String, String),
}

impl Select {
    /// What finds it in the table `~`, by which a statement is made for all that are found alike.
    fn found_by(&self) -> &'static str {
        match self {
            Self::Kind(_) => "~.kind = {int:3}",
            Self::Verb(_) => "~.verb = {text:3}",
            Self::About(..) => "~.kind <> 0 AND ~.verb = {text:3} AND ~.object = {text:4}",
        }
    }
}

/// How the select of a row `k(chosen, object)` finds entries.
impl Select {
    /// The row's values.
    pub(super) fn chosen(&self) -> (serde_json::Value, &str) {
        match self {
            Self::Kind(kind) => (i16::from(*kind).into(), ""),
            Self::Verb(verb) => (verb.as_str().into(), ""),
            Self::About(verb, object) => (verb.as_str().into(), object),
        }
    }

    /// How the first of them is read.
    pub(super) fn chosen_as(&self) -> &'static str {
        match self {
            Self::Kind(_) => "{int:0}",
            Self::Verb(_) | Self::About(..) => "{text:0}",
        }
    }

    /// What finds it by such a row.
    pub(super) fn chosen_by(&self, table: &str) -> String {
        match self {
            Self::Kind(_) => format!("{table}.kind = k.chosen"),
            Self::Verb(_) => format!("{table}.verb = k.chosen"),
            Self::About(..) => format!("{table}.kind <> 0 AND {table}.verb = k.chosen AND {table}.object = k.object"),
        }
    }
}

/// A range of a topic.
#[derive(Clone, Debug)]
pub struct Range {
    /// Of which topic.
    pub topic: Topic,
    /// Which of its entries.
    pub select: Select,
    /// Older than this place, exclusive.
    pub below: Place,
    /// Newer than this place, exclusive.
    pub above: Place,
    /// Only what was recorded up to this action.
    pub until: ActionId,
    /// Nothing that this user did.
    pub not_by: Option<UserId>,
}

/// How an entry's row names the object by which it is grouped: a post is an object of its own.
pub(super) fn grouped_object(entry: &Entry) -> String {
    let object = entry.object.as_ref().filter(|_| entry.kind != EntryKind::Post);
    object.map(Entity::to_string).unwrap_or_default()
}

/// An entry of a row with the columns of its table.
pub(super) fn entry(row: &QueryResult) -> Result<Entry> {
    Ok(read((
        row.try_get("", "created_at")?,
        row.try_get("", "id")?,
        row.try_get("", "kind")?,
        row.try_get("", "verb")?,
        row.try_get("", "actor_id")?,
        row.try_get("", "tweet_id")?,
        row.try_get("", "object")?,
    )))
}

/// Of whose notifications entries are.
fn notices(entries: &[(Topic, Entry)], actors: &HashMap<ActionId, Entity>) -> Vec<Notice> {
    let notice = |(topic, entry): &(Topic, Entry)| Notice::of(topic, entry, actors.get(&entry.action())?);
    entries.iter().filter_map(notice).collect()
}

/// Entries by their keys: joined with the table, since SQLite finds values that come straight out of
/// JSON by their topic alone, and reads all that it holds.
const THESE: &str = "(topic, kind, created_at, id) IN (SELECT x.topic, x.kind, x.created_at, x.id FROM {each} \
                     JOIN feed_entry x ON x.topic = {text:0} AND x.kind = {int:1} AND x.created_at = {int:2} \
                     AND x.id = {int:3})";

impl Script {
    fn delete_entries(&mut self, entries: &[(Topic, Entry)]) {
        let keys: Vec<_> = entries
            .iter()
            .map(|(topic, entry)| (topic, i16::from(entry.kind), entry.place.at, entry.place.id))
            .collect();
        self.each(format!("DELETE FROM feed_entry WHERE {THESE}"), &keys);
    }
}

/// The bounds of a range, kept within what JSON numbers carry.
pub(super) fn bounds(range: &Range) -> (i64, i64, i64, i64, i64) {
    (
        fit(range.below.at),
        fit(range.below.id),
        fit(range.above.at),
        fit(range.above.id),
        fit(range.until.0),
    )
}

/// Entries with their topics, and the actors of their actions.
type EntriesOf = (Vec<(Topic, Entry)>, HashMap<ActionId, Entity>);

const COLUMNS: [&str; 5] = ["kind", "verb", "actor_id", "tweet_id", "object"];
/// An entry as it is read: its place and those columns.
type Columns = (i64, i64, i16, String, i64, Option<i64>, String);

fn read((at, id, kind, verb, actor, tweet, object): Columns) -> Entry {
    Entry {
        place: Place { at, id },
        kind: EntryKind::from_row(kind),
        verb: verb.into(),
        actor: UserId(actor),
        object: tweet.map(TweetId).map(Entity::Tweet).or_else(|| Entity::parse(&object)),
    }
}

impl Snapshot {
    /// The first entries of each range, in one statement for all that select alike.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn entries(&self, ranges: &[Range], newest_first: bool, limit: usize) -> Result<Vec<Vec<Entry>>> {
        let mut found = vec![Vec::new(); ranges.len()];
        let ways: BTreeSet<&str> = ranges.iter().map(|range| range.select.found_by()).collect();
        for way in ways {
            let (places, owners) = owners(ranges, way);
            let query = Lateral {
                table: "feed_entry",
                owner: &format!("~.topic = {{text:0}} AND {way} AND ~.id <= {{int:1}} AND ~.actor_id <> {{int:2}}"),
                id: "id",
                columns: &COLUMNS,
                chosen: &COLUMNS.join(", "),
            };
            for (list, rows) in self.lateral(&query, &owners, newest_first, limit).await? {
                if let Some(entries) = places.get(list).and_then(|place| found.get_mut(*place)) {
                    *entries = rows.into_iter().map(read).collect();
                }
            }
        }
        sort(&mut found, newest_first, |entry| entry.place);
        Ok(found)
    }
}

/// A range as the statement takes it, and which ranges these are.
type Owners = (Vec<usize>, Vec<Vec<serde_json::Value>>);

fn owners(ranges: &[Range], way: &str) -> Owners {
    ranges
        .iter()
        .enumerate()
        .filter(|(_, range)| range.select.found_by() == way)
        .map(|(place, range)| {
            // No actor has the number -1; 0 is that of all who are no users.
            let not_by = range.not_by.map_or(-1, |id| id.0);
            let mut parts = vec![range.topic.as_str().into(), fit(range.until.0).into(), not_by.into()];
            match &range.select {
                Select::Kind(kind) => parts.push(i16::from(*kind).into()),
                Select::Verb(verb) => parts.push(verb.as_str().into()),
                Select::About(verb, object) => parts.extend([verb.as_str().into(), object.as_str().into()]),
            }
            (place, owner(range.below, range.above, parts))
        })
        .unzip()
}

impl View<'_> {
    /// The heads of topics, from memory and, where they are not there, from disk.
    /// `None` when too many would have to be read.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn heads(&self, ids: &[HeadId]) -> Result<Option<HashMap<HeadId, Arc<Head>>>> {
        let caches = self.store().caches();
        let (mut found, mut missing) = caches.get::<Head>(ids.iter().cloned());
        found.retain(|id, head| {
            let useful = head.whole || !head.entries.is_empty();
            if !useful {
                missing.push(id.clone());
            }
            useful
        });
        if missing.len() > HEADS {
            return Ok(None);
        }
        if !missing.is_empty() {
            let snapshot = self.snapshot().await?;
            let read = snapshot.heads(&missing, depth(missing.len())).await?;
            caches.put(snapshot.seq(), read.iter().map(|(id, head)| (id.clone(), head)));
            found.extend(read);
        }
        Ok(Some(found))
    }

    /// Heads, filled as deep as a head can be.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn deepen(&self, ids: &[HeadId]) -> Result<HashMap<HeadId, Arc<Head>>> {
        let snapshot = self.snapshot().await?;
        let read = snapshot.heads(ids, HEAD).await?;
        let caches = self.store().caches();
        caches.put(snapshot.seq(), read.iter().map(|(id, head)| (id.clone(), head)));
        Ok(read)
    }
}

impl Snapshot {
    pub(super) async fn heads(&self, ids: &[HeadId], depth: usize) -> Result<HashMap<HeadId, Arc<Head>>> {
        let ranges: Vec<Range> = ids
            .iter()
            .map(|(topic, kind)| Range {
                topic: topic.clone(),
                select: Select::Kind(*kind),
                below: Place::NEWEST,
                above: Place::OLDEST,
                until: ActionId(i64::MAX),
                not_by: None,
            })
            .collect();
        let entries = self.entries(&ranges, true, depth).await?;
        Ok(ids
            .iter()
            .cloned()
            .zip(entries)
            .map(|(id, entries)| {
                let whole = entries.len() < depth;
                (id, Arc::new(Head { entries, whole }))
            })
            .collect())
    }
}

impl Tx {
    /// Enters an actor's actions into topics, and tells those whose notifications they are.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_entries(&self, actor: &Entity, entries: &[(Topic, Entry)]) -> Result<()> {
        self.put(|stage| {
            stage.enter(actor, entries.to_vec());
            // They may have been retweeted before.
            let posts = entries.iter().filter(|(_, entry)| entry.kind == EntryKind::Post);
            posts
                .filter_map(|(_, entry)| entry.tweet())
                .for_each(|tweet| stage.rank(tweet));
        })
        .await
    }

    /// Takes an actor's actions out of topics, and out of the notifications among them.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn delete_entries(&self, actor: &Entity, entries: &[(Topic, Entry)]) -> Result<()> {
        let keys: Vec<_> = entries
            .iter()
            .map(|(topic, entry)| (topic, i16::from(entry.kind), entry.place.at, entry.place.id))
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        let sql = format!("DELETE FROM feed_entry WHERE {THESE} RETURNING topic, id");
        let gone = self.rows(&sql, [json(&keys)]).await?;
        let gone: HashSet<(String, i64)> = gone
            .iter()
            .map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)))
            .collect::<Result<_>>()?;
        let is_gone = |(topic, entry): &&(Topic, Entry)| gone.contains(&(topic.as_str().to_owned(), entry.place.id));
        let gone: Vec<_> = entries.iter().filter(is_gone).cloned().collect();
        let notices = gone.iter().filter_map(|(topic, entry)| Notice::of(topic, entry, actor));
        let mut script = Script::default();
        script.unnotify(&notices.collect::<Vec<_>>());
        script.leave(&gone);
        self.run(script).await
    }

    /// Takes actions out of the topics that follow from what they are about, before they change.
    /// Returns the entries.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn withdraw(&self, actions: &[ActionId]) -> Result<Vec<(Topic, Entry)>> {
        let (mut entries, actors) = self.entries_of(actions).await?;
        entries.retain(|(topic, _)| topic.is_derived());
        let mut script = Script::default();
        script.delete_entries(&entries);
        script.unnotify(&notices(&entries, &actors));
        script.leave(&entries);
        self.run(script).await?;
        Ok(entries)
    }

    /// The topics in which an action stands.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn topics_of(&self, action: ActionId) -> Result<Vec<Topic>> {
        let rows = self
            .rows("SELECT topic FROM feed_entry WHERE id = ?", [action.0.into()])
            .await?;
        rows.iter()
            .map(|row| Ok(Topic::from_row(&row.try_get_by_index::<String>(0)?)))
            .collect()
    }

    /// Takes actions back, with their entries in every topic. Returns the entries.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn delete_actions(&self, actions: &[ActionId]) -> Result<Vec<(Topic, Entry)>> {
        let (entries, actors) = self.entries_of(actions).await?;
        let notices = notices(&entries, &actors);
        let actions = json(&actions);
        let sql = "DELETE FROM feed_entry WHERE id IN (SELECT {number} FROM {each})";
        self.execute(sql, [actions.clone()]).await?;
        let mut script = Script::default();
        script.unnotify(&notices);
        script.leave(&entries);
        self.run(script).await?;
        let sql = "DELETE FROM action WHERE id IN (SELECT {number} FROM {each})";
        self.execute(sql, [actions]).await?;
        Ok(entries)
    }

    /// The entries of actions in every topic, and who did what.
    async fn entries_of(&self, actions: &[ActionId]) -> Result<EntriesOf> {
        let sql = "SELECT x.topic, x.created_at, x.id, x.kind, x.verb, \
                   x.actor_id, x.tweet_id, x.object, a.actor_kind, a.actor_key \
                   FROM {each} JOIN feed_entry x ON x.id = {number} JOIN action a ON a.id = x.id";
        let (mut entries, mut actors) = (Vec::new(), HashMap::new());
        for row in &self.rows(sql, [json(&actions)]).await? {
            let (topic, kind, key): (String, String, String) = (
                row.try_get("", "topic")?,
                row.try_get("", "actor_kind")?,
                row.try_get("", "actor_key")?,
            );
            let entry = entry(row)?;
            actors.extend(Entity::from_row(&kind, &key).map(|actor| (entry.action(), actor)));
            entries.push((Topic::from_row(&topic), entry));
        }
        Ok((entries, actors))
    }

    /// The place of the entry that stands at a depth of a topic, all kinds together; 0 is the
    /// newest.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn entry_at_depth(&self, topic: &Topic, depth: usize) -> Result<Option<Place>> {
        let depth = i64::try_from(depth).unwrap_or(i64::MAX);
        let parts: Vec<String> = EntryKind::ALL
            .iter()
            .map(|kind| {
                let kind = i16::from(*kind);
                format!(
                    "SELECT * FROM (SELECT created_at, id FROM feed_entry WHERE topic = ? AND kind = {kind} \
                     ORDER BY created_at DESC, id DESC LIMIT ?) p{kind}"
                )
            })
            .collect();
        let sql = format!("{} ORDER BY 1 DESC, 2 DESC LIMIT 1 OFFSET ?", parts.join(" UNION ALL "));
        let mut values = Vec::new();
        for _ in EntryKind::ALL {
            values.extend([topic.as_str().into(), (depth + 1).into()]);
        }
        values.push(depth.into());
        let rows = self.rows(&sql, values).await?;
        rows.first()
            .map(|row| {
                let (at, id) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                Ok(Place { at, id })
            })
            .transpose()
    }
}
