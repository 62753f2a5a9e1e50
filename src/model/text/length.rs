//! Length: how much of a post's allowance a text takes, and whether it may be posted.

use super::{char_at, emoji, normalize, tail, url};

/// What a URL counts, however long it is (`transformedURLLength` of twitter-text's
/// configuration v3), in weighted characters.
const URL_WEIGHT: usize = 23;

/// Why a text cannot be posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invalid {
    /// It has no characters, or only spaces.
    Empty,
    /// It has a character that no text may have: a byte order mark or a noncharacter.
    Character(char),
    /// Its [weighted length](weighted_length) is above the limit.
    TooLong(usize),
}

/// The length of a text in weighted characters, by twitter-text's configuration v3 and so to be
/// compared with 280.
///
/// Measured after NFC. Most characters of alphabets count 1, others 2; an emoji sequence counts 2, a
/// URL 23. Of a text of spaces alone the length is 0.
pub fn weighted_length(text: &str) -> usize {
    let text = normalize(text);
    if text.chars().all(|c| c.is_whitespace() || c.is_control()) {
        return 0;
    }
    let mut length = 0;
    let mut from = 0;
    for url in url::spans(&text) {
        length += plain_length(text.get(from..url.start).unwrap_or_default()) + URL_WEIGHT;
        from = url.end;
    }
    length + plain_length(tail(&text, from))
}

/// The weighted length of a text, or why it cannot be posted with at most `max` weighted
/// characters.
pub fn verdict(text: &str, max: usize) -> Result<usize, Invalid> {
    if let Some(c) = text.chars().find(|c| matches!(c, '\u{FFFE}' | '\u{FEFF}' | '\u{FFFF}')) {
        return Err(Invalid::Character(c));
    }
    match weighted_length(text) {
        0 => Err(Invalid::Empty),
        length if length > max => Err(Invalid::TooLong(length)),
        length => Ok(length),
    }
}

/// Whether a text can be posted with at most `max` weighted characters.
pub fn is_valid_post(text: &str, max: usize) -> bool {
    verdict(text, max).is_ok()
}

/// The weighted length of a text without URLs.
fn plain_length(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    let mut length = 0;
    let mut at = 0;
    while let Some(c) = char_at(text, at) {
        let sequence = emoji::sequence_len(tail(text, at));
        length += if sequence.is_some() { 2 } else { weight(c) };
        at += sequence.unwrap_or(c.len_utf8());
    }
    length
}

/// The ranges of configuration v3: Latin to Georgian, and the spaces, hyphens and quotes of general
/// punctuation, count half of what others do.
fn weight(c: char) -> usize {
    match c {
        '\u{0}'..='\u{10FF}' | '\u{2000}'..='\u{200D}' | '\u{2010}'..='\u{201F}' | '\u{2032}'..='\u{2037}' => 1,
        _ => 2,
    }
}
