//! Mentions: usernames, and where `@username` stands in a text.

use super::{Span, char_before, next_sigil, tail, url::is_accented};

const SIGILS: [char; 2] = ['@', '＠'];

/// The longest username, in characters (all of them ASCII).
const MAX_USERNAME: usize = 20;

/// The longest name of a list, in characters (all of them ASCII).
const MAX_LIST: usize = 25;

/// Whether a name, without `@`, is 1 to 20 of `A-Z`, `a-z`, `0-9` and `_`.
pub fn is_username(name: &str) -> bool {
    !name.is_empty() && username_len(name) == name.len()
}

/// The mentions of a text, those inside URLs too.
pub(super) fn spans(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut from = 0;
    let mut taken = 0;
    while let Some((start, name)) = next_sigil(text, from, SIGILS) {
        from = name;
        let len = username_len(tail(text, name));
        if len == 0 || !may_start(text, start, taken) {
            continue;
        }
        let end = name + len;
        taken = end + list_len(tail(text, end));
        from = taken;
        if !cut_off(tail(text, taken)) {
            found.push(Span { start, name, end });
        }
    }
    found
}

/// Whether a mention may begin here: not inside an address or a word, but after `RT`. What an
/// earlier mention has `taken` cannot separate it from this one.
fn may_start(text: &str, start: usize, taken: usize) -> bool {
    match char_before(text, start) {
        None => true,
        Some(_) if start == taken => false,
        Some('T' | 't') => follows_rt(text, start),
        Some(before) => !is_name_char(before) && !matches!(before, '!' | '#' | '$' | '%' | '&' | '*' | '@' | '＠'),
    }
}

fn follows_rt(text: &str, start: usize) -> bool {
    start.checked_sub(2).is_some_and(|rt| {
        let word = text.get(rt..start).unwrap_or_default();
        word.eq_ignore_ascii_case("rt")
            && char_before(text, rt).is_none_or(|c| !is_name_char(c) && !matches!(c, '+' | '~' | '.' | '-'))
    })
}

/// The length in bytes of the username at the head of a text. A longer word counts up to the limit,
/// as in twitter-text.
fn username_len(text: &str) -> usize {
    run_len(text, MAX_USERNAME, is_name_char)
}

/// The length in bytes of `/list` at the head of a text, 0 without one.
fn list_len(text: &str) -> usize {
    match text.strip_prefix('/') {
        Some(list) if list.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            1 + run_len(list, MAX_LIST, |c| is_name_char(c) || c == '-')
        }
        _ => 0,
    }
}

fn run_len(text: &str, limit: usize, is_part: impl Fn(char) -> bool) -> usize {
    text.chars().take(limit).take_while(|&c| is_part(c)).count()
}

/// Whether what follows a mention shows that it is none: an address (`@test@example.com`), a
/// longer word (`@aliceì`), a URL (`@http://`).
fn cut_off(after: &str) -> bool {
    after.starts_with(SIGILS) || after.starts_with(is_accented) || after.starts_with("://")
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
