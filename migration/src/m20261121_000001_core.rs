//! Accounts, tweets, likes, retweets, follows, actions, feed entries and the event log.
//!
//! Times are microseconds since the Unix epoch. `created_at, id` is the order of every list.

use crate::dialect::fill;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: &[&str] = &[
    // What the installation is: one row, so that copies can be told apart.
    "CREATE TABLE installation (
        id BIGINT PRIMARY KEY CHECK (id = 1),
        uuid TEXT NOT NULL,
        created_at BIGINT NOT NULL
    )",
    // `username_key` is the ASCII lower case of `username`, `names` username and display name in
    // Unicode lower case. A row with `deleted_at` is hidden
    // everywhere while the sweep takes away what it wrote.
    "CREATE TABLE users (
        id {id},
        username TEXT NOT NULL,
        username_key TEXT NOT NULL UNIQUE,
        names TEXT NOT NULL,
        display_name TEXT NOT NULL,
        bio TEXT NOT NULL DEFAULT '',
        avatar_url TEXT,
        handle TEXT,
        url TEXT,
        is_moderator {bool} NOT NULL DEFAULT FALSE,
        password_hash TEXT,
        created_at BIGINT NOT NULL,
        tweet_count BIGINT NOT NULL DEFAULT 0,
        follower_count BIGINT NOT NULL DEFAULT 0,
        following_count BIGINT NOT NULL DEFAULT 0,
        deleted_at BIGINT
    )",
    "CREATE INDEX users_most_followed ON users (follower_count, id)",
    // A session of a user, or a service's token (`service` set, `user_id` null).
    "CREATE TABLE session (
        token_hash {bytes} PRIMARY KEY,
        user_id BIGINT,
        service TEXT,
        created_at BIGINT NOT NULL,
        expires_at BIGINT
    )",
    "CREATE INDEX \"session_user\" ON session (user_id)",
    "CREATE INDEX session_expiry ON session (expires_at)",
    // `position` is the tweet's place in the text index: `created_at` times 1024, plus a number
    // that tells apart what was written in one microsecond.
    "CREATE TABLE tweet (
        id {id},
        author_id BIGINT NOT NULL,
        text TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        edited_at BIGINT,
        position BIGINT NOT NULL UNIQUE,
        in_reply_to_id BIGINT,
        action_id BIGINT NOT NULL,
        like_count BIGINT NOT NULL DEFAULT 0,
        retweet_count BIGINT NOT NULL DEFAULT 0,
        reply_count BIGINT NOT NULL DEFAULT 0,
        origin_likes BIGINT,
        origin_retweets BIGINT,
        origin_replies BIGINT,
        source TEXT,
        external_id TEXT,
        url TEXT,
        deleted_at BIGINT
    )",
    "CREATE INDEX tweet_newest ON tweet (created_at, id)",
    "CREATE INDEX tweet_replies ON tweet (in_reply_to_id, created_at, id) WHERE in_reply_to_id IS NOT NULL",
    "CREATE UNIQUE INDEX tweet_origin ON tweet (external_id, source) WHERE external_id IS NOT NULL",
    "CREATE TABLE hashtag (
        name TEXT PRIMARY KEY,
        created_at BIGINT NOT NULL,
        tweet_count BIGINT NOT NULL DEFAULT 0,
        follower_count BIGINT NOT NULL DEFAULT 0
    ) {clustered}",
    "CREATE TABLE tweet_hashtag (
        tweet_id BIGINT NOT NULL,
        place INTEGER NOT NULL,
        hashtag TEXT NOT NULL,
        PRIMARY KEY (tweet_id, place)
    ) {clustered}",
    "CREATE TABLE mention (
        tweet_id BIGINT NOT NULL,
        place INTEGER NOT NULL,
        user_id BIGINT NOT NULL,
        PRIMARY KEY (tweet_id, place)
    ) {clustered}",
    "CREATE INDEX mention_user ON mention (user_id, tweet_id)",
    // `liked` is the table of likes: LIKE is a word of SQL.
    "CREATE TABLE liked (
        tweet_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        action_id BIGINT NOT NULL,
        PRIMARY KEY (tweet_id, user_id)
    ) {clustered}",
    "CREATE INDEX liked_newest ON liked (tweet_id, created_at, action_id, user_id)",
    "CREATE INDEX liked_user ON liked (user_id, created_at, action_id, tweet_id)",
    "CREATE TABLE retweet (
        tweet_id BIGINT NOT NULL,
        user_id BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        action_id BIGINT NOT NULL,
        source TEXT,
        external_id TEXT,
        PRIMARY KEY (tweet_id, user_id)
    ) {clustered}",
    "CREATE INDEX retweet_newest ON retweet (tweet_id, created_at, action_id, user_id)",
    "CREATE INDEX retweet_user ON retweet (user_id, action_id)",
    "CREATE UNIQUE INDEX retweet_origin ON retweet (external_id, source) WHERE external_id IS NOT NULL",
    // What lives outside: named by type and key, the type without a colon. `name_at`, `url_at` and
    // `data_at` are the times of what told the three: an older row changes nothing of them.
    "CREATE TABLE object (
        type TEXT NOT NULL,
        key TEXT NOT NULL,
        name TEXT NOT NULL,
        url TEXT,
        data TEXT,
        created_at BIGINT NOT NULL,
        follower_count BIGINT NOT NULL DEFAULT 0,
        name_at BIGINT,
        url_at BIGINT,
        data_at BIGINT,
        PRIMARY KEY (type, key)
    ) {clustered}",
    // What is followed: `target_kind` user, hashtag or object, `target_key` its id or name, of an
    // object `type:key`.
    "CREATE TABLE follow (
        id {id},
        follower_id BIGINT NOT NULL,
        target_kind TEXT NOT NULL,
        target_key TEXT NOT NULL,
        flag TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        action_id BIGINT,
        UNIQUE (follower_id, target_kind, target_key, flag)
    )",
    "CREATE INDEX follow_following ON follow (follower_id, flag, created_at, id)",
    "CREATE INDEX follow_followers ON follow (target_kind, target_key, flag, created_at, id, follower_id)",
    // Which stretch of a topic its follower's timeline shows: from the place (`from_at`,
    // `from_id`) on; a closed span ends at the place (`until_at`, `until_id`) and holds only
    // what was recorded by then: actions with ids up to `until_action`.
    "CREATE TABLE follow_span (
        id {id},
        follower_id BIGINT NOT NULL,
        topic TEXT NOT NULL,
        from_at BIGINT NOT NULL,
        from_id BIGINT NOT NULL,
        until_at BIGINT,
        until_id BIGINT,
        until_action BIGINT
    )",
    "CREATE INDEX follow_span_follower ON follow_span (follower_id, topic)",
    "CREATE INDEX follow_span_topic ON follow_span (topic)",
    // Who did what: kinds and keys of actor, object and target as in `follow`. `foreign_id` makes
    // an actor's verb happen once, `external_id` is the identity of an imported row.
    "CREATE TABLE action (
        id {id},
        verb TEXT NOT NULL,
        actor_kind TEXT NOT NULL,
        actor_key TEXT NOT NULL,
        object_kind TEXT,
        object_key TEXT,
        target_kind TEXT,
        target_key TEXT,
        created_at BIGINT NOT NULL,
        description TEXT,
        data TEXT,
        public {bool} NOT NULL DEFAULT TRUE,
        foreign_id TEXT,
        external_id TEXT
    )",
    "CREATE UNIQUE INDEX action_foreign ON action (foreign_id, actor_kind, actor_key, verb) WHERE foreign_id IS NOT NULL",
    "CREATE UNIQUE INDEX action_origin ON action (external_id) WHERE external_id IS NOT NULL",
    // Topics, newest entry first: `kind` 0 a post, 1 a retweet, 2 anything else. `id` is the
    // action's, `actor_id` the user who did it or 0, `tweet_id` the tweet that was posted or
    // retweeted. `object` (`kind:key`, empty for none) is the action's, by which entries are
    // grouped; posts, each an object of its own, leave it empty.
    "CREATE TABLE feed_entry (
        topic TEXT NOT NULL,
        kind SMALLINT NOT NULL,
        created_at BIGINT NOT NULL,
        id BIGINT NOT NULL,
        verb TEXT NOT NULL,
        actor_id BIGINT NOT NULL,
        tweet_id BIGINT,
        object TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (topic, kind, created_at, id)
    ) {clustered}",
    "CREATE INDEX feed_entry_object ON feed_entry (topic, verb, object, created_at, id) WHERE kind <> 0",
    "CREATE INDEX feed_entry_verb ON feed_entry (topic, verb, created_at, id)",
    "CREATE INDEX feed_entry_action ON feed_entry (id)",
    // What happened to a user, by verb, object (`kind:key`, empty for none) and day since the
    // epoch; its actions are those of the topic `notifications:USER`. A group stands at its newest
    // action. `version` is the user's when the last action came in: the group is seen when that
    // is not above `seen` here or in `notification_state`, and read alike. A hidden group is of
    // something that is being deleted.
    "CREATE TABLE notification_group (
        id {id},
        user_id BIGINT NOT NULL,
        verb TEXT NOT NULL,
        object TEXT NOT NULL,
        day BIGINT NOT NULL,
        newest_at BIGINT NOT NULL,
        newest_id BIGINT NOT NULL,
        action_count BIGINT NOT NULL,
        actor_count BIGINT NOT NULL DEFAULT 0,
        version BIGINT NOT NULL,
        seen BIGINT NOT NULL DEFAULT 0,
        read BIGINT NOT NULL DEFAULT 0,
        hidden {bool} NOT NULL DEFAULT FALSE,
        UNIQUE (user_id, verb, object, day)
    )",
    "CREATE INDEX notification_group_newest ON notification_group (user_id, hidden, newest_at, newest_id)",
    "CREATE INDEX notification_group_object ON notification_group (object)",
    // Who stands in a group, `kind:key`, with the newest of what they did.
    "CREATE TABLE notification_actor (
        group_id BIGINT NOT NULL,
        actor TEXT NOT NULL,
        user_id BIGINT NOT NULL,
        action_count BIGINT NOT NULL,
        newest_at BIGINT NOT NULL,
        newest_id BIGINT NOT NULL,
        PRIMARY KEY (group_id, actor)
    ) {clustered}",
    "CREATE INDEX notification_actor_newest ON notification_actor (group_id, newest_at, newest_id)",
    "CREATE INDEX notification_actor_user ON notification_actor (actor, user_id)",
    "CREATE TABLE notification_state (
        user_id BIGINT PRIMARY KEY,
        version BIGINT NOT NULL DEFAULT 0,
        seen BIGINT NOT NULL DEFAULT 0,
        read BIGINT NOT NULL DEFAULT 0,
        unseen_count BIGINT NOT NULL DEFAULT 0,
        unread_count BIGINT NOT NULL DEFAULT 0
    )",
    // What is made from other tables, by which version of its rule; `phase` is 0 when all of it is,
    // else it is being made anew and has come to `position`.
    "CREATE TABLE derived (
        name TEXT PRIMARY KEY,
        rule BIGINT NOT NULL,
        phase BIGINT NOT NULL,
        position BIGINT NOT NULL
    )",
    // The log: dense numbers in the order of commits. `nonce` makes a cursor of this database.
    "CREATE TABLE event (
        seq BIGINT PRIMARY KEY,
        nonce BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        body TEXT NOT NULL
    )",
    "CREATE INDEX event_age ON event (created_at)",
    "CREATE TABLE event_topic (
        topic TEXT NOT NULL,
        seq BIGINT NOT NULL,
        PRIMARY KEY (topic, seq)
    ) {clustered}",
    "CREATE INDEX event_topic_seq ON event_topic (seq)",
    "CREATE TABLE idempotency (
        user_id BIGINT NOT NULL,
        key TEXT NOT NULL,
        tweet_id BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        PRIMARY KEY (user_id, key)
    ) {clustered}",
    "CREATE INDEX idempotency_age ON idempotency (created_at)",
    // What was deleted, so that what refers to it can say so.
    "CREATE TABLE tombstone (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        deleted_at BIGINT NOT NULL,
        PRIMARY KEY (kind, key)
    ) {clustered}",
    // Work of deletions that goes on in the background, until its row is gone.
    "CREATE TABLE sweep (
        kind TEXT NOT NULL,
        key BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        PRIMARY KEY (kind, key)
    ) {clustered}",
    // References of imported rows to what has not come yet: of `holder` (of a reply or a mention
    // the tweet, of a like or a retweet the user who did it) to `wanted`. A retweet is kept under
    // its own outside identifier until its file's end, `body` what it takes to make it.
    // The kind `user` marks accounts that were only named so far.
    "CREATE TABLE unresolved (
        kind TEXT NOT NULL,
        holder BIGINT NOT NULL,
        wanted TEXT NOT NULL,
        wanted_source TEXT NOT NULL,
        external_id TEXT NOT NULL,
        source TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (kind, holder, wanted, wanted_source, external_id, source)
    ) {clustered}",
    "CREATE UNIQUE INDEX unresolved_retweet ON unresolved (external_id, source) WHERE kind = 'retweet'",
];

const SQLITE_SEARCH: &[&str] = &[
    // The texts are kept in lower case by the server, so that both sides fold alike.
    "CREATE VIRTUAL TABLE tweet_search USING fts5(
        text, facets, content='', contentless_delete=1, tokenize='trigram case_sensitive 1'
    )",
    "CREATE VIRTUAL TABLE user_search USING fts5(
        names, content='', contentless_delete=1, tokenize='trigram case_sensitive 1'
    )",
    // Segments are merged some at a time, not in fours: a quarter less work for each tweet.
    "INSERT INTO tweet_search (tweet_search, rank) VALUES ('automerge', 16)",
    "INSERT INTO tweet_search (tweet_search, rank) VALUES ('crisismerge', 32)",
];

const POSTGRES_SEARCH: &[&str] = &[
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE TABLE tweet_search (rowid BIGINT PRIMARY KEY, text TEXT NOT NULL, facets TEXT NOT NULL)",
    "CREATE INDEX tweet_search_text ON tweet_search USING gin (text gin_trgm_ops, facets gin_trgm_ops)",
    "CREATE TABLE user_search (rowid BIGINT PRIMARY KEY, names TEXT NOT NULL)",
    "CREATE INDEX user_search_names ON user_search USING gin (names gin_trgm_ops)",
];

// A log is never empty: a cursor can be given out before anything happened.
const SQLITE_BEGIN: &[&str] = &[
    "INSERT INTO derived VALUES ('notifications', 1, 0, 0)",
    "INSERT INTO installation VALUES (1, lower(hex(randomblob(16))), CAST(unixepoch('subsec') * 1000000 AS INTEGER))",
    "INSERT INTO event VALUES (1, abs(random() % 4294967296), (SELECT created_at FROM installation), '{\"k\":\"Genesis\"}')",
];

const POSTGRES_BEGIN: &[&str] = &[
    "INSERT INTO derived VALUES ('notifications', 1, 0, 0)",
    "INSERT INTO installation VALUES (1, replace(gen_random_uuid()::text, '-', ''), (extract(epoch FROM now()) * 1000000)::bigint)",
    "INSERT INTO event VALUES (1, floor(random() * 4294967296)::bigint, (SELECT created_at FROM installation), '{\"k\":\"Genesis\"}')",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let (search, begin) = match backend {
            DbBackend::Sqlite => (SQLITE_SEARCH, SQLITE_BEGIN),
            _ => (POSTGRES_SEARCH, POSTGRES_BEGIN),
        };
        for sql in TABLES.iter().chain(search).chain(begin) {
            manager.get_connection().execute_unprepared(&fill(sql, backend)).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("the first step can't be undone".into()))
    }
}
