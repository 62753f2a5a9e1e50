//! Rows of follows.

use super::batch::Batch;
use super::entity::{Entities, Meant, Reference};
use super::fields::Fields;
use super::{Line, Outcome, Record};
use crate::model::user::{check_username, username_key};
use crate::model::{ActionId, Deed, Entity, FollowId, Key, Micros, Place, Result as StoreResult, Topic, UserId, text};
use crate::store::bulk::Numbered;
use crate::store::bulk::tweet::Crowded;
use crate::store::follow::{FOLLOWING, Span};
use crate::store::stage::NewFollow;
use crate::store::tx::Tx;
use futures_util::future::BoxFuture;
use std::collections::HashSet;

/// The most characters of a flag.
const FLAG_LENGTH: usize = 64;

/// A follow, or what is left in the timeline of one that ended.
#[derive(Clone)]
pub(super) struct Row {
    follower: Reference,
    followee: Reference,
    flag: String,
    created_at: Option<Micros>,
    key: Option<i64>,
    action_key: Option<i64>,
    /// Which stretches stand in the timeline; everything when left out.
    spans: Option<Vec<Stretch>>,
    has_ended: bool,
}

/// A stretch of what is followed.
#[derive(Clone, Copy)]
struct Stretch {
    from: Place,
    until: Option<(Place, ActionId)>,
}

impl Record for Row {
    fn read(fields: &Fields) -> Result<Self, String> {
        let follower = fields.username("follower")?;
        let followee = followee(fields)?;
        if matches!(&followee.meant, Meant::User(name) if username_key(name) == username_key(&follower)) {
            return Err("followee: nobody follows themselves".to_owned());
        }
        let flag = fields.text("flag", FLAG_LENGTH)?.filter(|flag| !flag.is_empty());
        let spans = fields.objects("spans")?;
        let spans = spans.map(|spans| spans.iter().map(Stretch::read).collect::<Result<_, _>>());
        Ok(Self {
            follower: Reference::user(follower),
            followee,
            flag: flag.unwrap_or_else(|| FOLLOWING.to_owned()),
            created_at: fields.time("createdAt")?,
            key: fields.key("key")?,
            action_key: fields.key("actionKey")?,
            spans: spans.transpose()?,
            has_ended: fields.flag("ended")?.unwrap_or_default(),
        })
    }

    fn write<'t>(
        tx: &'t Tx,
        batch: &'t mut Batch,
        rows: Vec<Line<Self>>,
        _: &'t mut Crowded,
    ) -> BoxFuture<'t, StoreResult<Outcome>> {
        Box::pin(write(tx, batch, rows))
    }
}

/// A username, `#hashtag`, or `{type, id}` of an external object.
fn followee(fields: &Fields) -> Result<Reference, String> {
    if let Ok(Some(reference)) = fields
        .object("followee")
        .map(|object| object.map(|it| Reference::from_fields(&it)))
    {
        let reference = reference.map_err(|reason| format!("followee.{reason}"))?;
        return match reference.meant {
            Meant::User(_) | Meant::Hashtag(_) | Meant::Object(_) => Ok(reference),
            Meant::Tweet(_) | Meant::Deleted(_) => Err("followee: can't be followed".to_owned()),
        };
    }
    let name = fields.required("followee")?;
    if name.starts_with(['#', '＃']) {
        let key = text::hashtag_key(&name).ok_or("followee: not a hashtag")?;
        return Ok(Reference::hashtag(key));
    }
    check_username("followee", &name).map_err(|error| format!("followee: {error}"))?;
    Ok(Reference::user(name))
}

impl Stretch {
    const WHOLE: Self = Self {
        from: Place::OLDEST,
        until: None,
    };

    fn read(fields: &Fields) -> Result<Self, String> {
        let within = |reason| format!("spans.{reason}");
        let place = |at, id| -> Result<Option<Place>, String> {
            let at = fields.time(at)?;
            let id = fields.number(id)?.unwrap_or(i64::MIN);
            Ok(at.map(|at| Place::new(at, id)))
        };
        let from = place("from", "fromKey").map_err(within)?;
        let until = place("until", "untilKey").map_err(within)?;
        let action = fields.key("untilAction").map_err(within)?.map(ActionId);
        Ok(Self {
            from: from.unwrap_or(Place::OLDEST),
            until: until.zip(action),
        })
    }

    fn of(self, topic: &Topic) -> Span {
        Span {
            topic: topic.clone(),
            from: self.from,
            until: self.until,
        }
    }
}

impl Row {
    fn at(&self, tx: &Tx) -> Micros {
        self.created_at.map_or(tx.now(), |at| at.min(tx.now()))
    }

    /// Its spans of what it follows, which only the flag `following` has.
    fn spans(&self, target: &Entity) -> Vec<Span> {
        let topic = Topic::followed(target).filter(|_| self.flag == FOLLOWING);
        let whole = [Stretch::WHOLE];
        let spans = self
            .spans
            .as_deref()
            .unwrap_or(if self.has_ended { &[] } else { &whole });
        topic
            .iter()
            .flat_map(|topic| spans.iter().map(|span| span.of(topic)))
            .collect()
    }
}

/// A row with who follows what.
type Meaning = (UserId, Entity, Row);

async fn write(tx: &Tx, batch: &mut Batch, rows: Vec<Line<Row>>) -> StoreResult<Outcome> {
    let mut outcome = Outcome::default();
    let references: Vec<(&Reference, Micros)> = rows
        .iter()
        .flat_map(|(_, row)| [&row.follower, &row.followee].map(|one| (one, row.at(tx))))
        .collect();
    let (entities, _) = Entities::find(tx, batch, &references).await?;
    let (mut follows, mut ended) = (Vec::new(), Vec::new());
    for (line, row) in rows {
        let parties = entities
            .get("follower", &row.follower)
            .and_then(|follower| Ok((follower.user(), entities.get("followee", &row.followee)?)));
        match parties {
            Ok((Some(follower), target)) if row.has_ended => ended.push((follower, target, row)),
            Ok((Some(follower), target)) => follows.push((follower, target, row)),
            Ok((None, _)) => {}
            Err(reason) => outcome.bad.push((line, reason)),
        }
    }
    let new = unknown(tx, follows).await?;
    outcome.changed = new.len() as u64;
    insert_spans(tx, batch, &new).await?;
    insert(tx, batch, new).await?;
    batch.flush(tx).await?;
    outcome.changed += insert_spans(tx, batch, &ended).await?;
    Ok(outcome)
}

/// The follows that do not stand yet, each once.
async fn unknown(tx: &Tx, meant: Vec<Meaning>) -> StoreResult<Vec<Meaning>> {
    let keys: Vec<_> = meant
        .iter()
        .map(|(follower, target, row)| (*follower, target, row.flag.as_str()))
        .collect();
    let standing = tx.standing_follows(&keys).await?;
    let mut seen = HashSet::new();
    let fresh: Vec<bool> = keys
        .iter()
        .enumerate()
        .map(|(place, key)| seen.insert(*key) && !standing.contains(&place))
        .collect();
    let meant = meant.into_iter().zip(fresh);
    Ok(meant.filter_map(|(one, fresh)| fresh.then_some(one)).collect())
}

/// Writes the spans of rows that do not stand yet, each once. Returns how many those are.
async fn insert_spans(tx: &Tx, batch: &mut Batch, rows: &[Meaning]) -> StoreResult<u64> {
    if rows.is_empty() {
        return Ok(0);
    }
    let spans = rows.iter();
    let spans = spans.flat_map(|(follower, target, row)| row.spans(target).into_iter().map(|span| (*follower, span)));
    let spans: Vec<(UserId, Span)> = spans.collect();
    let asked: Vec<(UserId, &Span)> = spans.iter().map(|(follower, span)| (*follower, span)).collect();
    let standing = tx.standing_spans(&asked).await?;
    let mut new: Vec<(UserId, &Span)> = Vec::new();
    for (place, span) in asked.into_iter().enumerate() {
        if !standing.contains(&place) && !new.contains(&span) {
            new.push(span);
        }
    }
    if let Some(last) = new
        .iter()
        .filter_map(|(_, span)| span.until)
        .map(|(_, action)| action)
        .max()
    {
        tx.number_actions_above(last).await?;
    }
    batch.script().insert_spans(&new);
    batch.touch(new.iter().map(|(follower, _)| Key::Follows(*follower)));
    Ok(new.len() as u64)
}

async fn insert(tx: &Tx, batch: &mut Batch, new: Vec<Meaning>) -> StoreResult<()> {
    let keys: Vec<_> = new.iter().map(|(_, _, row)| row.key).collect();
    let ids = tx.number(Numbered::Follows, &keys).await?;
    let keys: Vec<_> = new
        .iter()
        .filter(|(_, _, row)| row.flag == FOLLOWING)
        .map(|(_, _, row)| row.action_key)
        .collect();
    let mut actions = tx.number(Numbered::Actions, &keys).await?.into_iter();
    let dated: Vec<bool> = new.iter().map(|(_, _, row)| row.created_at.is_some()).collect();
    let follows: Vec<NewFollow> = new
        .into_iter()
        .zip(ids)
        .map(|((follower, target, row), id)| NewFollow {
            id: FollowId(id),
            follower,
            target,
            created_at: row.at(tx),
            action: (row.flag == FOLLOWING).then(|| actions.next().map(ActionId)).flatten(),
            flag: row.flag,
        })
        .collect();
    batch.script().insert_follows(&follows);
    for (follow, is_dated) in follows.into_iter().zip(dated) {
        note(batch, &follow, is_dated);
    }
    Ok(())
}

fn note(batch: &mut Batch, follow: &NewFollow, is_dated: bool) {
    let counted = i64::from(follow.action.is_some());
    if let Entity::Hashtag(name) = &follow.target {
        batch.count_hashtag(name, [0, counted]);
    }
    let Some(action) = follow.action else { return };
    batch.count_user(follow.follower, [0, 0, 1]);
    match &follow.target {
        Entity::User(id) => batch.count_user(*id, [0, 1, 0]),
        Entity::Object(key) => batch.count_object(key, 1),
        Entity::Hashtag(_) | Entity::Tweet(_) => {}
    }
    let deed = Deed::follow(action, follow.follower, &follow.target, follow.created_at);
    batch.record(&deed, is_dated);
}
