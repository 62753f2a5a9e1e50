//! The frames of a Jetstream: of its first version, and of its second.

use crate::model::Micros;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The most bytes of an identifier.
const LONGEST: usize = 512;

/// A frame that can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ingest) struct Malformed;

/// Which frames a Jetstream sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ingest) enum Version {
    /// `/subscribe`, whose cursor is a time in microseconds.
    First,
    /// `subscribeEvents`, whose cursor is a number.
    Second,
}

/// What has happened in a repository, or to it.
#[derive(Debug)]
pub(super) struct Frame<'f> {
    /// Where the stream stands with it.
    pub position: i64,
    /// Whose repository it is.
    pub did: String,
    /// When the Jetstream saw it.
    pub seen_at: Micros,
    pub body: Body<'f>,
}

#[derive(Debug)]
pub(super) enum Body<'f> {
    Commit(Commit<'f>),
    /// The account may be called otherwise now.
    Identity {
        handle: Option<String>,
    },
    Account {
        active: bool,
        status: Option<String>,
    },
    /// What nobody here needs to know.
    Other,
}

#[derive(Debug)]
pub(super) struct Commit<'f> {
    pub rev: String,
    pub operation: Operation,
    pub collection: String,
    pub rkey: String,
    /// As JSON.
    pub record: Option<&'f str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Operation {
    Create,
    Update,
    Delete,
}

/// A message of the second version.
#[derive(Debug)]
pub(super) enum Message<'f> {
    Frame(Frame<'f>),
    /// The last one: why the stream ends.
    End(String),
}

/// Reads a message.
pub(super) fn read(version: Version, text: &str) -> Result<Message<'_>, Malformed> {
    match version {
        Version::First => first(text).map(Message::Frame),
        Version::Second => second(text),
    }
}

#[derive(Deserialize)]
struct First<'f> {
    did: String,
    time_us: i64,
    kind: Cow<'f, str>,
    #[serde(borrow)]
    commit: Option<Written<'f>>,
    identity: Option<Named>,
    account: Option<Standing>,
}

#[derive(Deserialize)]
struct Written<'f> {
    rev: String,
    operation: Operation,
    collection: String,
    rkey: String,
    #[serde(borrow)]
    record: Option<&'f RawValue>,
}

#[derive(Deserialize)]
struct Named {
    handle: Option<String>,
}

#[derive(Deserialize)]
struct Standing {
    active: bool,
    status: Option<String>,
}

fn first(text: &str) -> Result<Frame<'_>, Malformed> {
    let frame: First = serde_json::from_str(text).map_err(|_| Malformed)?;
    let body = match &*frame.kind {
        "commit" => Body::Commit(frame.commit.ok_or(Malformed)?.try_into()?),
        "identity" => frame.identity.ok_or(Malformed)?.into(),
        "account" => frame.account.ok_or(Malformed)?.into(),
        _ => Body::Other,
    };
    Ok(Frame {
        position: frame.time_us,
        did: did(frame.did)?,
        seen_at: Micros(frame.time_us),
        body,
    })
}

#[derive(Deserialize)]
struct Second<'f> {
    #[serde(rename = "$type")]
    kind: Cow<'f, str>,
    #[serde(borrow)]
    payload: Option<&'f RawValue>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Head<'f> {
    #[serde(rename = "$type")]
    kind: Cow<'f, str>,
    seq: Option<i64>,
    did: Option<String>,
    time: Option<Cow<'f, str>>,
}

fn second(text: &str) -> Result<Message<'_>, Malformed> {
    let message: Second = serde_json::from_str(text).map_err(|_| Malformed)?;
    match (&*message.kind, message.payload) {
        ("message", Some(payload)) => payload_of(payload.get()).map(Message::Frame),
        ("error", _) => Ok(Message::End(message.error.unwrap_or_default())),
        _ => Err(Malformed),
    }
}

fn payload_of(text: &str) -> Result<Frame<'_>, Malformed> {
    fn read<'f, T: Deserialize<'f>>(text: &'f str) -> Result<T, Malformed> {
        serde_json::from_str(text).map_err(|_| Malformed)
    }
    let head: Head = read(text)?;
    let body = match head.kind.rsplit('#').next().unwrap_or_default() {
        "commit" => Body::Commit(read::<Written>(text)?.try_into()?),
        "identity" => read::<Named>(text)?.into(),
        "account" => read::<Standing>(text)?.into(),
        _ => Body::Other,
    };
    let did = match (&body, head.did) {
        (Body::Other, _) => String::new(),
        (_, name) => did(name.ok_or(Malformed)?)?,
    };
    let seen_at = head.time.and_then(|time| Micros::parse(&time));
    Ok(Frame {
        position: head.seq.unwrap_or_default(),
        did,
        seen_at: seen_at
            .or(matches!(body, Body::Other).then_some(Micros(0)))
            .ok_or(Malformed)?,
        body,
    })
}

impl<'f> TryFrom<Written<'f>> for Commit<'f> {
    type Error = Malformed;

    fn try_from(written: Written<'f>) -> Result<Self, Malformed> {
        let is_named = is_plain(&written.rkey, ".:~_-") && is_plain(&written.rev, "");
        if !is_named || (written.record.is_none() && written.operation != Operation::Delete) {
            return Err(Malformed);
        }
        Ok(Self {
            rev: written.rev,
            operation: written.operation,
            collection: written.collection,
            rkey: written.rkey,
            record: written.record.map(RawValue::get),
        })
    }
}

impl From<Named> for Body<'_> {
    fn from(named: Named) -> Self {
        Self::Identity { handle: named.handle }
    }
}

impl From<Standing> for Body<'_> {
    fn from(standing: Standing) -> Self {
        Self::Account {
            active: standing.active,
            status: standing.status,
        }
    }
}

/// A DID, which will stand in addresses.
fn did(text: String) -> Result<String, Malformed> {
    is_did(&text).then_some(text).ok_or(Malformed)
}

/// Whether a text is a DID.
pub(in crate::ingest) fn is_did(text: &str) -> bool {
    text.starts_with("did:") && is_plain(text, ".:%_-")
}

fn is_plain(text: &str, also: &str) -> bool {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || also.contains(letter);
    !text.is_empty() && text.len() <= LONGEST && text.chars().all(is_allowed)
}
