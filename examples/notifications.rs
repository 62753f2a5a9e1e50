//! Measures the notifications of somebody who has a million of them, the newest group with 100,000
//! likes: `cargo run --release --example notifications`. Prints the median of each in milliseconds.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a measurement fails by panicking"
)]

use linnet::metrics::Metrics;
use linnet::model::{UserId, Viewer, Window};
use linnet::reading::feed::FeedKey;
use linnet::reading::group::{actors, groups};
use linnet::social::{Rules, Social};
use linnet::store::mark::Mark;
use linnet::store::{Options, Store};
use sea_orm::{ConnectionTrait, Database};
use std::time::Instant;

const OWNER: UserId = UserId(1);
const TURNS: usize = 21;

/// Groups of ten likes each on older days, and one of 100,000 today.
const FILL: [&str; 8] = [
    "INSERT INTO users (username, username_key, names, display_name, created_at) \
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100001) \
     SELECT 'u' || i, 'u' || i, 'u' || i, 'u' || i, 0 FROM n",
    "INSERT INTO tweet (author_id, text, created_at, position, action_id) \
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 90001) SELECT 1, 'x', i, i, 2000000 + i FROM n",
    "INSERT INTO action (id, verb, actor_kind, actor_key, object_kind, object_key, created_at) \
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) \
     SELECT i, 'like', 'user', 2 + i % 100000, 'tweet', CASE WHEN i <= 900000 THEN 1 + (i - 1) / 10 ELSE 90001 END, \
     CASE WHEN i <= 900000 THEN (i - 1) / 10 ELSE 90000 END * 86400000000 + i FROM n",
    "INSERT INTO feed_entry (topic, kind, created_at, id, verb, actor_id, tweet_id, object) \
     SELECT 'notifications:1', 2, created_at, id, verb, actor_key, NULL, 'tweet:' || object_key FROM action",
    "INSERT INTO notification_state VALUES (1, 1000000, 0, 0, 90001, 90001)",
    "INSERT INTO notification_group (user_id, verb, object, day, newest_at, newest_id, action_count, actor_count, version) \
     SELECT 1, 'like', 'tweet:' || object_key, created_at / 86400000000, MAX(created_at), MAX(id), COUNT(*), COUNT(*), MAX(id) \
     FROM action GROUP BY object_key",
    "INSERT INTO notification_actor (group_id, actor, user_id, action_count, newest_at, newest_id, version) \
     SELECT g.id, 'user:' || a.actor_key, 1, 1, a.created_at, a.id, a.id \
     FROM action a JOIN notification_group g ON g.user_id = 1 AND g.verb = 'like' AND g.object = 'tweet:' || a.object_key \
     AND g.day = a.created_at / 86400000000",
    "ANALYZE",
];

async fn median<F: Future>(name: &str, mut run: impl FnMut() -> F) {
    let mut took = Vec::new();
    for _ in 0..TURNS {
        let begun = Instant::now();
        run().await;
        took.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    took.sort_by(f64::total_cmp);
    println!(
        "{name}: {:.2} ms, the slowest {:.2} ms",
        took[TURNS / 2],
        took[TURNS - 1]
    );
}

#[tokio::main]
async fn main() {
    let folder = std::env::temp_dir().join(format!("linnet-notifications-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("linnet.db").to_string_lossy().into_owned();
    let options = Options::file(path.clone(), 256 << 20);
    let store = Store::open(&options, &Metrics::default()).await.unwrap();
    let filler = Database::connect(format!("sqlite://{path}")).await.unwrap();
    for sql in FILL {
        filler.execute_unprepared(sql).await.unwrap();
    }
    filler.close().await.unwrap();
    let social = Social::new(store.clone(), Rules::default());
    let viewer = Viewer::User {
        id: OWNER,
        session: [0; 32],
    };
    let sight = store.sight(Some(OWNER)).await.unwrap();
    let feed = [FeedKey::Notification(OWNER)];
    let window = Window::new(Some(20), None, None, None).unwrap();
    median("first page", || async {
        let page = groups(&store, &sight, &feed, window)
            .await
            .unwrap()
            .remove(&feed[0])
            .unwrap();
        assert_eq!(page.items.len(), 20);
        let shown = page.items.into_iter().map(|(_, group)| group).collect();
        actors(&store, &sight, shown, 3).await.unwrap()
    })
    .await;
    median("unseenCount", || async {
        store.snapshot().await.unwrap().new_notices(OWNER).await.unwrap()
    })
    .await;
    let page = groups(&store, &sight, &feed, window)
        .await
        .unwrap()
        .remove(&feed[0])
        .unwrap();
    let ids: Vec<String> = page
        .items
        .iter()
        .map(|(_, group)| format!("ActionGroup:{}", group.id()))
        .collect();
    median("markSeen of a page", || {
        social.mark(&viewer, Mark::Seen, Some(ids.clone()))
    })
    .await;
    median("markSeen of all", || social.mark(&viewer, Mark::Seen, None)).await;
    drop(std::fs::remove_dir_all(folder));
}
