//! Languages, as sources name them.

/// The most characters of a language's tag.
const LONGEST: usize = 35;

/// The tag of a language as BCP 47 has it, such as `pt-BR`; none of what is no tag.
#[must_use]
pub fn tag(text: &str) -> Option<String> {
    let mut parts = text.split('-');
    let is_first = |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_tag = parts.next().is_some_and(is_first) && parts.all(is_part);
    (is_tag && text.len() <= LONGEST).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_told_from_other_texts() {
        for right in ["en", "pt-BR", "zh-Hant-TW", "de-1996", "haw", "sl-rozaj-biske"] {
            assert_eq!(tag(right).as_deref(), Some(right));
        }
        let long = "en-abcdefgh-abcdefgh-abcdefgh-abcdefgh";
        for wrong in [
            "",
            "e",
            "en_US",
            "en-",
            "-en",
            "en--us",
            "not a language",
            "12",
            "en\"",
            "日本",
            long,
        ] {
            assert_eq!(tag(wrong), None, "{wrong}");
        }
    }
}
