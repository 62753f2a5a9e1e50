//! What is kept of notifications, against a plain count of what happened.

use super::super::mark::Mark;
use super::super::{Options, Store};
use crate::metrics::Metrics;
use crate::model::feed::day_of;
use crate::model::{
    Action, ActionId, Deed, Entity, EventKind, GroupKey, Micros, ObjectKey, Place, Topic, TweetId, UserId,
};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};

const USERS: [UserId; 3] = [UserId(1), UserId(2), UserId(3)];
const VERBS: [&str; 3] = ["like", "retweet", "watch"];
const TWEETS: [TweetId; 2] = [TweetId(7), TweetId(8)];

/// What was done, and who is told of it.
#[derive(Clone, Debug)]
struct Told {
    action: Action,
    users: BTreeSet<UserId>,
}

impl Told {
    fn place(&self) -> Place {
        Place::new(self.action.created_at, self.action.id.0)
    }

    fn key(&self) -> GroupKey {
        GroupKey {
            verb: self.action.verb.clone(),
            object: self.action.object.clone(),
            day: day_of(self.action.created_at.0),
        }
    }

    fn deed(&self) -> Deed {
        let mut deed = Deed::new(EventKind::Action, self.action.clone());
        deed.topics = self.users.iter().copied().map(Topic::notifications).collect();
        deed
    }
}

/// Marks of a user's group: whether it is not seen, and not read.
type Marks = BTreeMap<(UserId, GroupKey), (bool, bool)>;

#[derive(Default)]
struct Model {
    told: Vec<Told>,
    marks: Marks,
    /// What is being deleted.
    hidden: BTreeSet<TweetId>,
}

/// A group as it is counted: actions, newest, marks, and of each actor actions and newest.
type Counted = (i64, Place, (bool, bool), BTreeMap<String, (i64, Place)>);

impl Model {
    fn is_hidden(&self, key: &GroupKey) -> bool {
        let tweet = key.object.as_ref().and_then(Entity::tweet);
        key.verb != "watch" && tweet.is_some_and(|tweet| self.hidden.contains(&tweet))
    }

    fn groups(&self) -> BTreeMap<(UserId, GroupKey), Counted> {
        let mut groups = BTreeMap::new();
        for told in &self.told {
            for user in &told.users {
                let of = (*user, told.key());
                let marks = self.marks[&of];
                let group: &mut Counted = groups.entry(of).or_insert((0, Place::OLDEST, marks, BTreeMap::new()));
                group.0 += 1;
                group.1 = group.1.max(told.place());
                let actor = group
                    .3
                    .entry(told.action.actor.to_string())
                    .or_insert((0, Place::OLDEST));
                *actor = (actor.0 + 1, actor.1.max(told.place()));
            }
        }
        groups
    }

    fn tell(&mut self, told: &[Told]) {
        for told in told {
            for user in &told.users {
                self.marks.insert((*user, told.key()), (true, true));
            }
        }
        self.told.extend_from_slice(told);
    }

    /// Groups of which nothing is left are forgotten with their marks.
    fn settle(&mut self) {
        self.told.retain(|told| !told.users.is_empty());
        let groups = self.groups();
        self.marks.retain(|of, _| groups.contains_key(of));
    }
}

fn random(chance: &mut StdRng, id: ActionId) -> Told {
    let actors = [
        Entity::User(USERS[0]),
        Entity::User(UserId(9)),
        Entity::Object(ObjectKey::new("bot", "x:y").unwrap()),
    ];
    let at = Micros(chance.random_range(0..2) * 86_400_000_000 + chance.random_range(0..5));
    let object = Entity::Tweet(*TWEETS.choose(chance).unwrap());
    let actor = actors.choose(chance).unwrap().clone();
    let users = USERS.iter().filter(|_| chance.random_bool(0.5)).copied().collect();
    Told {
        action: Action::new(id, actor, VERBS.choose(chance).unwrap(), object, at),
        users,
    }
}

/// One thing that happens, in the store and in the model.
async fn step(store: &Store, model: &mut Model, chance: &mut StdRng) {
    match chance.random_range(0..10) {
        0..=3 => {
            let count = chance.random_range(1..4);
            let ids = store
                .write(move |tx| {
                    Box::pin(async move {
                        let mut ids = Vec::new();
                        for _ in 0..count {
                            ids.push(tx.next_action().await?);
                        }
                        Ok(ids)
                    })
                })
                .await
                .unwrap();
            let told: Vec<Told> = ids
                .into_iter()
                .map(|id| random(chance, id))
                .filter(|told| !told.users.is_empty() && !model.is_hidden(&told.key()))
                .collect();
            model.tell(&told);
            store
                .write(move |tx| {
                    Box::pin(async move {
                        tx.put(|stage| told.iter().for_each(|told| stage.record(&told.deed())))
                            .await
                    })
                })
                .await
                .unwrap();
        }
        4 | 5 => {
            let gone: Vec<ActionId> = model
                .told
                .iter()
                .filter(|_| chance.random_bool(0.3))
                .map(|told| told.action.id)
                .collect();
            model.told.retain(|told| !gone.contains(&told.action.id));
            store
                .write(move |tx| Box::pin(async move { tx.delete_actions(&gone).await }))
                .await
                .unwrap();
        }
        6 => edit(store, model, chance).await,
        7 => {
            let tweet = *TWEETS.choose(chance).unwrap();
            if model.hidden.insert(tweet) {
                store
                    .write(move |tx| Box::pin(async move { tx.hide_groups_about(&Entity::Tweet(tweet)).await }))
                    .await
                    .unwrap();
            }
        }
        _ => mark(store, model, chance).await,
    }
    model.settle();
}

/// Somebody is told of an action no more, and perhaps somebody else is.
async fn edit(store: &Store, model: &mut Model, chance: &mut StdRng) {
    let open: Vec<usize> = (0..model.told.len())
        .filter(|at| !model.is_hidden(&model.told[*at].key()))
        .collect();
    let Some(at) = open.choose(chance).copied() else { return };
    let (user, key) = (*USERS.choose(chance).unwrap(), model.told[at].key());
    let (actor, entry) = (model.told[at].action.actor.clone(), model.told[at].deed().entry());
    let entries = vec![(Topic::notifications(user), entry)];
    let stood = model.told[at].users.contains(&user);
    // What does not stand there can be taken out: nothing happens.
    let takes = stood || chance.random_bool(0.3);
    match takes {
        true => drop(model.told[at].users.remove(&user)),
        false => {
            model.told[at].users.insert(user);
            model.marks.insert((user, key), (true, true));
        }
    }
    store
        .write(move |tx| {
            Box::pin(async move {
                match takes {
                    true => tx.delete_entries(&actor, &entries).await,
                    false => tx.insert_entries(&actor, &entries).await,
                }
            })
        })
        .await
        .unwrap();
}

async fn mark(store: &Store, model: &mut Model, chance: &mut StdRng) {
    let user = *USERS.choose(chance).unwrap();
    let mark = *[Mark::Seen, Mark::Read].choose(chance).unwrap();
    let all = chance.random_bool(0.3);
    let own = model
        .marks
        .keys()
        .filter(|(of, key)| *of == user && !model.is_hidden(key));
    let some: Vec<GroupKey> = own
        .filter(|_| all || chance.random_bool(0.5))
        .map(|(_, key)| key.clone())
        .collect();
    let marked = |of: &UserId, key: &GroupKey| *of == user && (all || some.contains(key));
    for ((of, key), (unseen, unread)) in &mut model.marks {
        if marked(of, key) {
            *unseen = false;
            *unread &= mark == Mark::Seen;
        }
    }
    store
        .write(move |tx| {
            Box::pin(async move {
                if all {
                    return tx.mark_all(user, mark).await;
                }
                let rows = tx.notice_groups_shown(user, &some).await?;
                assert_eq!(rows.len(), some.len());
                tx.mark(user, &rows.into_values().collect::<Vec<_>>(), mark).await
            })
        })
        .await
        .unwrap();
}

/// What the tables hold, in the words of the model.
async fn kept(store: &Store) -> BTreeMap<(UserId, GroupKey), (Counted, i64, bool)> {
    let snapshot = store.snapshot().await.unwrap();
    let sql = "SELECT g.*, g.version > g.seen AND g.version > s.seen AS unseen, \
               g.version > g.read AND g.version > s.read AS unread \
               FROM notification_group g JOIN notification_state s ON s.user_id = g.user_id";
    let mut kept = BTreeMap::new();
    for row in snapshot.rows(sql, []).await.unwrap() {
        let int = |name: &str| row.try_get::<i64>("", name).unwrap();
        let place = |row: &sea_orm::QueryResult| Place {
            at: row.try_get("", "newest_at").unwrap(),
            id: row.try_get("", "newest_id").unwrap(),
        };
        let sql = "SELECT * FROM notification_actor WHERE group_id = ? AND user_id = ?";
        let actors = snapshot
            .rows(sql, [int("id").into(), int("user_id").into()])
            .await
            .unwrap();
        let actors = actors
            .iter()
            .map(|row| {
                let count = row.try_get("", "action_count").unwrap();
                (row.try_get("", "actor").unwrap(), (count, place(row)))
            })
            .collect();
        let object: String = row.try_get("", "object").unwrap();
        let key = GroupKey::from_row(row.try_get("", "verb").unwrap(), &object, int("day"));
        let group = (
            int("action_count"),
            place(&row),
            (int("unseen") != 0, int("unread") != 0),
            actors,
        );
        let hidden = row.try_get("", "hidden").unwrap();
        kept.insert((UserId(int("user_id")), key), (group, int("actor_count"), hidden));
    }
    kept
}

async fn check(store: &Store, model: &Model) {
    let groups = model.groups();
    let kept = kept(store).await;
    assert_eq!(kept.keys().collect::<Vec<_>>(), groups.keys().collect::<Vec<_>>());
    for (of, group) in &groups {
        let (kept, actors, hidden) = &kept[of];
        assert_eq!(kept, group, "{of:?}");
        assert_eq!(*actors, i64::try_from(group.3.len()).unwrap(), "{of:?}");
        assert_eq!(*hidden, model.is_hidden(&of.1), "{of:?}");
    }
    for user in USERS {
        let shown = groups
            .iter()
            .filter(|((of, key), _)| *of == user && !model.is_hidden(key));
        let marks: Vec<(bool, bool)> = shown.map(|(_, group)| group.2).collect();
        let new = store.snapshot().await.unwrap().new_notices(user).await.unwrap();
        let count =
            |is: fn(&(bool, bool)) -> bool| i64::try_from(marks.iter().filter(|marks| is(marks)).count()).unwrap();
        assert_eq!(
            (new.unseen, new.unread),
            (count(|marks| marks.0), count(|marks| marks.1)),
            "{user}"
        );
    }
}

#[tokio::test]
async fn what_is_kept_is_what_a_recount_gives() {
    for seed in 1..=5 {
        eprintln!("seed {seed}");
        let mut chance = StdRng::seed_from_u64(seed);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("linnet.db").to_string_lossy().into_owned();
        let options = Options::file(path, 1 << 20);
        let store = Store::open(&options, &Metrics::default()).await.unwrap();
        let mut model = Model::default();
        for _ in 0..80 {
            step(&store, &mut model, &mut chance).await;
            check(&store, &model).await;
        }
    }
}
