//! Emoji sequences: several code points that are drawn, and count, as one.

/// The longest sequence Unicode recommends for interchange, in code points.
const LONGEST: usize = 10;

/// The length in bytes of the emoji sequence of two or more code points at the head of a text.
///
/// Only sequences that Unicode lists count: joining any emoji at all would let a text of
/// any size pass as one emoji.
pub(super) fn sequence_len(text: &str) -> Option<usize> {
    let second = text.chars().nth(1)?;
    if !joins(second) {
        return None;
    }
    let mut ends = [0; LONGEST];
    let mut at = 0;
    for (end, c) in ends
        .iter_mut()
        .zip(text.chars().take_while(|c| !c.is_ascii_alphabetic()))
    {
        at += c.len_utf8();
        *end = at;
    }
    let sequences = ends.into_iter().skip(1).rev().filter(|&end| end > 0);
    sequences
        .into_iter()
        .find(|&end| text.get(..end).is_some_and(|s| emojis::get(s).is_some()))
}

/// Whether a code point may follow the first of a sequence: variation selector, keycap,
/// zero-width joiner, skin tone, second half of a flag, tag.
fn joins(c: char) -> bool {
    matches!(
        c,
        '\u{FE0F}'
            | '\u{20E3}'
            | '\u{200D}'
            | '\u{1F3FB}'..='\u{1F3FF}'
            | '\u{1F1E6}'..='\u{1F1FF}'
            | '\u{E0020}'..='\u{E007F}'
    )
}
