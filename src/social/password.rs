//! Passwords: argon2id, off the threads that serve.

use crate::model::{Error, Result};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use std::sync::LazyLock;
use tokio::sync::Semaphore;

/// How many hashes are made at once: each takes 19 MiB and a core for some tens of milliseconds.
static SLOTS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(2));

/// The hash of no password: checked for users who have none, so that an answer takes as long.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now("nobody's password").unwrap_or_default());

/// Hashes a password.
///
/// # Errors
/// [`Error::Internal`] when the system has no randomness.
pub async fn hash(password: String) -> Result<String> {
    let _slot = SLOTS.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(move || hash_now(&password))
        .await
        .map_err(Error::internal)?
}

/// Whether a password is the one that was hashed. Takes as long when there is none.
///
/// # Errors
/// [`Error::Internal`] when the stored hash can't be read.
pub async fn verify(password: String, hash: Option<String>) -> Result<bool> {
    let _slot = SLOTS.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.clone());
        let hash = PasswordHash::new(&hash).map_err(|error| Error::internal(error.to_string()))?;
        let right = Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
        Ok(right && known)
    })
    .await
    .map_err(Error::internal)?
}

fn hash_now(password: &str) -> Result<String> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| Error::internal(error.to_string()))
}
