//! Accounts of other places, as people name them.

use super::user::is_username;
use sha2::{Digest, Sha256};

/// The most characters of an outside account's name.
const LONGEST: usize = 255;
/// How many characters of the name a username begins with.
const STEM: usize = 13;

/// An account that is named by people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// A username here.
    Here(String),
    /// An account of another place.
    Outside(Outside),
}

/// An account of another place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    /// `@alice@example.social`, `alice.bsky.social` or `did:plc:...`.
    pub handle: String,
    /// The address of its profile, where the name alone tells.
    pub url: Option<String>,
}

impl Account {
    /// Reads a username, with or without `@`, an `@user@server`, a Bluesky handle or a DID.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim();
        if name.len() > LONGEST {
            return None;
        }
        if let Some(did) = name.strip_prefix("did:") {
            let (method, key) = did.split_once(':')?;
            let is_key = |byte: u8| byte.is_ascii_alphanumeric() || b"._:%-".contains(&byte);
            let is_did = !method.is_empty()
                && method.bytes().all(|byte| byte.is_ascii_lowercase())
                && !key.is_empty()
                && key.bytes().all(is_key);
            let url = format!("https://bsky.app/profile/{name}");
            return is_did.then(|| Self::outside(name.to_owned(), Some(url)));
        }
        let bare = name.strip_prefix('@').unwrap_or(name);
        if is_username(bare) {
            return Some(Self::Here(bare.to_owned()));
        }
        if let Some((user, server)) = bare.split_once('@') {
            let is_user = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
            let server = server.to_ascii_lowercase();
            let is_one = !user.is_empty() && user.bytes().all(is_user) && is_domain(&server);
            let url = format!("https://{server}/@{user}");
            return is_one.then(|| Self::outside(format!("@{user}@{server}"), Some(url)));
        }
        let handle = handle_key(bare);
        is_domain(&handle).then(|| Self::outside(handle, None))
    }

    fn outside(handle: String, url: Option<String>) -> Self {
        Self::Outside(Outside { handle, url })
    }
}

/// A handle as it is compared: neither network tells capitals from small letters.
#[must_use]
pub fn handle_key(handle: &str) -> String {
    handle.to_ascii_lowercase()
}

/// At least two labels of letters, digits and inner hyphens.
fn is_domain(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.contains('.') && name.split('.').all(is_label)
}

impl Outside {
    /// Usernames for it, the first the best: its own name as far as it goes, and bits of a hash, so
    /// that it is the same each time.
    pub fn usernames(&self) -> impl Iterator<Item = String> {
        let name = self.handle.rsplit(':').next().unwrap_or_default();
        let name = name.trim_start_matches('@');
        let first = name.split(['.', '@']).next().unwrap_or_default();
        let stem: String = first
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' })
            .take(STEM)
            .collect();
        (0_u32..).map(move |turn| {
            let hash = Sha256::digest(format!("{turn} {}", handle_key(&self.handle)));
            let bits = hash.iter().take(3).map(|byte| format!("{byte:02x}"));
            format!("{stem}_{}", bits.collect::<String>())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_as_people_write_them() {
        let here = |name: &str| Some(Account::Here(name.to_owned()));
        let outside =
            |handle: &str, url: Option<&str>| Some(Account::outside(handle.to_owned(), url.map(ToOwned::to_owned)));
        for (name, account) in [
            ("alice", here("alice")),
            (" @Alice ", here("Alice")),
            (
                "@alice@Example.Social",
                outside("@alice@example.social", Some("https://example.social/@alice")),
            ),
            (
                "bob@example.social",
                outside("@bob@example.social", Some("https://example.social/@bob")),
            ),
            ("Alice.bsky.social", outside("alice.bsky.social", None)),
            ("@alice.bsky.social", outside("alice.bsky.social", None)),
            (
                "did:plc:z72i7hdynmk6r22z27h6tvur",
                outside(
                    "did:plc:z72i7hdynmk6r22z27h6tvur",
                    Some("https://bsky.app/profile/did:plc:z72i7hdynmk6r22z27h6tvur"),
                ),
            ),
            ("", None),
            ("@", None),
            ("two words", None),
            ("did:plc:", None),
            ("did:x", None),
            ("@alice@", None),
            ("@alice@localhost", None),
            ("a..b", None),
            ("-a.b", None),
            ("ä.example", None),
        ] {
            assert_eq!(Account::parse(name), account, "{name}");
        }
    }

    #[test]
    fn usernames_are_valid_and_the_same_each_time() {
        for name in [
            "@alice.x@example.social",
            "alice.bsky.social",
            "did:plc:z72i7hdynmk6r22z27h6tvur",
        ] {
            let Some(Account::Outside(outside)) = Account::parse(name) else {
                panic!("{name}");
            };
            let names: Vec<String> = outside.usernames().take(3).collect();
            assert!(names.iter().all(|name| is_username(name)), "{names:?}");
            assert_ne!(names[0], names[1]);
            assert_eq!(names, outside.usernames().take(3).collect::<Vec<_>>());
        }
    }
}
