//! Actions, and the lists of what they concern, against a plain model of what has happened.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};

use crate::harness::scene::{Nobody, Person, id};
use crate::harness::{Linnet, chance, number, until};

const PEOPLE: [&str; 3] = ["ann", "ben", "cyd"];
const OBJECTS: [&str; 3] = ["repo:x", "repo:y:z", "commit:1"];
const TAGS: [&str; 2] = ["ant", "bee"];
/// Now, for the model: later than all backdated actions.
const NOW: i64 = i64::MAX;

/// What happened. Everything is named by its global id.
#[derive(Clone, Debug)]
struct Action {
    /// When, and which one.
    place: (i64, usize),
    /// Its id, of those that were added.
    id: Option<String>,
    actor: String,
    verb: &'static str,
    object: Option<String>,
    target: Option<String>,
    public: bool,
    tags: Vec<usize>,
}

impl Action {
    fn names(&self, entity: &str) -> bool {
        self.actor == entity || self.is_about(entity)
    }

    fn is_about(&self, entity: &str) -> bool {
        [&self.object, &self.target]
            .into_iter()
            .flatten()
            .any(|one| one == entity)
    }

    /// Whether following something brings it in.
    fn is_in(&self, followed: &str) -> bool {
        let tagged = || {
            self.tags
                .iter()
                .any(|tag| followed == format!("Hashtag:{}", TAGS[*tag]))
        };
        self.public
            && match followed.split_once(':').unwrap().0 {
                "User" => self.actor == followed,
                "Hashtag" => tagged(),
                _ => self.names(followed),
            }
    }
}

/// A stretch of what somebody follows.
struct Span {
    owner: usize,
    followed: String,
    from: (i64, usize),
    until: Option<usize>,
}

#[derive(Default)]
struct Model {
    people: Vec<Person>,
    actions: Vec<Action>,
    /// Id and author.
    tweets: Vec<(String, usize)>,
    deleted: Vec<String>,
    spans: Vec<Span>,
    next: usize,
}

impl Model {
    fn record(&mut self, mut action: Action) {
        self.next += 1;
        action.place.1 = self.next;
        self.actions.push(action);
        self.actions.sort_by_key(|action| std::cmp::Reverse(action.place));
    }

    fn tell(&self, action: &Action) -> String {
        let told = |entity: &Option<String>| match entity {
            Some(id) if self.deleted.contains(id) => format!("{id} gone"),
            Some(id) => id.clone(),
            None => String::new(),
        };
        let Action { actor, verb, .. } = action;
        format!(
            "{actor} {verb} {} {} {}",
            told(&action.object),
            told(&action.target),
            action.public
        )
    }

    fn list(&self, is_in: impl Fn(&Action) -> bool) -> Vec<String> {
        let actions = self.actions.iter().filter(|action| is_in(action));
        actions.map(|action| self.tell(action)).collect()
    }

    /// Through what an action stands in somebody's timeline.
    fn because(&self, owner: usize, action: &Action) -> Vec<String> {
        let mine = self.spans.iter().filter(|span| span.owner == owner);
        let brings = |span: &&Span| {
            action.is_in(&span.followed)
                && action.place >= span.from
                && span.until.is_none_or(|until| action.place.1 <= until)
        };
        let mut because: Vec<String> = mine.filter(brings).map(|span| span.followed.clone()).collect();
        because.sort();
        because.dedup();
        because
    }

    fn timeline(&self, owner: usize) -> Vec<String> {
        let others = self
            .actions
            .iter()
            .filter(|action| action.actor != self.people[owner].id);
        let told = others.filter_map(|action| {
            let because = self.because(owner, action);
            (!because.is_empty()).then(|| format!("{} {because:?}", self.tell(action)))
        });
        told.collect()
    }
}

struct World {
    linnet: Linnet,
    service: String,
    model: Model,
    chance: StdRng,
}

impl World {
    async fn new() -> Self {
        let linnet = Linnet::start().await;
        let mut model = Model::default();
        for name in PEOPLE {
            model.people.push(linnet.join(name).await);
        }
        let service = linnet.service("bots").await;
        let mut world = Self {
            linnet,
            service,
            model,
            chance: chance(),
        };
        for object in OBJECTS {
            world
                .add(0, Some(format!("ExternalObject:{object}")), None, true, None)
                .await;
        }
        world
    }

    fn somebody(&mut self) -> usize {
        self.chance.random_range(0..PEOPLE.len())
    }

    fn some_object(&mut self) -> String {
        format!("ExternalObject:{}", OBJECTS.choose(&mut self.chance).unwrap())
    }

    /// Anything that an action can be about, or nothing.
    fn something(&mut self) -> Option<String> {
        match self.chance.random_range(0..10) {
            0..3 => None,
            3..6 => Some(self.some_object()),
            6..8 => {
                let somebody = self.somebody();
                Some(self.model.people[somebody].id.clone())
            }
            _ => self.some_tweet(),
        }
    }

    fn some_tweet(&mut self) -> Option<String> {
        let alive = |id: &&String| !self.model.deleted.contains(id);
        let alive: Vec<&String> = self.model.tweets.iter().map(|(id, _)| id).filter(alive).collect();
        alive.choose(&mut self.chance).map(|id| (*id).clone())
    }

    fn followable(&mut self, not: usize) -> String {
        match self.chance.random_range(0..4) {
            0 => format!("Hashtag:{}", TAGS.choose(&mut self.chance).unwrap()),
            1 if self.somebody() != not => self.model.people[(not + 1) % PEOPLE.len()].id.clone(),
            _ => self.some_object(),
        }
    }

    /// Adds an action: a person's, or of the first object when there is no such person.
    async fn add(&mut self, who: usize, object: Option<String>, target: Option<String>, public: bool, at: Option<i64>) {
        let refer = |id: &Option<String>| {
            let outside = id.as_deref().and_then(|id| id.strip_prefix("ExternalObject:"));
            match outside.and_then(|key| key.split_once(':')) {
                Some((kind, key)) => json!({ "type": kind, "key": key }),
                None => id.as_ref().map_or(Value::Null, |id| json!({ "id": id })),
            }
        };
        let mut input = json!({ "verb": "star", "object": refer(&object), "target": refer(&target), "public": public });
        if let Some(at) = at {
            input["createdAt"] = json!(format!("2020-01-01T00:00:{at:02}Z"));
        }
        let (token, actor) = match self.model.people.get(who) {
            Some(person) => (person.token.clone(), person.id.clone()),
            None => (self.service.clone(), format!("ExternalObject:{}", OBJECTS[0])),
        };
        if who >= PEOPLE.len() {
            input["actor"] = json!({ "id": actor });
        }
        let added = self.linnet.act(token.as_str(), "addAction", input).await;
        self.model.record(Action {
            place: (at.unwrap_or(NOW), 0),
            id: Some(id(&added["action"])),
            actor,
            verb: "star",
            object,
            target,
            public,
            tags: Vec::new(),
        });
    }

    async fn remove(&mut self) {
        let added: Vec<usize> = (0..self.model.actions.len())
            .filter(|at| self.model.actions[*at].id.is_some())
            .collect();
        let Some(at) = added.choose(&mut self.chance) else {
            return;
        };
        let action = self.model.actions.remove(*at);
        let input = json!({ "id": action.id });
        self.linnet.act(self.service.as_str(), "removeAction", input).await;
    }

    async fn post(&mut self) {
        let who = self.somebody();
        let parent = self.some_tweet().filter(|_| self.chance.random());
        let tags: Vec<usize> = (0..TAGS.len()).filter(|_| self.chance.random()).collect();
        let tagged: String = tags.iter().map(|tag| format!(" #{}", TAGS[*tag])).collect();
        let person = &self.model.people[who];
        let tweet = match &parent {
            Some(parent) => self.linnet.reply(person, parent, &format!("Yes{tagged}")).await,
            None => self.linnet.tweet(person, &format!("Well{tagged}")).await,
        };
        self.model.tweets.push((tweet.clone(), who));
        let verb = if parent.is_some() { "reply" } else { "tweet" };
        self.automatic(who, verb, tweet, parent, tags);
    }

    fn automatic(&mut self, who: usize, verb: &'static str, object: String, target: Option<String>, tags: Vec<usize>) {
        self.model.record(Action {
            place: (NOW, 0),
            id: None,
            actor: self.model.people[who].id.clone(),
            verb,
            object: Some(object),
            target,
            public: true,
            tags,
        });
    }

    fn find(&self, who: usize, verb: &str, object: &str) -> Option<usize> {
        let actor = &self.model.people[who].id;
        self.model
            .actions
            .iter()
            .position(|a| a.actor == *actor && a.verb == verb && a.object.as_deref() == Some(object))
    }

    async fn like(&mut self) {
        let who = self.somebody();
        let Some(tweet) = self.some_tweet() else { return };
        self.linnet.on(&self.model.people[who], "likeTweet", &tweet).await;
        if self.find(who, "like", &tweet).is_none() {
            self.automatic(who, "like", tweet, None, Vec::new());
        }
    }

    async fn delete(&mut self) {
        let Some(tweet) = self.some_tweet() else { return };
        let author = self.model.tweets.iter().find(|(id, _)| *id == tweet).unwrap().1;
        self.linnet.on(&self.model.people[author], "deleteTweet", &tweet).await;
        let gone = |action: &Action| action.id.is_none() && action.object.as_deref() == Some(&tweet);
        self.model.actions.retain(|action| !gone(action));
        self.model.deleted.push(tweet);
    }

    async fn edit(&mut self) {
        let Some(tweet) = self.some_tweet() else { return };
        let tags: Vec<usize> = (0..TAGS.len()).filter(|_| self.chance.random()).collect();
        let tagged: String = tags.iter().map(|tag| format!(" #{}", TAGS[*tag])).collect();
        let author = self.model.tweets.iter().find(|(id, _)| *id == tweet).unwrap().1;
        let text = format!("Well, {}{tagged}", self.chance.random_range(0..1_000));
        self.linnet.edit(&self.model.people[author], &tweet, &text).await;
        let posts =
            |action: &&mut Action| matches!(action.verb, "tweet" | "reply") && action.object.as_deref() == Some(&tweet);
        let posting = self.model.actions.iter_mut().find(posts);
        posting.unwrap().tags = tags;
    }

    async fn follow(&mut self) {
        let who = self.somebody();
        let followed = self.followable(who);
        let backfill = *[0, 1, 3, 100].choose(&mut self.chance).unwrap();
        let input = json!({ "targetId": followed, "backfill": backfill });
        self.linnet.act(&self.model.people[who], "follow", input).await;
        if self.find(who, "follow", &followed).is_some() {
            return;
        }
        let entries = self.model.actions.iter().filter(|action| action.is_in(&followed));
        let from = match backfill {
            0 => (NOW, self.model.next + 1),
            n => entries.map(|action| action.place).nth(n - 1).unwrap_or((i64::MIN, 0)),
        };
        self.model.spans.push(Span {
            owner: who,
            followed: followed.clone(),
            from,
            until: None,
        });
        self.automatic(who, "follow", followed, None, Vec::new());
    }

    async fn unfollow(&mut self) {
        let who = self.somebody();
        let followed = self.followable(who);
        let Some(at) = self.find(who, "follow", &followed) else {
            return;
        };
        let keep_history: bool = self.chance.random();
        let input = json!({ "targetId": followed, "keepHistory": keep_history });
        self.linnet.act(&self.model.people[who], "unfollow", input).await;
        let recorded = self.model.next;
        let spans = &mut self.model.spans;
        match keep_history {
            true => spans
                .iter_mut()
                .filter(|span| span.owner == who && span.followed == followed)
                .for_each(|span| span.until = span.until.or(Some(recorded))),
            false => spans.retain(|span| span.owner != who || span.followed != followed),
        }
        self.model.actions.remove(at);
    }

    async fn step(&mut self) {
        match self.chance.random_range(0..100) {
            0..40 => {
                // One more than there are: something outside acts.
                let who = self.chance.random_range(0..=PEOPLE.len());
                let (object, target) = (self.something(), self.something());
                let public = who == PEOPLE.len() || self.chance.random_bool(0.8);
                let backdated = self.chance.random_bool(0.3);
                let at = backdated.then(|| self.chance.random_range(0..20));
                self.add(who, object, target, public, at).await;
            }
            40..45 => self.remove().await,
            45..60 => self.post().await,
            60..65 => self.edit().await,
            65..72 => self.like().await,
            72..76 => self.delete().await,
            76..90 => self.follow().await,
            _ => self.unfollow().await,
        }
    }

    /// What is not as it must be, of all that one person and everybody can ask for.
    async fn wrong(&self, who: usize, object: usize, tweet: Option<&String>) -> Vec<String> {
        let (kind, key) = OBJECTS[object].split_once(':').unwrap();
        let list = |field: &str| format!("{field}(first: 100) {{ ...page }} back: {field}(last: 3) {{ ...page }}");
        let (mine, actions) = (list("actions"), list("actions"));
        let query = format!(
            "query($name: String!, $kind: String!, $key: String!, $tweet: ID!) {{
                viewer {{ timeline {{ {mine} }} feed {{ {mine} }} actions(first: 100) {{ ...page }} }}
                user(username: $name) {{ feed {{ {actions} }} {actions} }}
                externalObject(type: $kind, key: $key) {{ followerCount feed {{ {actions} }} {actions} }}
                feed(group: OBJECT, slug: \"{kind}:{key}\") {{ {actions} }}
                tweet(id: $tweet) {{ {actions} }}
            }} {PAGE}"
        );
        let variables =
            json!({ "name": PEOPLE[who], "kind": kind, "key": key, "tweet": tweet.cloned().unwrap_or_default() });
        let person = &self.model.people[who];
        let own = self.linnet.ask_with(person, &query, variables.clone()).await;
        let open = self.linnet.ask_with(Nobody, &query, variables).await;
        let model = &self.model;
        let of_object = model.list(|action| action.is_in(&format!("ExternalObject:{}", OBJECTS[object])));
        let of_user = model.list(|action| action.public && action.names(&person.id));
        let mut wrong = compare("timeline", &model.timeline(who), &own["viewer"]["timeline"]);
        let feed = model.list(|action| action.actor == person.id);
        wrong.extend(compare("own feed", &feed, &own["viewer"]["feed"]));
        wrong.extend(compare("own feed by name", &feed, &own["user"]["feed"]));
        let feed = model.list(|action| action.actor == person.id && action.public);
        wrong.extend(compare("open feed", &feed, &open["user"]["feed"]));
        for seen in [&own, &open] {
            wrong.extend(compare("user", &of_user, &seen["user"]));
            wrong.extend(compare("object", &of_object, &seen["externalObject"]));
            wrong.extend(compare("object's feed", &of_object, &seen["externalObject"]["feed"]));
            wrong.extend(compare("OBJECT feed", &of_object, &seen["feed"]));
            if let Some(tweet) = tweet {
                let of_tweet = model.list(|action| action.public && action.is_about(tweet));
                wrong.extend(compare("tweet", &of_tweet, &seen["tweet"]));
            }
        }
        wrong
    }
}

const PAGE: &str = "fragment page on ActionConnection {
    edges { node { verb public actor { ...entity } object { ...entity } target { ...entity } } because { ...entity } }
    pageInfo { hasNextPage hasPreviousPage }
}
fragment entity on Entity { __typename ... on Node { id } }";

fn told(edge: &Value) -> String {
    let entity = |entity: &Value| match entity.is_null() {
        true => String::new(),
        false if entity["__typename"] == "Tombstone" => format!("{} gone", id(entity)),
        false => id(entity),
    };
    let node = &edge["node"];
    let mut because: Vec<String> = edge["because"].as_array().unwrap().iter().map(id).collect();
    because.sort();
    let because = if because.is_empty() {
        String::new()
    } else {
        format!(" {because:?}")
    };
    let verb = node["verb"].as_str().unwrap();
    let (actor, object, target) = (entity(&node["actor"]), entity(&node["object"]), entity(&node["target"]));
    format!("{actor} {verb} {object} {target} {}{because}", node["public"])
}

/// The first hundred and the last three of a list.
fn compare(what: &str, whole: &[String], owner: &Value) -> Vec<String> {
    let last = whole.len().saturating_sub(3);
    let goes_on = whole.len() > 100;
    let mut wrong = Vec::new();
    for (field, expected, more) in [
        ("actions", &whole[..whole.len().min(100)], (goes_on, false)),
        ("back", &whole[last..], (false, last > 0)),
    ] {
        let Some(page) = owner.get(field) else {
            wrong.push(format!("{what}: no {field} in {owner}"));
            continue;
        };
        let found: Vec<String> = page["edges"].as_array().unwrap().iter().map(told).collect();
        let info = &page["pageInfo"];
        let found_more = (info["hasNextPage"] == true, info["hasPreviousPage"] == true);
        if found != expected || found_more != more {
            wrong.push(format!(
                "{what} {field}: {found:#?} {found_more:?}, expected {expected:#?} {more:?}"
            ));
        }
    }
    wrong
}

#[tokio::test]
async fn lists_of_actions_are_what_follows_from_the_facts() {
    let mut world = World::new().await;
    for step in 0..usize::try_from(number("LINNET_TEST_STEPS", 200)).unwrap() {
        world.step().await;
        let (who, object) = (world.somebody(), world.chance.random_range(0..OBJECTS.len()));
        let tweet = world.some_tweet();
        // What was deleted may take a moment to go.
        until(&format!("step {step}"), async || {
            let wrong = world.wrong(who, object, tweet.as_ref()).await;
            wrong.iter().for_each(|wrong| eprintln!("step {step}: {wrong}"));
            wrong.is_empty()
        })
        .await;
        if step % 80 == 79 {
            world.linnet.restart().await;
        }
    }
}
