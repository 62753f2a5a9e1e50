//! Users and the rules of their fields.

use super::{Error, Micros, Result, UserId};

/// The most characters of a display name.
pub const DISPLAY_NAME_LENGTH: usize = 50;
/// The most characters of a biography.
pub const BIO_LENGTH: usize = 160;
/// The most characters of a picture's address.
pub const AVATAR_URL_LENGTH: usize = 2_048;
/// The fewest and the most characters of a password.
pub const PASSWORD_LENGTH: std::ops::RangeInclusive<usize> = 8..=256;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the API's `User`")]
pub struct User {
    pub id: UserId,
    pub username: String,
    pub display_name: String,
    pub bio: String,
    pub avatar_url: Option<String>,
    pub handle: Option<String>,
    pub url: Option<String>,
    pub is_moderator: bool,
    /// Nobody but moderators sees them.
    pub is_banned: bool,
    pub created_at: Micros,
    pub tweet_count: i64,
    pub follower_count: i64,
    pub following_count: i64,
}

/// Whether the text may be a username: 1 to 20 of `[A-Za-z0-9_]`.
#[must_use]
pub fn is_username(name: &str) -> bool {
    (1..=20).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The form by which usernames are told apart.
#[must_use]
pub fn username_key(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Checks a username.
///
/// # Errors
/// [`Error::Invalid`] of `field`.
pub fn check_username(field: &'static str, name: &str) -> Result<()> {
    if is_username(name) {
        return Ok(());
    }
    Err(Error::invalid(
        field,
        "a username is 1 to 20 letters (A to Z), digits or underscores",
    ))
}

/// Checks a password.
///
/// # Errors
/// [`Error::Invalid`] of `field`.
pub fn check_password(field: &'static str, password: &str) -> Result<()> {
    if PASSWORD_LENGTH.contains(&password.chars().count()) {
        return Ok(());
    }
    Err(Error::invalid(field, "a password has 8 to 256 characters"))
}

/// Checks a text of at most `most` characters, which may not hold what no database stores.
///
/// # Errors
/// [`Error::Invalid`] of `field`.
pub fn check_line(field: &'static str, text: &str, most: usize) -> Result<()> {
    if text.chars().count() > most {
        return Err(Error::invalid(field, format!("longer than {most} characters")));
    }
    if text.contains('\0') {
        return Err(Error::invalid(field, "holds a NUL character"));
    }
    Ok(())
}
