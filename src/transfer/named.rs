//! Users who are only named by rows: made when they are first named, and made more exact by
//! each row that knows more.

use super::batch::Batch;
use crate::model::user::username_key;
use crate::model::{Key, Micros, Result, UserId};
use crate::store::bulk::Numbered;
use crate::store::bulk::user::{Account, Provisional};
use crate::store::script::Script;
use crate::store::tx::Tx;
use std::collections::HashMap;

/// Why a row of somebody who is being deleted is bad.
pub(super) const DELETED: &str = "this account is being deleted";

/// A user as a row names them.
#[derive(Clone, Copy)]
pub(super) struct Named<'r> {
    /// In any case.
    pub username: &'r str,
    /// As the row has it.
    pub display_name: Option<&'r str>,
    /// When what the row tells of happened.
    pub at: Micros,
}

/// The users who are named, by the keys of their names; those who are new are made.
pub(super) async fn accounts<'r>(
    tx: &Tx,
    batch: &mut Batch,
    named: impl Iterator<Item = Named<'r>>,
) -> Result<HashMap<String, Account>> {
    let named: Vec<(String, Named)> = named.map(|one| (username_key(one.username), one)).collect();
    let mut keys: Vec<&str> = Vec::with_capacity(named.len());
    let mut seen = std::collections::HashSet::with_capacity(named.len());
    keys.extend(
        named
            .iter()
            .map(|(key, _)| key.as_str())
            .filter(|key| seen.insert(*key)),
    );
    let mut accounts = tx.accounts_named(&keys).await?;
    let new: Vec<String> = keys
        .into_iter()
        .filter(|key| !accounts.contains_key(*key))
        .map(str::to_owned)
        .collect();
    let before = accounts.clone();
    for (key, one) in &named {
        match accounts.get_mut(key) {
            Some(account) => refine(account, *one),
            None => drop(accounts.insert(key.clone(), newcomer(*one))),
        }
    }
    let ids = tx.number(Numbered::Users, &vec![None; new.len()]).await?;
    for (key, id) in new.iter().zip(ids) {
        if let Some(account) = accounts.get_mut(key) {
            account.id = UserId(id);
        }
    }
    let newcomers: Vec<&Account> = new.iter().filter_map(|key| accounts.get(key)).collect();
    let mut script = Script::default();
    script.insert_accounts(&newcomers);
    batch.touch(newcomers.iter().map(|account| Key::User(account.id)));
    let changed: Vec<&Account> = before
        .iter()
        .filter_map(|(key, old)| accounts.get(key).filter(|account| *account != old))
        .collect();
    script.update_accounts(&changed);
    tx.run(script).await?;
    batch.touch(changed.iter().map(|account| Key::User(account.id)));
    Ok(accounts)
}

fn newcomer(one: Named) -> Account {
    let default = (Micros::MIN, one.username.to_owned());
    let mut account = Account {
        id: UserId(0),
        username: one.username.to_owned(),
        display_name: one.username.to_owned(),
        bio: String::new(),
        avatar_url: None,
        handle: None,
        url: None,
        created_at: one.at,
        is_local: false,
        is_deleted: false,
        is_banned: false,
        provisional: Provisional {
            profile: true,
            born: true,
            name: Some(default),
        },
    };
    refine(&mut account, one);
    account
}

/// Takes over what a row knows better: the oldest time, and the display name of the newest row
/// that gives one. So the order of the rows makes no difference.
fn refine(account: &mut Account, one: Named) {
    if account.is_local || account.is_deleted {
        return;
    }
    if account.provisional.born {
        account.created_at = account.created_at.min(one.at);
    }
    let Some(given) = one.display_name else { return };
    match &mut account.provisional.name {
        Some((at, name)) if account.display_name == *name && (one.at, given) > (*at, name.as_str()) => {
            given.clone_into(&mut account.display_name);
            (*at, *name) = (one.at, given.to_owned());
        }
        None if account.display_name == account.username => given.clone_into(&mut account.display_name),
        _ => {}
    }
}
