//! A database to import into, and what can be asked of it.

use linnet::metrics::Metrics;
use linnet::social::{Rules, Social};
use linnet::store::{Options, Store};
use linnet::transfer::progress::Progress;
use linnet::transfer::source::Source;
use linnet::transfer::{Kind, Report, import};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use tokio::sync::Notify;

use crate::harness::Database;

type Bad = Vec<(u64, String)>;

pub struct Ground {
    store: Store,
    db: DatabaseConnection,
    files: AtomicU64,
    folder: TempDir,
    _database: Database,
}

/// Keeps what it is told.
#[derive(Default)]
struct Told(Bad);

impl Progress for Told {
    fn begin(&mut self, _: Option<u64>, _: Arc<AtomicU64>) {}
    fn rows(&mut self, _: u64) {}
    fn bad(&mut self, line: u64, reason: &str) {
        self.0.push((line, reason.to_owned()));
    }
    fn end(&mut self, _: &Report) {}
}

/// Tells when so many rows are done.
struct Knife {
    after: u64,
    reached: Arc<Notify>,
}

impl Progress for Knife {
    fn begin(&mut self, _: Option<u64>, _: Arc<AtomicU64>) {}
    fn rows(&mut self, rows: u64) {
        if rows >= self.after {
            self.reached.notify_one();
        }
    }
    fn bad(&mut self, _: u64, _: &str) {}
    fn end(&mut self, _: &Report) {}
}

impl Ground {
    pub async fn new() -> Self {
        let database = Database::fresh();
        let options = Options {
            database: database.url().parse().unwrap(),
            memory: 1 << 20,
        };
        let store = Store::open(&options, &Metrics::default()).await;
        Self {
            store: store.unwrap(),
            db: sea_orm::Database::connect(database.url()).await.unwrap(),
            files: AtomicU64::default(),
            folder: tempfile::tempdir().unwrap(),
            _database: database,
        }
    }

    pub async fn sign_up(&self, name: &str) {
        let social = Social::new(self.store.clone(), Rules::default());
        social
            .create_user(name.to_owned(), "a password".to_owned())
            .await
            .unwrap();
    }

    pub async fn path(&self, kind: Kind, path: &Path) -> (Report, Bad) {
        let mut told = Told::default();
        let report = import(&self.store, kind, Source::File(path.to_owned()), &mut told)
            .await
            .unwrap();
        (report, told.0)
    }

    /// Imports a file of this ending, packed as it says.
    pub async fn file(&self, kind: Kind, ending: &str, bytes: &[u8]) -> (Report, Bad) {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.path().join(format!("{number}.{ending}"));
        let mut file = std::fs::File::create(&path).unwrap();
        match ending.rsplit('.').next() {
            Some("gz") => {
                let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
                packed.write_all(bytes).unwrap();
                packed.finish().unwrap();
            }
            Some("zst") => zstd::stream::copy_encode(bytes, file, 1).unwrap(),
            _ => file.write_all(bytes).unwrap(),
        }
        self.path(kind, &path).await
    }

    pub async fn lines(&self, kind: Kind, lines: &[&str]) -> (Report, Bad) {
        self.file(kind, "ndjson", lines.join("\n").as_bytes()).await
    }

    pub async fn import(&self, kind: Kind, lines: &[String]) -> (Report, Bad) {
        self.lines(kind, &lines.iter().map(String::as_str).collect::<Vec<_>>())
            .await
    }

    /// Imports rows and is cut off, as by a kill, when so many are done.
    pub async fn cut_off(&self, kind: Kind, lines: &[String], after: u64) {
        let path = self.folder.path().join("whole.ndjson");
        std::fs::write(&path, lines.join("\n")).unwrap();
        let reached = Arc::new(Notify::new());
        let mut knife = Knife {
            after,
            reached: Arc::clone(&reached),
        };
        tokio::select! {
            () = reached.notified() => {}
            report = import(&self.store, kind, Source::File(path), &mut knife) => panic!("not cut off: {report:?}"),
        }
    }

    /// What gives the places in the text index.
    pub fn indexed(&self) -> &'static str {
        match self.db.get_database_backend() {
            DbBackend::Sqlite => "SELECT id FROM tweet_search_docsize",
            _ => "SELECT rowid FROM tweet_search",
        }
    }

    /// What gives the kinds of events.
    pub fn kinds(&self) -> &'static str {
        match self.db.get_database_backend() {
            DbBackend::Sqlite => "SELECT DISTINCT body ->> 'k' FROM event ORDER BY 1",
            _ => "SELECT DISTINCT CAST(body AS jsonb) ->> 'k' FROM event ORDER BY 1",
        }
    }

    /// Each row of an answer as a JSON array.
    pub async fn rows(&self, sql: &str) -> Vec<String> {
        let backend = self.db.get_database_backend();
        let sql = format!("WITH {EXPECTED}, rows AS ({sql}) SELECT * FROM rows");
        let rows = self
            .db
            .query_all_raw(Statement::from_string(backend, sql))
            .await
            .unwrap();
        rows.iter().map(cells).collect()
    }

    /// All tables with all rows, but for the log and the insides of the text index.
    pub async fn dump(&self) -> Vec<(String, Vec<String>)> {
        let tables = match self.db.get_database_backend() {
            DbBackend::Sqlite => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'event%' \
                 AND name NOT LIKE '%\\_search%' ESCAPE '\\' \
                 UNION SELECT 'tweet_search_docsize' UNION SELECT 'user_search_docsize' ORDER BY 1"
            }
            _ => {
                "SELECT CAST(tablename AS TEXT) AS name FROM pg_tables WHERE schemaname = 'public' \
                 AND tablename NOT LIKE 'event%' ORDER BY 1"
            }
        };
        let mut dump = Vec::new();
        for table in self.rows(tables).await {
            let table = table.trim_matches(['[', ']', '"']).to_owned();
            let mut rows = self.rows(&format!("SELECT * FROM {table}")).await;
            rows.sort();
            dump.push((table, rows));
        }
        dump
    }

    /// What the rows mean, without the numbers that this database gave them.
    pub async fn meaning(&self) -> Vec<Vec<String>> {
        let mut meaning = Vec::new();
        for sql in MEANING {
            let mut rows = self.rows(sql).await;
            rows.sort();
            meaning.push(rows);
        }
        meaning
    }

    /// Every counter is what counting gives.
    pub async fn recount(&self) {
        let unindexed = format!("SELECT position FROM tweet WHERE position NOT IN ({})", self.indexed());
        for sql in RECOUNT.iter().copied().chain([unindexed.as_str()]) {
            let wrong = self.rows(sql).await;
            let some: Vec<_> = wrong.iter().take(5).collect();
            assert!(wrong.is_empty(), "{sql}\n{some:?}, {} in all", wrong.len());
        }
    }
}

fn cells(row: &sea_orm::QueryResult) -> String {
    let cells = row.column_names().into_iter().map(|name| {
        if let Ok(value) = row.try_get::<Option<i64>>("", &name) {
            return serde_json::json!(value);
        }
        // PostgreSQL has each kind of number by itself.
        if let Ok(value) = row.try_get::<Option<i32>>("", &name) {
            return serde_json::json!(value);
        }
        if let Ok(value) = row.try_get::<Option<i16>>("", &name) {
            return serde_json::json!(value);
        }
        if let Ok(value) = row.try_get::<Option<bool>>("", &name) {
            return serde_json::json!(value);
        }
        match row.try_get::<Option<String>>("", &name) {
            Ok(value) => serde_json::json!(value),
            Err(_) => serde_json::json!(row.try_get::<Option<Vec<u8>>>("", &name).unwrap()),
        }
    });
    serde_json::Value::from_iter(cells).to_string()
}

const MEANING: &[&str] = &[
    "SELECT t.external_id, t.source, u.username_key, t.text, t.created_at, p.external_id AS parent, p.source AS parents, \
     t.like_count, t.retweet_count, t.reply_count, t.origin_likes, \
     (SELECT string_agg(hashtag, ' ' ORDER BY place) FROM tweet_hashtag WHERE tweet_id = t.id) AS tags, \
     (SELECT string_agg(m.username_key, ' ' ORDER BY place) FROM mention JOIN users m ON m.id = user_id \
      WHERE tweet_id = t.id) AS mentions \
     FROM tweet t JOIN users u ON u.id = t.author_id LEFT JOIN tweet p ON p.id = t.in_reply_to_id",
    "SELECT r.external_id, r.source, u.username_key, r.created_at, t.external_id AS original, t.source AS originals \
     FROM retweet r JOIN tweet t ON t.id = r.tweet_id JOIN users u ON u.id = r.user_id",
    "SELECT u.username_key, t.external_id, t.source, l.created_at FROM liked l JOIN tweet t ON t.id = l.tweet_id \
     JOIN users u ON u.id = l.user_id",
    "SELECT username_key, display_name, bio, created_at, tweet_count, follower_count, following_count FROM users",
    "SELECT name, tweet_count, follower_count FROM hashtag",
    "SELECT a.verb, u.username_key, CASE a.actor_kind WHEN 'object' THEN a.actor_key END AS actor, a.created_at, a.object_kind, \
     o.external_id, o.source, CASE a.object_kind WHEN 'object' THEN a.object_key END AS object, p.external_id AS target, \
     CASE a.target_kind WHEN 'object' THEN a.target_key END AS targets, t.username_key AS target_user, a.description, a.data, \
     a.public, a.foreign_id, a.external_id FROM action a LEFT JOIN users u ON a.actor_kind = 'user' AND CAST(u.id AS TEXT) = a.actor_key \
     LEFT JOIN tweet o ON a.object_kind = 'tweet' AND CAST(o.id AS TEXT) = a.object_key \
     LEFT JOIN tweet p ON a.target_kind = 'tweet' AND CAST(p.id AS TEXT) = a.target_key \
     LEFT JOIN users t ON a.target_kind = 'user' AND CAST(t.id AS TEXT) = a.target_key",
    "SELECT type, key, name, url, data, follower_count FROM object",
    "SELECT e.topic LIKE 'about:%' AS about, e.topic LIKE 'notifications:%' AS told, o.username_key AS whose, x.external_id AS what, \
     x.source AS whats, CASE WHEN o.id IS NULL AND x.id IS NULL THEN e.topic END AS topic, e.kind, e.created_at, e.verb, \
     a.username_key, t.external_id, t.source FROM feed_entry e LEFT JOIN users a ON a.id = e.actor_id \
     LEFT JOIN users o ON e.topic IN ('user:' || o.id, 'private:' || o.id, 'about:user:' || o.id, 'notifications:' || o.id) \
     LEFT JOIN tweet x ON e.topic = 'about:tweet:' || x.id LEFT JOIN tweet t ON t.id = e.tweet_id",
    "SELECT u.username_key, g.verb, CASE WHEN t.id IS NULL AND o.id IS NULL THEN g.object END AS object, t.external_id, t.source, \
     o.username_key AS of_user, g.day, g.action_count, g.actor_count, g.newest_at, \
     (SELECT string_agg(w.username_key || ' ' || a.action_count || ' ' || a.newest_at, ', ' ORDER BY w.username_key) \
      FROM notification_actor a JOIN users w ON a.actor = 'user:' || w.id WHERE a.group_id = g.id) AS actors \
     FROM notification_group g JOIN users u ON u.id = g.user_id LEFT JOIN tweet t ON g.object = 'tweet:' || t.id \
     LEFT JOIN users o ON g.object = 'user:' || o.id",
    "SELECT u.username_key, s.seen, s.read, s.unseen_count, s.unread_count FROM notification_state s JOIN users u ON u.id = s.user_id",
    "SELECT u.username_key, CASE WHEN f.target_kind = 'user' THEN o.username_key ELSE f.target_key END AS target, f.flag, \
     f.created_at FROM follow f JOIN users u ON u.id = f.follower_id \
     LEFT JOIN users o ON f.target_kind = 'user' AND CAST(o.id AS TEXT) = f.target_key",
    "SELECT u.kind, u.wanted, u.wanted_source, t.external_id, t.source FROM unresolved u \
     LEFT JOIN tweet t ON u.kind IN ('reply', 'mention') AND t.id = u.holder",
];

/// What has to stand in topics, and in the groups of notifications: from actions alone.
const EXPECTED: &str = "told AS (\
     SELECT a.id, t.author_id AS user_id FROM action a JOIN tweet t ON a.target_kind = 'tweet' AND CAST(t.id AS TEXT) = a.target_key \
     WHERE a.verb = 'reply' UNION \
     SELECT a.id, m.user_id FROM action a JOIN mention m ON CAST(m.tweet_id AS TEXT) = a.object_key WHERE a.verb IN ('tweet', 'reply') UNION \
     SELECT a.id, t.author_id FROM action a JOIN tweet t ON CAST(t.id AS TEXT) = a.object_key WHERE a.verb IN ('like', 'retweet') UNION \
     SELECT a.id, CAST(a.object_key AS BIGINT) FROM action a WHERE a.object_kind = 'user' UNION \
     SELECT a.id, CAST(a.target_key AS BIGINT) FROM action a WHERE a.target_kind = 'user'), \
    named AS (\
     SELECT id, actor_kind AS kind, actor_key AS key FROM action WHERE actor_kind <> 'user' UNION \
     SELECT id, object_kind, object_key FROM action WHERE verb NOT IN ('tweet', 'reply') UNION \
     SELECT id, target_kind, target_key FROM action), \
    placed AS (\
     SELECT id, CASE WHEN public THEN 'user:' ELSE 'private:' END || actor_key AS topic FROM action WHERE actor_kind = 'user' \
     UNION SELECT n.id, CASE n.kind WHEN 'object' THEN '' ELSE 'about:' END || n.kind || ':' || n.key FROM named n \
     JOIN action a ON a.id = n.id AND a.public WHERE n.kind IN ('user', 'tweet', 'object') \
     UNION SELECT a.id, 'hashtag:' || h.hashtag FROM action a JOIN tweet_hashtag h ON CAST(h.tweet_id AS TEXT) = a.object_key \
     WHERE a.verb IN ('tweet', 'reply') \
     UNION SELECT w.id, 'notifications:' || w.user_id FROM told w JOIN action a ON a.id = w.id AND a.public \
     WHERE a.actor_kind <> 'user' OR CAST(a.actor_key AS BIGINT) <> w.user_id), \
    expected_entry AS (\
     SELECT p.topic, CASE WHEN a.verb IN ('tweet', 'reply') THEN 0 WHEN a.verb = 'retweet' THEN 1 ELSE 2 END AS kind, \
     a.created_at, a.id, a.verb, CASE a.actor_kind WHEN 'user' THEN CAST(a.actor_key AS BIGINT) ELSE 0 END AS actor_id, \
     CASE WHEN a.verb IN ('tweet', 'reply', 'retweet') THEN CAST(a.object_key AS BIGINT) END AS tweet_id, \
     CASE WHEN a.verb IN ('tweet', 'reply') THEN '' ELSE COALESCE(a.object_kind || ':' || a.object_key, '') END AS object \
     FROM placed p JOIN action a ON a.id = p.id), \
    notice AS (\
     SELECT CAST(substr(p.topic, 15) AS BIGINT) AS user_id, a.verb, COALESCE(a.object_kind || ':' || a.object_key, '') AS object, \
     a.created_at / 86400000000 - CASE WHEN a.created_at % 86400000000 < 0 THEN 1 ELSE 0 END AS day, a.actor_kind || ':' || a.actor_key AS actor, \
     a.created_at, a.id FROM placed p JOIN action a ON a.id = p.id WHERE p.topic LIKE 'notifications:%'), \
    newest AS (\
     SELECT *, COUNT(*) OVER g AS actions, FIRST_VALUE(created_at) OVER w AS newest_at, FIRST_VALUE(id) OVER w AS newest_id, \
     COUNT(*) OVER ga AS actor_actions, FIRST_VALUE(created_at) OVER wa AS actor_at, FIRST_VALUE(id) OVER wa AS actor_id FROM notice \
     WINDOW g AS (PARTITION BY user_id, verb, object, day), ga AS (PARTITION BY user_id, verb, object, day, actor), \
     w AS (PARTITION BY user_id, verb, object, day ORDER BY created_at DESC, id DESC), \
     wa AS (PARTITION BY user_id, verb, object, day, actor ORDER BY created_at DESC, id DESC)), \
    expected_group AS (\
     SELECT user_id, verb, object, day, MAX(actions) AS action_count, COUNT(DISTINCT actor) AS actor_count, \
     MAX(newest_at) AS newest_at, MAX(newest_id) AS newest_id FROM newest GROUP BY user_id, verb, object, day), \
    expected_actor AS (\
     SELECT DISTINCT user_id, verb, object, day, actor, actor_actions, actor_at, actor_id FROM newest)";

const RECOUNT: &[&str] = &[
    "SELECT id, username FROM users u WHERE tweet_count <> (SELECT COUNT(*) FROM tweet WHERE author_id = u.id) \
     OR follower_count <> (SELECT COUNT(*) FROM follow WHERE flag = 'following' AND target_kind = 'user' AND target_key = CAST(u.id AS TEXT)) \
     OR following_count <> (SELECT COUNT(*) FROM follow WHERE flag = 'following' AND follower_id = u.id)",
    "SELECT name FROM hashtag h WHERE tweet_count <> (SELECT COUNT(*) FROM tweet_hashtag WHERE hashtag = h.name) \
     OR follower_count <> (SELECT COUNT(*) FROM follow WHERE flag = 'following' AND target_kind = 'hashtag' AND target_key = h.name)",
    "SELECT key FROM object o WHERE follower_count <> (SELECT COUNT(*) FROM follow WHERE flag = 'following' \
     AND target_kind = 'object' AND target_key = o.type || ':' || o.key)",
    "SELECT hashtag FROM tweet_hashtag WHERE hashtag NOT IN (SELECT name FROM hashtag)",
    "SELECT id FROM tweet t WHERE like_count <> (SELECT COUNT(*) FROM liked WHERE tweet_id = t.id) \
     OR retweet_count <> (SELECT COUNT(*) FROM retweet WHERE tweet_id = t.id) \
     OR reply_count <> (SELECT COUNT(*) FROM tweet WHERE in_reply_to_id = t.id)",
    "SELECT t.id FROM tweet t LEFT JOIN action a ON a.id = t.action_id \
     WHERE a.id IS NULL OR a.object_key <> CAST(t.id AS TEXT) OR a.created_at <> t.created_at \
     OR a.verb <> CASE WHEN in_reply_to_id IS NULL THEN 'tweet' ELSE 'reply' END \
     OR COALESCE(CAST(a.target_key AS BIGINT), 0) <> COALESCE(in_reply_to_id, 0)",
    "SELECT * FROM (SELECT topic, kind, created_at, id, verb, actor_id, tweet_id, object FROM feed_entry) x \
     EXCEPT SELECT * FROM expected_entry",
    "SELECT * FROM expected_entry EXCEPT SELECT topic, kind, created_at, id, verb, actor_id, tweet_id, object FROM feed_entry",
    "SELECT * FROM (SELECT user_id, verb, object, day, action_count, actor_count, newest_at, newest_id FROM notification_group) x \
     EXCEPT SELECT * FROM expected_group",
    "SELECT * FROM expected_group EXCEPT \
     SELECT user_id, verb, object, day, action_count, actor_count, newest_at, newest_id FROM notification_group",
    "SELECT * FROM (SELECT g.user_id, g.verb, g.object, g.day, a.actor, a.action_count, a.newest_at, a.newest_id \
     FROM notification_actor a LEFT JOIN notification_group g ON g.id = a.group_id) x EXCEPT SELECT * FROM expected_actor",
    "SELECT * FROM expected_actor EXCEPT SELECT g.user_id, g.verb, g.object, g.day, a.actor, a.action_count, a.newest_at, a.newest_id \
     FROM notification_actor a LEFT JOIN notification_group g ON g.id = a.group_id AND g.user_id = a.user_id",
    "SELECT user_id FROM notification_state s WHERE \
     unseen_count <> (SELECT COUNT(*) FROM notification_group g WHERE g.user_id = s.user_id AND g.version > g.seen AND g.version > s.seen) \
     OR unread_count <> (SELECT COUNT(*) FROM notification_group g WHERE g.user_id = s.user_id AND g.version > g.read AND g.version > s.read)",
];

/// Two databases mean the same; tells only what differs.
pub fn same(found: &[Vec<String>], expected: &[Vec<String>]) {
    for (found, expected) in found.iter().zip(expected) {
        let only = |a: &[String], b: &[String]| -> Vec<String> {
            let b: std::collections::HashSet<_> = b.iter().collect();
            a.iter().filter(|row| !b.contains(row)).take(5).cloned().collect()
        };
        assert_eq!(only(found, expected), only(expected, found));
        assert_eq!(found.len(), expected.len());
    }
}

/// The same rows in another order, always the same for a seed.
pub fn shuffled(rows: &[String], seed: u64) -> Vec<String> {
    let mut rows = rows.to_vec();
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for last in (1..rows.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(state >> 33).unwrap() % (last + 1);
        rows.swap(last, other);
    }
    rows
}

/// The lines of a file that is packed with gzip.
pub fn unpack(path: &Path) -> Vec<String> {
    let file = std::fs::File::open(path).unwrap();
    let lines = BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines();
    lines.map(Result::unwrap).collect()
}
