//! Timelines in memory and as the database merges them, against what follows from the rows.

use super::*;
use crate::metrics::Metrics;
use crate::model::{ActionId, NewEvent};
use crate::store::follow::Span;
use crate::store::{Options, Store};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use tempfile::TempDir;

const OWNER: UserId = UserId(1);
/// How far apart times are, in microseconds: less than what is kept of how new topics are.
const SECONDS: i64 = 10_000_000;

/// What there is: the entries of topics, and what the owner follows.
#[derive(Default)]
struct Facts {
    entries: BTreeMap<(Place, Topic), Entry>,
    spans: Vec<Span>,
    last: i64,
}

impl Facts {
    /// The timeline, newest first, with the topics that bring each entry.
    fn timeline(&self, takes: impl Fn(&Entry) -> bool, hidden: &HashSet<Topic>) -> Vec<(Entry, BTreeSet<Topic>)> {
        let mut found: BTreeMap<Place, (Entry, BTreeSet<Topic>)> = BTreeMap::new();
        for ((place, topic), entry) in &self.entries {
            let brings = |span: &Span| span.topic == *topic && span.covers(entry);
            if takes(entry) && entry.actor != OWNER && !hidden.contains(topic) && self.spans.iter().any(brings) {
                let slot = found.entry(*place).or_insert_with(|| (entry.clone(), BTreeSet::new()));
                slot.1.insert(topic.clone());
            }
        }
        found.into_values().rev().collect()
    }
}

fn topics() -> Vec<Topic> {
    let users = (2..6).map(|id| Topic::user(UserId(id)));
    users.chain(["a", "b"].map(Topic::hashtag)).collect()
}

struct Scene {
    server: Store,
    other: Store,
    facts: Facts,
    random: StdRng,
    _folder: TempDir,
}

impl Scene {
    async fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("linnet.db").to_string_lossy().into_owned();
        let options = Options::file(path, 8 << 20);
        Self {
            server: Store::open(&options, &Metrics::default()).await.unwrap(),
            other: Store::open(&options, &Metrics::default()).await.unwrap(),
            facts: Facts::default(),
            random: StdRng::seed_from_u64(seed),
            _folder: folder,
        }
    }

    fn topic(&mut self) -> Topic {
        let topics = topics();
        topics[self.random.random_range(0..topics.len())].clone()
    }

    fn place(&mut self) -> Place {
        let at = self.random.random_range(0..200) * SECONDS;
        let id = self.random.random_range(0..=self.facts.last + 1);
        Place { at, id }
    }

    fn entry(&mut self) -> Entry {
        self.facts.last += 1;
        let kind = EntryKind::ALL[self.random.random_range(0..3)];
        let verbs = [["tweet", "reply"], ["retweet", "retweet"], ["like", "star"]][i16::from(kind) as usize];
        Entry {
            place: Place {
                at: self.random.random_range(0..200) * SECONDS,
                id: self.facts.last,
            },
            kind,
            verb: verbs[self.random.random_range(0..2)].into(),
            actor: UserId(self.random.random_range(1..6)),
            object: None,
        }
    }

    /// Some entries come into a topic or two.
    async fn add(&mut self, count: usize) {
        let mut event = NewEvent::new(EventKind::Action);
        for _ in 0..count {
            let (entry, first, second) = (self.entry(), self.topic(), self.topic());
            for topic in BTreeSet::from([first, second]) {
                self.facts.entries.insert((entry.place, topic.clone()), entry.clone());
                event.added.push((topic, entry.clone()));
            }
        }
        self.write(event).await;
    }

    /// Some entry leaves one of its topics, or all topics lose what is old without a word of each.
    async fn remove(&mut self) {
        let mut event = NewEvent::new(EventKind::Action);
        let topic = self.topic();
        let in_topic = self.facts.entries.keys().filter(|(_, other)| *other == topic);
        let places: Vec<Place> = in_topic.map(|(place, _)| *place).collect();
        if places.is_empty() {
            return;
        }
        let at = self.random.random_range(0..places.len());
        let gone = if self.random.random_bool(0.8) {
            &places[at..=at]
        } else {
            event.keys = vec![Key::Topic(topic.clone())];
            &places[..=at.min(9)]
        };
        let told = event.keys.is_empty();
        let mut rows = Vec::new();
        for place in gone {
            let entry = self.facts.entries.remove(&(*place, topic.clone())).unwrap();
            rows.push((topic.clone(), entry));
        }
        if told {
            event.removed = rows.clone();
        }
        self.delete(event, rows).await;
    }

    async fn delete(&mut self, event: NewEvent, rows: Vec<(Topic, Entry)>) {
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    tx.delete_entries(&Entity::User(OWNER), &rows).await?;
                    tx.emit(event);
                    Ok(())
                })
            })
            .await
            .unwrap();
    }

    async fn write(&mut self, event: NewEvent) {
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    tx.insert_entries(&Entity::User(OWNER), &event.added).await?;
                    tx.emit(event);
                    Ok(())
                })
            })
            .await
            .unwrap();
    }

    /// What is followed changes.
    async fn follow(&mut self) {
        let (topic, from, to) = (self.topic(), self.place(), self.place());
        let until = self
            .random
            .random_bool(0.5)
            .then(|| (to, ActionId(self.random.random_range(0..=self.facts.last))));
        if self.random.random_bool(0.3) {
            self.facts.spans.retain(|span| span.topic != topic);
        } else {
            self.facts.spans.push(Span { topic, from, until });
        }
        let spans = self.facts.spans.clone();
        self.store()
            .write(move |tx| {
                Box::pin(async move {
                    tx.execute("DELETE FROM follow_span", []).await?;
                    for Span { topic, from, until } in spans {
                        let sql = "INSERT INTO follow_span (follower_id, topic, from_at, from_id, until_at, until_id, \
                                   until_action) VALUES (?, ?, ?, ?, ?, ?, ?)";
                        let to = until.map(|(to, _)| to);
                        let values = [
                            OWNER.0.into(),
                            topic.as_str().into(),
                            from.at.into(),
                            from.id.into(),
                            to.map(|to| to.at).into(),
                            to.map(|to| to.id).into(),
                            until.map(|(_, action)| action.0).into(),
                        ];
                        tx.execute(sql, values).await?;
                    }
                    let mut event = NewEvent::new(EventKind::Follow);
                    event.keys = vec![Key::Follows(OWNER)];
                    tx.emit(event);
                    Ok(())
                })
            })
            .await
            .unwrap();
    }

    /// Most is written here, some by another process.
    fn store(&mut self) -> Store {
        let here = self.random.random_bool(0.8);
        if here { self.server.clone() } else { self.other.clone() }
    }

    /// Memory knows the newest part, and of each entry what brings it.
    async fn check_memory(&self) {
        self.server.log().catch_up().await.unwrap();
        for kinds in KINDS {
            let all = self
                .facts
                .timeline(|entry| kinds.contains(&entry.kind), &HashSet::new());
            let timeline = self
                .server
                .view()
                .timeline(OWNER, kinds)
                .await
                .unwrap()
                .expect("memory is used");
            let tail = timeline.head.tail();
            let known: Vec<_> = all.into_iter().filter(|(entry, _)| entry.place >= tail).collect();
            let kept = timeline.head.entries.iter();
            let kept: Vec<_> = kept
                .map(|entry| {
                    (
                        entry.clone(),
                        timeline.bringing(entry.place).cloned().collect::<BTreeSet<_>>(),
                    )
                })
                .collect();
            assert_eq!(kept, known);
            self.check_nearest(kinds).await;
        }
    }

    /// However many entries are read, and whatever spans are looked at first, they are the newest.
    async fn check_nearest(&self, kinds: Kinds) {
        let all = self
            .facts
            .timeline(|entry| kinds.contains(&entry.kind), &HashSet::new());
        let snapshot = self.server.snapshot().await.unwrap();
        for (depth, spans) in [(1, 1), (5, 1), (20, 2), (60, 3), (DEPTH, 0)] {
            let read = snapshot.newest(OWNER, kinds, depth, spans).await.unwrap();
            let newest = all.iter().take(depth).map(|(entry, _)| entry);
            assert!(
                read.head.entries.iter().eq(newest),
                "{depth} entries through {spans} spans"
            );
        }
    }

    /// The database merges any stretch, in either direction, without what is hidden.
    async fn check_stretch(&mut self) {
        let (one, other) = (self.place(), self.place());
        let ends = [Place::OLDEST, Place::NEWEST];
        let stretch = Stretch {
            above: if self.random.random_bool(0.5) {
                ends[0]
            } else {
                one.min(other)
            },
            below: if self.random.random_bool(0.5) {
                ends[1]
            } else {
                one.max(other)
            },
            newest_first: self.random.random_bool(0.5),
            limit: self.random.random_range(1..60),
        };
        let hidden: HashSet<Topic> = if self.random.random_bool(0.5) {
            HashSet::from([self.topic()])
        } else {
            HashSet::new()
        };
        let form = self.random.random_range(0..3);
        let selects: Vec<Select> = match form {
            0 => vec![Select::Kind(EntryKind::Post), Select::Kind(EntryKind::Other)],
            1 => vec![Select::Verb("reply".into()), Select::Verb("like".into())],
            _ => vec![Select::About("like".into(), String::new())],
        };
        let takes = |entry: &Entry| match form {
            0 => entry.kind != EntryKind::Retweet,
            1 => ["reply", "like"].contains(&&*entry.verb),
            _ => &*entry.verb == "like",
        };
        let mut expected = self.facts.timeline(takes, &hidden);
        expected.retain(|(entry, _)| entry.place > stretch.above && entry.place < stretch.below);
        if !stretch.newest_first {
            expected.reverse();
        }
        expected.truncate(stretch.limit);
        let snapshot = self.server.snapshot().await.unwrap();
        let read = snapshot.timeline(OWNER, &selects, &hidden, stretch).await.unwrap();
        let read: Vec<_> = read
            .into_iter()
            .map(|(entry, topics)| (entry, topics.into_iter().collect()))
            .collect();
        assert_eq!(read, expected, "{stretch:?} {selects:?} {hidden:?}");
        let timeline = self.server.view().timeline(OWNER, KINDS[2]).await.unwrap().unwrap();
        let shown = timeline.without(&hidden);
        let mut seen = self.facts.timeline(|_| true, &hidden);
        seen.retain(|(entry, _)| entry.place >= shown.tail());
        assert_eq!(
            shown.entries,
            seen.into_iter().map(|(entry, _)| entry).collect::<Vec<_>>()
        );
    }
}

#[tokio::test]
async fn timelines_are_what_follows_from_the_rows() {
    let seed = option_env!("LINNET_TEST_SEED").map_or_else(rand::random, |seed| seed.parse().unwrap());
    println!("LINNET_TEST_SEED={seed}");
    let mut scene = Scene::new(seed).await;
    scene.add(400).await;
    for _ in 0..4 {
        scene.follow().await;
    }
    for _ in 0..150 {
        match scene.random.random_range(0..10) {
            0..5 => scene.add(1).await,
            5..8 => scene.remove().await,
            8 => scene.follow().await,
            _ => scene.add(20).await,
        }
        scene.check_memory().await;
        scene.check_stretch().await;
    }
}

/// A list that was read before a write is brought up to it, however late it is stored.
#[tokio::test]
async fn an_old_list_is_brought_up_to_the_log() {
    let mut scene = Scene::new(1).await;
    scene.add(20).await;
    for topic in topics() {
        scene.facts.spans.push(Span {
            topic,
            from: Place::OLDEST,
            until: None,
        });
    }
    scene.follow().await;
    let id = (OWNER, KINDS[2]);
    let snapshot = scene.server.snapshot().await.unwrap();
    let old = Arc::new(snapshot.newest(OWNER, KINDS[2], DEPTH, SPANS).await.unwrap());
    scene.add(3).await;
    scene.server.caches().put(snapshot.seq(), [(id, &old)]);
    drop(snapshot);
    scene.check_memory().await;
    // What was followed then is another matter.
    let snapshot = scene.server.snapshot().await.unwrap();
    let old = Arc::new(snapshot.newest(OWNER, KINDS[2], DEPTH, SPANS).await.unwrap());
    scene.follow().await;
    scene.server.log().catch_up().await.unwrap();
    scene.server.caches().put(snapshot.seq(), [(id, &old)]);
    assert!(
        scene.server.caches().get::<Timeline>([id]).0.is_empty(),
        "an old list was kept"
    );
    scene.check_memory().await;
}

/// However many spans others have, a timeline looks at its own alone.
#[tokio::test]
async fn spans_of_others_are_left_alone() {
    let scene = Scene::new(1).await;
    let fill = "INSERT INTO follow_span (follower_id, topic, from_at, from_id) WITH RECURSIVE n(i) AS \
                (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT 100 + i, 'user:3', 0, 0 FROM n";
    let write = scene.server.write(move |tx| {
        Box::pin(async move {
            tx.execute(fill, []).await?;
            tx.execute("ANALYZE", []).await
        })
    });
    write.await.unwrap();
    let snapshot = scene.server.snapshot().await.unwrap();
    let none = BTreeSet::new();
    for (spans, newest_first) in [(Spans::All, true), (Spans::All, false), (Spans::These(&none), true)] {
        let sql = sql(DbBackend::Sqlite, spans, &Select::Kind(EntryKind::Post), newest_first);
        let rows = snapshot.rows(&format!("EXPLAIN QUERY PLAN {sql}"), []).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
        let of_spans: Vec<&String> = plan.iter().filter(|step| step.contains(" f")).collect();
        assert!(!of_spans.is_empty(), "{plan:#?}");
        assert!(!plan.iter().any(|step| step.starts_with("SCAN f")), "{plan:#?}");
    }
}
