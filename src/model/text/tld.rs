//! Top-level domains: which words after a dot make a host.

use std::sync::LazyLock;

use super::tail;

/// The IANA root zone of 2026-11-01 with internationalised names in Unicode, and what twitter-text
/// counts besides: `onion` (RFC 7686) and seven codes of ISO 3166-1 that are not or no longer
/// delegated. Lower case, one a line, sorted.
const LIST: &str = include_str!("tld.txt");

static ASCII: LazyLock<Vec<&str>> = LazyLock::new(|| LIST.lines().filter(|t| t.is_ascii()).collect());

static UNICODE: LazyLock<Vec<&str>> = LazyLock::new(|| LIST.lines().filter(|t| !t.is_ascii()).collect());

/// The longest name, in characters.
const LONGEST: usize = 18;

/// The end of the known TLD at a place in a text. A TLD may be followed by letters of
/// another script, as in `twitter.comこれ`, but not by what would make it a longer ASCII word or an
/// address.
pub(super) fn end(text: &str, at: usize) -> Option<usize> {
    let rest = tail(text, at);
    let len = unicode_len(rest).or_else(|| ascii_len(rest))?;
    Some(at + len)
}

/// The end of the Punycode TLD (`xn--…`) at a place in a text, known or not.
pub(super) fn punycode_end(text: &str, at: usize) -> Option<usize> {
    const PREFIX: usize = "xn--".len();
    let rest = tail(text, at);
    if !rest.get(..PREFIX)?.eq_ignore_ascii_case("xn--") {
        return None;
    }
    let name = tail(rest, PREFIX);
    let len = name
        .bytes()
        .take_while(|&b| b.is_ascii_alphanumeric() || b == b'-')
        .count();
    (len > 0).then_some(at + PREFIX + len)
}

fn ascii_len(rest: &str) -> Option<usize> {
    let len = rest
        .bytes()
        .take(LONGEST + 1)
        .take_while(u8::is_ascii_alphanumeric)
        .count();
    let word = rest.get(..len)?.to_ascii_lowercase();
    ASCII.binary_search(&word.as_str()).ok()?;
    ends_at(rest, len).then_some(len)
}

fn unicode_len(rest: &str) -> Option<usize> {
    let first = rest.chars().next();
    let group = UNICODE.partition_point(|tld| tld.chars().next() < first);
    UNICODE
        .iter()
        .skip(group)
        .take_while(|tld| tld.chars().next() == first)
        .filter(|tld| rest.starts_with(**tld) && ends_at(rest, tld.len()))
        .map(|tld| tld.len())
        .max()
}

fn ends_at(rest: &str, len: usize) -> bool {
    !tail(rest, len).starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '+' | '-'))
}
