//! Outside accounts as users.

use super::jetstream::{author, did_of};
use super::namesake::{self, Namesakes};
use super::news::Author;
use crate::model::outside::Outside;
use crate::model::user::{DISPLAY_NAME_LENGTH, username_key};
use crate::model::{Key, Micros, Result, UserId};
use crate::social::stand_in;
use crate::store::bulk::Numbered;
use crate::store::bulk::user::{Account, Provisional};
use crate::store::script::Script;
use crate::store::tx::Tx;
use crate::transfer::batch::Batch;
use std::collections::HashMap;

/// How many usernames are tried at once.
const TRIES: usize = 4;

/// The users that authors are, by the addresses of their profiles, and the addresses of those who
/// are new and were made. What they are called now is taken over.
pub(super) async fn users(
    tx: &Tx,
    batch: &mut Batch,
    authors: &[(&Author, Micros)],
) -> Result<(HashMap<String, Account>, Vec<String>)> {
    let mut users = known(tx, batch, authors.iter().map(|(author, _)| *author)).await?;
    let mut new: Vec<(&Author, Account)> = Vec::new();
    for (author, at) in authors {
        match new.iter_mut().find(|(other, _)| other.url == author.url) {
            Some((_, account)) => account.created_at = account.created_at.min(*at),
            None if users.contains_key(&author.url) => {}
            None => new.push((author, newcomer(author, *at))),
        }
    }
    name(tx, &mut new).await?;
    let ids = tx.number(Numbered::Users, &vec![None; new.len()]).await?;
    for ((_, account), id) in new.iter_mut().zip(ids) {
        account.id = UserId(id);
    }
    let mut script = Script::default();
    script.insert_accounts(&new.iter().map(|(_, account)| account).collect::<Vec<_>>());
    tx.run(script).await?;
    batch.touch(new.iter().map(|(_, account)| Key::User(account.id)));
    let newcomers = new.iter().map(|(author, _)| author.url.clone()).collect();
    users.extend(new.into_iter().map(|(author, account)| (author.url.clone(), account)));
    Ok((users, newcomers))
}

/// Those of the authors who are users already, with what they are called now.
pub(super) async fn known<'a>(
    tx: &Tx,
    batch: &mut Batch,
    authors: impl Iterator<Item = &'a Author> + Clone,
) -> Result<HashMap<String, Account>> {
    let urls: Vec<&str> = authors.clone().map(|author| author.url.as_str()).collect();
    let mut users = tx.accounts_at(&urls).await?;
    let namesakes = Namesakes::read(tx, &users, authors.clone()).await?;
    for author in authors.clone() {
        let same = namesakes.same(author);
        let Some(same) = same.filter(|_| namesake::is_last(author, authors.clone())) else {
            continue;
        };
        match users.get(&author.url) {
            Some(user) if !user.is_deleted => {
                // Who has just become the author is still among those who stood in.
                for stand_in in namesakes.stand_ins(author).filter(|one| one.id != user.id) {
                    stand_in::replace(tx, stand_in.id, user.id).await?;
                }
            }
            None if users.values().all(|user| user.id != same.id) => {
                users.insert(author.url.clone(), same.clone());
            }
            _ => {}
        }
    }
    let mut others = namesakes.others(&users);
    let before: Vec<Account> = users.values().chain(&others).cloned().collect();
    for author in authors {
        for account in users.values_mut().chain(&mut others) {
            if namesake::has_lost(account, author) {
                forget_handle(account);
            }
        }
        if let Some(account) = users.get_mut(&author.url).filter(|account| !account.is_deleted) {
            refresh(account, author);
        }
    }
    let after = users.values().chain(&others);
    let changed = after.zip(&before).filter(|(new, old)| new != old);
    let changed: Vec<&Account> = changed.map(|(account, _)| account).collect();
    let mut script = Script::default();
    script.update_accounts(&changed);
    tx.run(script).await?;
    batch.touch(changed.iter().map(|account| Key::User(account.id)));
    Ok(users)
}

fn newcomer(author: &Author, at: Micros) -> Account {
    let mut account = Account {
        id: UserId(0),
        username: String::new(),
        display_name: shortened(&author.name),
        bio: String::new(),
        avatar_url: None,
        handle: Some(author.name.clone()),
        url: Some(author.url.clone()),
        created_at: at,
        is_local: false,
        is_deleted: false,
        is_banned: false,
        provisional: Provisional::default(),
    };
    refresh(&mut account, author);
    account
}

/// Takes over what a source tells of an account. A display name that is only the handle's stand-in
/// follows the handle.
fn refresh(account: &mut Account, author: &Author) {
    let stands_in = account.handle.as_deref().map(shortened).as_ref() == Some(&account.display_name);
    if let Some(handle) = &author.handle {
        account.handle = Some(handle.clone());
    }
    account.url = Some(author.url.clone());
    match &author.display_name {
        Some(name) => account.display_name.clone_from(name),
        None if stands_in => account.display_name = account.handle.as_deref().map(shortened).unwrap_or_default(),
        None => {}
    }
    if let Some(bio) = &author.bio {
        account.bio.clone_from(bio);
    }
    if let Some(avatar) = &author.avatar_url {
        account.avatar_url = Some(avatar.clone());
    }
}

/// Calls an account by its DID, as if nothing more were known.
fn forget_handle(account: &mut Account) {
    let did = account.url.as_deref().and_then(did_of).map(ToOwned::to_owned);
    if let Some(did) = did {
        let nameless = author(&did);
        refresh(
            account,
            &Author {
                handle: Some(did),
                ..nameless
            },
        );
    }
}

fn shortened(name: &str) -> String {
    name.chars().take(DISPLAY_NAME_LENGTH).collect()
}

/// Gives new accounts the first of their usernames that is free.
async fn name(tx: &Tx, new: &mut [(&Author, Account)]) -> Result<()> {
    let mut taken: Vec<String> = Vec::new();
    let mut round = 0;
    while new.iter().any(|(_, account)| account.username.is_empty()) {
        let open = new.iter_mut().filter(|(_, account)| account.username.is_empty());
        let mut open: Vec<_> = open
            .map(|(author, account)| {
                let outside = Outside {
                    handle: author.name.clone(),
                    url: Some(author.url.clone()),
                };
                let names: Vec<String> = outside.usernames().skip(round * TRIES).take(TRIES).collect();
                (account, names)
            })
            .collect();
        let keys: Vec<String> = open
            .iter()
            .flat_map(|(_, names)| names)
            .map(|name| username_key(name))
            .collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        taken.extend(tx.accounts_named(&keys).await?.into_keys());
        for (account, names) in &mut open {
            let free = names.drain(..).find(|name| !taken.contains(&username_key(name)));
            if let Some(name) = free {
                taken.push(username_key(&name));
                account.username = name;
            }
        }
        round += 1;
    }
    Ok(())
}
