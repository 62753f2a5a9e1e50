//! Walls against an oracle that knows what happened: membership, order, counts, backfill, with the
//! server killed now and then.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

use crate::harness::scene::{Nobody, Person, all};
use crate::harness::{Linnet, chance, number, until};

const PEOPLE: usize = 4;
const SLUGS: [&str; 3] = ["one", "two", "three"];
const TAGS: [&str; 3] = ["ant", "bee", "cat"];
const WORDS: [&str; 4] = ["Straße", "ΟΔΟΣ", "cafe\u{301}", "x1"];

#[derive(Clone, Default)]
struct Rules {
    tags: BTreeSet<usize>,
    words: BTreeSet<usize>,
    people: BTreeSet<usize>,
}

struct Tweet {
    id: String,
    author: usize,
    tags: BTreeSet<usize>,
    words: BTreeSet<usize>,
    /// When it was posted, in the order of all that happened.
    posted: usize,
    /// Who retweeted it, and when.
    retweets: BTreeMap<usize, usize>,
}

struct World {
    linnet: Linnet,
    moderator: Person,
    people: Vec<Person>,
    tweets: Vec<Tweet>,
    walls: BTreeMap<&'static str, Rules>,
    chance: StdRng,
    now: usize,
}

impl Rules {
    fn have(&self, tweet: &Tweet) -> bool {
        !self.tags.is_disjoint(&tweet.tags)
            || !self.words.is_disjoint(&tweet.words)
            || self.people.contains(&tweet.author)
    }
}

impl World {
    async fn new() -> Self {
        let linnet = Linnet::start().await;
        let moderator = linnet.moderator("moderator").await;
        let mut people = Vec::new();
        for n in 0..PEOPLE {
            people.push(linnet.join(&format!("p{n}")).await);
        }
        Self {
            linnet,
            moderator,
            people,
            tweets: Vec::new(),
            walls: BTreeMap::new(),
            chance: chance(),
            now: 0,
        }
    }

    fn some(&mut self, of: usize, share: f64) -> BTreeSet<usize> {
        (0..of).filter(|_| self.chance.random_bool(share)).collect()
    }

    /// A text with these, in any case and form.
    fn text(&mut self, tags: &BTreeSet<usize>, words: &BTreeSet<usize>) -> String {
        let mut text = format!("n{}", self.chance.random_range(0..u32::MAX));
        for tag in tags {
            text += &format!(" #{}", TAGS[*tag]);
        }
        for word in words {
            let word = WORDS[*word];
            text += &match self.chance.random_range(0..3) {
                0 => format!(" {word}"),
                1 => format!(" {}", word.to_lowercase()),
                _ => format!(" in{}side", word.to_uppercase().replace("SS", "ß")),
            };
        }
        text
    }

    async fn step(&mut self) {
        self.now += 1;
        let tweet = (!self.tweets.is_empty()).then(|| self.chance.random_range(0..self.tweets.len()));
        match (self.chance.random_range(0..20), tweet) {
            (0..6, _) | (_, None) => {
                let author = self.chance.random_range(0..PEOPLE);
                let (tags, words) = (self.some(TAGS.len(), 0.3), self.some(WORDS.len(), 0.2));
                let text = self.text(&tags, &words);
                let id = self.linnet.tweet(&self.people[author], &text).await;
                self.tweets.push(Tweet {
                    id,
                    author,
                    tags,
                    words,
                    posted: self.now,
                    retweets: BTreeMap::new(),
                });
            }
            (6..9, Some(tweet)) => {
                let (tags, words) = (self.some(TAGS.len(), 0.3), self.some(WORDS.len(), 0.2));
                let text = self.text(&tags, &words);
                let known = &mut self.tweets[tweet];
                self.linnet.edit(&self.people[known.author], &known.id, &text).await;
                (known.tags, known.words) = (tags, words);
            }
            (9, Some(tweet)) => {
                let gone = self.tweets.remove(tweet);
                self.linnet.on(&self.people[gone.author], "deleteTweet", &gone.id).await;
            }
            (10..14, Some(tweet)) => {
                let who = self.chance.random_range(0..PEOPLE);
                let known = &mut self.tweets[tweet];
                self.linnet.on(&self.people[who], "retweet", &known.id).await;
                known.retweets.entry(who).or_insert(self.now);
            }
            (14, Some(tweet)) => {
                let who = self.chance.random_range(0..PEOPLE);
                let known = &mut self.tweets[tweet];
                self.linnet.on(&self.people[who], "undoRetweet", &known.id).await;
                known.retweets.remove(&who);
            }
            (15..18, _) => self.put_wall().await,
            (18, _) => {
                let slug = *SLUGS.choose(&mut self.chance).unwrap();
                if self.walls.remove(slug).is_some() {
                    let query = format!("mutation {{ deleteWall(slug: \"{slug}\") }}");
                    self.linnet.ask(&self.moderator, &query).await;
                }
            }
            _ => {
                self.linnet.kill().await;
                self.linnet.restart().await;
            }
        }
    }

    async fn put_wall(&mut self) {
        let slug = *SLUGS.choose(&mut self.chance).unwrap();
        let rules = Rules {
            tags: self.some(TAGS.len(), 0.3),
            words: self.some(WORDS.len(), 0.3),
            people: self.some(PEOPLE, 0.2),
        };
        let input = json!({
            "slug": slug, "title": slug,
            "hashtags": rules.tags.iter().map(|tag| TAGS[*tag]).collect::<Vec<_>>(),
            "keywords": rules.words.iter().map(|word| WORDS[*word]).collect::<Vec<_>>(),
            "accounts": rules.people.iter().map(|who| &self.people[*who].name).collect::<Vec<_>>(),
        });
        self.linnet.act(&self.moderator, "putWall", input).await;
        self.walls.insert(slug, rules);
    }

    /// Waits until the background has done its part, then compares everything.
    async fn compare(&self) {
        let linnet = &self.linnet;
        until("the walls' tweets", || async {
            let walls = linnet.ask(Nobody, "{ walls { isComplete } }").await;
            walls["walls"]
                .as_array()
                .unwrap()
                .iter()
                .all(|wall| wall["isComplete"] == true)
        })
        .await;
        let found = linnet.ask(Nobody, "{ walls { slug } }").await;
        let slugs: BTreeSet<String> = all(&found["walls"], "slug").into_iter().collect();
        assert_eq!(slugs, self.walls.keys().map(|slug| (*slug).to_owned()).collect());
        for (slug, rules) in &self.walls {
            let query = format!(
                "{{ wall(slug: \"{slug}\") {{ tweetCount tweets(first: 100) {{ nodes {{ id }} }}
                posts: tweets(includeRetweets: false, first: 100) {{ nodes {{ id }} }}
                participants {{ nodes {{ username }} }} topUsers {{ user {{ username }} tweetCount }} topTweets {{ id }} }} }}"
            );
            let shown = linnet.ask(Nobody, &query).await["wall"].take();
            assert_eq!(shown, self.expected(rules), "{slug}");
        }
        let file = linnet.file().await;
        file.counts_are_right().await;
        until("the end of the sweep", || file.is_swept()).await;
        file.nothing_is_left_over().await;
    }

    fn expected(&self, rules: &Rules) -> Value {
        let mut mine: Vec<&Tweet> = self.tweets.iter().filter(|tweet| rules.have(tweet)).collect();
        let nodes = |tweets: &[&Tweet]| -> Value {
            let nodes: Vec<Value> = tweets.iter().map(|tweet| json!({ "id": tweet.id })).collect();
            json!({ "nodes": nodes })
        };
        let newest = |tweet: &Tweet| {
            tweet
                .retweets
                .values()
                .copied()
                .max()
                .unwrap_or_default()
                .max(tweet.posted)
        };
        mine.sort_by_key(|tweet| std::cmp::Reverse(newest(tweet)));
        let tweets = nodes(&mine);
        mine.sort_by_key(|tweet| std::cmp::Reverse(tweet.posted));
        let posts = nodes(&mine);
        let mut counts = [0; PEOPLE];
        let mut participants: Vec<usize> = Vec::new();
        for tweet in &mine {
            counts[tweet.author] += 1;
            if !participants.contains(&tweet.author) {
                participants.push(tweet.author);
            }
        }
        let name = |who: usize| json!({ "username": self.people[who].name });
        let mut top: Vec<usize> = participants.clone();
        top.sort_by_key(|who| (std::cmp::Reverse(counts[*who]), *who));
        let top: Vec<Value> = top
            .into_iter()
            .map(|who| json!({ "user": name(who), "tweetCount": counts[who] }))
            .collect();
        mine.retain(|tweet| !tweet.retweets.is_empty());
        mine.sort_by_key(|tweet| std::cmp::Reverse((tweet.retweets.len(), tweet.posted)));
        mine.truncate(10);
        json!({
            "tweetCount": counts.iter().sum::<i32>(),
            "tweets": tweets,
            "posts": posts,
            "participants": { "nodes": participants.into_iter().map(name).collect::<Vec<_>>() },
            "topUsers": top,
            "topTweets": nodes(&mine)["nodes"],
        })
    }
}

#[tokio::test]
async fn walls_hold_what_belongs_to_them() {
    let mut world = World::new().await;
    for _ in 0..number("LINNET_TEST_ROUNDS", 12) {
        for _ in 0..8 {
            world.step().await;
        }
        world.compare().await;
    }
}

/// Killed while it takes in what was stored, and while tweets are posted and walls change.
#[tokio::test]
async fn a_wall_fills_whatever_ends_the_server() {
    let mut linnet = Linnet::start().await;
    let ann = linnet.moderator("ann").await;
    let rows: Vec<String> = (0..6_000)
        .map(|n| {
            let at = format!("2024-01-01T{:02}:{:02}:{:02}Z", n / 3_600, n / 60 % 60, n % 60);
            json!({ "id": n.to_string(), "username": format!("u{}", n % 50), "text": format!("n{n} m{}", n % 2), "createdAt": at })
                .to_string()
        })
        .collect();
    linnet.tell(&["import", "tweets", "-"], &rows.join("\n")).await;
    let wall = |word: &str| json!({ "slug": "w", "title": "W", "keywords": [word] });
    let count = "{ wall(slug: \"w\") { isComplete tweetCount } }";
    for word in ["m0", "m1"] {
        linnet.act(&ann, "putWall", wall(word)).await;
        for _ in 0..4 {
            linnet.tweet(&ann, "posted meanwhile m0 m1").await;
            linnet.kill().await;
            linnet.restart().await;
        }
        until("the wall's tweets", || async {
            linnet.ask(Nobody, count).await["wall"]["isComplete"] == true
        })
        .await;
    }
    assert_eq!(linnet.ask(Nobody, count).await["wall"]["tweetCount"], 3_000 + 8);
    linnet.file().await.counts_are_right().await;
}
