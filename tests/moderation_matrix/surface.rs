//! Everything that the API and the feeds for readers show, each with what the rules make of it.

use std::collections::{BTreeSet, HashMap};

use async_graphql::parser::types::{
    BaseType, DocumentOperations, ExecutableDocument, Selection, SelectionSet, TypeKind, TypeSystemDefinition,
};
use async_graphql::parser::{parse_query, parse_schema};

use super::streams::STREAMS;

/// What a surface shows of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// What they are and do, to everybody whom no ban or block keeps from it; mutes change nothing.
    Everybody,
    /// The same in an order that comes of what is counted or retweeted, which bans change for moderators too.
    Ranked,
    /// Names of hashtags, in such an order: nothing of those that are used by who is banned alone.
    Names,
    /// The same as `Everybody`, to users: it is their own.
    Users,
    /// What concerns the viewer, mutes are held against it too.
    Own,
    /// Whom one hides: it is what hides nobody.
    Hidden,
    /// Everybody, whomever one hides: it is kept for moderators.
    Kept,
    /// Nothing of anybody.
    Nothing,
}

/// A place where something of somebody can show.
pub struct Surface {
    /// By what name it is spoken of.
    pub name: &'static str,
    pub shows: Shows,
    /// One root field. What stands as `<bob>` is filled in.
    pub query: &'static str,
}

const fn surface(name: &'static str, shows: Shows, query: &'static str) -> Surface {
    Surface { name, shows, query }
}

use Shows::{Everybody, Hidden, Kept, Names, Nothing, Own, Ranked, Users};

/// Each root field of queries stands here, and each field below that leads to somebody: a test demands it.
pub const SURFACES: &[Surface] = &[
    surface("himself", Everybody, "node(id: <bob>) { ...node }"),
    surface("his tweet's node", Everybody, "node(id: <his>) { ...node }"),
    surface(
        "his action's node",
        Everybody,
        "node(id: <action>) { ... on Action { ...action } }",
    ),
    surface(
        "his feed's node",
        Everybody,
        "node(id: \"Feed:USER:bobby\") { ... on Feed { ...feed } }",
    ),
    surface(
        "his group's node",
        Own,
        "node(id: <group>) { ... on ActionGroup { ...group } }",
    ),
    surface(
        "nodes",
        Everybody,
        "nodes(ids: [<bob>, <his>, <action>]) { __typename id }",
    ),
    surface(
        "user",
        Everybody,
        "user(username: \"bobby\") { ...user tweets { ...tweets } likes { ...tweets } feed { ...feed }
        followers { ...followers } following { ...following } actions(first: 50) { ...actions } }",
    ),
    surface(
        "user who has to do with him",
        Everybody,
        "user(username: \"cyd\") { ...user tweets { ...tweets }
        likes { ...tweets } feed { ...feed } followers { ...followers } following { ...following }
        actions(first: 50) { ...actions } }",
    ),
    surface("his tweet", Everybody, "tweet(id: <his>) { ...tweet }"),
    surface(
        "tweet that he has to do with",
        Everybody,
        "tweet(id: <theirs>) { ...tweet replies { ...tweets }
        likers { ...users } retweeters { ...users } actions(first: 50) { ...actions } }",
    ),
    surface("tweets", Everybody, "tweets(first: 50) { ...tweets }"),
    surface(
        "tweets by text",
        Everybody,
        "tweets(contains: \"bobsays\") { ...tweets }",
    ),
    surface(
        "tweets by a short text",
        Everybody,
        "tweets(contains: \"bo\") { ...tweets }",
    ),
    surface("tweets by author", Everybody, "tweets(author: \"bobby\") { ...tweets }"),
    surface(
        "tweets by hashtag",
        Everybody,
        "tweets(hashtag: \"rust\") { ...tweets }",
    ),
    surface(
        "tweets by all",
        Everybody,
        "tweets(hashtag: \"rust\", author: \"bobby\", contains: \"bobsays\") { ...tweets }",
    ),
    surface("users", Everybody, "users(contains: \"bobby\") { ...users }"),
    surface(
        "users by display name",
        Everybody,
        "users(contains: \"thebob\") { ...users }",
    ),
    surface(
        "hashtag",
        Everybody,
        "hashtag(name: \"rust\") { tweetCount followerCount tweets { ...tweets }
        followers { ...followers } feed { ...feed } }",
    ),
    surface("hashtag's best", Ranked, "hashtag(name: \"rust\") { ...best }"),
    surface(
        "hashtag's best of today",
        Ranked,
        "hashtag(name: \"rust\") {
        topUsers(since: <begin>) { tweetCount user { ...user } } topTweets(since: <begin>) { ...tweet } }",
    ),
    surface("trends", Names, "trendingHashtags(first: 100) { name }"),
    surface("trends' best", Ranked, "trendingHashtags(first: 100) { ...best }"),
    surface("rising hashtags", Ranked, "risingHashtags(first: 100) { ...best }"),
    surface("hashtags", Names, "hashtags(prefix: \"\", first: 100) { name }"),
    surface("hashtags by prefix", Names, "hashtags(prefix: \"bob\") { name }"),
    surface("hashtags' best", Ranked, "hashtags(prefix: \"r\") { ...best }"),
    surface("USER feed", Everybody, "feed(group: USER, slug: \"bobby\") { ...feed }"),
    surface(
        "USER feed of others",
        Everybody,
        "feed(group: USER, slug: \"cyd\") { ...feed }",
    ),
    surface(
        "HASHTAG feed",
        Everybody,
        "feed(group: HASHTAG, slug: \"rust\") { ...feed }",
    ),
    surface(
        "OBJECT feed",
        Everybody,
        "feed(group: OBJECT, slug: \"repository:acme/x\") { ...feed }",
    ),
    surface(
        "external object",
        Everybody,
        "externalObject(type: \"repository\", key: \"acme/x\") { followerCount
        followers { ...followers } actions { ...actions } feed { ...feed } }",
    ),
    surface(
        "wall",
        Everybody,
        "wall(slug: \"w\") { tweetCount accounts { ...user } tweets(includeRetweets: false) { ...tweets }
        participants { ...users } hashtags { tweets { ...tweets } } }",
    ),
    surface(
        "wall by newest retweets",
        Ranked,
        "wall(slug: \"w\") { tweets { ...tweets } }",
    ),
    surface("wall's best", Ranked, "wall(slug: \"w\") { ...wallsBest }"),
    surface(
        "walls",
        Everybody,
        "walls { slug tweets(includeRetweets: false) { ...tweets } participants { ...users } accounts { ...user } }",
    ),
    surface("walls' best", Ranked, "walls { ...wallsBest }"),
    surface(
        "viewer",
        Users,
        "viewer { feed { ...feed } followers { ...followers } following { ...following }
        likes { ...tweets } actions(first: 50) { ...actions } }",
    ),
    surface(
        "timeline",
        Own,
        "viewer { timeline { ...feed why: actions(first: 50) { edges { because { ...entity } } } } }",
    ),
    surface(
        "notifications",
        Own,
        "viewer { notifications { ...feed unseenCount unreadCount } }",
    ),
    surface("blocked users", Hidden, "blockedUsers { ...users }"),
    surface("muted users", Hidden, "mutedUsers { ...users }"),
    surface("banned users", Hidden, "bannedUsers { ...users }"),
    surface(
        "moderators' log",
        Kept,
        "moderationLog { nodes { user { ...user } moderator { ...user } } edges { node { act } } pageInfo { hasNextPage } }",
    ),
    surface("the log's position", Nothing, "eventCursor"),
];

/// What readers of news get, who are strangers.
pub const PATHS: &[&str] = &[
    "/user/bobby.rss",
    "/user/bobby.atom",
    "/user/bobby.json",
    "/user/bobby",
    "/user/cyd",
    "/hashtag/rust.rss",
    "/hashtag/rust.atom",
    "/hashtag/rust.json",
    "/wall/w.rss",
    "/wall/w.atom",
    "/wall/w.json",
];

const FRAGMENTS: &[(&str, &str)] = &[
    (
        "user",
        "on User { id username displayName bio tweetCount followerCount followingCount }",
    ),
    (
        "tweet",
        "on Tweet { id text author { ...user } mentions { ...user } hashtags { name } likeCount retweetCount replyCount
            inReplyTo { id text author { ...user } } }",
    ),
    (
        "node",
        "on Node { __typename id ... on User { ...user } ... on Tweet { ...tweet } }",
    ),
    (
        "entity",
        "on Entity { __typename ... on User { ...user } ... on Tweet { ...tweet } ... on Hashtag { name }
            ... on Tombstone { id } }",
    ),
    (
        "action",
        "on Action { id verb actor { ...entity } object { ...entity } target { ...entity } }",
    ),
    (
        "group",
        "on ActionGroup { verb object { ...entity } actorCount actionCount actors(first: 10) { ...entity }
            actions { nodes { ...action } } }",
    ),
    (
        "tweets",
        "on TweetConnection { nodes { ...tweet } edges { node { id } } pageInfo { hasNextPage } }",
    ),
    (
        "users",
        "on UserConnection { nodes { ...user } edges { node { id } } pageInfo { hasNextPage } }",
    ),
    (
        "followers",
        "on FollowerConnection { nodes { ...user } edges { node { id } } pageInfo { hasNextPage } }",
    ),
    (
        "following",
        "on FollowingConnection { nodes { ...entity } edges { node { ...entity } } pageInfo { hasNextPage } }",
    ),
    (
        "actions",
        "on ActionConnection { nodes { ...action } edges { node { id } } pageInfo { hasNextPage } }",
    ),
    (
        "best",
        "on Hashtag { name topUsers { tweetCount user { ...user } } topTweets { ...tweet } }",
    ),
    (
        "wallsBest",
        "on Wall { topUsers { tweetCount user { ...user } } topTweets { ...tweet } }",
    ),
    (
        "glance",
        "on Feed { actions(first: 5) { ...actions } tweets(first: 5) { ...tweets } groups(first: 5) { nodes { ...group } } }",
    ),
    (
        "feed",
        "on Feed { actions(first: 50) { ...actions } tweets(first: 50) { ...tweets }
            posts: tweets(first: 50, includeRetweets: false) { ...tweets }
            likes: actions(first: 50, verbs: [\"like\"]) { ...actions } newest: actions(last: 3) { ...actions }
            groups(first: 50) { nodes { ...group } edges { node { id } } pageInfo { hasNextPage } } }",
    ),
];

/// A document with the fragments that it names, and that those name.
pub fn document(text: &str) -> String {
    let mut document = text.to_owned();
    let mut named = BTreeSet::new();
    loop {
        let is_named = |name: &str| {
            let mut spreads = document.split("...").skip(1);
            spreads.any(|rest| rest.split(|letter: char| !letter.is_alphanumeric()).next() == Some(name))
        };
        let missing = FRAGMENTS
            .iter()
            .find(|(name, _)| !named.contains(name) && is_named(name));
        let Some((name, fragment)) = missing else {
            return document;
        };
        named.insert(name);
        document = format!("{document}\nfragment {name} {fragment}");
    }
}

/// Every type that has fields, with those that lead to another such type, and to which.
type Paths = HashMap<String, HashMap<String, String>>;

fn paths() -> Paths {
    let schema = parse_schema(linnet::graphql::sdl()).unwrap();
    let mut paths = Paths::new();
    for definition in &schema.definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        let fields = match &definition.node.kind {
            TypeKind::Object(object) => &object.fields[..],
            TypeKind::Interface(interface) => &interface.fields[..],
            TypeKind::Union(_) => &[],
            _ => continue,
        };
        let fields = fields
            .iter()
            .map(|field| (field.node.name.node.to_string(), base(&field.node.ty.node.base)));
        paths.insert(definition.node.name.node.to_string(), fields.collect());
    }
    let types: BTreeSet<String> = paths.keys().cloned().collect();
    for (name, fields) in &mut paths {
        // Each field of a root is a surface, whatever it leads to.
        let is_root = ["Query", "Subscription"].contains(&name.as_str());
        fields.retain(|_, to| is_root || types.contains(to));
    }
    paths
}

fn base(ty: &BaseType) -> String {
    match ty {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(inner) => base(&inner.base),
    }
}

/// Notes which fields of which types a selection has.
fn walk(
    paths: &Paths,
    document: &ExecutableDocument,
    ty: &str,
    set: &SelectionSet,
    seen: &mut BTreeSet<(String, String)>,
) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => {
                let name = field.node.name.node.to_string();
                if let Some(to) = paths.get(ty).and_then(|fields| fields.get(&name)) {
                    walk(paths, document, to, &field.node.selection_set.node, seen);
                    seen.insert((ty.to_owned(), name));
                }
            }
            Selection::FragmentSpread(spread) => {
                let fragment = &document.fragments[&spread.node.fragment_name.node].node;
                let on = fragment.type_condition.node.on.node.as_str();
                walk(paths, document, on, &fragment.selection_set.node, seen);
            }
            Selection::InlineFragment(fragment) => {
                let on = fragment.node.type_condition.as_ref();
                let on = on.map_or(ty, |condition| condition.node.on.node.as_str());
                walk(paths, document, on, &fragment.node.selection_set.node, seen);
            }
        }
    }
}

fn walk_text(paths: &Paths, root: &str, text: &str, seen: &mut BTreeSet<(String, String)>) {
    let parsed = parse_query(document(text)).unwrap_or_else(|error| panic!("{text}: {error}"));
    let DocumentOperations::Single(operation) = &parsed.operations else {
        panic!("one operation: {text}");
    };
    walk(paths, &parsed, root, &operation.node.selection_set.node, seen);
}

#[test]
fn every_field_that_leads_to_somebody_is_looked_at() {
    let paths = paths();
    let mut seen = BTreeSet::new();
    for surface in SURFACES {
        walk_text(&paths, "Query", &format!("{{ {} }}", filled(surface.query)), &mut seen);
    }
    for stream in STREAMS {
        walk_text(
            &paths,
            "Subscription",
            &format!("subscription {{ {} }}", stream.query.replace("<after>", "")),
            &mut seen,
        );
    }
    // What mutations answer is the viewer's own doing.
    let is_read = |ty: &&String| *ty != "Mutation" && !ty.ends_with("Payload");
    let all = paths.keys().filter(is_read).flat_map(|ty| {
        let fields = paths[ty].keys();
        fields.map(move |field| (ty.clone(), field.clone()))
    });
    let missing: Vec<String> = all
        .filter(|place| !seen.contains(place))
        .map(|(ty, field)| format!("{ty}.{field}"))
        .collect();
    assert_eq!(missing, Vec::<String>::new(), "say here what the rules make of each");
}

/// A query in which something stands for each place.
fn filled(query: &str) -> String {
    query.replace(['<', '>'], "\"")
}
