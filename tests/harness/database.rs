//! The database, read past the server.

use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, IsolationLevel, TransactionTrait,
};
use tempfile::TempDir;

use super::{Linnet, postgres};

/// Where a test's data is, until the test is over.
#[derive(Debug)]
pub enum Database {
    /// A SQLite file in this folder.
    File(TempDir),
    /// A database of the tests' own server.
    Postgres(postgres::Database),
}

impl Database {
    /// A fresh one of the kind that the suite runs on.
    pub fn fresh() -> Self {
        match postgres::is_default() {
            true => Self::Postgres(postgres::Database::new()),
            false => Self::File(tempfile::tempdir().unwrap()),
        }
    }

    /// As a value of `--database-url`.
    pub fn url(&self) -> String {
        match self {
            Self::File(folder) => format!("sqlite://{}", folder.path().join("linnet.db").display()),
            Self::Postgres(database) => database.url(),
        }
    }
}

/// Counts that are kept, and the rows that they count, but for those of who is banned: each gives the
/// rows where the two differ.
const MISCOUNTED: &[&str] = &[
    "SELECT id FROM users u WHERE deleted_at IS NULL AND tweet_count <> \
     (SELECT COUNT(*) FROM tweet t WHERE t.author_id = u.id AND t.deleted_at IS NULL)",
    "SELECT id FROM users u WHERE deleted_at IS NULL AND follower_count <> \
     (SELECT COUNT(*) FROM follow f WHERE f.target_kind = 'user' AND f.target_key = CAST(u.id AS TEXT) AND f.flag = 'following' \
      AND f.follower_id NOT IN (SELECT user_id FROM ban))",
    "SELECT id FROM users u WHERE deleted_at IS NULL AND following_count <> \
     (SELECT COUNT(*) FROM follow f WHERE f.follower_id = u.id AND f.flag = 'following' \
      AND NOT (f.target_kind = 'user' AND CAST(f.target_key AS BIGINT) IN (SELECT user_id FROM ban)))",
    "SELECT id FROM tweet t WHERE deleted_at IS NULL AND like_count <> \
     (SELECT COUNT(*) FROM liked l WHERE l.tweet_id = t.id AND l.user_id NOT IN (SELECT user_id FROM ban))",
    "SELECT id FROM tweet t WHERE deleted_at IS NULL AND retweet_count <> \
     (SELECT COUNT(*) FROM retweet r WHERE r.tweet_id = t.id AND r.user_id NOT IN (SELECT user_id FROM ban))",
    "SELECT id FROM tweet t WHERE deleted_at IS NULL AND reply_count <> \
     (SELECT COUNT(*) FROM tweet r WHERE r.in_reply_to_id = t.id AND r.deleted_at IS NULL \
      AND r.author_id NOT IN (SELECT user_id FROM ban))",
    "SELECT name FROM hashtag h WHERE tweet_count <> \
     (SELECT COUNT(*) FROM tweet_hashtag x JOIN tweet t ON t.id = x.tweet_id \
      WHERE x.hashtag = h.name AND t.deleted_at IS NULL AND t.author_id NOT IN (SELECT user_id FROM ban))",
    "SELECT name FROM hashtag h WHERE follower_count <> \
     (SELECT COUNT(*) FROM follow f WHERE f.target_kind = 'hashtag' AND f.target_key = h.name AND f.flag = 'following' \
      AND f.follower_id NOT IN (SELECT user_id FROM ban))",
    "SELECT key FROM object o WHERE follower_count <> (SELECT COUNT(*) FROM follow f \
     WHERE f.target_kind = 'object' AND f.target_key = o.type || ':' || o.key AND f.flag = 'following' \
     AND f.follower_id NOT IN (SELECT user_id FROM ban))",
    "SELECT g.id FROM notification_group g JOIN users u ON u.id = g.user_id AND u.deleted_at IS NULL \
      WHERE action_count <> (SELECT COUNT(*) FROM feed_entry x \
      WHERE x.topic = 'notifications:' || g.user_id AND x.verb = g.verb AND x.created_at / 86400000000 = g.day \
      AND CASE WHEN x.kind = 0 THEN 'tweet:' || x.tweet_id ELSE x.object END = g.object)",
    "SELECT x.id FROM feed_entry x WHERE x.topic LIKE 'notifications:%' AND NOT EXISTS (SELECT 1 \
      FROM notification_group g WHERE g.user_id = CAST(substr(x.topic, 15) AS BIGINT) AND x.verb = g.verb \
      AND x.created_at / 86400000000 = g.day \
      AND CASE WHEN x.kind = 0 THEN 'tweet:' || x.tweet_id ELSE x.object END = g.object)",
    "SELECT g.id FROM notification_group g JOIN users u ON u.id = g.user_id AND u.deleted_at IS NULL \
      WHERE (action_count, actor_count) <> (SELECT \
      COALESCE(SUM(a.action_count), 0), COUNT(*) FROM notification_actor a WHERE a.group_id = g.id)",
    "SELECT id FROM notification_group g WHERE (newest_at, newest_id) <> (SELECT a.newest_at, a.newest_id \
      FROM notification_actor a WHERE a.group_id = g.id ORDER BY a.newest_at DESC, a.newest_id DESC LIMIT 1)",
    "SELECT user_id FROM notification_state s WHERE (unseen_count, unread_count) <> (SELECT \
      COALESCE(SUM(CASE WHEN g.version > g.seen AND g.version > s.seen THEN 1 ELSE 0 END), 0), \
      COALESCE(SUM(CASE WHEN g.version > g.read AND g.version > s.read THEN 1 ELSE 0 END), 0) \
      FROM notification_group g WHERE g.user_id = s.user_id AND NOT g.hidden)",
    "SELECT hashtag FROM tweet_hashtag WHERE hashtag NOT IN (SELECT name FROM hashtag)",
    "SELECT id FROM wall w WHERE tweet_count <> (SELECT COUNT(*) FROM wall_tweet x WHERE x.wall_id = w.id AND NOT x.banned)",
    "SELECT id FROM wall w WHERE (SELECT COUNT(*) FROM wall_tweet x WHERE x.wall_id = w.id) \
     <> (SELECT COUNT(*) FROM feed_entry x WHERE x.topic = 'wall:' || w.id)",
    "SELECT w.tweet_id FROM wall_tweet w JOIN tweet t ON t.id = w.tweet_id WHERE w.banned <> t.banned",
    "SELECT tweet_id FROM wall_tweet w WHERE NOT EXISTS (SELECT 1 FROM feed_entry x WHERE x.topic = 'wall:' || w.wall_id \
     AND x.tweet_id = w.tweet_id AND (x.created_at, x.id, x.actor_id) = (w.posted_at, w.posted_id, w.author_id))",
    "SELECT tweet_id FROM wall_tweet w WHERE (created_at, action_id) <> (SELECT p.at, p.id FROM \
     (SELECT w.posted_at AS at, w.posted_id AS id UNION ALL SELECT r.created_at, r.action_id FROM retweet r \
     JOIN users u ON u.id = r.user_id WHERE r.tweet_id = w.tweet_id AND u.deleted_at IS NULL AND NOT r.banned) p \
     ORDER BY p.at DESC, p.id DESC LIMIT 1) AND NOT EXISTS (SELECT 1 FROM users u WHERE u.deleted_at IS NOT NULL) \
     AND EXISTS (SELECT 1 FROM wall x WHERE x.id = w.wall_id)",
    "SELECT user_id FROM participant p WHERE NOT EXISTS (SELECT 1 FROM (SELECT w.posted_at, w.posted_id \
     FROM wall_tweet w WHERE w.wall_id = p.wall_id AND w.author_id = p.user_id \
     ORDER BY w.posted_at DESC, w.posted_id DESC LIMIT 1) n \
     WHERE (n.posted_at, n.posted_id) = (p.created_at, p.action_id)) AND EXISTS (SELECT 1 FROM wall w WHERE w.id = p.wall_id)",
    "SELECT author_id FROM wall_tweet w WHERE NOT EXISTS (SELECT 1 FROM participant p \
     WHERE p.wall_id = w.wall_id AND p.user_id = w.author_id) AND EXISTS (SELECT 1 FROM wall x WHERE x.id = w.wall_id)",
    "SELECT x.id FROM feed_entry x JOIN tweet t ON t.id = x.tweet_id WHERE x.kind = 0 AND x.retweets <> \
     CASE WHEN x.topic LIKE 'hashtag:%' OR x.topic LIKE 'wall:%' \
     THEN t.retweet_count + COALESCE(t.origin_retweets, 0) ELSE 0 END",
];

/// What refers to what is not there, once nothing is left to sweep.
const LEFT_OVER: &[&str] = &[
    "SELECT topic, id FROM feed_entry WHERE id NOT IN (SELECT id FROM action)",
    "SELECT topic, id FROM feed_entry WHERE tweet_id IS NOT NULL AND tweet_id NOT IN (SELECT id FROM tweet)",
    "SELECT id FROM action WHERE actor_kind = 'user' AND CAST(actor_key AS BIGINT) NOT IN (SELECT id FROM users)",
    "SELECT tweet_id FROM liked WHERE tweet_id NOT IN (SELECT id FROM tweet)",
    "SELECT tweet_id FROM retweet WHERE tweet_id NOT IN (SELECT id FROM tweet)",
    "SELECT tweet_id FROM tweet_hashtag WHERE tweet_id NOT IN (SELECT id FROM tweet)",
    "SELECT id FROM tweet WHERE deleted_at IS NOT NULL",
    "SELECT id FROM tweet WHERE action_id NOT IN (SELECT id FROM action)",
    "SELECT user_id FROM notification_state WHERE user_id NOT IN (SELECT id FROM users)",
    "SELECT id FROM notification_group WHERE user_id NOT IN (SELECT user_id FROM notification_state)",
    "SELECT group_id FROM notification_actor WHERE group_id NOT IN (SELECT id FROM notification_group)",
    "SELECT id FROM notification_group WHERE hidden",
    "SELECT user_id FROM block WHERE user_id NOT IN (SELECT id FROM users) OR target_id NOT IN (SELECT id FROM users)",
    "SELECT user_id FROM mute WHERE user_id NOT IN (SELECT id FROM users) OR target_id NOT IN (SELECT id FROM users)",
    "SELECT tweet_id FROM liked WHERE banned <> (user_id IN (SELECT user_id FROM ban))",
    "SELECT tweet_id FROM retweet WHERE banned <> (user_id IN (SELECT user_id FROM ban))",
    "SELECT id FROM tweet WHERE banned <> (author_id IN (SELECT user_id FROM ban))",
    "SELECT group_id FROM notification_actor WHERE banned <> (actor IN (SELECT 'user:' || user_id FROM ban))",
    "SELECT wall_id FROM wall_tweet WHERE wall_id NOT IN (SELECT id FROM wall)",
    "SELECT wall_id FROM participant WHERE wall_id NOT IN (SELECT id FROM wall)",
    "SELECT topic FROM feed_entry WHERE topic LIKE 'wall:%' AND topic NOT IN (SELECT 'wall:' || id FROM wall)",
    "SELECT topic, seq FROM event_topic WHERE seq NOT IN (SELECT seq FROM event)",
    "SELECT seq FROM event e WHERE seq > (SELECT MIN(seq) FROM event) \
     AND NOT EXISTS (SELECT 1 FROM event p WHERE p.seq = e.seq - 1)",
];

/// A view of the database that writes nothing.
pub struct File(DatabaseConnection);

/// The lock of PostgreSQL's writers.
const WRITING: i64 = 0x4c_69_6e_6e_65_74;

/// A connection, or some of them.
pub async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(4).sqlx_logging(false);
    sea_orm::Database::connect(options).await.unwrap()
}

impl Linnet {
    /// Opens the database beside the server.
    pub async fn file(&self) -> File {
        File(connect(&self.reading_url()).await)
    }

    /// Takes the place of a writer, as another process would, until that is dropped.
    pub async fn hold(&self) -> DatabaseTransaction {
        let held = connect(&self.database_url()).await.begin().await.unwrap();
        let sql = match self.is_on_a_file() {
            true => "UPDATE installation SET id = id".to_owned(),
            false => format!("SELECT pg_advisory_xact_lock({WRITING})"),
        };
        held.execute_unprepared(&sql).await.unwrap();
        held
    }
}

impl File {
    /// How many rows a query gives.
    pub async fn rows(&self, sql: &str) -> usize {
        self.0
            .query_all_raw(sea_orm::Statement::from_string(self.0.get_database_backend(), sql))
            .await
            .unwrap()
            .len()
    }

    /// A view that stays as it is now.
    pub async fn freeze(&self) -> DatabaseTransaction {
        let level = match self.0.get_database_backend() {
            sea_orm::DbBackend::Sqlite => None,
            _ => Some(IsolationLevel::RepeatableRead),
        };
        let frozen = self.0.begin_with_config(level, None).await.unwrap();
        frozen.execute_unprepared("SELECT COUNT(*) FROM tweet").await.unwrap();
        frozen
    }

    /// Checks that every count is the number of what it counts.
    pub async fn counts_are_right(&self) {
        for sql in MISCOUNTED {
            assert_eq!(self.rows(sql).await, 0, "{sql}");
        }
    }

    /// Whether all that was deleted is swept away.
    pub async fn is_swept(&self) -> bool {
        self.rows("SELECT kind FROM sweep").await == 0
    }

    /// Checks that nothing refers to what is gone, and that the log has no hole.
    pub async fn nothing_is_left_over(&self) {
        for sql in LEFT_OVER {
            assert_eq!(self.rows(sql).await, 0, "{sql}");
        }
    }
}
