//! URLs: where they stand in a text.
//!
//! A host is found from its dots, or from `://`. Each run of host characters is read once from left
//! to right, label by label, which keeps the search linear.

use std::borrow::Cow;

use idna::AsciiDenyList;

use super::{Span, char_at, char_before, tail, tld};

/// The longest URL, its host in ASCII and its protocol included, in characters.
const MAX_URL: usize = 4096;

/// The longest label of a host in ASCII, in characters (RFC 1035).
const MAX_LABEL: usize = 63;

/// The longest path of a `t.co` link, in characters.
const MAX_TCO_SLUG: usize = 40;

/// The URLs of a text.
pub(super) fn spans(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut from = 0;
    let mut taken = 0;
    while let Some(at) = tail(text, from).find(['.', ':']).map(|offset| from + offset) {
        let search = if char_at(text, at) == Some('.') {
            bare(text, from, at, taken)
        } else {
            with_protocol(text, at, taken)
        };
        from = match search {
            Err(next) => next,
            Ok(url) => {
                let end = url.end(text);
                found.extend(url.accept(text, end));
                taken = end;
                end
            }
        };
    }
    found
}

/// A URL as far as its host.
struct Url {
    start: usize,
    host: usize,
    host_end: usize,
}

/// Looks for `http://host` or `https://host` by the colon, or says where to go on.
fn with_protocol(text: &str, colon: usize, taken: usize) -> Result<Url, usize> {
    if !tail(text, colon).starts_with("://") {
        return Err(colon + 1);
    }
    let host = colon + "://".len();
    let protocol = ["https", "http"].into_iter().find_map(|protocol| {
        let start = colon.checked_sub(protocol.len())?;
        text.get(start..colon)?.eq_ignore_ascii_case(protocol).then_some(start)
    });
    let Some(protocol) = protocol else { return Err(host) };
    // Where no URL may begin (`#http://`), the host still stands after a slash: no URL, but nothing in it is one.
    let start = if may_start(text, protocol, taken) {
        protocol
    } else {
        host
    };
    match domain_end(text, host).ok().or_else(|| unicode_domain_end(text, host)) {
        Some(host_end) => Ok(Url { start, host, host_end }),
        None => Err(host),
    }
}

/// Looks for a host without protocol in the run of host characters around a dot, the first dot after
/// `from`, or says where to go on.
fn bare(text: &str, from: usize, dot: usize, taken: usize) -> Result<Url, usize> {
    let head = text.get(from..dot).unwrap_or_default();
    let mut next = head
        .rfind(|c| !is_host_char(c))
        .map_or(from, |last| from + last + char_at(head, last).map_or(0, char::len_utf8));
    let end = dot + tail(text, dot).find(|c| !is_host_char(c)).unwrap_or(text.len() - dot);
    while let Some(start) = first_start(text, next, end, taken) {
        match domain_end(text, start) {
            Ok(host_end) => {
                return Ok(Url {
                    start,
                    host: start,
                    host_end,
                });
            }
            Err(stop) => next = stop,
        }
    }
    Err(end)
}

/// The first place between `from` and `end` where a host may begin.
fn first_start(text: &str, from: usize, end: usize, taken: usize) -> Option<usize> {
    text.get(from..end)?
        .char_indices()
        .filter(|&(_, c)| is_domain_char(c))
        .map(|(offset, _)| from + offset)
        .find(|&at| may_start(text, at, taken))
}

/// Whether a URL may begin here: after nothing, or after a character that is not yet `taken` by an
/// earlier URL and does not make it part of a word, an address or a tag.
fn may_start(text: &str, at: usize, taken: usize) -> bool {
    match char_before(text, at) {
        None => true,
        Some(before) => {
            at > taken
                && !before.is_ascii_alphanumeric()
                && !matches!(before, '@' | '＠' | '$' | '#' | '＃')
                && !matches!(before, '\u{FFFE}' | '\u{FEFF}' | '\u{FFFF}')
        }
    }
}

/// The end of the domain at a place: of its labels as many as leave a known TLD. Else where
/// the last label looked at ends: nowhere before that does a domain begin.
fn domain_end(text: &str, start: usize) -> Result<usize, usize> {
    let mut end = None;
    let mut at = start;
    loop {
        match label(text, at) {
            Ok(Label { next, underscored }) => {
                // Subdomains may have underscores, the domain before the TLD may not.
                if !underscored {
                    end = tld::end(text, next).or_else(|| tld::punycode_end(text, next)).or(end);
                }
                at = next;
            }
            Err(stop) => return end.ok_or(stop),
        }
    }
}

/// A label of a host and the dot after it.
struct Label {
    /// Where the next label begins.
    next: usize,
    underscored: bool,
}

/// Reads a label that begins and ends in a letter or digit, or says where reading stopped.
fn label(text: &str, start: usize) -> Result<Label, usize> {
    let mut last = '-';
    let mut underscored = false;
    for (offset, c) in tail(text, start).char_indices() {
        let at = start + offset;
        match c {
            '.' if is_domain_char(last) => {
                return Ok(Label {
                    next: at + 1,
                    underscored,
                });
            }
            '-' | '_' if offset > 0 => underscored |= c == '_',
            _ if is_domain_char(c) => {}
            _ => return Err(at),
        }
        last = c;
    }
    Err(text.len())
}

/// The end of a domain of one label in any script and a known TLD. Only a protocol
/// makes such a word a host.
fn unicode_domain_end(text: &str, start: usize) -> Option<usize> {
    let rest = tail(text, start);
    let label = rest.get(..rest.find(|c| c != '-' && !is_unicode_domain_char(c))?)?;
    let dotted = tail(rest, label.len()).starts_with('.');
    if !dotted || label.is_empty() || label.starts_with('-') || label.ends_with('-') {
        return None;
    }
    tld::end(text, start + label.len() + 1)
}

impl Url {
    /// Where the URL ends: after port, path and query.
    fn end(&self, text: &str) -> usize {
        query_end(text, path_end(text, port_end(text, self.host_end)))
    }

    /// The span of the URL, if what was found by its form is one.
    fn accept(&self, text: &str, end: usize) -> Option<Span> {
        let bare = self.start == self.host;
        if bare && matches!(char_before(text, self.start), Some('-' | '_' | '.' | '/')) {
            return None;
        }
        let host = text.get(self.host..self.host_end)?;
        let end = if !bare && host.eq_ignore_ascii_case("t.co") {
            self.tco_end(text, end)?
        } else {
            end
        };
        let grown = ascii_len(host)?.saturating_sub(host.chars().count());
        let protocol = if bare { "https://".len() } else { 0 };
        let len = text.get(self.start..end)?.chars().count();
        (len + grown + protocol <= MAX_URL).then_some(Span {
            start: self.start,
            name: self.start,
            end,
        })
    }

    /// The end of a `t.co` link: of its path only letters and digits count, which must not
    /// be too many.
    fn tco_end(&self, text: &str, end: usize) -> Option<usize> {
        let Some(path) = tail(text, self.host_end).strip_prefix('/') else {
            return Some(end);
        };
        let slug = path.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(path.len());
        match slug {
            0 => Some(end),
            1..=MAX_TCO_SLUG => Some(query_end(text, self.host_end + 1 + slug)),
            _ => None,
        }
    }
}

/// The length of a host in ASCII (Punycode), in characters. `None` if it cannot be one.
fn ascii_len(host: &str) -> Option<usize> {
    let host = if host.is_ascii() {
        Cow::Borrowed(host)
    } else if host.len() <= MAX_URL {
        idna::domain_to_ascii_cow(host.as_bytes(), AsciiDenyList::EMPTY).ok()?
    } else {
        return None;
    };
    let fits = host.split('.').all(|label| (1..=MAX_LABEL).contains(&label.len()));
    fits.then_some(host.len())
}

fn port_end(text: &str, at: usize) -> usize {
    let digits = tail(text, at)
        .strip_prefix(':')
        .map_or(0, |port| port.bytes().take_while(u8::is_ascii_digit).count());
    if digits == 0 { at } else { at + 1 + digits }
}

/// The end of the path at a place: the last character that may end one, or parentheses in balance.
fn path_end(text: &str, at: usize) -> usize {
    if char_at(text, at) != Some('/') {
        return at;
    }
    let mut end = at + 1;
    let mut next = end;
    while let Some(c) = char_at(text, next) {
        if c == '(' {
            let Some(close) = parens_end(text, next) else {
                break;
            };
            (next, end) = (close, close);
        } else if is_path_char(c) {
            next += c.len_utf8();
            if is_path_ending(c) {
                end = next;
            }
        } else {
            break;
        }
    }
    end
}

/// The end of `(…)` or `(…(…)…)` at a place.
fn parens_end(text: &str, open: usize) -> Option<usize> {
    let first = path_run_end(text, open + 1);
    match char_at(text, first)? {
        ')' if first > open + 1 => Some(first + 1),
        '(' => {
            let inner = path_run_end(text, first + 1);
            if inner == first + 1 || char_at(text, inner) != Some(')') {
                return None;
            }
            let last = path_run_end(text, inner + 1);
            (char_at(text, last) == Some(')')).then_some(last + 1)
        }
        _ => None,
    }
}

fn path_run_end(text: &str, at: usize) -> usize {
    tail(text, at)
        .find(|c| !is_path_char(c))
        .map_or(text.len(), |offset| at + offset)
}

fn query_end(text: &str, at: usize) -> usize {
    let Some(query) = tail(text, at).strip_prefix('?') else {
        return at;
    };
    let len = query.bytes().take_while(|&b| is_query_char(b)).count();
    let last = query.get(..len).and_then(|query| {
        query.rfind(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '&' | '=' | '#' | '/'))
    });
    last.map_or(at, |last| at + 1 + last + 1)
}

/// twitter-text's accented Latin letters, which in hosts, paths and after mentions count
/// like ASCII ones.
pub(super) fn is_accented(c: char) -> bool {
    matches!(
        c,
        '\u{00C0}'..='\u{00D6}'
            | '\u{00D8}'..='\u{00F6}'
            | '\u{00F8}'..='\u{024F}'
            | '\u{0253}'
            | '\u{0254}'
            | '\u{0256}'
            | '\u{0257}'
            | '\u{0259}'
            | '\u{025B}'
            | '\u{0263}'
            | '\u{0268}'
            | '\u{026F}'
            | '\u{0272}'
            | '\u{0289}'
            | '\u{028B}'
            | '\u{02BB}'
            | '\u{0300}'..='\u{036F}'
            | '\u{1E00}'..='\u{1EFF}'
    )
}

fn is_domain_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || is_accented(c)
}

fn is_host_char(c: char) -> bool {
    is_domain_char(c) || matches!(c, '.' | '-' | '_')
}

/// Neither ASCII punctuation (but the backslash, an oversight of twitter-text) nor space nor general
/// punctuation.
fn is_unicode_domain_char(c: char) -> bool {
    let punctuation = (c.is_ascii_punctuation() && c != '\\') || ('\u{2000}'..='\u{206F}').contains(&c);
    !punctuation && !c.is_whitespace()
}

fn is_path_char(c: char) -> bool {
    is_path_ending(c)
        || matches!(
            c,
            '!' | '*' | '\'' | ';' | ':' | ',' | '.' | '$' | '%' | '[' | ']' | '~' | '|' | '&' | '@' | '\u{2013}'
        )
}

fn is_path_ending(c: char) -> bool {
    is_domain_char(c) || matches!(c, '=' | '_' | '#' | '/' | '-' | '+') || ('\u{0400}'..='\u{04FF}').contains(&c)
}

fn is_query_char(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!?*'();:&=+$/%#[]-_.,~|@".contains(&b)
}
