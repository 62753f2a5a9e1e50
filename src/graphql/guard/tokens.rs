//! A look at a text before it is parsed: the parser recurses, and builds a tree of whatever comes.

/// How much there is to parse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// How many tokens the text has, or a few more: a number with a point counts as several.
    pub count: usize,
    /// How deep its brackets are nested, of whatever kind.
    pub nesting: usize,
}

/// Counts in one pass, without building anything.
#[must_use]
pub fn scan(text: &str) -> Tokens {
    let mut tokens = Tokens::default();
    let mut open: usize = 0;
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b' ' | b',' | b'\t' | b'\n' | b'\r' | 0xEF | 0xBB | 0xBF => {
                rest = after;
                continue;
            }
            b'#' => {
                rest = skip(after, |byte| !matches!(byte, b'\n' | b'\r'));
                continue;
            }
            b'"' => string(rest),
            b'.' => skip(after, |byte| byte == b'.'),
            b'(' | b'[' | b'{' => {
                open += 1;
                tokens.nesting = tokens.nesting.max(open);
                after
            }
            b')' | b']' | b'}' => {
                open = open.saturating_sub(1);
                after
            }
            byte if is_word(byte) => skip(after, is_word),
            _ => after,
        };
        tokens.count += 1;
    }
    tokens
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn skip(text: &[u8], passed: impl Fn(u8) -> bool) -> &[u8] {
    let end = text.iter().position(|byte| !passed(*byte)).unwrap_or(text.len());
    text.get(end..).unwrap_or_default()
}

/// What comes after the string that the text begins with, or where that can't go on.
fn string(text: &[u8]) -> &[u8] {
    const BLOCK: &[u8] = b"\"\"\"";
    let Some(mut rest) = text.strip_prefix(BLOCK) else {
        let mut rest = text.get(1..).unwrap_or_default();
        loop {
            rest = match rest {
                [b'\\', _, after @ ..] => after,
                [b'"', after @ ..] => return after,
                [b'\n' | b'\r', ..] | [] => return rest,
                [_, after @ ..] => after,
            };
        }
    };
    loop {
        rest = match rest {
            [b'\\', b'"', b'"', b'"', after @ ..] => after,
            [b'"', b'"', b'"', after @ ..] => return after,
            [_, after @ ..] => after,
            [] => return rest,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_brackets_are_counted() {
        let counted = |text| {
            let Tokens { count, nesting } = scan(text);
            (count, nesting)
        };
        assert_eq!(counted(""), (0, 0));
        assert_eq!(counted("{ a, b # c { d }\n e }"), (5, 1));
        assert_eq!(counted("query Q($n: Int = -1) { a(n: $n) { ...F } }"), (24, 2));
        assert_eq!(counted(r#"{ a(b: "}\" {{{", c: [[1]]) }"#), (15, 4));
        assert_eq!(counted(r#"{ a(b: """ " \""" {{ """) }"#), (8, 2));
        assert_eq!(counted("{ \"open {{"), (2, 1));
        assert_eq!(counted("{ \"open\n{"), (3, 2));
        assert_eq!(counted("}}}{"), (4, 1));
    }
}
