//! The HTML of posts as plain text.
//!
//! What Mastodon sends has few elements: paragraphs, line breaks, links, lists, quotes. Everything
//! else is taken for what stands in it, except for what no reader is shown.

use html5gum::{Token, Tokenizer};

/// Elements whose content is no text.
const SILENT: [&[u8]; 4] = [b"script", b"style", b"head", b"title"];

/// The text of a piece of HTML: paragraphs parted by an empty line.
pub(super) fn to_text(html: &str) -> String {
    let mut text = Text::default();
    let mut silent: usize = 0;
    for token in Tokenizer::new(html) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => match &**tag.name {
                name if SILENT.contains(&name) => silent += usize::from(!tag.self_closing),
                b"br" => text.0.push('\n'),
                b"p" | b"blockquote" | b"pre" | b"ul" | b"ol" => text.breaks(2),
                b"li" => {
                    text.breaks(1);
                    text.say("- ");
                }
                _ => {}
            },
            Token::EndTag(tag) => match &**tag.name {
                name if SILENT.contains(&name) => silent = silent.saturating_sub(1),
                b"p" | b"blockquote" | b"pre" | b"ul" | b"ol" => text.breaks(2),
                b"div" => text.breaks(1),
                _ => {}
            },
            Token::String(string) if silent == 0 => text.say(&String::from_utf8_lossy(&string)),
            _ => {}
        }
    }
    text.0.trim_end().to_owned()
}

#[derive(Default)]
struct Text(String);

impl Text {
    /// Ends what stands there, with so many breaks behind it in all.
    fn breaks(&mut self, wanted: usize) {
        if self.0.is_empty() {
            return;
        }
        let stand = self.0.chars().rev().take_while(|letter| *letter == '\n').count();
        self.0.extend(std::iter::repeat_n('\n', wanted.saturating_sub(stand)));
    }

    fn say(&mut self, text: &str) {
        let at_start = self.0.is_empty() || self.0.ends_with('\n');
        let text = if at_start { text.trim_start() } else { text };
        self.0.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::to_text;

    #[test]
    fn posts_become_text() {
        let cases = [
            ("<p>one</p><p>two<br>three</p>", "one\n\ntwo\nthree"),
            ("<p>it&#39;s &lt;b&gt; &amp;amp;&nbsp;é</p>", "it's <b> &amp;\u{a0}é"),
            (
                "<p>see <a href=\"https://example.org/long\"><span class=\"invisible\">https://</span>\
                 <span class=\"ellipsis\">example.org/lo</span><span class=\"invisible\">ng</span></a></p>",
                "see https://example.org/long",
            ),
            (
                "<p><a href=\"https://m.example/tags/rust\">#<span>Rust</span></a> by \
                 <span class=\"h-card\"><a href=\"https://m.example/@alice\">@<span>alice</span></a></span></p>",
                "#Rust by @alice",
            ),
            (
                "<p>list</p><ul><li>a</li><li>b</li></ul><p>end</p>",
                "list\n\n- a\n- b\n\nend",
            ),
            ("<p>a<br><br>b</p>", "a\n\nb"),
            ("<blockquote><p>said</p></blockquote>well", "said\n\nwell"),
            ("<script>evil()</script><p>good</p><style>p {}</style>", "good"),
            ("plain", "plain"),
            ("", ""),
            ("<p></p>", ""),
            ("<p>never closed <b", "never closed"),
            ("a < b && c > d", "a < b && c > d"),
            ("<p>&#x110000;&unknown;&#0;</p>", "\u{fffd}&unknown;\u{fffd}"),
        ];
        for (html, text) in cases {
            assert_eq!(to_text(html), text, "{html}");
        }
    }

    #[test]
    fn garbage_takes_linear_time() {
        for piece in ["<p>", "<script>", "</p>", "&", "<", "<!--", "<a href=\"", "<li>"] {
            let html = piece.repeat(200_000 / piece.len());
            assert!(to_text(&html).len() <= html.len() * 2);
        }
    }
}
