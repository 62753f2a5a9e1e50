//! What `linnet ingest` is told: addresses, walls and hashtags, typed or in a file.

use std::{fmt, fs, net::SocketAddr, ops::Range, path::Path, str::FromStr};

use serde::{Deserialize, Deserializer, de::Error as _};
use toml::Spanned;
use url::Url;

use super::{DatabaseUrl, LogFormat, Rate, log_filter};
use crate::model::{text::hashtag_key, wall::slug_key};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// A file of sources, and of what they are followed with. Whatever is typed beside it wins.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct File {
    /// Where Bluesky's profiles are looked up.
    pub profiles: Option<HttpUrl>,
    /// The most tweets that are written.
    #[serde(default, deserialize_with = "typed")]
    pub rate: Option<Rate>,
    /// Where metrics are answered.
    pub metrics: Option<SocketAddr>,
    /// Where the data is.
    #[serde(default, deserialize_with = "typed")]
    pub database_url: Option<DatabaseUrl>,
    /// The form of the log lines.
    pub log_format: Option<LogFormat>,
    /// What to log.
    #[serde(default, deserialize_with = "filter")]
    pub log: Option<String>,
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
    pub url: Spanned<SocketUrl>,
    /// The walls that it is followed for.
    pub walls: Vec<Slug>,
}

/// A Mastodon server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mastodon {
    /// The server.
    pub url: Spanned<HttpUrl>,
    /// What is followed.
    #[serde(default)]
    pub hashtags: Vec<Hashtag>,
    /// The walls that it is followed for.
    #[serde(default)]
    pub walls: Vec<Slug>,
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
    let told = |at: Option<Range<usize>>, reason: &str| match at.and_then(|at| text.get(..at.start)) {
        Some(before) => format!("line {}: {reason}", before.matches('\n').count() + 1),
        None => reason.to_owned(),
    };
    let file: File = toml::from_str(&text).map_err(|error| told(error.span(), error.message()))?;
    let is_empty = |at, url: &Url| Err(told(Some(at), &format!("{url} names nothing to follow")));
    if file.jetstream.is_empty() && file.mastodon.is_empty() {
        return Err("names no source".to_owned());
    }
    if let Some(one) = file.jetstream.iter().find(|one| one.walls.is_empty()) {
        return is_empty(one.url.span(), &one.url.get_ref().0);
    }
    if let Some(one) = file
        .mastodon
        .iter()
        .find(|one| one.hashtags.is_empty() && one.walls.is_empty())
    {
        return is_empty(one.url.span(), &one.url.get_ref().0);
    }
    Ok(file)
}

/// Reads what is written as on the command line.
fn typed<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(from: D) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

/// Reads what to log.
fn filter<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?;
    log_filter(&text).map(Some).map_err(D::Error::custom)
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
             rate = \"5/s\"\nmetrics = \"127.0.0.1:9\"\ndatabase-url = \"sqlite://x.db\"\nlog-format = \"json\"\n\
             log = \"debug\"\n[[jetstream]]\nurl = \"wss://jetstream.example/subscribe\"\nwalls = [\"EuroPython\"]\n\
             [[mastodon]]\nurl = \"https://example.social\"\nhashtags = [\"#Rust\", \"python\"]\ntoken = \"secret\"\n",
        )
        .unwrap();
        assert_eq!(file.rate.unwrap().count, 5);
        assert_eq!(file.metrics.unwrap().port(), 9);
        assert_eq!(file.database_url, Some(DatabaseUrl::Sqlite("x.db".to_owned())));
        assert!(matches!(file.log_format, Some(LogFormat::Json)));
        assert_eq!(file.log.as_deref(), Some("debug"));
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
                "line 2: `https://x` is not the address of a WebSocket",
            ),
            (
                "\n[[jetstream]]\nurl = \"ws://x\"\nwalls = []",
                "line 3: ws://x/ names nothing to follow",
            ),
            (
                "[[mastodon]]\nurl = \"https://x\"\nhashtags = [\"one\", \"two words\"]",
                "line 3: `two words` is not the name of a hashtag",
            ),
            (
                "[[mastodon]]\nurl = \"https://x\"\nhashtag = [\"a\"]",
                "line 3: unknown field",
            ),
            ("[[mastodon]]\nhashtags = [\"a\"]", "line 1: missing field"),
            ("\nrate = \"often\"", "line 2: a rate is"),
            ("\n\ndatabase-url = \"mysql://x\"", "line 3: only sqlite"),
            ("log = \"linnet=loud\"", "line 1: "),
            ("log-format = \"xml\"", "line 1: "),
            ("metrics = \"nowhere\"", "line 1: "),
            ("profiles = 1", "line 1: "),
            ("\nnonsense", "line 2: "),
        ] {
            let told = file(text).unwrap_err();
            assert!(told.contains(reason), "{text}: {told}");
        }
        assert!(read(Path::new("/nowhere/at/all")).is_err());
    }
}
