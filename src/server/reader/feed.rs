//! What all forms of a feed say.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// The newest tweets of what a document is about.
macro_rules! tweets {
    () => {
        "first: 30) { nodes { id text createdAt editedAt url language hashtags { name } \
         author { username displayName avatarUrl } inReplyTo { id url } } } } }"
    };
}

/// The most characters of a title.
const TITLE: usize = 80;

/// Whose feed it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Hashtag,
    Wall,
}

/// A feed.
#[derive(Debug)]
pub(super) struct Feed {
    pub title: String,
    pub description: String,
    /// The page that shows the same to people.
    pub page: String,
    /// The feed's own address, without the ending that says its form.
    pub own: String,
    pub image: Option<String>,
    /// Newest first.
    pub items: Vec<Item>,
}

/// A tweet.
#[derive(Debug)]
pub(super) struct Item {
    /// Its page here.
    pub page: String,
    /// Its address: of the original, where it came from outside.
    pub url: String,
    pub text: String,
    pub author: Author,
    pub published: Timestamp,
    pub edited: Option<Timestamp>,
    pub hashtags: Vec<String>,
    /// The tag of its language, where it is known.
    pub language: Option<String>,
    /// The address of what it answers.
    pub in_reply_to: Option<String>,
}

#[derive(Debug)]
pub(super) struct Author {
    pub name: String,
    pub username: String,
    pub page: String,
    pub image: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tweet {
    id: String,
    text: String,
    created_at: String,
    edited_at: Option<String>,
    url: Option<String>,
    language: Option<String>,
    hashtags: Vec<Named>,
    author: Person,
    in_reply_to: Option<Answered>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    username: String,
    display_name: String,
    #[serde(default)]
    bio: String,
    avatar_url: Option<String>,
}

#[derive(Deserialize)]
struct Answered {
    id: String,
    url: Option<String>,
}

impl Kind {
    /// By the first part of a path.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "user" => Some(Self::User),
            "hashtag" => Some(Self::Hashtag),
            "wall" => Some(Self::Wall),
            _ => None,
        }
    }

    /// What is asked for: a number of objects that is always the same.
    pub(super) fn document(self) -> &'static str {
        match self {
            Self::User => concat!(
                "query($name: String!) { owner: user(username: $name) { username displayName bio avatarUrl tweets(",
                tweets!()
            ),
            Self::Hashtag => concat!(
                "query($name: String!) { owner: hashtag(name: $name) { name tweets(",
                tweets!()
            ),
            Self::Wall => concat!(
                "query($name: String!) { owner: wall(slug: $name) { slug title tweets(includeRetweets: false, ",
                tweets!()
            ),
        }
    }

    /// The feed in what the document gave; none where nobody and nothing has that name.
    pub(super) fn feed(self, site: &str, mut data: Value) -> Option<Feed> {
        let mut owner = data.get_mut("owner").filter(|owner| !owner.is_null())?.take();
        let nodes = owner.get_mut("tweets")?.get_mut("nodes")?.take();
        let tweets: Vec<Tweet> = serde_json::from_value(nodes).ok()?;
        let text = |name: &str| owner.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (path, title, description, image) = match self {
            Self::User => {
                let user: Person = serde_json::from_value(owner).ok()?;
                let title = format!("{} (@{})", user.display_name, user.username);
                (format!("user/{}", user.username), title, user.bio, user.avatar_url)
            }
            Self::Hashtag => {
                let name = text("name");
                let title = format!("#{name}");
                (format!("hashtag/{}", encoded(&name)), title, String::new(), None)
            }
            Self::Wall => (format!("wall/{}", text("slug")), text("title"), String::new(), None),
        };
        let description = match description.trim() {
            "" => format!("Tweets of {title}"),
            said => said.to_owned(),
        };
        Some(Feed {
            own: format!("{site}/{path}"),
            page: format!("{site}/{path}"),
            items: tweets.into_iter().filter_map(|tweet| tweet.item(site)).collect(),
            title,
            description,
            image,
        })
    }
}

impl Feed {
    /// When something of what it shows changed last.
    pub(super) fn updated(&self) -> Option<Timestamp> {
        self.items.iter().map(Item::updated).max()
    }
}

impl Item {
    /// When it changed last.
    pub(super) fn updated(&self) -> Timestamp {
        self.edited.unwrap_or(self.published)
    }

    /// The beginning of its text, in a line.
    pub(super) fn title(&self) -> String {
        let line = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(TITLE) {
            Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default().trim_end()),
            None => line,
        }
    }

    /// Its text as HTML.
    pub(super) fn html(&self) -> String {
        html(&self.text)
    }
}

impl Tweet {
    fn item(self, site: &str) -> Option<Item> {
        let page = tweet_page(site, &self.id);
        let author = self.author;
        Some(Item {
            url: self.url.unwrap_or_else(|| page.clone()),
            page,
            text: self.text,
            language: self.language,
            author: Author {
                page: format!("{site}/user/{}", author.username),
                name: author.display_name,
                username: author.username,
                image: author.avatar_url,
            },
            published: self.created_at.parse().ok()?,
            edited: self.edited_at.and_then(|at| at.parse().ok()),
            hashtags: self.hashtags.into_iter().map(|hashtag| hashtag.name).collect(),
            in_reply_to: self
                .in_reply_to
                .map(|parent| parent.url.unwrap_or_else(|| tweet_page(site, &parent.id))),
        })
    }
}

/// The page of a tweet, by its global id.
pub(super) fn tweet_page(site: &str, id: &str) -> String {
    format!("{site}/tweet/{}", id.trim_start_matches("Tweet:"))
}

/// A name as it stands in a path.
pub(super) fn encoded(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A text as HTML.
pub(super) fn html(text: &str) -> String {
    quick_xml::escape::escape(text).replace('\n', "<br>")
}

/// What no XML may hold is left out.
pub(super) fn xml(text: &str) -> String {
    let is_allowed = |letter: &char| !matches!(letter, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    text.chars().filter(is_allowed).collect()
}
