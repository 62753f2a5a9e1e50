//! The facts, and every feed, list and count as it follows from them alone.

use std::collections::{BTreeMap, BTreeSet};

/// How many older posts and retweets hide a retweet of the same tweet.
const COLLAPSE: usize = 40;

/// What actions are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    Person(usize),
    Tweet(usize),
    Tag(usize),
    Object(usize),
}

/// A recorded action, with the id and the time that the server gave it.
#[derive(Clone, Debug)]
pub struct Action {
    pub id: i64,
    /// RFC 3339 to the microsecond, so that texts are in the order of times.
    pub at: String,
    pub actor: Thing,
    pub verb: String,
    pub object: Option<Thing>,
    pub target: Option<Thing>,
    pub is_public: bool,
    /// Recorded by itself.
    pub is_automatic: bool,
    /// Who is told of it.
    pub told: BTreeSet<usize>,
}

pub type Place = (String, i64);

impl Action {
    pub fn place(&self) -> Place {
        (self.at.clone(), self.id)
    }

    pub fn is_post(&self) -> bool {
        matches!(self.verb.as_str(), "tweet" | "reply")
    }

    fn names(&self, thing: Thing) -> bool {
        self.actor == thing || self.object == Some(thing) || self.target == Some(thing)
    }

    fn tweet(&self) -> Option<usize> {
        match self.object {
            Some(Thing::Tweet(tweet)) => Some(tweet),
            _ => None,
        }
    }

    fn day(&self) -> String {
        self.at[..10].to_owned()
    }
}

#[derive(Clone, Debug)]
pub struct Tweet {
    pub id: String,
    pub author: usize,
    pub tags: Vec<usize>,
    pub mentions: Vec<usize>,
    pub in_reply_to: Option<usize>,
    pub is_deleted: bool,
}

/// A stretch of what is followed in somebody's timeline.
#[derive(Clone, Debug)]
pub struct Span {
    pub owner: usize,
    pub followed: Thing,
    /// From this place on; none: from the beginning.
    pub from: Option<Place>,
    /// Up to this action, as recorded by then.
    pub until: Option<i64>,
}

/// Verb, object and day.
pub type GroupKey = (String, Option<Thing>, String);

/// What somebody has of a group of notifications: how often they had been told of anything when they
/// were last told of it by each of its actors, and when they saw and read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    pub told: BTreeMap<Thing, usize>,
    /// When they were last told of it by anybody, also by who has taken it back since.
    pub newest: usize,
    pub seen: usize,
    pub read: usize,
}

/// Who looks: a stranger, or one of the people.
pub type Viewer = Option<usize>;

/// All facts.
#[derive(Default)]
pub struct Facts {
    /// Who is there.
    pub is_gone: Vec<bool>,
    pub tweets: Vec<Tweet>,
    /// In the order of their places.
    pub actions: Vec<Action>,
    pub spans: Vec<Span>,
    /// What is there of each person's notifications, and whether it was seen.
    pub marks: BTreeMap<(usize, GroupKey), Mark>,
    /// The newest action that was ever recorded.
    pub recorded: i64,
    /// How often anybody was told of anything.
    pub told: usize,
    /// Who blocks whom, and who mutes whom.
    pub blocks: BTreeSet<(usize, usize)>,
    pub mutes: BTreeSet<(usize, usize)>,
    pub banned: BTreeSet<usize>,
}

/// Actions by verb, object and day, at the newest of them.
#[derive(Clone, Debug)]
pub struct Group<'f> {
    pub key: GroupKey,
    pub actions: Vec<&'f Action>,
}

impl Group<'_> {
    /// Each once, the newest first.
    pub fn actors(&self) -> Vec<Thing> {
        let mut actors = Vec::new();
        for action in &self.actions {
            if !actors.contains(&action.actor) {
                actors.push(action.actor);
            }
        }
        actors
    }
}

impl Facts {
    pub fn record(&mut self, mut action: Action) {
        self.recorded = self.recorded.max(action.id);
        let at = self.actions.partition_point(|other| other.place() < action.place());
        action.told = self.recipients(&action);
        self.notify(&action, &action.told);
        self.actions.insert(at, action);
    }

    /// Who is to be told of an action.
    fn recipients(&self, action: &Action) -> BTreeSet<usize> {
        let mut told = BTreeSet::new();
        if !action.is_public {
            return told;
        }
        let person = |thing: Option<Thing>| match thing {
            Some(Thing::Person(person)) => Some(person),
            _ => None,
        };
        match action
            .tweet()
            .filter(|_| action.is_automatic)
            .map(|tweet| &self.tweets[tweet])
        {
            Some(tweet) if action.is_post() => {
                told.extend(&tweet.mentions);
                let parent = tweet.in_reply_to.map(|parent| &self.tweets[parent]);
                told.extend(parent.filter(|parent| !parent.is_deleted).map(|parent| parent.author));
            }
            Some(tweet) => told.extend([tweet.author]),
            None => told.extend(person(action.object).into_iter().chain(person(action.target))),
        }
        told.retain(|person| action.actor != Thing::Person(*person) && !self.is_gone[*person]);
        told
    }

    pub fn key(action: &Action) -> GroupKey {
        (action.verb.clone(), action.object, action.day())
    }

    /// A new action makes its group unseen and unread.
    fn notify(&mut self, action: &Action, told: &BTreeSet<usize>) {
        for person in told {
            self.told += 1;
            let mark = self.marks.entry((*person, Self::key(action))).or_default();
            mark.told.insert(action.actor, self.told);
            mark.newest = self.told;
        }
    }

    /// Forgets the marks of groups that are no more.
    fn tidy(&mut self) {
        let mut there: BTreeMap<(usize, GroupKey), BTreeSet<Thing>> = BTreeMap::new();
        for action in &self.actions {
            for person in &action.told {
                there
                    .entry((*person, Self::key(action)))
                    .or_default()
                    .insert(action.actor);
            }
        }
        self.marks.retain(|of, mark| {
            let actors = there.get(of);
            mark.told
                .retain(|actor, _| actors.is_some_and(|actors| actors.contains(actor)));
            actors.is_some()
        });
    }

    pub fn remove(&mut self, id: i64) {
        self.actions.retain(|action| action.id != id);
        self.tidy();
    }

    /// Changes what a tweet says. Who is mentioned anew is told, who is no longer is not.
    pub fn edit(&mut self, tweet: usize, tags: Vec<usize>, mentions: Vec<usize>) {
        let Some(at) = self
            .actions
            .iter()
            .position(|action| action.is_post() && action.tweet() == Some(tweet))
        else {
            return;
        };
        let action = self.actions[at].clone();
        let before = self.recipients(&action);
        (self.tweets[tweet].tags, self.tweets[tweet].mentions) = (tags, mentions);
        let after = self.recipients(&action);
        let new: BTreeSet<usize> = after.difference(&before).copied().collect();
        self.notify(&action, &new);
        // Whose tweet was answered stays told when it is gone.
        let told = &mut self.actions[at].told;
        told.retain(|person| after.contains(person) || !before.contains(person));
        told.extend(new);
        self.tidy();
    }

    pub fn delete(&mut self, tweet: usize) {
        self.tweets[tweet].is_deleted = true;
        self.actions
            .retain(|action| !action.is_automatic || action.tweet() != Some(tweet));
        self.tidy();
    }

    /// Somebody goes with everything that they did.
    pub fn leave(&mut self, person: usize) {
        self.is_gone[person] = true;
        for tweet in 0..self.tweets.len() {
            if self.tweets[tweet].author == person && !self.tweets[tweet].is_deleted {
                self.delete(tweet);
            }
            self.tweets[tweet].mentions.retain(|mentioned| *mentioned != person);
        }
        let me = Thing::Person(person);
        self.actions.retain(|action| {
            action.actor != me && !(action.is_automatic && action.verb == "follow" && action.object == Some(me))
        });
        for action in &mut self.actions {
            action.told.remove(&person);
        }
        self.spans.retain(|span| span.owner != person && span.followed != me);
        let is_other = |pair: &(usize, usize)| pair.0 != person && pair.1 != person;
        self.blocks.retain(is_other);
        self.mutes.retain(is_other);
        self.tidy();
    }

    pub fn find(&self, actor: usize, verb: &str, object: Thing) -> Option<i64> {
        let found = self.actions.iter().find(|action| {
            action.is_automatic
                && action.actor == Thing::Person(actor)
                && action.verb == verb
                && action.object == Some(object)
        });
        found.map(|action| action.id)
    }

    /// Whether one of two blocks the other.
    pub fn are_apart(&self, one: usize, other: usize) -> bool {
        self.blocks.contains(&(one, other)) || self.blocks.contains(&(other, one))
    }

    /// Whose a thing is, if it is anybody's.
    fn owner(&self, thing: Thing) -> Option<usize> {
        match thing {
            Thing::Person(person) => Some(person),
            Thing::Tweet(tweet) => Some(self.tweets[tweet].author),
            Thing::Tag(_) | Thing::Object(_) => None,
        }
    }

    /// Whether somebody may see a thing.
    pub fn shows(&self, viewer: Viewer, thing: Thing) -> bool {
        self.owner(thing).is_none_or(|owner| {
            !self.banned.contains(&owner) && viewer.is_none_or(|viewer| !self.blocks.contains(&(viewer, owner)))
        })
    }

    /// Whether somebody may see an action: what was recorded by itself goes with its object.
    pub fn shows_action(&self, viewer: Viewer, action: &Action) -> bool {
        let object = action.object.filter(|_| action.is_automatic);
        self.shows(viewer, action.actor) && object.is_none_or(|object| self.shows(viewer, object))
    }

    /// Whether an action is left out of somebody's own lists.
    fn is_muted(&self, viewer: usize, action: &Action) -> bool {
        let author = action.tweet().filter(|_| action.is_automatic).map(Thing::Tweet);
        let owners = [Some(action.actor), author].into_iter().flatten();
        owners
            .filter_map(|thing| self.owner(thing))
            .any(|owner| self.mutes.contains(&(viewer, owner)))
    }

    /// Whether an action stands in somebody's own timeline or notifications.
    pub fn tells(&self, viewer: usize, action: &Action) -> bool {
        self.shows_action(Some(viewer), action) && !self.is_muted(viewer, action)
    }

    /// What of actions somebody may see.
    pub fn seen<'f>(&self, viewer: Viewer, actions: &[&'f Action]) -> Vec<&'f Action> {
        let seen = actions.iter().filter(|action| self.shows_action(viewer, action));
        seen.copied().collect()
    }

    /// What of actions counts, whoever looks: what is not a banned user's.
    pub fn counted<'f>(&self, actions: &[&'f Action]) -> Vec<&'f Action> {
        let counted = actions.iter().filter(|action| self.shows(None, action.actor));
        counted.copied().collect()
    }

    /// Whether a group of somebody's notifications has anything that they have not seen, and not
    /// read. Where somebody hidden stands in it, the others decide.
    pub fn is_new(&self, owner: usize, key: &GroupKey) -> (bool, bool) {
        let mark = &self.marks[&(owner, key.clone())];
        let is_shown = |actor: &Thing| {
            let who = self.owner(*actor);
            self.shows(Some(owner), *actor) && who.is_none_or(|who| !self.mutes.contains(&(owner, who)))
        };
        let newest = match mark.told.keys().all(is_shown) {
            true => mark.newest,
            false => {
                let shown = mark.told.iter().filter(|(actor, _)| is_shown(actor));
                shown.map(|(_, told)| *told).max().unwrap_or_default()
            }
        };
        (newest > mark.seen, newest > mark.read)
    }

    /// Somebody blocks somebody: neither follows the other any more.
    pub fn block(&mut self, who: usize, whom: usize) {
        if !self.blocks.insert((who, whom)) {
            return;
        }
        for (one, other) in [(who, whom), (whom, who)] {
            if self.find(one, "follow", Thing::Person(other)).is_some() {
                self.unfollow(one, Thing::Person(other), false);
            }
        }
    }

    fn newest_first(&self, stands: impl Fn(&Action) -> bool) -> Vec<&Action> {
        self.actions.iter().rev().filter(|action| stands(action)).collect()
    }

    fn is_in(&self, action: &Action, followed: Thing) -> bool {
        action.is_public
            && match followed {
                Thing::Person(_) => action.actor == followed,
                Thing::Object(_) => action.names(followed),
                Thing::Tag(tag) => {
                    action.is_automatic
                        && action.is_post()
                        && action
                            .tweet()
                            .is_some_and(|tweet| self.tweets[tweet].tags.contains(&tag))
                }
                Thing::Tweet(_) => false,
            }
    }

    /// The feed of what can be followed.
    pub fn feed(&self, of: Thing) -> Vec<&Action> {
        self.newest_first(|action| self.is_in(action, of))
    }

    /// What somebody did, as they see it themselves.
    pub fn own_feed(&self, person: usize) -> Vec<&Action> {
        self.newest_first(|action| action.actor == Thing::Person(person))
    }

    /// Every public action that concerns something; of a tweet only what was done to it.
    pub fn about(&self, thing: Thing) -> Vec<&Action> {
        self.newest_first(|action| action.is_public && action.names(thing))
    }

    pub fn notifications(&self, person: usize) -> Vec<&Action> {
        self.newest_first(|action| action.told.contains(&person) && self.tells(person, action))
    }

    /// What is brought into a timeline, and by what, whether it is shown or not; with or without the
    /// own doing of those whom the owner hides.
    pub fn timeline(&self, owner: usize, with_hidden: bool) -> Vec<(&Action, BTreeSet<Thing>)> {
        let me = Thing::Person(owner);
        let is_hidden = |followed: Thing| match followed {
            Thing::Person(person) => self.blocks.contains(&(owner, person)) || self.mutes.contains(&(owner, person)),
            _ => false,
        };
        let own = self.spans.iter().filter(|span| span.owner == owner);
        let mine: Vec<&Span> = own.filter(|span| with_hidden || !is_hidden(span.followed)).collect();
        let others = self.actions.iter().rev().filter(|action| action.actor != me);
        others
            .map(|action| {
                let brings = |span: &&&Span| {
                    self.is_in(action, span.followed)
                        && span.from.as_ref().is_none_or(|from| action.place() >= *from)
                        && span.until.is_none_or(|until| action.id <= until)
                };
                (action, mine.iter().filter(brings).map(|span| span.followed).collect())
            })
            .filter(|(_, because): &(_, BTreeSet<Thing>)| !because.is_empty())
            .collect()
    }

    /// Opens a span; `follow` is the action that records it.
    pub fn follow(&mut self, owner: usize, followed: Thing, backfill: usize, follow: Action) {
        let entries = self.feed(followed);
        let from = match backfill {
            0 => Some(follow.place()),
            n => entries.get(n - 1).map(|action| action.place()),
        };
        self.spans.push(Span {
            owner,
            followed,
            from,
            until: None,
        });
        self.record(follow);
    }

    pub fn unfollow(&mut self, owner: usize, followed: Thing, keep_history: bool) {
        let recorded = self.recorded;
        let is_meant = |span: &Span| span.owner == owner && span.followed == followed;
        if keep_history {
            for span in self.spans.iter_mut().filter(|span| is_meant(span)) {
                span.until.get_or_insert(recorded);
            }
        } else {
            self.spans.retain(|span| !is_meant(span));
        }
        if let Some(id) = self.find(owner, "follow", followed) {
            self.remove(id);
        }
    }

    pub fn count(&self, is_counted: impl Fn(&Action) -> bool) -> usize {
        let automatic = self.actions.iter().filter(|action| action.is_automatic);
        let there = automatic.filter(|action| self.shows(None, action.actor));
        there.filter(|action| is_counted(action)).count()
    }

    pub fn alive(&self) -> Vec<usize> {
        (0..self.tweets.len())
            .filter(|tweet| !self.tweets[*tweet].is_deleted)
            .collect()
    }
}

/// The tweets of a feed that are shown; a retweet is left out when its tweet comes again soon, shown
/// or not.
pub fn tweets(actions: &[&Action], is_seen: impl Fn(&Action) -> bool) -> Vec<usize> {
    let is_shown = |action: &&&Action| action.is_automatic && (action.is_post() || action.verb == "retweet");
    let shown: Vec<&&Action> = actions.iter().filter(is_shown).collect();
    let again = |at: usize| {
        let mut older = shown.iter().skip(at + 1).take(COLLAPSE);
        older.any(|older| older.tweet() == shown[at].tweet())
    };
    (0..shown.len())
        .filter(|at| (shown[*at].is_post() || !again(*at)) && is_seen(shown[*at]))
        .filter_map(|at| shown[at].tweet())
        .collect()
}

/// Groups of actions, each at its newest.
pub fn groups<'f>(actions: &[&'f Action]) -> Vec<Group<'f>> {
    let mut groups: Vec<Group<'f>> = Vec::new();
    for action in actions {
        let key = Facts::key(action);
        match groups.iter_mut().find(|group| group.key == key) {
            Some(group) => group.actions.push(action),
            None => groups.push(Group {
                key,
                actions: vec![action],
            }),
        }
    }
    groups
}
