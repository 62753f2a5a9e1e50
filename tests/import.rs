//! Bulk import, against a database of its own for each test.

mod ground;
mod rows;

use crate::harness::data;
use ground::{Ground, same, shuffled};
use linnet::transfer::Kind;
use rows::sample;

/// A minute from now, in microseconds since the epoch.
fn in_a_minute() -> i64 {
    linnet::model::Clock.now().0 + 60_000_000
}

/// A second import, and rows that come twice in a file, change nothing.
#[tokio::test]
async fn importing_again_changes_nothing() {
    let ground = Ground::new().await;
    for (kind, file) in sample() {
        ground.import(kind, &file).await;
    }
    let once = ground.dump().await;
    for (kind, file) in sample() {
        let (report, bad) = ground.import(kind, &file).await;
        assert_eq!((report.changed, report.bad), (0, 0), "{kind:?}: {bad:?}");
    }
    assert_eq!(ground.dump().await, once);
}

/// Whatever order the rows and the files come in, the same comes of them.
#[tokio::test]
async fn the_order_of_rows_makes_no_difference() {
    let sorted = Ground::new().await;
    for (kind, file) in sample() {
        sorted.import(kind, &file).await;
    }
    let expected = sorted.meaning().await;
    for seed in 1..=5 {
        let ground = Ground::new().await;
        let mut files = sample();
        if seed % 2 == 0 {
            files.reverse();
        }
        for (kind, file) in files {
            ground.import(kind, &shuffled(&file, seed)).await;
        }
        same(&ground.meaning().await, &expected);
    }
}

/// What was committed before an import was cut off is not lost, and not done twice.
#[tokio::test]
async fn an_import_that_was_cut_off_can_be_done_again() {
    let whole = Ground::new().await;
    let tweets = shuffled(&rows::tweets(), 7);
    whole.import(Kind::Tweets, &tweets).await;
    let expected = whole.meaning().await;
    for part in [1, 150, 300] {
        let ground = Ground::new().await;
        ground.cut_off(Kind::Tweets, &tweets, part).await;
        ground.import(Kind::Tweets, &tweets).await;
        same(&ground.meaning().await, &expected);
    }
}

/// References outlive the import that brought them.
#[tokio::test]
async fn a_later_import_resolves_what_was_open() {
    let ground = Ground::new().await;
    ground
        .lines(
            Kind::Likes,
            &[r#"{"username":"fan","tweetId":"1","createdAt":"2020-01-02T00:00:00Z"}"#],
        )
        .await;
    ground
        .lines(
            Kind::Tweets,
            &[r#"{"id":"2","username":"bea","text":"@Ann yes","createdAt":"2020-01-01T00:00:01Z","inReplyToId":"1"}"#],
        )
        .await;
    let open = "SELECT kind FROM unresolved WHERE kind <> 'user' ORDER BY kind";
    assert_eq!(
        ground.rows(open).await,
        [r#"["like"]"#, r#"["mention"]"#, r#"["reply"]"#]
    );
    ground
        .lines(
            Kind::Tweets,
            &[r#"{"id":"1","username":"Ann","text":"first","createdAt":"2020-01-01T00:00:00Z"}"#],
        )
        .await;
    assert!(ground.rows(open).await.is_empty());
    let tweets = "SELECT external_id, like_count, reply_count, in_reply_to_id FROM tweet ORDER BY external_id";
    assert_eq!(ground.rows(tweets).await, [r#"["1",1,1,null]"#, r#"["2",0,0,2]"#]);
    let verbs = "SELECT DISTINCT verb FROM feed_entry ORDER BY verb";
    assert_eq!(
        ground.rows(verbs).await,
        [r#"["like"]"#, r#"["reply"]"#, r#"["tweet"]"#]
    );
    let counts = "SELECT (SELECT COUNT(*) FROM mention) AS mentions, (SELECT COUNT(*) FROM users) AS users";
    assert_eq!(ground.rows(counts).await, ["[1,3]"]);
    ground.recount().await;
}

/// A retweet is one whether its original stands before or behind it, or is a retweet itself.
#[tokio::test]
async fn retweets_find_their_originals() {
    let row = |id: &str, user: &str, of: &str, second: u32| {
        format!(
            r#"{{"id":"{id}","username":"{user}","text":"RT {id}","createdAt":"2020-01-01T00:00:{second:02}Z","retweetOfId":"{of}"}}"#
        )
    };
    let rows = vec![
        row("chain2", "cyd", "chain1", 3),
        row("chain1", "bea", "root", 2),
        row("again", "bea", "root", 5),
        row("orphan", "dan", "nowhere", 4),
        row("of_orphan", "eve", "orphan", 6),
        row("self", "fay", "self", 7),
        row("ring1", "gus", "ring2", 8),
        row("ring2", "hal", "ring1", 9),
        r#"{"id":"root","username":"ann","text":"root #tag","createdAt":"2020-01-01T00:00:00Z","retweets":40}"#
            .to_owned(),
    ];
    for seed in 0..4 {
        let ground = Ground::new().await;
        ground.import(Kind::Tweets, &shuffled(&rows, seed)).await;
        let tweets = "SELECT external_id, retweet_count FROM tweet ORDER BY external_id";
        assert_eq!(
            ground.rows(tweets).await,
            [
                r#"["orphan",1]"#,
                r#"["ring1",0]"#,
                r#"["ring2",0]"#,
                r#"["root",2]"#,
                r#"["self",0]"#
            ]
        );
        let retweets = "SELECT external_id FROM retweet ORDER BY external_id";
        assert_eq!(
            ground.rows(retweets).await,
            [r#"["chain1"]"#, r#"["chain2"]"#, r#"["of_orphan"]"#]
        );
        ground.recount().await;
        let (again, _) = ground.import(Kind::Tweets, &rows).await;
        assert_eq!((again.changed, again.resolved), (0, 0));
    }
}

/// Every bad row is named by its line and its field, and the others go in.
#[tokio::test]
async fn bad_rows_are_named_and_the_others_go_in() {
    let ground = Ground::new().await;
    let long = format!(r#"{{"id":"9","text":"{}"}}"#, "x".repeat(10 << 20));
    let lines = [
        r#"{"id":"1","username":"ann","text":"one","createdAt":"2020-01-01T00:00:00Z"}"#,
        r#"{"id":"2","username":"ann","text":"two"#,
        "",
        r#"{"id":"3","username":"ann","createdAt":"2020-01-01T00:00:00Z"}"#,
        r#"{"id":"4","username":"ann","text":"four","createdAt":"2020-02-30T00:00:00Z"}"#,
        &long,
        r#"{"id":"5","username":"not a name","text":"five","createdAt":"2020-01-01T00:00:00Z"}"#,
        r#"{"username":"ann","text":"six","createdAt":"2020-01-01T00:00:00Z"}"#,
        r#"[1,2]"#,
        r#"{"id":"7","username":"ann","text":"a\u0000b","createdAt":"2020-01-01T00:00:00Z"}"#,
        r#"{"id":"8","username":"ann","text":" ","createdAt":"2020-01-01T00:00:00Z"}"#,
        r#"{"id":"10","username":"ann","text":"ten","createdAt":"2020-01-01T00:00:00Z","likes":-1}"#,
        r#"{"id":"11","username":"ann","text":"eleven","createdAt":"2020-01-01T00:00:00Z"}"#,
    ];
    let (report, bad) = ground.lines(Kind::Tweets, &lines).await;
    assert_eq!((report.read, report.changed, report.bad), (12, 2, 10));
    let lines: Vec<u64> = bad.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [2, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    let words = [
        "JSON",
        "text",
        "createdAt",
        "longer",
        "username",
        "id",
        "object",
        "text",
        "text",
        "likes",
    ];
    for ((line, reason), word) in bad.iter().zip(words) {
        assert!(reason.contains(word), "line {line}: {reason}");
    }
    ground.recount().await;
}

/// CSV, packed or not, brings the same as NDJSON.
#[tokio::test]
async fn a_file_may_be_csv_and_packed() {
    let csv = "\u{feff}id,username,text,createdAt,likes,retweets\r\n\
        1,ann,\"one, \"\"two\"\"\nthree\",2020-01-01T00:00:00Z,7,\r\n\
        \r\n\
        2,ann,short\r\n\
        3,ann,a \"quote\" inside,2020-01-01T00:00:01Z,,\r\n\
        4,ann,\"\",2020-01-01T00:00:02Z,,\n";
    let mut meanings = Vec::new();
    for ending in ["csv", "csv.gz", "csv.zst"] {
        let ground = Ground::new().await;
        let (report, bad) = ground.file(Kind::Tweets, ending, csv.as_bytes()).await;
        assert_eq!((report.read, report.changed, report.bad), (4, 2, 2), "{bad:?}");
        assert_eq!(bad.iter().map(|bad| bad.0).collect::<Vec<_>>(), [5, 7]);
        let rows = "SELECT text, origin_likes, origin_retweets FROM tweet ORDER BY external_id";
        assert_eq!(
            ground.rows(rows).await,
            [
                r#"["one, \"two\"\nthree",7,null]"#,
                r#"["a \"quote\" inside",null,null]"#
            ]
        );
        meanings.push(ground.meaning().await);
    }
    assert!(meanings.windows(2).all(|two| two[0] == two[1]));
}

/// Follows of users and hashtags, under flags, with the whole history.
#[tokio::test]
async fn follows_count_and_open_whole_spans() {
    let ground = Ground::new().await;
    let csv = "follower,followee,flag,createdAt\n\
        ann,bea,,2020-01-01T00:00:00Z\n\
        ann,#Rust,following,2020-01-02T00:00:00Z\n\
        ann,bea,close,\n\
        ann,Ann,,\n\
        ann,bea,,2021-01-01T00:00:00Z\n";
    let (report, bad) = ground.file(Kind::Follows, "csv", csv.as_bytes()).await;
    assert_eq!((report.changed, report.bad), (3, 1));
    assert_eq!(bad[0].0, 5);
    let spans = "SELECT topic, from_at, until_at FROM follow_span ORDER BY topic";
    let oldest = i64::MIN;
    assert_eq!(
        ground.rows(spans).await,
        [
            format!(r#"["hashtag:rust",{oldest},null]"#),
            format!(r#"["user:2",{oldest},null]"#)
        ]
    );
    ground.recount().await;
}

/// Local accounts are theirs; others take what the users' rows say, in whatever order.
#[tokio::test]
async fn users_are_filled_but_not_overwritten() {
    let ground = Ground::new().await;
    ground.sign_up("local").await;
    let users = [
        r#"{"username":"local","displayName":"Imposter","bio":"no"}"#,
        r#"{"username":"Ann","displayName":"Ann A.","bio":"hi","avatarUrl":"https://a.example/a.png","createdAt":"2010-01-01T00:00:00Z"}"#,
    ];
    let tweets = [
        r#"{"id":"1","username":"ann","displayName":"Old","text":"x","createdAt":"2012-01-01T00:00:00Z"}"#,
        r#"{"id":"2","username":"bea","displayName":"New","text":"x","createdAt":"2014-01-01T00:00:00Z"}"#,
        r#"{"id":"3","username":"bea","displayName":"Old","text":"x","createdAt":"2013-01-01T00:00:00Z"}"#,
        r#"{"id":"4","username":"local","displayName":"Imposter","text":"x","createdAt":"2013-01-01T00:00:00Z"}"#,
    ];
    ground.lines(Kind::Tweets, &tweets).await;
    ground.lines(Kind::Users, &users).await;
    let rows = "SELECT username, display_name, bio, created_at / 31536000000000 FROM users WHERE username <> 'local' ORDER BY username";
    assert_eq!(
        ground.rows(rows).await,
        [r#"["Ann","Ann A.","hi",40]"#, r#"["bea","New","",43]"#]
    );
    let local = "SELECT display_name, bio FROM users WHERE username = 'local'";
    assert_eq!(ground.rows(local).await, [r#"["local",""]"#]);
    for (kind, lines) in [(Kind::Users, &users[..]), (Kind::Tweets, &tweets[..])] {
        assert_eq!(ground.lines(kind, lines).await.0.changed, 0);
    }
}

/// Thousands of tweets of one moment all have their place, in the order of their numbers.
#[tokio::test]
async fn a_moment_may_hold_thousands_of_tweets() {
    let ground = Ground::new().await;
    let row = |n: usize, at: &str| format!(r#"{{"id":"{n}","username":"ann","text":"t{n}","createdAt":"{at}"}}"#);
    let mut rows: Vec<String> = (0..2_500).map(|n| row(n, "2020-01-01T00:00:00Z")).collect();
    rows.extend((2_500..2_510).map(|n| row(n, "2020-01-01T00:00:00.000001Z")));
    rows.push(row(2_510, "0001-01-01T00:00:00Z"));
    ground.import(Kind::Tweets, &rows[..700]).await;
    ground.import(Kind::Tweets, &rows).await;
    let misplaced = "SELECT COUNT(*) FROM tweet a JOIN tweet b ON b.id = a.id + 1 \
                     WHERE a.created_at = b.created_at AND a.position >= b.position";
    assert_eq!(ground.rows(misplaced).await, ["[0]"]);
    assert_eq!(
        ground
            .rows(&format!("SELECT COUNT(*) FROM ({}) x", ground.indexed()))
            .await,
        ["[2511]"]
    );
}

/// Numbers that rows bring along are kept where they are free.
#[tokio::test]
async fn keys_are_kept_when_free() {
    let ground = Ground::new().await;
    let rows = [
        r#"{"id":"Tweet:70","key":70,"actionKey":90,"username":"ann","text":"a","createdAt":"2020-01-01T00:00:00Z"}"#,
        r#"{"id":"b","username":"ann","text":"b","createdAt":"2020-01-01T00:00:01Z","inReplyToId":"Tweet:70"}"#,
        r#"{"id":"c","key":70,"username":"ann","text":"c","createdAt":"2020-01-01T00:00:02Z"}"#,
    ];
    ground.lines(Kind::Tweets, &rows).await;
    let tweets = "SELECT id, action_id, external_id, in_reply_to_id FROM tweet ORDER BY id";
    assert_eq!(
        ground.rows(tweets).await,
        [r#"[70,90,"Tweet:70",null]"#, r#"[71,91,"b",70]"#, r#"[72,92,"c",null]"#]
    );
}

/// Streams are told of what is recent, caches of everything.
#[tokio::test]
async fn recent_rows_are_told_to_streams() {
    let ground = Ground::new().await;
    let now = linnet::model::Clock.now();
    let row = |id: &str, at: linnet::model::Micros| {
        format!(r##"{{"id":"{id}","username":"ann","text":"#now","createdAt":"{at}"}}"##)
    };
    let old = now.before(std::time::Duration::from_secs(25 * 3_600));
    let ahead = now.after(std::time::Duration::from_secs(3_600));
    ground
        .import(Kind::Tweets, &[row("old", old), row("new", now), row("ahead", ahead)])
        .await;
    let topics = "SELECT topic, COUNT(*) FROM event_topic GROUP BY topic ORDER BY topic";
    assert_eq!(ground.rows(topics).await, [r#"["hashtag:now",2]"#, r#"["user:1",2]"#]);
    let kinds = ground.kinds();
    assert_eq!(
        ground.rows(kinds).await,
        [r#"["Genesis"]"#, r#"["Import"]"#, r#"["Tweet"]"#]
    );
    assert_eq!(
        ground
            .rows(&format!(
                "SELECT COUNT(*) FROM tweet WHERE created_at > {}",
                in_a_minute()
            ))
            .await,
        ["[0]"]
    );
}

/// Real actions, without identifiers: each once, however often and in whatever form they come.
#[tokio::test]
async fn real_actions_go_in_once() {
    let Some(path) = data("github-actions.ndjson") else {
        return;
    };
    let ground = Ground::new().await;
    let (report, bad) = ground.path(Kind::Actions, &path).await;
    assert_eq!((report.read, report.changed, report.bad), (241, 241, 0), "{bad:?}");
    ground.recount().await;
    let once = ground.dump().await;
    assert_eq!(ground.path(Kind::Actions, &path).await.0.changed, 0);
    let mut table = csv::Writer::from_writer(Vec::new());
    table
        .write_record(["timestamp", "verb", "actor", "object", "target"])
        .unwrap();
    for line in std::fs::read_to_string(&path).unwrap().lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        let part = |name: &str| row[name].to_string();
        let cells = [
            text("timestamp"),
            text("verb"),
            part("actor"),
            part("object"),
            part("target"),
        ];
        table.write_record(cells).unwrap();
    }
    let (report, bad) = ground
        .file(Kind::Actions, "csv.zst", &table.into_inner().unwrap())
        .await;
    assert_eq!((report.read, report.changed, report.bad), (241, 0, 0), "{bad:?}");
    assert_eq!(ground.dump().await, once);
}

/// What no client may add, no row brings either.
#[tokio::test]
async fn bad_actions_are_named() {
    let ground = Ground::new().await;
    let row = |more: &str| {
        format!(r#"{{"actor":{{"type":"user","id":"ann"}},"verb":"sing","timestamp":"2020-01-01T00:00:00Z"{more}}}"#)
    };
    let data = format!(r#","data":"{}""#, "x".repeat(16 << 10));
    let rows = [
        row(r#","verb":"like""#),
        row(&format!(r#","verb":"{}""#, "v".repeat(65))),
        row(&data),
        row(r#","object":{"type":"a:b","id":"1"}"#),
        row(r#","object":{"type":"user","id":"not a name"}"#),
        row(r#","target":{"type":"bird"}"#),
        row(r#","target":{"tweetId":"unknown"}"#),
        row(r#","target":[1]"#),
        row(r#","public":"perhaps""#),
        row(r#","timestamp":"then""#),
        r#"{"verb":"sing"}"#.to_owned(),
        row(r#","timestamp":"2199-01-01T00:00:00Z""#),
    ];
    let (report, bad) = ground.import(Kind::Actions, &rows).await;
    assert_eq!((report.read, report.changed, report.bad), (12, 1, 11), "{bad:?}");
    let fields = [
        "verb:",
        "verb:",
        "data:",
        "object.type:",
        "object.id:",
        "target.id:",
        "public:",
        "timestamp:",
        "target:",
        "target:",
        "actor:",
    ];
    for field in fields {
        assert!(
            bad.iter().any(|(_, reason)| reason.starts_with(field)),
            "{field} {bad:?}"
        );
    }
    let ahead = format!("SELECT COUNT(*) FROM action WHERE created_at > {}", in_a_minute());
    assert_eq!(ground.rows(&ahead).await, ["[0]"]);
    ground.recount().await;
}

/// The real data: tweets, then who follows whom among their authors.
#[tokio::test]
async fn the_real_data_goes_in() {
    let Some((tweets, follows)) = data("tweets.ndjson.gz").zip(data("follows.csv")) else {
        return;
    };
    let ground = Ground::new().await;
    let (report, bad) = ground.path(Kind::Tweets, &tweets).await;
    assert_eq!(
        (report.read, report.changed, report.bad),
        (21_884, 21_884, 0),
        "{bad:?}"
    );
    let (report, bad) = ground.path(Kind::Follows, &follows).await;
    assert_eq!((report.read, report.changed, report.bad), (8_688, 8_688, 0), "{bad:?}");
    let answers = "SELECT COUNT(*) FROM tweet WHERE in_reply_to_id IS NOT NULL";
    assert_eq!(ground.rows(answers).await, ["[2576]"]);
    ground.recount().await;
}

/// Real conversations, answers before questions.
#[tokio::test]
async fn the_order_of_real_rows_makes_no_difference() {
    let Some(path) = data("tweets.ndjson.gz") else { return };
    let mut tweets = ground::unpack(&path);
    tweets.retain(|row| row.contains(r#""source":"rumoureval""#) || row.contains(r#""source":"simdjson""#));
    let (sorted, mixed) = (Ground::new().await, Ground::new().await);
    sorted.import(Kind::Tweets, &tweets).await;
    mixed.import(Kind::Tweets, &shuffled(&tweets, 3)).await;
    same(&mixed.meaning().await, &sorted.meaning().await);
}
