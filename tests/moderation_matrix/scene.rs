//! Somebody of whom every kind of thing is somewhere, and those who may or may not see it.

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::collections::BTreeMap;

use super::surface::{PATHS, SURFACES, Shows, Surface, document};
use crate::harness::scene::{Nobody, PASSWORD, Person, id, person};
use crate::harness::{Linnet, soon, until};

/// What stands on each surface.
pub type Seen = BTreeMap<&'static str, Value>;

pub struct Scene {
    pub linnet: Linnet,
    pub bob: Person,
    pub ann: Person,
    pub cyd: Person,
    pub moderator: Person,
    /// What stands for the places in queries.
    places: Vec<(&'static str, String)>,
    /// What shows that something is bob's.
    marks: Vec<String>,
}

const OBJECT: &str = "ExternalObject:repository:acme/x";

impl Scene {
    pub async fn new() -> Self {
        let linnet = Linnet::with(&[
            "--rate-limit",
            "off",
            "--query-cost",
            "100000000",
            "--query-fields",
            "100000",
        ])
        .await;
        let begin = linnet::model::Clock.now().to_string();
        let [ann, bob, cyd] = [
            linnet.join("ann").await,
            linnet.join("bobby").await,
            linnet.join("cyd").await,
        ];
        let moderator = linnet.moderator("mod").await;
        let rules = json!({ "hashtags": ["rust"], "accounts": ["cyd", "bobby"] });
        linnet.wall(&moderator, "w", rules).await;
        let mut scene = Self {
            linnet,
            bob,
            ann,
            cyd,
            moderator,
            places: vec![("begin", begin)],
            marks: Vec::new(),
        };
        scene.act().await;
        scene
    }

    /// What everybody has done before anything is hidden.
    async fn act(&mut self) {
        let (linnet, ann, bob, cyd) = (&self.linnet, &self.ann, &self.bob, &self.cyd);
        let profile = json!({ "displayName": "THEBOB", "bio": "BIOBOB" });
        linnet.act(bob, "updateProfile", profile).await;
        let object = json!({ "type": "repository", "key": "acme/x" });
        let anns = linnet.tweet(ann, "ann says #rust").await;
        let cyds = linnet.tweet(cyd, "cyd says #rust").await;
        let own = linnet.tweet(bob, "bobsays #rust #bobonly with @ann and @cyd").await;
        let mut tweets = vec![own.clone()];
        for to in [&anns, &cyds] {
            tweets.push(linnet.reply(bob, to, "bobsays so #rust").await);
            linnet.on(bob, "likeTweet", to).await;
            linnet.on(bob, "retweet", to).await;
        }
        linnet.reply(cyd, &own, "cyd answers #rust").await;
        linnet.on(cyd, "likeTweet", &own).await;
        linnet.on(cyd, "retweet", &own).await;
        let pushed = json!({ "verb": "pushed", "object": object, "target": { "id": cyd.id } });
        let action = id(&linnet.act(bob, "addAction", pushed).await["action"]);
        let thanked = json!({ "verb": "thanked", "object": { "id": bob.id }, "target": { "id": ann.id } });
        linnet.act(cyd, "addAction", thanked).await;
        let about = json!({ "verb": "quoted", "object": { "id": own }, "target": object });
        linnet.act(cyd, "addAction", about).await;
        for (who, target) in [
            (bob, "Hashtag:rust"),
            (bob, OBJECT),
            (bob, &cyd.id),
            (bob, &self.moderator.id),
            (ann, "Hashtag:rust"),
            (ann, OBJECT),
            (ann, &cyd.id),
            (cyd, &bob.id),
            (&self.moderator, "Hashtag:rust"),
            (&self.moderator, &cyd.id),
        ] {
            linnet.follow(who, target).await;
        }
        linnet.on(ann, "likeTweet", &tweets[1]).await;
        linnet.on(&self.moderator, "retweet", &tweets[2]).await;
        let group = self.group_of_likes().await;
        self.places.extend([
            ("bob", bob.id.clone()),
            ("his", own),
            ("theirs", cyds),
            ("action", action.clone()),
            ("group", group),
        ]);
        let mut marks: Vec<String> = ["THEBOB", "BIOBOB", "bobsays", "\"bobby\"", "/user/bobby"]
            .map(ToOwned::to_owned)
            .into();
        marks.extend(tweets.iter().map(|tweet| format!("\"{tweet}\"")));
        marks.extend(tweets.iter().map(|tweet| tweet.replace("Tweet:", "/tweet/")));
        marks.extend([format!("\"{}\"", bob.id), format!("\"{action}\"")]);
        self.marks = marks;
    }

    /// Of ann's notifications the group of what bob alone has liked.
    async fn group_of_likes(&self) -> String {
        let query = "{ viewer { notifications { groups { nodes { id verb } } } } }";
        let seen = self.linnet.ask(&self.ann, query).await;
        let groups = seen["viewer"]["notifications"]["groups"]["nodes"].as_array().unwrap();
        id(groups.iter().find(|group| group["verb"] == "like").unwrap())
    }

    /// One surface as somebody sees it.
    pub async fn sees(&self, who: Option<&Person>, surface: &Surface) -> Value {
        let mut query = document(&format!("{{ it: {} }}", surface.query));
        for (place, value) in &self.places {
            query = query.replace(&format!("<{place}>"), &format!("\"{value}\""));
        }
        let mut data = match who {
            Some(person) => self.linnet.ask(person, &query).await,
            None => self.linnet.ask(Nobody, &query).await,
        };
        data["it"].take()
    }

    /// All surfaces as somebody sees them, but those of which a rule is the topic.
    pub async fn seen(&self, who: Option<&Person>) -> Seen {
        let is_looked_at = |surface: &&Surface| ![Shows::Hidden, Shows::Kept, Shows::Nothing].contains(&surface.shows);
        stream::iter(SURFACES.iter().filter(is_looked_at))
            .map(async |surface| (surface.name, self.sees(who, surface).await))
            .buffered(4)
            .collect()
            .await
    }

    /// Whether something shows anything of bob.
    pub fn is_marked(&self, text: &str) -> bool {
        self.marks.iter().any(|mark| text.contains(mark))
    }

    /// On which surfaces something of bob shows.
    pub fn shows(&self, seen: &Seen) -> Vec<&'static str> {
        let shown = seen.iter().filter(|(_, seen)| self.is_marked(&seen.to_string()));
        shown.map(|(name, _)| *name).collect()
    }

    /// What readers of news get: the status and the text.
    pub async fn read(&self) -> BTreeMap<&'static str, (u16, String)> {
        let mut read = BTreeMap::new();
        for path in PATHS {
            let request = self.linnet.client().get(format!("{}{path}", self.linnet.url()));
            let request = request.header("accept", "application/activity+json");
            let answer = soon(path, request.send()).await.unwrap();
            read.insert(*path, (answer.status().as_u16(), answer.text().await.unwrap()));
        }
        read
    }

    /// Waits until counts say what bans make of them.
    pub async fn swept(&self) {
        let file = self.linnet.file().await;
        until("the end of the sweep", || file.is_swept()).await;
        file.counts_are_right().await;
    }

    /// Bob is there again after a ban has ended his session.
    pub async fn bob_returns(&mut self) {
        let input = json!({ "username": "bobby", "password": PASSWORD });
        self.bob = person(&self.linnet.act(Nobody, "logIn", input).await);
    }
}

/// Without what follows a ban in the background.
pub fn without_counts(seen: &Value) -> Value {
    match seen {
        Value::Object(fields) => {
            let stay = fields.iter().filter(|(name, _)| !name.ends_with("Count"));
            stay.map(|(name, value)| (name.clone(), without_counts(value)))
                .collect()
        }
        Value::Array(items) => items.iter().map(without_counts).collect(),
        other => other.clone(),
    }
}
