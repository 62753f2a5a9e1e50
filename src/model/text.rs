//! stub
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;
pub struct Parsed {
    pub hashtags: Vec<String>,
    pub mentions: Vec<String>,
}
pub fn normalize(t: &str) -> Cow<'_, str> {
    Cow::Owned(t.nfc().collect())
}
pub fn weighted_length(t: &str) -> usize {
    t.chars().count()
}
pub fn is_valid_post(t: &str, max: usize) -> bool {
    weighted_length(t) <= max
}
pub fn hashtag_key(n: &str) -> Option<String> {
    let n = n.trim_start_matches(['#', '＃']);
    (!n.is_empty()).then(|| n.nfc().collect::<String>().to_lowercase())
}
pub fn parse(t: &str) -> Parsed {
    let mut p = Parsed {
        hashtags: vec![],
        mentions: vec![],
    };
    for w in t.split_whitespace() {
        if let Some(h) = w.strip_prefix('#') {
            let h = h.to_lowercase();
            if !p.hashtags.contains(&h) {
                p.hashtags.push(h)
            }
        }
        if let Some(m) = w.strip_prefix('@') {
            let m = m.to_lowercase();
            if !p.mentions.contains(&m) {
                p.mentions.push(m)
            }
        }
    }
    p
}
