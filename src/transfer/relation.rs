//! Rows of relations: blocks, mutes, bans, roles, and what moderators did.

use super::batch::Batch;
use super::fields::Fields;
use super::named::{DELETED, Named, accounts};
use super::{Line, Outcome, Record};
use crate::model::user::username_key;
use crate::model::{Key, Micros, Relation, Result as StoreResult, UserId};
use crate::social::{ban, relation};
use crate::store::bulk::relation::Noted;
use crate::store::bulk::tweet::Crowded;
use crate::store::tx::Tx;
use futures_util::future::BoxFuture;

/// What stands between two users, or of one or of a wall.
#[derive(Clone)]
pub(super) struct Row {
    /// Whose it is; none where a wall's.
    username: Option<String>,
    what: What,
    created_at: Option<Micros>,
}

#[derive(Clone)]
enum What {
    Relation(Relation, String),
    Ban,
    Moderator,
    Moderation {
        act: String,
        wall: Option<String>,
        moderator: Moderator,
        reason: Option<String>,
    },
}

/// Who did something.
#[derive(Clone)]
enum Moderator {
    Operator,
    Named(String),
    /// Somebody whose account is deleted.
    Gone,
}

/// Nobody has this number: it stands for who is gone.
const GONE: UserId = UserId(0);

/// The most characters of what a moderator did, and of why.
const LONGEST: usize = 1_000;

impl Record for Row {
    fn read(fields: &Fields) -> Result<Self, String> {
        let what = match fields.required("kind")?.as_str() {
            "block" => What::Relation(Relation::Block, fields.username("target")?),
            "mute" => What::Relation(Relation::Mute, fields.username("target")?),
            "ban" => What::Ban,
            "moderator" => What::Moderator,
            "moderation" => What::Moderation {
                act: fields.text("act", LONGEST)?.ok_or("act: missing")?,
                wall: fields.text("wall", LONGEST)?,
                moderator: match fields.has("moderator") {
                    true => Moderator::Named(fields.username("moderator")?),
                    false if fields.flag("moderatorIsGone")?.unwrap_or_default() => Moderator::Gone,
                    false => Moderator::Operator,
                },
                reason: fields.text("reason", LONGEST)?,
            },
            _ => return Err("kind: block, mute, ban, moderator or moderation".to_owned()),
        };
        let username = match &what {
            What::Moderation { wall: Some(_), .. } => None,
            _ => Some(fields.username("username")?),
        };
        let is_own = |other: &str| username.as_deref().map(username_key) == Some(username_key(other));
        if matches!(&what, What::Relation(_, target) if is_own(target)) {
            return Err("target: nobody hides themselves".to_owned());
        }
        Ok(Self {
            username,
            what,
            created_at: fields.time("createdAt")?,
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

impl Row {
    /// All whom it names.
    fn names(&self) -> impl Iterator<Item = &str> {
        let other = match &self.what {
            What::Relation(_, target) => Some(target),
            What::Moderation {
                moderator: Moderator::Named(name),
                ..
            } => Some(name),
            What::Moderation { .. } | What::Ban | What::Moderator => None,
        };
        self.username.iter().chain(other).map(String::as_str)
    }
}

/// What rows come to, by their kinds.
#[derive(Default)]
struct Sorted {
    blocks: Vec<(UserId, UserId, Micros)>,
    mutes: Vec<(UserId, UserId, Micros)>,
    bans: Vec<(UserId, Micros)>,
    moderators: Vec<UserId>,
    noted: Vec<Noted>,
}

impl Sorted {
    /// `named` are those of [`Row::names`].
    fn add(&mut self, row: Row, named: &[UserId], at: Micros) {
        let mut named = named.iter().copied();
        let user = row.username.is_some().then(|| named.next()).flatten();
        match (row.what, user, named.next()) {
            (What::Relation(Relation::Block, _), Some(user), Some(target)) => self.blocks.push((user, target, at)),
            (What::Relation(Relation::Mute, _), Some(user), Some(target)) => self.mutes.push((user, target, at)),
            (What::Ban, Some(user), _) => self.bans.push((user, at)),
            (What::Moderator, Some(user), _) => self.moderators.push(user),
            (What::Relation(..) | What::Ban | What::Moderator, ..) => {}
            (
                What::Moderation {
                    act,
                    wall,
                    moderator,
                    reason,
                },
                user,
                by,
            ) => self.noted.push(Noted {
                act,
                user,
                wall,
                moderator: match moderator {
                    Moderator::Gone => Some(GONE),
                    Moderator::Named(_) | Moderator::Operator => by,
                },
                reason,
                created_at: at,
            }),
        }
    }

    /// Writes everything. Returns how much of it is new.
    async fn save(self, tx: &Tx, batch: &mut Batch) -> StoreResult<u64> {
        let blocks = tx.insert_relations(Relation::Block, &self.blocks).await?;
        for (user, target) in &blocks {
            relation::part(tx, *user, *target).await?;
        }
        let mutes = tx.insert_relations(Relation::Mute, &self.mutes).await?;
        batch.touch(blocks.iter().chain(&mutes).map(|(user, _)| Key::Hides(*user)));
        let bans = tx.insert_bans(&self.bans).await?;
        for user in &bans {
            ban::begun(tx, *user).await?;
        }
        let moderators = tx.insert_moderators(&self.moderators).await?;
        batch.touch(moderators.iter().copied().map(Key::User));
        let rows = blocks.len() + mutes.len() + bans.len() + moderators.len();
        Ok(rows as u64 + tx.insert_moderations(&self.noted).await?)
    }
}

async fn write(tx: &Tx, batch: &mut Batch, rows: Vec<Line<Row>>) -> StoreResult<Outcome> {
    let now = tx.now();
    let at = |row: &Row| row.created_at.map_or(now, |at| at.min(now));
    let mut named = Vec::with_capacity(2 * rows.len());
    for (_, row) in &rows {
        let at = at(row);
        named.extend(row.names().map(|username| Named {
            username,
            display_name: None,
            at,
        }));
    }
    let accounts = accounts(tx, batch, named.into_iter()).await?;
    let mut outcome = Outcome::default();
    let mut sorted = Sorted::default();
    for (line, row) in rows {
        let named = row.names().filter_map(|name| accounts.get(&username_key(name)));
        let there: Option<Vec<UserId>> = named
            .map(|account| (!account.is_deleted).then_some(account.id))
            .collect();
        match there {
            Some(named) => {
                let at = at(&row);
                sorted.add(row, &named, at);
            }
            None => outcome.bad.push((line, format!("username: {DELETED}"))),
        }
    }
    outcome.changed = sorted.save(tx, batch).await?;
    Ok(outcome)
}
