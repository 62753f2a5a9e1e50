//! Feeds against a plain model, which recomputes each of them from what has happened.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};

use crate::harness::scene::{Nobody, Person};
use crate::harness::{Linnet, chance, number, until};

/// How many older posts and retweets hide a retweet of the same tweet.
const COLLAPSE: usize = 40;
/// How many steps after a deletion rows may still be swept away.
const SWEEPING: usize = 4;
const TAGS: [&str; 3] = ["ant", "bee", "cat"];
const PEOPLE: [&str; 5] = ["ann", "Ben", "cyd", "dan", "eve"];

/// What can be followed, and what feeds are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topic {
    Person(usize),
    Tag(usize),
}

/// What happened: the number is its place in time.
#[derive(Clone, Debug)]
struct Action {
    number: usize,
    actor: usize,
    verb: &'static str,
    tweet: Option<usize>,
    followed: Option<Topic>,
}

#[derive(Clone, Debug)]
struct Tweet {
    id: String,
    author: usize,
    tags: Vec<usize>,
    mentions: Vec<usize>,
    in_reply_to: Option<usize>,
    is_deleted: bool,
}

/// A stretch of a topic in somebody's timeline.
#[derive(Clone, Debug)]
struct Span {
    owner: usize,
    topic: Topic,
    from: usize,
    /// What was recorded by then.
    until: Option<usize>,
}

/// All facts.
#[derive(Default)]
struct Model {
    people: Vec<Person>,
    next: usize,
    actions: Vec<Action>,
    tweets: Vec<Tweet>,
    spans: Vec<Span>,
}

impl Model {
    fn record(&mut self, actor: usize, verb: &'static str, tweet: Option<usize>, followed: Option<Topic>) {
        self.next += 1;
        self.actions.push(Action {
            number: self.next,
            actor,
            verb,
            tweet,
            followed,
        });
    }

    fn find(&self, actor: usize, verb: &str, tweet: usize) -> Option<usize> {
        self.actions
            .iter()
            .position(|action| action.actor == actor && action.verb == verb && action.tweet == Some(tweet))
    }

    fn follow_of(&self, actor: usize, topic: Topic) -> Option<usize> {
        self.actions
            .iter()
            .position(|action| action.actor == actor && action.followed == Some(topic))
    }

    fn is_in(&self, action: &Action, topic: Topic) -> bool {
        match topic {
            Topic::Person(person) => action.actor == person,
            Topic::Tag(tag) => {
                is_post(action) && action.tweet.is_some_and(|tweet| self.tweets[tweet].tags.contains(&tag))
            }
        }
    }

    /// A topic's actions, the newest first.
    fn topic(&self, topic: Topic) -> Vec<&Action> {
        self.actions
            .iter()
            .rev()
            .filter(|action| self.is_in(action, topic))
            .collect()
    }

    /// What those did whom somebody follows, the newest first.
    fn timeline(&self, owner: usize) -> Vec<&Action> {
        let brings = |span: &Span, action: &Action| {
            self.is_in(action, span.topic)
                && action.number >= span.from
                && span.until.is_none_or(|until| action.number <= until)
        };
        let mine: Vec<&Span> = self.spans.iter().filter(|span| span.owner == owner).collect();
        self.actions
            .iter()
            .rev()
            .filter(|action| action.actor != owner && mine.iter().any(|span| brings(span, action)))
            .collect()
    }

    fn follow(&mut self, owner: usize, topic: Topic, backfill: usize) {
        if self.follow_of(owner, topic).is_some() {
            return;
        }
        let entries = self.topic(topic);
        let from = match backfill {
            0 => self.next + 1,
            n => entries.get(n - 1).map_or(0, |action| action.number),
        };
        self.record(owner, "follow", None, Some(topic));
        self.spans.push(Span {
            owner,
            topic,
            from,
            until: None,
        });
    }

    fn unfollow(&mut self, owner: usize, topic: Topic, keep_history: bool) {
        let recorded = self.next;
        if keep_history {
            let mine = self
                .spans
                .iter_mut()
                .filter(|span| span.owner == owner && span.topic == topic);
            for span in mine {
                span.until.get_or_insert(recorded);
            }
        } else {
            self.spans.retain(|span| span.owner != owner || span.topic != topic);
        }
        if let Some(at) = self.follow_of(owner, topic) {
            self.actions.remove(at);
        }
    }

    fn delete(&mut self, tweet: usize) {
        self.tweets[tweet].is_deleted = true;
        self.actions.retain(|action| action.tweet != Some(tweet));
    }

    fn alive(&self) -> Vec<usize> {
        (0..self.tweets.len())
            .filter(|tweet| !self.tweets[*tweet].is_deleted)
            .collect()
    }

    fn count(&self, is_counted: impl Fn(&Action) -> bool) -> usize {
        self.actions.iter().filter(|action| is_counted(action)).count()
    }
}

fn is_post(action: &Action) -> bool {
    matches!(action.verb, "tweet" | "reply")
}

/// The tweets of a list of actions; a retweet is left out when its tweet comes again soon.
fn tweets(actions: &[&Action]) -> Vec<usize> {
    let shown: Vec<&&Action> = actions
        .iter()
        .filter(|action| is_post(action) || action.verb == "retweet")
        .collect();
    let again = |at: usize| {
        let mut older = shown.iter().skip(at + 1).take(COLLAPSE);
        older.any(|older| older.tweet == shown[at].tweet)
    };
    (0..shown.len())
        .filter(|at| is_post(shown[*at]) || !again(*at))
        .filter_map(|at| shown[at].tweet)
        .collect()
}

/// The texts by which the server's answers and the model's are compared.
impl Model {
    fn name(&self, topic: Topic) -> String {
        match topic {
            Topic::Person(person) => self.people[person].id.clone(),
            Topic::Tag(tag) => format!("Hashtag:{}", TAGS[tag]),
        }
    }

    fn tell(&self, action: &Action) -> String {
        let actor = &self.people[action.actor].id;
        let tweet = action.tweet.map(|tweet| &self.tweets[tweet]);
        let followed = action.followed.map(|topic| self.name(topic));
        let object = tweet.map(|tweet| tweet.id.clone()).or(followed).unwrap_or_default();
        let answered = tweet
            .filter(|_| action.verb == "reply")
            .and_then(|tweet| tweet.in_reply_to);
        match answered.map(|answered| &self.tweets[answered]) {
            Some(answered) => format!("{actor} reply {object} -> {} {}", answered.id, answered.is_deleted),
            None => format!("{actor} {} {object}", action.verb),
        }
    }

    fn tell_all(&self, actions: &[&Action]) -> Vec<String> {
        actions.iter().map(|action| self.tell(action)).collect()
    }

    fn ids(&self, tweets: &[usize]) -> Vec<String> {
        tweets.iter().map(|tweet| self.tweets[*tweet].id.clone()).collect()
    }
}

fn told(action: &Value) -> String {
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    let (actor, verb, object) = (
        id(&action["actor"]),
        action["verb"].as_str().unwrap(),
        id(&action["object"]),
    );
    match action["target"].as_object() {
        Some(target) => format!(
            "{actor} {verb} {object} -> {} {}",
            id(&action["target"]),
            target["__typename"] == "Tombstone"
        ),
        None => format!("{actor} {verb} {object}"),
    }
}

/// The world, and the model of it.
struct World {
    linnet: Linnet,
    model: Model,
    chance: StdRng,
    /// Steps since a tweet was deleted.
    since_deletion: usize,
}

impl World {
    async fn new() -> Self {
        let linnet = Linnet::start().await;
        let mut model = Model::default();
        for name in PEOPLE {
            model.people.push(linnet.join(name).await);
        }
        let chance = chance();
        Self {
            linnet,
            model,
            chance,
            since_deletion: SWEEPING,
        }
    }

    fn somebody(&mut self) -> usize {
        self.chance.random_range(0..PEOPLE.len())
    }

    fn some_tweet(&mut self) -> Option<usize> {
        let alive = self.model.alive();
        // What is new is talked about most.
        let recent = alive.len().saturating_sub(12);
        let from = if self.chance.random_bool(0.7) { recent } else { 0 };
        alive[from..].choose(&mut self.chance).copied()
    }

    fn some_topic(&mut self, not: usize) -> Topic {
        let person = self.somebody();
        if person == not || self.chance.random_bool(0.5) {
            Topic::Tag(self.chance.random_range(0..TAGS.len()))
        } else {
            Topic::Person(person)
        }
    }

    /// A text with some hashtags and mentions, and these.
    fn some_text(&mut self) -> (String, Vec<usize>, Vec<usize>) {
        let tags: Vec<usize> = (0..TAGS.len()).filter(|_| self.chance.random_bool(0.4)).collect();
        let mentions: Vec<usize> = (0..PEOPLE.len()).filter(|_| self.chance.random_bool(0.1)).collect();
        let mut text = format!("n{}", self.chance.random_range(0..u32::MAX));
        for tag in &tags {
            let name = TAGS[*tag];
            text += &format!(
                " #{}",
                if self.chance.random() {
                    name.to_uppercase()
                } else {
                    name.to_owned()
                }
            );
        }
        for person in &mentions {
            text += &format!(" @{}", PEOPLE[*person]);
        }
        (text, tags, mentions)
    }

    async fn post(&mut self, in_reply_to: Option<usize>) {
        let author = self.somebody();
        let (text, tags, mentions) = self.some_text();
        let person = &self.model.people[author];
        let id = match in_reply_to {
            Some(tweet) => self.linnet.reply(person, &self.model.tweets[tweet].id, &text).await,
            None => self.linnet.tweet(person, &text).await,
        };
        self.model.tweets.push(Tweet {
            id,
            author,
            tags,
            mentions,
            in_reply_to,
            is_deleted: false,
        });
        let verb = if in_reply_to.is_some() { "reply" } else { "tweet" };
        self.model.record(author, verb, Some(self.model.tweets.len() - 1), None);
    }

    async fn edit(&mut self) {
        let Some(tweet) = self.some_tweet() else { return };
        let (text, tags, mentions) = self.some_text();
        let known = &mut self.model.tweets[tweet];
        (known.tags, known.mentions) = (tags, mentions);
        let known = &self.model.tweets[tweet];
        self.linnet
            .edit(&self.model.people[known.author], &known.id, &text)
            .await;
    }

    async fn delete(&mut self) {
        let Some(tweet) = self.some_tweet() else { return };
        let known = &self.model.tweets[tweet];
        self.linnet
            .on(&self.model.people[known.author], "deleteTweet", &known.id)
            .await;
        self.model.delete(tweet);
        self.since_deletion = 0;
    }

    async fn react(&mut self, mutation: &str, verb: &'static str, undoes: bool) {
        let who = self.somebody();
        let Some(tweet) = self.some_tweet() else { return };
        let id = &self.model.tweets[tweet].id;
        self.linnet.on(&self.model.people[who], mutation, id).await;
        match (self.model.find(who, verb, tweet), undoes) {
            (Some(at), true) => drop(self.model.actions.remove(at)),
            (None, false) => self.model.record(who, verb, Some(tweet), None),
            _ => {}
        }
    }

    async fn follow(&mut self) {
        let who = self.somebody();
        let topic = self.some_topic(who);
        let backfill = *[0, 1, 2, 5, 100].choose(&mut self.chance).unwrap();
        let input = json!({ "targetId": self.model.name(topic), "backfill": backfill });
        self.linnet.act(&self.model.people[who], "follow", input).await;
        self.model.follow(who, topic, backfill);
    }

    async fn unfollow(&mut self) {
        let who = self.somebody();
        let topic = self.some_topic(who);
        if matches!(topic, Topic::Tag(_)) && self.model.follow_of(who, topic).is_none() {
            return;
        }
        let keep_history = self.chance.random();
        let input = json!({ "targetId": self.model.name(topic), "keepHistory": keep_history });
        self.linnet.act(&self.model.people[who], "unfollow", input).await;
        self.model.unfollow(who, topic, keep_history);
    }

    async fn step(&mut self) {
        self.since_deletion += 1;
        match self.chance.random_range(0..100) {
            0..30 => self.post(None).await,
            30..40 => {
                let tweet = self.some_tweet();
                self.post(tweet).await;
            }
            40..50 => self.edit().await,
            50..55 => self.delete().await,
            55..61 => self.react("likeTweet", "like", false).await,
            61..63 => self.react("unlikeTweet", "like", true).await,
            63..78 => self.react("retweet", "retweet", false).await,
            78..82 => self.react("undoRetweet", "retweet", true).await,
            82..92 => self.follow().await,
            _ => self.unfollow().await,
        }
    }
}

const ACTION: &str = "verb actor { ... on Node { id } } object { ... on Node { id } }
    target { __typename ... on Node { id } }";

/// What a page must be, beside what it was.
type Compared = Vec<(String, Value, Value)>;

impl World {
    /// The first page of everything that one viewer has, as it must be and as it is.
    async fn first_pages(&self, who: usize, tag: usize) -> Compared {
        let person = &self.model.people[who];
        let query = format!(
            "query($tag: String!) {{
                viewer {{
                    tweetCount followerCount followingCount
                    timeline {{
                        actions(first: 100) {{ nodes {{ {ACTION} }} pageInfo {{ hasNextPage }} }}
                        likes: actions(first: 100, verbs: [\"like\", \"reply\"]) {{ nodes {{ {ACTION} }} pageInfo {{ hasNextPage }} }}
                        tweets(first: 100) {{ nodes {{ id }} pageInfo {{ hasNextPage }} }}
                        posts: tweets(first: 100, includeRetweets: false) {{ nodes {{ id }} pageInfo {{ hasNextPage }} }}
                    }}
                    feed {{
                        actions(first: 100) {{ nodes {{ {ACTION} }} pageInfo {{ hasNextPage }} }}
                        tweets(first: 100) {{ nodes {{ id }} pageInfo {{ hasNextPage }} }}
                    }}
                    tweets(first: 100) {{ nodes {{ id }} pageInfo {{ hasNextPage }} }}
                }}
                hashtag(name: $tag) {{
                    tweetCount followerCount
                    tweets(first: 100) {{ nodes {{ id }} pageInfo {{ hasNextPage }} }}
                    feed {{ actions(first: 100) {{ nodes {{ {ACTION} }} pageInfo {{ hasNextPage }} }} }}
                }}
            }}"
        );
        let seen = self.linnet.ask_with(person, &query, json!({ "tag": TAGS[tag] })).await;
        let model = &self.model;
        let (timeline, feed) = (model.timeline(who), model.topic(Topic::Person(who)));
        let with = |verbs: &[&str], actions: &[&Action]| -> Vec<String> {
            let chosen = actions.iter().filter(|action| verbs.contains(&action.verb));
            chosen.map(|action| model.tell(action)).collect()
        };
        let posts = |actions: &[&Action]| {
            let posts: Vec<_> = actions
                .iter()
                .filter(|action| is_post(action))
                .filter_map(|action| action.tweet)
                .collect();
            model.ids(&posts)
        };
        let me = Topic::Person(who);
        let viewer = &seen["viewer"];
        let mut compared = vec![
            page(
                "timeline.actions",
                model.tell_all(&timeline),
                &viewer["timeline"]["actions"],
            ),
            page(
                "timeline.verbs",
                with(&["like", "reply"], &timeline),
                &viewer["timeline"]["likes"],
            ),
            page(
                "timeline.tweets",
                model.ids(&tweets(&timeline)),
                &viewer["timeline"]["tweets"],
            ),
            page("timeline.posts", posts(&timeline), &viewer["timeline"]["posts"]),
            page("feed.actions", model.tell_all(&feed), &viewer["feed"]["actions"]),
            page("feed.tweets", model.ids(&tweets(&feed)), &viewer["feed"]["tweets"]),
            page("user.tweets", posts(&feed), &viewer["tweets"]),
            value(
                "tweetCount",
                model.count(|a| a.actor == who && is_post(a)),
                &viewer["tweetCount"],
            ),
            value(
                "followerCount",
                model.count(|a| a.followed == Some(me)),
                &viewer["followerCount"],
            ),
            value(
                "followingCount",
                model.count(|a| a.actor == who && a.followed.is_some()),
                &viewer["followingCount"],
            ),
        ];
        let tagged = model.topic(Topic::Tag(tag));
        let hashtag = &seen["hashtag"];
        if !hashtag.is_null() {
            let followers = model.count(|a| a.followed == Some(Topic::Tag(tag)));
            compared.extend([
                page("hashtag.tweets", posts(&tagged), &hashtag["tweets"]),
                page("hashtag.feed", model.tell_all(&tagged), &hashtag["feed"]["actions"]),
                value("hashtag.tweetCount", tagged.len(), &hashtag["tweetCount"]),
                value("hashtag.followerCount", followers, &hashtag["followerCount"]),
            ]);
        } else {
            assert!(tagged.is_empty(), "the hashtag {} is not there", TAGS[tag]);
        }
        compared
    }

    /// Compares everything with the model; rows of what was just deleted may take a moment to go.
    async fn check(&mut self, step: usize) {
        let who = self.somebody();
        let tag = self.chance.random_range(0..TAGS.len());
        if self.since_deletion < SWEEPING {
            until(&format!("step {step}: the feeds as they should be"), async || {
                let compared = self.first_pages(who, tag).await;
                compared.iter().all(|(_, expected, found)| expected == found)
            })
            .await;
        }
        for (what, expected, found) in self.first_pages(who, tag).await {
            assert_eq!(found, expected, "step {step}: {what} of {}", PEOPLE[who]);
        }
    }

    /// Walks through a timeline in small pages, and compares the whole of it.
    async fn walk(&mut self, who: usize) {
        let size = self.chance.random_range(7..40);
        let forward = self.chance.random();
        let expected = self.model.ids(&tweets(&self.model.timeline(who)));
        let mut found: Vec<String> = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let window = if forward {
                "first: $size, after: $cursor"
            } else {
                "last: $size, before: $cursor"
            };
            let query = format!(
                "query($size: Int!, $cursor: String) {{ viewer {{ timeline {{ tweets({window}) {{ nodes {{ id }}
                    pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} }} }}"
            );
            let variables = json!({ "size": size, "cursor": cursor });
            let seen = self.linnet.ask_with(&self.model.people[who], &query, variables).await;
            let page = &seen["viewer"]["timeline"]["tweets"];
            let ids = crate::harness::scene::all(page, "id");
            let (at, more, next) = if forward {
                (found.len(), "hasNextPage", "endCursor")
            } else {
                (0, "hasPreviousPage", "startCursor")
            };
            found.splice(at..at, ids);
            if page["pageInfo"][more] == false {
                break;
            }
            cursor = page["pageInfo"][next].clone();
        }
        assert_eq!(found, expected, "walking {} by {size} through {}", forward, PEOPLE[who]);
    }

    /// Every tweet with its counts and references, each deleted one gone.
    async fn check_tweets(&self) {
        let model = &self.model;
        for (chunk, tweets) in model.tweets.chunks(100).enumerate() {
            let ids: Vec<&String> = tweets.iter().map(|tweet| &tweet.id).collect();
            let query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Tweet {
                likeCount retweetCount replyCount inReplyTo { id } hashtags { name } mentions { username } } } }";
            let seen = self.linnet.ask_with(Nobody, query, json!({ "ids": ids })).await;
            for (at, tweet) in tweets.iter().enumerate() {
                let index = chunk * 100 + at;
                let of = |verb| model.count(|a| a.verb == verb && a.tweet == Some(index));
                let alive = |other: &&Tweet| !other.is_deleted;
                let parent = tweet.in_reply_to.map(|parent| &model.tweets[parent]).filter(alive);
                let replies = model
                    .tweets
                    .iter()
                    .filter(alive)
                    .filter(|other| other.in_reply_to == Some(index));
                let expected = json!({
                    "likeCount": of("like"),
                    "retweetCount": of("retweet"),
                    "replyCount": replies.count(),
                    "inReplyTo": parent.map(|parent| json!({ "id": parent.id })),
                    "hashtags": tweet.tags.iter().map(|tag| json!({ "name": TAGS[*tag] })).collect::<Vec<_>>(),
                    "mentions": tweet.mentions.iter().map(|who| json!({ "username": PEOPLE[*who] })).collect::<Vec<_>>(),
                });
                let expected = if tweet.is_deleted { Value::Null } else { expected };
                assert_eq!(seen["nodes"][at], expected, "{tweet:?}");
            }
        }
    }
}

/// The first hundred of a list.
fn page(what: &str, mut whole: Vec<String>, found: &Value) -> (String, Value, Value) {
    let goes_on = whole.len() > 100;
    whole.truncate(100);
    let nodes = found["nodes"].as_array().unwrap();
    let nodes: Vec<String> = nodes
        .iter()
        .map(|node| match node.get("verb") {
            Some(_) => told(node),
            None => node["id"].as_str().unwrap().to_owned(),
        })
        .collect();
    let found = json!([nodes, found["pageInfo"]["hasNextPage"]]);
    (what.to_owned(), json!([whole, goes_on]), found)
}

fn value(what: &str, expected: usize, found: &Value) -> (String, Value, Value) {
    (what.to_owned(), json!(expected), found.clone())
}

#[tokio::test]
async fn feeds_are_what_follows_from_the_facts() {
    let mut world = World::new().await;
    for step in 0..usize::try_from(number("LINNET_TEST_STEPS", 400)).unwrap() {
        world.step().await;
        world.check(step).await;
        if step % 50 == 49 {
            for who in 0..PEOPLE.len() {
                world.walk(who).await;
            }
        }
        if step % 150 == 149 {
            world.linnet.restart().await;
        }
    }
    world.check_tweets().await;
}
