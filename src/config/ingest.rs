//! What `linnet ingest` is told: addresses, walls and hashtags, typed or in a file.

use std::{fs, path::Path, str::FromStr};

use serde::Deserialize;
use url::Url;

use crate::model::{text::hashtag_key, wall::slug_key};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// A file of sources.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Where Bluesky's profiles are looked up.
    pub profiles: Option<HttpUrl>,
    /// Jetstreams.
    #[serde(default)]
    pub jetstream: Vec<Jetstream>,
    /// Mastodon servers.
    #[serde(default)]
    pub mastodon: Vec<Mastodon>,
}

/// A Jetstream.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jetstream {
    /// Its WebSocket.
    pub url: SocketUrl,
    /// The walls that it is followed for.
    pub walls: Vec<Slug>,
}

/// A Mastodon server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mastodon {
    /// The server.
    pub url: HttpUrl,
    /// What is followed.
    pub hashtags: Vec<Hashtag>,
    /// What the server knows the reader by.
    pub token: Option<String>,
}

/// Reads a file of sources.
///
/// # Errors
/// Why it can't be read, or what in it is wrong, in a line.
pub fn read(path: &Path) -> Result<File, String> {
    let about = fs::metadata(path).map_err(|error| error.to_string())?;
    if about.len() > LARGEST {
        return Err("is too large".to_owned());
    }
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let file: File = toml::from_str(&text).map_err(|error| error.message().to_owned())?;
    let is_empty = |what: &str| format!("{what} names nothing to follow");
    if file.jetstream.is_empty() && file.mastodon.is_empty() {
        return Err("names no source".to_owned());
    }
    if let Some(one) = file.jetstream.iter().find(|one| one.walls.is_empty()) {
        return Err(is_empty(one.url.0.as_str()));
    }
    if let Some(one) = file.mastodon.iter().find(|one| one.hashtags.is_empty()) {
        return Err(is_empty(one.url.0.as_str()));
    }
    Ok(file)
}

/// Makes a type that is read from a text, on the command line and in files.
macro_rules! read_from_text {
    ($name:ident($inner:ty), $about:literal, $read:expr) => {
        #[doc = concat!("A text that is ", $about, ".")]
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(pub $inner);

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let read: fn(&str) -> Option<$inner> = $read;
                let wrong = || format!("`{text}` is not {}", $about);
                read(text).map(Self).ok_or_else(wrong)
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }
    };
}

read_from_text!(SocketUrl(Url), "the address of a WebSocket, ws:// or wss://", |text| {
    url(text, &["ws", "wss"])
});
read_from_text!(
    HttpUrl(Url),
    "the address of a server, http(s):// or ws(s)://",
    |text| { url(text, &["http", "https", "ws", "wss"]) }
);
read_from_text!(Slug(String), "the slug of a wall", slug_key);
read_from_text!(Hashtag(String), "the name of a hashtag", hashtag_key);

fn url(text: &str, schemes: &[&str]) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (schemes.contains(&url.scheme()) && url.has_host()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<File, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sources.toml");
        fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn sources_are_read() {
        let file = file(
            "profiles = \"https://public.api.bsky.app\"\n\
             [[jetstream]]\nurl = \"wss://jetstream.example/subscribe\"\nwalls = [\"EuroPython\"]\n\
             [[mastodon]]\nurl = \"https://example.social\"\nhashtags = [\"#Rust\", \"python\"]\ntoken = \"secret\"\n",
        )
        .unwrap();
        assert_eq!(file.jetstream[0].walls, [Slug("europython".to_owned())]);
        assert_eq!(file.mastodon[0].hashtags[0], Hashtag("rust".to_owned()));
        assert_eq!(file.mastodon[0].token.as_deref(), Some("secret"));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, reason) in [
            ("", "names no source"),
            (
                "[[jetstream]]\nurl = \"https://x\"\nwalls = [\"a\"]",
                "is not the address of a WebSocket",
            ),
            ("[[jetstream]]\nurl = \"ws://x\"\nwalls = []", "names nothing to follow"),
            (
                "[[mastodon]]\nurl = \"https://x\"\nhashtags = [\"two words\"]",
                "is not the name of a hashtag",
            ),
            ("[[mastodon]]\nurl = \"https://x\"\nhashtag = [\"a\"]", "unknown field"),
            ("nonsense", ""),
        ] {
            let told = file(text).unwrap_err();
            assert!(told.contains(reason), "{text}: {told}");
        }
        assert!(read(Path::new("/nowhere/at/all")).is_err());
    }
}
