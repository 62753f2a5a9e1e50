//! Banning: hidden from all but moderators at once, counts in the background.

use super::account::changed;
use super::relation::other;
use super::token::ended;
use super::{Social, acting};
use crate::model::user::check_line;
use crate::model::{Error, Micros, Result, UserId, Viewer};
use crate::store::Store;
use crate::store::moderation::{Moderation, Target};
use crate::store::sweep::Sweep;
use crate::store::tx::Tx;
use std::time::Duration;

/// Streams are told of a banned user's tweets that are not older.
const TOLD: Duration = Duration::from_secs(24 * 3_600);
/// The most characters of a reason.
const REASON_LENGTH: usize = 1_000;

impl Social {
    /// Bans a user: nothing of them can be read by anybody but moderators when this returns, and
    /// their sessions have ended. Nothing changes when they are banned already.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::Forbidden`] for who is no moderator, [`Error::Invalid`]
    /// of `input.userId` for oneself or of `input.reason`, [`Error::NotFound`].
    pub async fn ban_user(&self, viewer: &Viewer, target: String, reason: Option<String>) -> Result<UserId> {
        self.moderate(viewer, target, reason, true).await
    }

    /// Bans a user no longer: all that is theirs is there again.
    ///
    /// # Errors
    /// As [`Social::ban_user`].
    pub async fn unban_user(&self, viewer: &Viewer, target: String, reason: Option<String>) -> Result<UserId> {
        self.moderate(viewer, target, reason, false).await
    }

    async fn moderate(&self, viewer: &Viewer, target: String, reason: Option<String>, ban: bool) -> Result<UserId> {
        let moderator = viewer.require_user()?;
        let target = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    require_moderator(tx, moderator).await?;
                    let target = other(moderator, &target)?;
                    check_line("input.reason", reason.as_deref().unwrap_or_default(), REASON_LENGTH)?;
                    tx.user(target).await?.ok_or(Error::NotFound("user"))?;
                    set_banned(tx, target, Some(moderator), reason, ban).await?;
                    Ok(target)
                })
            })
            .await?;
        self.sweeping.notify_one();
        Ok(target)
    }

    /// Bans a user or ends that, with all counts: for the command line.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `username` or `reason`.
    pub async fn set_banned(&self, username: &str, reason: Option<String>, ban: bool) -> Result<()> {
        check_line("reason", reason.as_deref().unwrap_or_default(), REASON_LENGTH)?;
        let id = self.named(username).await?;
        self.store
            .write(move |tx| Box::pin(async move { set_banned(tx, id, None, reason, ban).await }))
            .await?;
        settle(&self.store).await
    }

    /// Whether a viewer is a moderator.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::Forbidden`] for who is none.
    pub async fn check_moderator(&self, viewer: &Viewer) -> Result<()> {
        let id = viewer.require_user()?;
        let users = self.store.users([id]).await?;
        let is_moderator = users.get(&id).is_some_and(|user| user.is_moderator);
        is_moderator.then_some(()).ok_or(NO_MODERATOR)
    }
}

const NO_MODERATOR: Error = Error::Forbidden("only moderators may do that");

async fn require_moderator(tx: &Tx, id: UserId) -> Result<()> {
    let user = acting(tx, id).await?;
    user.is_moderator.then_some(()).ok_or(NO_MODERATOR)
}

async fn set_banned(tx: &Tx, user: UserId, moderator: Option<UserId>, reason: Option<String>, ban: bool) -> Result<()> {
    let since = match ban {
        true => tx.insert_ban(user, tx.now()).await?.then(|| tx.now()),
        false => tx.delete_ban(user).await?,
    };
    let Some(since) = since else { return Ok(()) };
    let noted = Moderation {
        act: if ban { "ban" } else { "unban" },
        to: Target::User(user),
        moderator,
        reason: reason.filter(|reason| !reason.is_empty()),
    };
    tx.note_moderation(&noted).await?;
    take_effect(tx, user, since.before(TOLD)).await?;
    tracing::debug!(%user, ?moderator, ban, "moderation");
    Ok(())
}

/// What else a ban means, or its end: for streams from `since` on, for counts, for sessions.
async fn take_effect(tx: &Tx, user: UserId, since: Micros) -> Result<()> {
    tx.sweep_bans_of(&[user], since).await?;
    tx.emit(changed(user));
    ended(tx, tx.delete_sessions(user, None).await?);
    Ok(())
}

/// A ban came in from elsewhere: streams are not told.
///
/// # Errors
/// [`Error::Internal`] when the database fails.
pub async fn begun(tx: &Tx, user: UserId) -> Result<()> {
    take_effect(tx, user, Micros(i64::MAX)).await
}

/// Has the counts of what banned users did among these looked at again, silently.
///
/// # Errors
/// [`Error::Internal`] when the database fails.
pub async fn look_again(tx: &Tx, users: &[UserId]) -> Result<()> {
    let banned = tx.banned_among(users).await?;
    tx.sweep_bans_of(&banned, Micros(i64::MAX)).await
}

/// Makes counts what bans make of them, to the end.
///
/// # Errors
/// [`Error::Internal`] when the database fails.
pub async fn settle(store: &Store) -> Result<()> {
    loop {
        let bans = store.bans_to_sweep().await?;
        if bans.is_empty() {
            return Ok(());
        }
        for user in bans {
            store
                .write_background(move |tx| Box::pin(async move { step(tx, user).await }))
                .await?;
        }
    }
}

/// One step of a sweep over a ban.
pub(super) async fn step(tx: &Tx, user: UserId) -> Result<()> {
    if tx.sweep_ban(user).await? {
        return Ok(());
    }
    tx.finish_sweep(Sweep::Ban(user)).await
}
