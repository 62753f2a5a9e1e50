//! The data set: 10,000 users who follow 50 others on average, and 200,000 tweets of 30 days. The
//! same on each machine. The files are what `linnet import` takes; their first columns are what
//! the programs of the reference take.

use super::process;
use linnet::model::Micros;
use sea_orm::{ConnectionTrait, Database, TransactionTrait};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const USERS: u64 = 10_000;
const TWEETS: u64 = 200_000;
const TAGS: f64 = 2_000.0;
/// 2025-01-01T00:00:00Z, and 30 days, in milliseconds.
const BEGIN: u64 = 1_735_689_600_000;
const TIME: u64 = 30 * 86_400_000;
const WORDS: [&str; 24] = [
    "bridge", "river", "garden", "winter", "morning", "stream", "music", "game", "coffee", "team", "code", "server",
    "data", "open", "release", "cloud", "market", "news", "weather", "train", "lemon", "ocean", "island", "sunset",
];

/// What requests are made of.
pub struct Data {
    pub database: PathBuf,
    /// Whose timelines are asked for, and their tokens.
    pub viewers: Vec<u64>,
    pub tokens: Vec<String>,
}

/// Numbers that look random (SplitMix64).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are kept")]
    fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From 0 to below `most`, the low ones more often the higher `skew` is.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number")]
    fn skewed(&mut self, most: f64, skew: f64) -> u64 {
        (most * self.part().powf(skew)) as u64
    }

    fn user(&mut self, skew: f64) -> u64 {
        1 + self.skewed(10_000.0, skew) * 7_919 % USERS
    }
}

fn name(user: u64) -> String {
    format!("user{user:05}")
}

fn time(milliseconds: u64) -> String {
    Micros(i64::try_from(milliseconds * 1_000).unwrap()).to_string()
}

fn users() -> String {
    let mut file = "id,name,shown,at,username,displayName,createdAt\n".to_owned();
    for id in 1..=USERS {
        let (name, at) = (name(id), BEGIN - id);
        writeln!(file, "{id},{name},User {id},{at},{name},User {id},{}", time(at)).unwrap();
    }
    file
}

fn tweets() -> String {
    let mut numbers = Numbers(1);
    let mut file = "id,authorId,text,at,likeCount,username,createdAt,likes\n".to_owned();
    for id in 1..=TWEETS {
        let author = numbers.user(1.8);
        let length = 40 + numbers.next() % 200;
        let mut text = String::new();
        while text.len() < usize::try_from(length).unwrap() {
            text += WORDS[usize::try_from(numbers.next()).unwrap_or_default() % WORDS.len()];
            text += " ";
        }
        if numbers.next() % 10 < 4 {
            for _ in 0..=numbers.next() % 3 {
                write!(text, "#tag{} ", numbers.skewed(TAGS, 3.0)).unwrap();
            }
        }
        let (at, likes) = (BEGIN + id * (TIME / TWEETS), numbers.skewed(1_000.0, 8.0));
        let text = text.trim_end();
        let (name, time) = (name(author), time(at));
        writeln!(file, "{id},{author},{text},{at},{likes},{name},{time},{likes}").unwrap();
    }
    file
}

/// Who follows whom: few follow very many, and few are followed by very many.
fn follows() -> Vec<(u64, u64)> {
    let mut numbers = Numbers(2);
    let mut all = Vec::new();
    for follower in 1..=USERS {
        // A part of -0.6 is taken of numbers from 0 to 1: 19 at the least, 50 on average.
        let count = 19 * 1_000 / (1 + numbers.skewed(1_000.0, 0.625));
        let mut followees: Vec<u64> = (0..count.min(1_000))
            .map(|_| numbers.user(1.5))
            .filter(|followee| *followee != follower)
            .collect();
        followees.sort_unstable();
        followees.dedup();
        all.extend(followees.into_iter().map(|followee| (follower, followee)));
    }
    all
}

/// A tweet of 200 characters with two hashtags.
pub fn posting(n: usize, one: &str, other: &str) -> String {
    let tags = format!("#{one} #{other}");
    let words = format!("{n} {}", "bridge over the river ".repeat(9));
    format!("{:.*} {tags}", 199 - tags.len(), words)
}

/// Writes the files and fills a database of Linnet with them.
pub async fn seed(folder: &Path) -> Data {
    let database = folder.join("linnet.db");
    for (kind, content) in [("users", users()), ("tweets", tweets())] {
        let file = folder.join(format!("{kind}.csv"));
        std::fs::write(&file, content).unwrap();
        process::command(&database, &["import", kind, file.to_str().unwrap()]);
    }
    let follows = follows();
    let lines = follows
        .iter()
        .map(|(follower, followee)| format!("{follower},{followee},{BEGIN}\n"));
    let file: String = std::iter::once("followerId,followeeId,at\n".to_owned())
        .chain(lines)
        .collect();
    std::fs::write(folder.join("follows.csv"), file).unwrap();
    follow(&database, &follows).await;
    let mut numbers = Numbers(3);
    let viewers: Vec<u64> = (0..super::VIEWERS).map(|_| 1 + numbers.next() % USERS).collect();
    let names: Vec<String> = viewers.iter().map(|viewer| name(*viewer)).collect();
    let mut arguments = vec!["token", "create"];
    arguments.extend(names.iter().map(String::as_str));
    let tokens = process::command(&database, &arguments);
    Data {
        tokens: tokens.lines().map(str::to_owned).collect(),
        viewers,
        database,
    }
}

/// Follows as an import makes them, without the actions that it records: half a million of those
/// would be most of the measurement's time.
async fn follow(database: &Path, follows: &[(u64, u64)]) {
    let db = Database::connect(format!("sqlite://{}", database.display()))
        .await
        .unwrap();
    let tx = db.begin().await.unwrap();
    for some in follows.chunks(500) {
        let rows = |row: fn(&(u64, u64)) -> String| some.iter().map(row).collect::<Vec<_>>().join(",");
        let follows = rows(|(follower, followee)| format!("({follower},'user','{followee}','following',0)"));
        let spans = rows(|(follower, followee)| format!("({follower},'user:{followee}',{0},{0})", i64::MIN));
        for sql in [
            format!("INSERT INTO follow (follower_id, target_kind, target_key, flag, created_at) VALUES {follows}"),
            format!("INSERT INTO follow_span (follower_id, topic, from_at, from_id) VALUES {spans}"),
        ] {
            tx.execute_unprepared(&sql).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    db.execute_unprepared("ANALYZE").await.unwrap();
    db.close().await.unwrap();
}
