//! Hashtags: what may stand in one, where they are in a text, and the key they are stored under.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

use super::{Span, char_before, next_sigil, normalize, tail};

const SIGILS: [char; 2] = ['#', '＃'];

/// The name under which a hashtag is stored: NFC, lower case by Unicode.
///
/// Takes a name as written in a text or by a user: in any case and normal form, with or without one
/// leading `#` or `＃`. `None` if no text can hold such a hashtag.
pub fn hashtag_key(name: &str) -> Option<String> {
    let name = normalize(name.strip_prefix(SIGILS).unwrap_or(name));
    if name_len(&name) != Some(name.len()) {
        return None;
    }
    // Some letters leave NFC as they become lower case: J̌ is two code points, ǰ is one.
    Some(normalize(&name.to_lowercase()).into_owned())
}

/// The hashtags of a text, those inside URLs too.
pub(super) fn spans(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut from = 0;
    let mut taken = 0;
    while let Some((start, name)) = next_sigil(text, from, SIGILS) {
        from = name;
        if !may_start(text, start, taken) {
            continue;
        }
        if let Some(len) = name_len(tail(text, name)) {
            let end = name + len;
            (from, taken) = (end, end);
            if !cut_off(tail(text, end)) {
                found.push(Span { start, name, end });
            }
        }
    }
    found
}

/// Whether a hashtag may begin here. What an earlier hashtag has `taken` cannot separate it from
/// this one, though it may end in a variation selector.
fn may_start(text: &str, start: usize, taken: usize) -> bool {
    match char_before(text, start) {
        None => true,
        Some(_) if start == taken => false,
        Some('\u{FE0E}' | '\u{FE0F}') => true,
        Some(before) => before != '&' && part(before).is_none(),
    }
}

/// The length in bytes of the name at the head of a text. A name has at least one letter; after a
/// variation selector or a keycap mark the `#` was an emoji.
fn name_len(text: &str) -> Option<usize> {
    if text.starts_with(['\u{FE0F}', '\u{20E3}']) {
        return None;
    }
    let mut len = 0;
    let mut lettered = false;
    for c in text.chars() {
        let Some(part) = part(c) else { break };
        lettered |= part == Part::Letter;
        len += c.len_utf8();
    }
    lettered.then_some(len)
}

/// Whether what follows a hashtag shows that it is none: `#one#two`, `#http://`.
fn cut_off(after: &str) -> bool {
    after.starts_with(SIGILS) || after.starts_with("://")
}

#[derive(PartialEq)]
enum Part {
    /// Letters and marks.
    Letter,
    /// Digits, and the punctuation that some scripts write inside words.
    Other,
}

fn part(c: char) -> Option<Part> {
    if c.is_ascii() {
        return match c {
            'a'..='z' | 'A'..='Z' => Some(Part::Letter),
            '0'..='9' | '_' => Some(Part::Other),
            _ => None,
        };
    }
    match c.general_category_group() {
        GeneralCategoryGroup::Letter | GeneralCategoryGroup::Mark => Some(Part::Letter),
        _ if is_special(c) || c.general_category() == GeneralCategory::DecimalNumber => Some(Part::Other),
        _ => None,
    }
}

/// twitter-text's `hashtagSpecialChars` beyond ASCII: joiners, Hebrew, Japanese and Tibetan word
/// punctuation, the Cyrillic kavyka, the middle dot of Catalan.
fn is_special(c: char) -> bool {
    matches!(
        c,
        '\u{00B7}'
            | '\u{05BE}'
            | '\u{05F3}'
            | '\u{05F4}'
            | '\u{0F0B}'
            | '\u{0F0C}'
            | '\u{200C}'
            | '\u{200D}'
            | '\u{3003}'
            | '\u{301C}'
            | '\u{309B}'
            | '\u{309C}'
            | '\u{30A0}'
            | '\u{30FB}'
            | '\u{A67E}'
            | '\u{FF5E}'
    )
}
