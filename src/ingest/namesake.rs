//! Who goes by a handle. Handles of Bluesky move from account to account, and a wall may name one
//! before anybody knows whose it is: then a user stands in for the account until that is told.

use super::news::Author;
use crate::model::Result;
use crate::model::outside::handle_key;
use crate::store::bulk::user::Account;
use crate::store::tx::Tx;
use std::collections::HashMap;

/// The users who go by the handles of some authors, by the handles' keys.
pub(super) struct Namesakes(HashMap<String, Vec<Account>>);

impl Namesakes {
    /// Reads them, as far as they matter: a handle of the Fediverse never goes to somebody else, so it only says
    /// who somebody is where their profile does not.
    pub(super) async fn read<'a>(
        tx: &Tx,
        users: &HashMap<String, Account>,
        authors: impl Iterator<Item = &'a Author>,
    ) -> Result<Self> {
        let asked = authors.filter(|author| !is_lasting(author) || !users.contains_key(&author.url));
        let mut keys: Vec<String> = asked.filter_map(key).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return Ok(Self(HashMap::new()));
        }
        tx.accounts_called(&keys).await.map(Self)
    }

    fn of(&self, author: &Author) -> impl Iterator<Item = &Account> {
        let found = key(author).and_then(|key| self.0.get(&key));
        found.into_iter().flatten()
    }

    /// The user who is an author of an unknown profile: one who stood in for them, or, in the Fediverse, the one
    /// of that handle.
    pub(super) fn same(&self, author: &Author) -> Option<&Account> {
        match is_lasting(author) {
            true => self.of(author).next(),
            false => self.stand_ins(author).next(),
        }
    }

    /// The users who stood in for an author who is known by now.
    pub(super) fn stand_ins(&self, author: &Author) -> impl Iterator<Item = &Account> {
        self.of(author)
            .filter(|account| account.url.is_none() && !account.is_deleted)
    }

    /// Those of a known profile who are none of these users.
    pub(super) fn others(&self, users: &HashMap<String, Account>) -> Vec<Account> {
        let known = self.0.values().flatten().filter(|account| !account.is_deleted);
        known
            .filter(|account| account.url.as_ref().is_some_and(|url| !users.contains_key(url)))
            .filter(|account| users.values().all(|user| user.id != account.id))
            .cloned()
            .collect()
    }
}

/// Whether an author is the last of some to whom their handle went.
pub(super) fn is_last<'a>(author: &Author, authors: impl Iterator<Item = &'a Author>) -> bool {
    let last = authors.filter(|other| other.handle == author.handle).last();
    is_lasting(author) || last.is_none_or(|last| last.url == author.url)
}

/// Whether the handle of an account is an author's now, who is somebody else.
pub(super) fn has_lost(account: &Account, author: &Author) -> bool {
    let (Some(old), Some(new)) = (&account.handle, &author.handle) else {
        return false;
    };
    let is_other = account.url.as_ref().is_some_and(|url| *url != author.url);
    is_other && !is_lasting(author) && old.eq_ignore_ascii_case(new)
}

/// A handle as it is compared.
pub(super) fn key(author: &Author) -> Option<String> {
    author.handle.as_deref().map(handle_key)
}

/// Whether a handle never goes to somebody else.
fn is_lasting(author: &Author) -> bool {
    author.handle.as_ref().is_some_and(|handle| handle.starts_with('@'))
}
