//! Walls, and which tweets belong to them.

use super::{Error, Micros, Place, Result, UserId, WallId, text};
use aho_corasick::AhoCorasick;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The most walls of an installation: every tweet is held against all of them.
pub const WALLS: usize = 100;
/// The most characters of a slug.
pub const SLUG_LENGTH: usize = 64;
/// The most characters of a title.
pub const TITLE_LENGTH: usize = 100;
/// The most hashtags of a wall.
pub const HASHTAGS: usize = 50;
/// The most keywords of a wall.
pub const KEYWORDS: usize = 50;
/// The most characters of a keyword.
pub const KEYWORD_LENGTH: usize = 100;
/// The most accounts of a wall.
pub const ACCOUNTS: usize = 1_000;

/// Which tweets belong to a wall: those that meet any of its rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Canonical names, in the order given, each once.
    pub hashtags: Vec<String>,
    /// Parts of texts in NFC, in the order given, each once in any case.
    pub keywords: Vec<String>,
    /// In the order given, each once.
    pub accounts: Vec<UserId>,
}

/// A wall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wall {
    /// Its number.
    pub id: WallId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub title: String,
    /// Which tweets belong to it.
    pub rules: Rules,
    /// When it was made.
    pub created_at: Micros,
    /// Tweets that it has now, retweets aside.
    pub tweet_count: i64,
    /// How far it is with what was stored before its rules.
    pub filling: Filling,
}

/// How far a wall is with what was stored before its rules. Each step is one transaction with its
/// effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    /// What no longer belongs is taken out, tweets behind this one are still to be looked at.
    Emptying(i64),
    /// What belongs is taken in, newest first: tweets older than this are still to be looked at.
    Filling(Place),
    /// It has all that belongs.
    Done,
}

impl Filling {
    /// Where a wall begins that had tweets by other rules before.
    pub const ANEW: Self = Self::Emptying(0);
    /// Where a new wall begins.
    pub const NEW: Self = Self::Filling(Place::NEWEST);
}

/// A slug in its normal form: 1 to 64 of `[a-z0-9_-]`; capitals are taken as small letters.
#[must_use]
pub fn slug_key(slug: &str) -> Option<String> {
    let slug = slug.to_ascii_lowercase();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    ((1..=SLUG_LENGTH).contains(&slug.len()) && slug.bytes().all(is_plain)).then_some(slug)
}

/// Reads the hashtags of a wall, in any form in which arguments name them.
///
/// # Errors
/// [`Error::Invalid`] of `field`.
pub fn hashtags(field: &'static str, given: &[String]) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for name in given {
        let key = text::hashtag_key(name).ok_or_else(|| Error::invalid(field, format!("`{name}` is not a hashtag")))?;
        if !names.contains(&key) {
            names.push(key);
        }
    }
    at_most(field, "hashtags", HASHTAGS, names)
}

/// Reads the keywords of a wall.
///
/// # Errors
/// [`Error::Invalid`] of `field`.
pub fn keywords(field: &'static str, given: &[String]) -> Result<Vec<String>> {
    let mut keywords = Vec::new();
    let mut seen = BTreeSet::new();
    for keyword in given {
        let keyword = text::normalize(keyword.trim()).into_owned();
        if !(1..=KEYWORD_LENGTH).contains(&keyword.chars().count()) || keyword.contains('\0') {
            return Err(Error::invalid(
                field,
                format!("a keyword has 1 to {KEYWORD_LENGTH} characters"),
            ));
        }
        if seen.insert(text::fold(&keyword)) {
            keywords.push(keyword);
        }
    }
    at_most(field, "keywords", KEYWORDS, keywords)
}

/// Checks that a list of a wall's rules is not too long.
///
/// # Errors
/// [`Error::Invalid`] of `field`.
pub fn at_most<T>(field: &'static str, what: &str, most: usize, list: Vec<T>) -> Result<Vec<T>> {
    if list.len() <= most {
        return Ok(list);
    }
    Err(Error::invalid(field, format!("a wall has at most {most} {what}")))
}

/// Tells to which of many walls a tweet belongs. A text is read once, whatever the number of walls
/// and keywords.
#[derive(Debug, Default)]
pub struct Matcher {
    /// The version of the rules that it was made of.
    version: i64,
    hashtags: HashMap<String, Vec<WallId>>,
    accounts: HashMap<UserId, Vec<WallId>>,
    keywords: Option<AhoCorasick>,
    /// Whose each of the keywords is.
    owners: Vec<Vec<WallId>>,
}

impl Matcher {
    /// A matcher of these walls, by the version of their rules.
    ///
    /// # Errors
    /// [`Error::Internal`] when there are more keywords than anybody could give.
    pub fn new<'r>(version: i64, walls: impl IntoIterator<Item = (WallId, &'r Rules)>) -> Result<Self> {
        let mut matcher = Self {
            version,
            ..Self::default()
        };
        let mut keywords: BTreeMap<String, Vec<WallId>> = BTreeMap::new();
        for (id, rules) in walls {
            for name in &rules.hashtags {
                matcher.hashtags.entry(name.clone()).or_default().push(id);
            }
            for account in &rules.accounts {
                matcher.accounts.entry(*account).or_default().push(id);
            }
            for keyword in &rules.keywords {
                keywords.entry(text::fold(keyword)).or_default().push(id);
            }
        }
        if !keywords.is_empty() {
            matcher.keywords = Some(AhoCorasick::new(keywords.keys()).map_err(Error::internal)?);
            matcher.owners = keywords.into_values().collect();
        }
        Ok(matcher)
    }

    /// The version of the rules that it was made of.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Whether no tweet belongs to any wall.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hashtags.is_empty() && self.accounts.is_empty() && self.keywords.is_none()
    }

    /// The walls that a tweet belongs to, each once, by their numbers. The text is in NFC, the
    /// hashtags are canonical; an author without an account here has no number.
    #[must_use]
    pub fn walls_of(&self, text: &str, hashtags: &[String], author: Option<UserId>) -> Vec<WallId> {
        if self.is_empty() {
            return Vec::new();
        }
        let tagged = hashtags.iter().filter_map(|name| self.hashtags.get(name));
        let written = author.and_then(|author| self.accounts.get(&author));
        let mut walls: BTreeSet<WallId> = tagged.chain(written).flatten().copied().collect();
        if let Some(keywords) = &self.keywords {
            for found in keywords.find_overlapping_iter(&text::fold(text)) {
                walls.extend(self.owners.get(found.pattern().as_usize()).into_iter().flatten());
            }
        }
        walls.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(hashtags: &[&str], keywords: &[&str], accounts: &[i64]) -> Rules {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Rules {
            hashtags: texts(hashtags),
            keywords: texts(keywords),
            accounts: accounts.iter().copied().map(UserId).collect(),
        }
    }

    fn matcher(walls: &[Rules]) -> Matcher {
        Matcher::new(1, (1..).map(WallId).zip(walls)).unwrap()
    }

    #[test]
    fn a_tweet_belongs_by_hashtag_keyword_or_account() {
        let walls = [
            rules(&["rust"], &[], &[]),
            rules(&[], &["Straße", "ΣΊΣΥΦΟΣ"], &[]),
            rules(&[], &["conf"], &[7]),
            rules(&[], &[], &[]),
        ];
        let matcher = matcher(&walls);
        let of = |text: &str, tags: &[&str], author: i64| -> Vec<i64> {
            let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
            let text = text::normalize(text);
            let walls = matcher.walls_of(&text, &tags, Some(UserId(author)));
            walls.into_iter().map(|wall| wall.0).collect()
        };
        assert_eq!(of("nothing", &[], 1), [0_i64; 0]);
        assert_eq!(of("#rust", &["rust"], 1), [1]);
        assert_eq!(of("rust without the sign", &[], 1), [0_i64; 0]);
        assert_eq!(of("in der STRAßE, RustConf!", &["rust"], 1), [1, 2, 3]);
        assert_eq!(of("σίσυφος", &[], 1), [2]);
        assert_eq!(of("ΣΊ\u{3A3}υφοΣ", &[], 1), [2]);
        assert_eq!(of("Σι\u{301}συφος", &[], 1), [2], "decomposed");
        assert_eq!(of("nothing", &[], 7), [3]);
    }

    #[test]
    fn an_author_without_an_account_belongs_by_text() {
        let matcher = matcher(&[rules(&[], &["a"], &[1])]);
        assert_eq!(matcher.walls_of("A", &[], None), [WallId(1)]);
        assert_eq!(matcher.walls_of("b", &[], None), [WallId(0); 0]);
    }

    #[test]
    fn lists_are_read_once_each_and_bounded() {
        let texts = |list: &[&str]| -> Vec<String> { list.iter().map(|text| (*text).to_owned()).collect() };
        assert_eq!(hashtags("h", &texts(&["#Rust", "rust", "Go"])).unwrap(), ["rust", "go"]);
        assert!(hashtags("h", &texts(&["two words"])).is_err());
        assert_eq!(
            keywords("k", &texts(&[" Rust ", "RUST", "a b"])).unwrap(),
            ["Rust", "a b"]
        );
        for wrong in ["", "  ", &"x".repeat(101), "nul\0"] {
            assert!(keywords("k", &texts(&[wrong])).is_err(), "{wrong:?}");
        }
        let many: Vec<String> = (0..=KEYWORDS).map(|n| format!("k{n}")).collect();
        assert!(keywords("k", &many).is_err());
    }

    #[test]
    fn slugs_have_one_form() {
        assert_eq!(slug_key("EuroPython_2026-a").as_deref(), Some("europython_2026-a"));
        for wrong in ["", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert_eq!(slug_key(wrong), None, "{wrong}");
        }
    }

    proptest! {
        /// All keywords of all walls in one pass find what each finds by itself.
        #[test]
        fn one_pass_finds_what_each_keyword_finds(
            walls in prop::collection::vec(prop::collection::vec("[aAbBßẞſ]{1,3}", 0..4), 0..5),
            text in "[aAbBßẞſ c]{0,12}",
        ) {
            let walls: Vec<Rules> = walls
                .iter()
                .map(|words| rules(&[], &words.iter().map(String::as_str).collect::<Vec<_>>(), &[]))
                .collect();
            let found = matcher(&walls).walls_of(&text, &[], None);
            let folded = text::fold(&text);
            let one_by_one: Vec<WallId> = (1..)
                .map(WallId)
                .zip(&walls)
                .filter(|(_, wall)| wall.keywords.iter().any(|word| folded.contains(&text::fold(word))))
                .map(|(id, _)| id)
                .collect();
            prop_assert_eq!(found, one_by_one);
        }
    }
}
