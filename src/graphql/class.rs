//! Which fields are the same for everybody, and which depend on who asks.
//!
//! A subscription all of whose fields are public is executed once for all who have it. A field
//! that is not named here counts as dependent; the test below walks the schema and demands a class
//! for whatever a stream can reach.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Fields that are the same whoever asks. What a viewer has blocked is no question of the field:
/// it is held against the users that an execution has shown (see [`super::live`]).
const PUBLIC: &[(&str, &[&str])] = &[
    ("Subscription", &["hashtagStream", "wallStream", "feedStream"]),
    (
        "TweetEvent",
        &[
            "kind",
            "tweetId",
            "tweet",
            "retweetedBy",
            "hashtag",
            "wall",
            "cursor",
            "occurredAt",
        ],
    ),
    (
        "FeedEvent",
        &["kind", "actionId", "action", "feed", "cursor", "occurredAt"],
    ),
    (
        "Tweet",
        &[
            "id",
            "text",
            "author",
            "createdAt",
            "editedAt",
            "hashtags",
            "mentions",
            "inReplyTo",
            "replies",
            "likeCount",
            "retweetCount",
            "replyCount",
            "likers",
            "retweeters",
            "actions",
            "url",
            "language",
        ],
    ),
    (
        "User",
        &[
            "id",
            "username",
            "displayName",
            "bio",
            "avatarUrl",
            "handle",
            "url",
            "isModerator",
            "isBanned",
            "createdAt",
            "tweetCount",
            "followerCount",
            "followingCount",
            "tweets",
            "likes",
            "followers",
            "following",
            "actions",
            "feed",
        ],
    ),
    (
        "Hashtag",
        &[
            "id",
            "name",
            "tweetCount",
            "tweets",
            "feed",
            "followerCount",
            "followers",
            "topUsers",
            "topTweets",
        ],
    ),
    ("TopUser", &["user", "tweetCount"]),
    (
        "Wall",
        &[
            "id",
            "slug",
            "title",
            "hashtags",
            "keywords",
            "accounts",
            "tweetCount",
            "isComplete",
            "completeSince",
            "tweets",
            "topUsers",
            "topTweets",
            "participants",
        ],
    ),
    ("Feed", &["id", "group", "slug", "actions", "tweets", "groups"]),
    (
        "ActionGroup",
        &[
            "id",
            "verb",
            "object",
            "actors",
            "actorCount",
            "actionCount",
            "actions",
            "updatedAt",
        ],
    ),
    (
        "Action",
        &[
            "id",
            "actor",
            "verb",
            "object",
            "target",
            "description",
            "data",
            "public",
            "createdAt",
        ],
    ),
    (
        "ExternalObject",
        &[
            "id",
            "type",
            "key",
            "name",
            "url",
            "data",
            "feed",
            "actions",
            "followers",
            "followerCount",
        ],
    ),
    ("Tombstone", &["id", "formerType", "deletedAt"]),
    (
        "PageInfo",
        &["hasNextPage", "hasPreviousPage", "startCursor", "endCursor"],
    ),
    ("TweetConnection", &["edges", "nodes", "pageInfo"]),
    ("TweetEdge", &["cursor", "node"]),
    ("UserConnection", &["edges", "nodes", "pageInfo"]),
    ("UserEdge", &["cursor", "node"]),
    ("ActionConnection", &["edges", "nodes", "pageInfo"]),
    ("ActionEdge", &["cursor", "node", "because"]),
    ("ActionGroupConnection", &["edges", "nodes", "pageInfo"]),
    ("ActionGroupEdge", &["cursor", "node"]),
    ("FollowerConnection", &["edges", "nodes", "pageInfo"]),
    ("FollowerEdge", &["cursor", "node", "followedAt"]),
    ("FollowingConnection", &["edges", "nodes", "pageInfo"]),
    ("FollowingEdge", &["cursor", "node", "followedAt"]),
    ("Node", &["id"]),
];

/// Fields that are another thing for each viewer.
const DEPENDENT: &[(&str, &[&str])] = &[
    ("Tweet", &["viewerHasLiked", "viewerHasRetweeted"]),
    (
        "User",
        &[
            "timeline",
            "notifications",
            "viewerIsFollowing",
            "followsViewer",
            "viewerIsBlocking",
            "viewerIsMuting",
        ],
    ),
    ("Hashtag", &["viewerIsFollowing"]),
    ("ExternalObject", &["viewerIsFollowing"]),
    ("Feed", &["unseenCount", "unreadCount"]),
    ("ActionGroup", &["isSeen", "isRead"]),
];

/// Whether a field of this name is public in every type that has one.
#[must_use]
pub fn is_public(field: &str) -> bool {
    static NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        let names =
            |classes: &'static [(_, &'static [&'static str])]| classes.iter().flat_map(|(_, names)| *names).copied();
        let mut public: HashSet<_> = names(PUBLIC).collect();
        for name in names(DEPENDENT) {
            public.remove(name);
        }
        public
    });
    field == "__typename" || NAMES.contains(field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_schema;
    use async_graphql::parser::types::{BaseType, TypeKind, TypeSystemDefinition};
    use std::collections::{BTreeSet, HashMap};

    type Fields = HashMap<String, Vec<(String, String)>>;

    /// Every output type with its fields and their types; a union has its members as fields.
    fn types() -> Fields {
        let schema = parse_schema(crate::graphql::sdl()).unwrap();
        let mut types = HashMap::new();
        let named = |fields: &[async_graphql::Positioned<async_graphql::parser::types::FieldDefinition>]| {
            let field = |field: &async_graphql::Positioned<async_graphql::parser::types::FieldDefinition>| {
                (field.node.name.node.to_string(), base(&field.node.ty.node.base))
            };
            fields.iter().map(field).collect::<Vec<_>>()
        };
        for definition in &schema.definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let fields = match &definition.node.kind {
                TypeKind::Object(object) => named(&object.fields),
                TypeKind::Interface(interface) => named(&interface.fields),
                TypeKind::Union(union) => {
                    let member = |member: &async_graphql::Positioned<async_graphql::Name>| {
                        (String::new(), member.node.to_string())
                    };
                    union.members.iter().map(member).collect()
                }
                _ => continue,
            };
            types.insert(definition.node.name.node.to_string(), fields);
        }
        types
    }

    fn base(ty: &BaseType) -> String {
        match ty {
            BaseType::Named(name) => name.to_string(),
            BaseType::List(inner) => base(&inner.base),
        }
    }

    #[test]
    fn every_field_that_a_stream_can_reach_has_one_class() {
        let types = types();
        let classed = |classes: &[(&str, &[&str])], ty: &str, field: &str| {
            classes
                .iter()
                .any(|(named, fields)| *named == ty && fields.contains(&field))
        };
        let (mut reached, mut next) = (BTreeSet::new(), vec!["Subscription".to_owned()]);
        while let Some(ty) = next.pop() {
            if !reached.insert(ty.clone()) {
                continue;
            }
            for (field, of) in types.get(&ty).into_iter().flatten() {
                let (public, dependent) = (classed(PUBLIC, &ty, field), classed(DEPENDENT, &ty, field));
                assert!(
                    field.is_empty() || public != dependent,
                    "{ty}.{field} needs a class, and one only"
                );
                next.push(of.clone());
            }
        }
        assert!(reached.contains("ActionEdge"), "{reached:?}");
        for (ty, fields) in PUBLIC.iter().chain(DEPENDENT) {
            for field in *fields {
                let known = types
                    .get(*ty)
                    .is_some_and(|of| of.iter().any(|(name, _)| name == field));
                assert!(known, "there is no {ty}.{field}");
            }
        }
    }

    #[test]
    fn what_is_not_known_is_dependent() {
        assert!(is_public("text") && is_public("__typename"));
        assert!(!is_public("viewerHasLiked") && !is_public("somethingNew"));
    }
}
