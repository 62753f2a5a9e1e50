//! Walls: making, changing and deleting them, and taking in what was stored before.

use super::Social;
use crate::model::outside::{Account, Outside, handle_key};
use crate::model::user::{check_line, username_key};
use crate::model::wall::{self, Filling, Rules, TITLE_LENGTH, WALLS, slug_key};
use crate::model::{Change, Error, EventKind, Key, NewEvent, Result, Topic, UserId, Viewer, Wall, WallId};
use crate::store::Store;
use crate::store::lease::{Lease, STAND_BY};
use crate::store::moderation::{Moderation, Target};
use crate::store::sweep::Sweep;
use crate::store::tx::Tx;
use crate::store::user::NewUser;
use crate::store::wall::Due;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long to wait after a failure, or for another process's walls.
const PAUSE: Duration = Duration::from_secs(5);
/// How long the others who write are left alone after a step, at the most.
const REST: Duration = Duration::from_millis(50);

/// A wall as the client wrote it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of the API's `PutWallInput`")]
pub struct NewWall {
    pub slug: String,
    pub title: String,
    pub hashtags: Vec<String>,
    pub keywords: Vec<String>,
    pub accounts: Vec<String>,
}

/// Whose tweets belong to a wall, as far as their names tell.
#[derive(Clone)]
struct Named {
    /// The accounts in the order given.
    accounts: Vec<Account>,
}

impl Named {
    fn new(given: &[String]) -> Result<Self> {
        let mut accounts: Vec<Account> = Vec::new();
        for name in given {
            let account = Account::parse(name).ok_or_else(|| {
                let forms = "a username, @user@server, a Bluesky handle or a DID";
                Error::invalid(ACCOUNTS, format!("`{name}` is not {forms}"))
            })?;
            if !accounts.iter().any(|other| is_same(other, &account)) {
                accounts.push(account);
            }
        }
        let accounts = wall::at_most(ACCOUNTS, "accounts", wall::ACCOUNTS, accounts)?;
        Ok(Self { accounts })
    }
}

/// Whether two names are of one account, in whatever case they are written.
fn is_same(one: &Account, other: &Account) -> bool {
    match (one, other) {
        (Account::Here(one), Account::Here(other)) => username_key(one) == username_key(other),
        (Account::Outside(one), Account::Outside(other)) => handle_key(&one.handle) == handle_key(&other.handle),
        _ => false,
    }
}

const ACCOUNTS: &str = "input.accounts";

impl Social {
    /// Makes a wall, or replaces the one with this slug. It takes in what is stored in the background.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for all but moderators, [`Error::Invalid`] of an input,
    /// [`Error::Missing`] where an account is not there.
    pub async fn put_wall(&self, viewer: &Viewer, new: NewWall) -> Result<WallId> {
        let by = viewer.require_user()?;
        let slug = slug_key(&new.slug)
            .ok_or_else(|| Error::invalid("input.slug", "1 to 64 letters (a to z), digits, hyphens or underscores"))?;
        let title = new.title.trim().to_owned();
        check_line("input.title", &title, TITLE_LENGTH)?;
        if title.is_empty() {
            return Err(Error::invalid("input.title", "the title is empty"));
        }
        let rules = Rules {
            hashtags: wall::hashtags("input.hashtags", &new.hashtags)?,
            keywords: wall::keywords("input.keywords", &new.keywords)?,
            accounts: Vec::new(),
        };
        let named = Named::new(&new.accounts)?;
        let id = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    require_moderator(tx, by).await?;
                    note(tx, "putWall", &slug, by).await?;
                    put(tx, slug, title, rules, named).await
                })
            })
            .await?;
        self.filling.notify_one();
        Ok(id)
    }

    /// Deletes a wall and ends its streams.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for all but moderators, [`Error::NotFound`].
    pub async fn delete_wall(&self, viewer: &Viewer, slug: &str) -> Result<()> {
        let by = viewer.require_user()?;
        let slug = slug_key(slug);
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    require_moderator(tx, by).await?;
                    let wall = match &slug {
                        Some(slug) => tx.wall_named(slug).await?,
                        None => None,
                    };
                    let wall = wall.ok_or(Error::NotFound("wall"))?;
                    note(tx, "deleteWall", &wall.slug, by).await?;
                    tx.delete_wall(wall.id).await?;
                    tx.insert_sweep(Sweep::Wall(wall.id)).await?;
                    let mut event = changed(wall.id);
                    event.tell([(Topic::wall(wall.id), Change::Deleted)]);
                    tx.emit(event);
                    Ok(())
                })
            })
            .await?;
        self.sweeping.notify_one();
        Ok(())
    }
}

/// Takes in what was stored before the walls' rules, for all that lack it.
///
/// # Errors
/// [`Error::Internal`] when the database fails.
pub async fn fill(store: &Store) -> Result<()> {
    while let Some(due) = store.due_wall().await? {
        step(store, due).await?;
    }
    Ok(())
}

/// One step, if a wall lacks something. How long to wait before the next one.
async fn fill_once(store: &Store, lease: &mut Lease) -> Result<Option<Duration>> {
    let Some(due) = store.due_wall().await? else {
        lease.release().await;
        return Ok(Some(PAUSE));
    };
    if !lease.hold().await? {
        return Ok(Some(STAND_BY));
    }
    step(store, due).await?;
    Ok(None)
}

/// One step of a wall that lacks something.
async fn step(store: &Store, due: Due) -> Result<()> {
    store
        .write_background(move |tx| {
            Box::pin(async move {
                if tx.fill_wall(&due).await? {
                    tx.emit(changed(due.wall.id));
                }
                Ok(())
            })
        })
        .await
}

/// Fills walls until cancelled.
///
/// # Errors
/// None: what fails is tried again.
pub async fn run(social: Social, stop: CancellationToken) -> Result<()> {
    let mut lease = social.store.lease("walls");
    while !stop.is_cancelled() {
        let began = Instant::now();
        let pause = match fill_once(&social.store, &mut lease).await {
            Ok(None) => {
                tokio::time::sleep(began.elapsed().min(REST)).await;
                continue;
            }
            Ok(Some(pause)) => pause,
            Err(error) => {
                tracing::warn!(?error, "a wall could not be filled");
                PAUSE
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = social.filling.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    lease.release().await;
    Ok(())
}

async fn require_moderator(tx: &Tx, user: UserId) -> Result<()> {
    let user = tx.user(user).await?;
    match user
        .ok_or(Error::Unauthenticated("the account is deleted"))?
        .is_moderator
    {
        true => Ok(()),
        false => Err(Error::Forbidden("only moderators may do that")),
    }
}

async fn put(tx: &Tx, slug: String, title: String, mut rules: Rules, named: Named) -> Result<WallId> {
    rules.accounts = users(tx, &named.accounts).await?;
    let old = tx.wall_named(&slug).await?;
    let wall = match old {
        Some(old) => Wall {
            filling: if old.rules == rules { old.filling } else { Filling::ANEW },
            title,
            rules,
            ..old
        },
        None if tx.count_walls().await? >= WALLS => {
            return Err(Error::invalid(
                "input.slug",
                format!("there are {WALLS} walls, and no more"),
            ));
        }
        None => Wall {
            id: tx
                .number_walls(&[None])
                .await?
                .into_iter()
                .next()
                .ok_or_else(no_number)?,
            slug,
            title,
            rules,
            created_at: tx.now(),
            tweet_count: 0,
            filling: Filling::NEW,
        },
    };
    tx.put_wall(&wall).await?;
    tx.emit(changed(wall.id));
    Ok(wall.id)
}

async fn note(tx: &Tx, act: &'static str, slug: &str, by: UserId) -> Result<()> {
    tx.note_moderation(&Moderation {
        act,
        to: Target::Wall(slug.to_owned()),
        moderator: Some(by),
        reason: None,
    })
    .await
}

/// Names a user in the place of another one, in the rules of all walls.
pub(super) async fn name_instead(tx: &Tx, old: UserId, new: UserId) -> Result<()> {
    for mut wall in tx.walls_naming(old).await? {
        let mut accounts: Vec<UserId> = Vec::new();
        for account in wall.rules.accounts {
            let account = if account == old { new } else { account };
            if !accounts.contains(&account) {
                accounts.push(account);
            }
        }
        wall.rules.accounts = accounts;
        wall.filling = Filling::ANEW;
        tx.put_wall(&wall).await?;
        tx.emit(changed(wall.id));
    }
    Ok(())
}

fn no_number() -> Error {
    Error::internal("no number came back")
}

/// What the log says of a wall that changed.
fn changed(wall: WallId) -> NewEvent {
    let mut event = NewEvent::new(EventKind::Wall);
    event.keys = vec![Key::Topic(Topic::wall(wall))];
    event
}

/// The users who are these accounts, each once. Outside ones who are not here yet come to be.
async fn users(tx: &Tx, accounts: &[Account]) -> Result<Vec<UserId>> {
    let names: Vec<String> = accounts
        .iter()
        .filter_map(|account| match account {
            Account::Here(name) => Some(username_key(name)),
            Account::Outside(_) => None,
        })
        .collect();
    let here = tx.users_named(&names).await?;
    let outside: Vec<Outside> = accounts
        .iter()
        .filter_map(|account| match account {
            Account::Outside(outside) => Some(outside.clone()),
            Account::Here(_) => None,
        })
        .collect();
    let known = tx.outside_users(&outside).await?;
    let mut users = Vec::with_capacity(accounts.len());
    let mut place = 0;
    for account in accounts {
        let user = match account {
            Account::Here(name) => {
                let user = here.get(&username_key(name)).copied();
                user.ok_or_else(|| missing(name))?
            }
            Account::Outside(outside) => {
                place += 1;
                match known.get(&(place - 1)) {
                    Some(user) => *user,
                    None => newcomer(tx, outside).await?,
                }
            }
        };
        if !users.contains(&user) {
            users.push(user);
        }
    }
    Ok(users)
}

fn missing(name: &str) -> Error {
    Error::Missing {
        field: ACCOUNTS,
        what: format!("account `{name}`"),
    }
}

/// Makes the user of an outside account that has not been heard of.
async fn newcomer(tx: &Tx, account: &Outside) -> Result<UserId> {
    for username in account.usernames() {
        let new = NewUser {
            username,
            display_name: Some(
                account
                    .handle
                    .chars()
                    .take(crate::model::user::DISPLAY_NAME_LENGTH)
                    .collect(),
            ),
            bio: String::new(),
            avatar_url: None,
            password_hash: None,
            created_at: tx.now(),
        };
        if let Some(user) = tx.insert_user(new).await? {
            tx.name_outside(user.id, account).await?;
            let mut event = NewEvent::new(EventKind::User);
            event.keys = vec![Key::User(user.id)];
            tx.emit(event);
            return Ok(user.id);
        }
    }
    Err(Error::internal("no username is free"))
}
