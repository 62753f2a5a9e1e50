//! The rules: one function is one transaction, with its rows, counts, action, entries and event.
//!
//! Nothing here sends anything to anybody: what happened stands in the log, and those who
//! deliver read it there.

pub mod account;
pub mod action;
pub mod ban;
pub mod follow;
pub mod housekeeping;
pub mod notification;
pub mod password;
pub mod reaction;
pub mod rebuild;
pub mod relation;
pub mod stand_in;
pub mod sweep;
pub mod tally;
pub mod token;
pub mod tweet;
pub mod wall;

use crate::model::{Error, Result, User, UserId};
use crate::store::Store;
use crate::store::tx::Tx;
use std::sync::Arc;
use std::time::Duration;

/// What the rules are run with. Cheap to clone.
#[derive(Clone)]
pub struct Social {
    store: Store,
    rules: Rules,
    sweeping: Arc<tokio::sync::Notify>,
    filling: Arc<tokio::sync::Notify>,
}

/// What the operator decides about the rules.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The weighted length of the longest tweet.
    pub tweet_length: usize,
    /// How long a session lasts.
    pub session_lifetime: Duration,
    /// Whether anybody may sign up.
    pub sign_up: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            tweet_length: 280,
            session_lifetime: Duration::from_secs(30 * 24 * 3_600),
            sign_up: true,
        }
    }
}

impl Social {
    /// The rules over a store.
    #[must_use]
    pub fn new(store: Store, rules: Rules) -> Self {
        Self {
            store,
            rules,
            sweeping: Arc::default(),
            filling: Arc::default(),
        }
    }

    /// The store that is written.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What the operator decided.
    #[must_use]
    pub fn rules(&self) -> Rules {
        self.rules
    }
}

/// Somebody who is about to write.
///
/// # Errors
/// [`Error::Unauthenticated`] when the account is deleted, [`Error::Forbidden`] when it is banned.
async fn acting(tx: &Tx, id: UserId) -> Result<Arc<User>> {
    let user = tx.user(id).await?;
    let user = user.ok_or(Error::Unauthenticated("the account is deleted"))?;
    if user.is_banned {
        return Err(BANNED);
    }
    Ok(user)
}

/// Somebody upon whom others act.
///
/// # Errors
/// [`Error::NotFound`] when they are not there, or banned.
async fn shown(tx: &Tx, id: UserId) -> Result<Arc<User>> {
    let user = tx.user(id).await?.filter(|user| !user.is_banned);
    user.ok_or(Error::NotFound("user"))
}

/// Why a banned user can do nothing.
const BANNED: Error = Error::Forbidden("the account is banned");
