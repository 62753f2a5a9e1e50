//! Accounts: signing up, sessions, profiles, deletion.

use super::token::{Grant, ended};
use super::{BANNED, Social, acting, password};
use crate::model::user::{
    AVATAR_URL_LENGTH, BIO_LENGTH, DISPLAY_NAME_LENGTH, check_line, check_password, check_username,
};
use crate::model::{Error, EventKind, Key, NewEvent, Result, User, UserId, Viewer};
use crate::store::moderation::{Moderation, Target};
use crate::store::sweep::Sweep;
use crate::store::tx::Tx;
use crate::store::user::NewUser;

/// The same for an unknown user and for a wrong password.
const WRONG_LOG_IN: Error = Error::Unauthenticated("wrong username or password");

/// What of a profile is to be changed; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// Empty: the username.
    pub display_name: Option<String>,
    /// Anything up to 160 characters.
    pub bio: Option<String>,
    /// Empty: no picture.
    pub avatar_url: Option<Option<String>>,
}

impl Social {
    /// Makes an account and opens its first session.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Conflict`] when the username is taken, [`Error::Forbidden`]
    /// where signing up is off.
    pub async fn sign_up(&self, username: String, secret: String, display_name: Option<String>) -> Result<Grant> {
        if !self.rules.sign_up {
            return Err(Error::Forbidden("signing up is closed here"));
        }
        check_username("input.username", &username)?;
        check_password("input.password", &secret)?;
        let display_name = display_name.filter(|name| !name.is_empty());
        check_line(
            "input.displayName",
            display_name.as_deref().unwrap_or_default(),
            DISPLAY_NAME_LENGTH,
        )?;
        let hash = password::hash(secret).await?;
        let social = self.clone();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let id = insert(tx, username, display_name, Some(hash)).await?;
                    social.grant(tx, id).await
                })
            })
            .await
    }

    /// Makes an account without a session: for the command line.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Conflict`] when the username is taken.
    pub async fn create_user(&self, username: String, secret: String) -> Result<UserId> {
        check_username("username", &username)?;
        check_password("password", &secret)?;
        let hash = password::hash(secret).await?;
        self.store
            .write(move |tx| Box::pin(async move { insert(tx, username, None, Some(hash)).await }))
            .await
    }

    /// Opens a session.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], the same for an unknown user and a wrong password;
    /// [`Error::Forbidden`] for who is banned.
    pub async fn log_in(&self, username: &str, secret: String) -> Result<Grant> {
        let account = self.store.account_named(username).await?;
        let hash = account.as_ref().and_then(|account| account.password_hash.clone());
        let right = password::verify(secret, hash).await?;
        let Some(account) = account.filter(|_| right) else {
            return Err(WRONG_LOG_IN);
        };
        let (social, id) = (self.clone(), account.user.id);
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let user = tx.user(id).await?.ok_or(WRONG_LOG_IN)?;
                    if user.is_banned {
                        return Err(BANNED);
                    }
                    social.grant(tx, id).await
                })
            })
            .await
    }

    /// Ends the viewer's session.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] without one.
    pub async fn log_out(&self, viewer: &Viewer) -> Result<()> {
        let session = viewer.session().ok_or(Error::Unauthenticated("log in first"))?;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    if tx.delete_session(session).await? {
                        ended(tx, vec![session]);
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Ends the viewer's session and opens another with a full lifetime.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::Forbidden`] for a service.
    pub async fn renew_session(&self, viewer: &Viewer) -> Result<Grant> {
        let id = viewer.require_user()?;
        let session = viewer.session();
        let social = self.clone();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let gone = Error::Unauthenticated("the session has ended");
                    let Some(session) = session else { return Err(gone) };
                    if !tx.delete_session(session).await? {
                        return Err(gone);
                    }
                    ended(tx, vec![session]);
                    acting(tx, id).await?;
                    social.grant(tx, id).await
                })
            })
            .await
    }

    /// Changes the viewer's password and ends their other sessions.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `input.password` when that is wrong, or of `input.newPassword`.
    pub async fn change_password(&self, viewer: &Viewer, old: String, new: String) -> Result<()> {
        let id = viewer.require_user()?;
        check_password("input.newPassword", &new)?;
        self.confirm(id, old).await?;
        let hash = password::hash(new).await?;
        let session = viewer.session();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    acting(tx, id).await?;
                    tx.set_password(id, hash).await?;
                    let gone = tx.delete_sessions(id, session).await?;
                    ended(tx, gone);
                    Ok(())
                })
            })
            .await
    }

    /// Sets a user's password and ends their sessions: for the command line.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `username` or `password`.
    pub async fn set_password(&self, username: &str, secret: String) -> Result<()> {
        check_password("password", &secret)?;
        let id = self.named(username).await?;
        let hash = password::hash(secret).await?;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    tx.set_password(id, hash).await?;
                    let gone = tx.delete_sessions(id, None).await?;
                    ended(tx, gone);
                    tx.note_moderation(&Moderation {
                        act: "setPassword",
                        to: Target::User(id),
                        moderator: None,
                        reason: None,
                    })
                    .await
                })
            })
            .await
    }

    /// Makes a user a moderator: for the command line.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `username`.
    pub async fn promote(&self, username: &str) -> Result<()> {
        let id = self.named(username).await?;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(user) = tx.user(id).await?.filter(|user| !user.is_moderator) {
                        let mut user = User::clone(&user);
                        user.is_moderator = true;
                        tx.update_profile(&user).await?;
                        tx.note_moderation(&Moderation {
                            act: "promote",
                            to: Target::User(id),
                            moderator: None,
                            reason: None,
                        })
                        .await?;
                        tx.emit(changed(id));
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Changes the viewer's profile.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `input.displayName`, `input.bio` or `input.avatarUrl`.
    pub async fn update_profile(&self, viewer: &Viewer, change: ProfileChange) -> Result<UserId> {
        let id = viewer.require_user()?;
        check_line(
            "input.displayName",
            change.display_name.as_deref().unwrap_or_default(),
            DISPLAY_NAME_LENGTH,
        )?;
        check_line("input.bio", change.bio.as_deref().unwrap_or_default(), BIO_LENGTH)?;
        let avatar = change
            .avatar_url
            .as_ref()
            .and_then(Option::as_deref)
            .unwrap_or_default();
        check_line("input.avatarUrl", avatar, AVATAR_URL_LENGTH)?;
        if !avatar.is_empty() && !avatar.starts_with("https://") && !avatar.starts_with("http://") {
            return Err(Error::invalid("input.avatarUrl", "not an http or https address"));
        }
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let user = acting(tx, id).await?;
                    let mut user = User::clone(&user);
                    if let Some(name) = change.display_name {
                        user.display_name = if name.is_empty() { user.username.clone() } else { name };
                    }
                    user.bio = change.bio.unwrap_or(user.bio);
                    if let Some(avatar) = change.avatar_url {
                        user.avatar_url = avatar.filter(|avatar| !avatar.is_empty());
                    }
                    tx.update_profile(&user).await?;
                    tx.emit(changed(id));
                    Ok(id)
                })
            })
            .await
    }

    /// Deletes the viewer. Nothing of them can be read when this returns; the rows follow.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `input.password` when that is wrong.
    pub async fn delete_account(&self, viewer: &Viewer, secret: String) -> Result<()> {
        let id = viewer.require_user()?;
        self.confirm(id, secret).await?;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    acting(tx, id).await?;
                    hide(tx, id).await
                })
            })
            .await?;
        self.sweeping.notify_one();
        Ok(())
    }

    async fn confirm(&self, id: UserId, secret: String) -> Result<()> {
        let account = self.store.account(id).await?;
        let hash = account.and_then(|account| account.password_hash);
        if password::verify(secret, hash).await? {
            return Ok(());
        }
        Err(Error::invalid("input.password", "the password is wrong"))
    }

    pub(super) async fn named(&self, username: &str) -> Result<UserId> {
        let account = self.store.account_named(username).await?;
        account
            .map(|account| account.user.id)
            .ok_or_else(|| Error::invalid("username", format!("there is no user {username}")))
    }
}

/// Hides an account with all that it wrote, and leaves the rest to the sweep.
pub(crate) async fn hide(tx: &Tx, id: UserId) -> Result<()> {
    tx.hide_user(id).await?;
    tx.insert_sweep(Sweep::User(id)).await?;
    let gone = tx.delete_sessions(id, None).await?;
    ended(tx, gone);
    tx.emit(changed(id));
    Ok(())
}

async fn insert(
    tx: &Tx,
    username: String,
    display_name: Option<String>,
    password_hash: Option<String>,
) -> Result<UserId> {
    let new = NewUser {
        username,
        display_name,
        bio: String::new(),
        avatar_url: None,
        password_hash,
        created_at: tx.now(),
    };
    let user = tx.insert_user(new).await?.ok_or(Error::Conflict {
        field: "input.username",
        reason: "the username is taken",
    })?;
    tracing::debug!(user = %user.id, username = %user.username, "new user");
    tx.emit(changed(user.id));
    Ok(user.id)
}

/// Says that an account has changed.
pub(super) fn changed(id: UserId) -> NewEvent {
    let mut event = NewEvent::new(EventKind::User);
    event.actor = Some(id);
    event.keys = vec![Key::User(id), Key::Follows(id)];
    event
}
