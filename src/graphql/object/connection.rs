//! Connections, after Relay's specification.

use super::{Action, ActionGroup, Entity, ModerationAct, Row, Tweet, User, entity};
use crate::graphql::error::Result;
use crate::graphql::request::Ask;
use crate::graphql::scalar::DateTime;
use crate::model::page::Page;
use crate::model::{self, Cursor, Error, Micros, Place, TweetId, UserId, Window};
use crate::reading::feed::Standing;
use crate::reading::group::Group;
use crate::store::moderation::Act;
use async_graphql::{ComplexObject, Context, SimpleObject};
use futures_util::future::try_join_all;
use std::sync::Arc;

/// Where a page stands in its list.
#[derive(Clone, Debug, SimpleObject)]
pub struct PageInfo {
    /// Whether the list goes on behind the page.
    has_next_page: bool,
    /// Whether the list has something before the page.
    has_previous_page: bool,
    /// The cursor of the first edge.
    start_cursor: Option<String>,
    /// The cursor of the last edge.
    end_cursor: Option<String>,
}

impl PageInfo {
    /// A page that had to end short tells where to go on.
    fn new<T>(page: &Page<T>) -> Self {
        let cursor = |place: Place| Cursor(place).encode();
        let first = page.items.first().map(|(place, _)| *place);
        let last = page.items.last().map(|(place, _)| *place);
        Self {
            has_next_page: page.has_next,
            has_previous_page: page.has_previous,
            start_cursor: page
                .resume
                .filter(|_| page.has_previous && !page.has_next)
                .or(first)
                .map(cursor),
            end_cursor: page.resume.filter(|_| page.has_next).or(last).map(cursor),
        }
    }
}

/// What of a list a client asks for.
///
/// # Errors
/// `BAD_USER_INPUT` of `first`, `last`, `after` or `before`.
pub fn window(first: Option<i32>, after: Option<String>, last: Option<i32>, before: Option<String>) -> Result<Window> {
    Ok(Window::new(first, after.as_deref(), last, before.as_deref())?)
}

macro_rules! connection {
    ($(#[$doc:meta])* $connection:ident, $edge:ident, $node:ty $(, $(#[$extra_doc:meta])* $extra:ident: $extra_type:ty)?) => {
        $(#[$doc])*
        #[derive(Clone, SimpleObject)]
        pub struct $connection {
            /// The items with their cursors.
            edges: Vec<$edge>,
            /// The items.
            nodes: Vec<$node>,
            /// Where the page stands in its list.
            page_info: PageInfo,
        }

        /// An item with its cursor.
        #[derive(Clone, SimpleObject)]
        pub struct $edge {
            /// Where the item stands: good as `after` and `before`.
            cursor: String,
            /// The item.
            node: $node,
            $($(#[$extra_doc])* $extra: $extra_type,)?
        }
    };
}

connection!(
    /// A page of tweets.
    TweetConnection, TweetEdge, Row<Tweet>
);
connection!(
    /// A page of users.
    UserConnection, UserEdge, Row<User>
);
connection!(
    /// A page of groups of actions.
    ActionGroupConnection, ActionGroupEdge, ActionGroup
);
connection!(
    /// A page of what moderators did.
    ModerationActConnection, ModerationActEdge, ModerationAct
);
connection!(
    /// A page of followers.
    FollowerConnection, FollowerEdge, Row<User>,
    /// When they followed.
    followed_at: DateTime
);
connection!(
    /// A page of what is followed.
    FollowingConnection, FollowingEdge, Entity,
    /// When it was followed.
    followed_at: DateTime
);

/// A page of actions.
#[derive(Clone, SimpleObject)]
pub struct ActionConnection {
    /// The items with their cursors.
    edges: Vec<ActionEdge>,
    /// The items.
    nodes: Vec<Action>,
    /// Where the page stands in its list.
    page_info: PageInfo,
}

/// An item with its cursor.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct ActionEdge {
    /// Where the item stands: good as `after` and `before`.
    cursor: String,
    /// The item.
    node: Action,
    #[graphql(skip)]
    standing: Standing,
}

#[ComplexObject]
impl ActionEdge {
    /// Why it stands in this TIMELINE: the users, hashtags and external objects that the owner
    /// follows; empty elsewhere.
    async fn because(&self, ctx: &Context<'_>) -> Result<Vec<Entity>> {
        let because = self.standing.because();
        let found = try_join_all(because.iter().map(|reason| entity(ctx, reason))).await?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// The items of a page that are still there, looked up together.
async fn nodes<T: Clone, N, F>(page: &Page<T>, look_up: impl Fn(T) -> F) -> Result<Vec<(Place, N)>>
where
    F: Future<Output = Result<Option<N>>>,
{
    let found = try_join_all(page.items.iter().map(|(_, item)| look_up(item.clone()))).await?;
    Ok(page
        .items
        .iter()
        .zip(found)
        .filter_map(|((place, _), node)| node.map(|node| (*place, node)))
        .collect())
}

fn cursor(place: Place) -> String {
    Cursor(place).encode()
}

fn followed_at(place: Place) -> DateTime {
    DateTime(Micros(place.at))
}

impl TweetConnection {
    /// From a page of tweets' ids.
    pub(in crate::graphql) async fn of_ids(ctx: &Context<'_>, page: &Page<TweetId>) -> Result<Self> {
        let load = ctx.load();
        let found = nodes(page, async |id| {
            Ok(load.tweet(id).await?.map(|tweet| Row(Tweet(tweet))))
        })
        .await?;
        Ok(Self {
            nodes: found.iter().map(|(_, node)| node.clone()).collect(),
            edges: found
                .into_iter()
                .map(|(place, node)| TweetEdge {
                    cursor: cursor(place),
                    node,
                })
                .collect(),
            page_info: PageInfo::new(page),
        })
    }

    /// From a list of tweets.
    pub(in crate::graphql) async fn of_list(ctx: &Context<'_>, page: &Page<model::Entity>) -> Result<Self> {
        let ids = page.clone().map(|item| match item {
            model::Entity::Tweet(id) => id,
            _ => TweetId(0),
        });
        Self::of_ids(ctx, &ids).await
    }
}

fn user_id(item: &model::Entity) -> Result<UserId> {
    match item {
        model::Entity::User(id) => Ok(*id),
        _ => Err(Error::internal("a list of users holds something else").into()),
    }
}

async fn users(ctx: &Context<'_>, page: &Page<model::Entity>) -> Result<Vec<(Place, Row<User>)>> {
    let load = ctx.load();
    nodes(page, async |item| {
        Ok(load.user(user_id(&item)?).await?.map(|user| Row(User(user))))
    })
    .await
}

impl UserConnection {
    /// From a list of users.
    pub(in crate::graphql) async fn of_list(ctx: &Context<'_>, page: &Page<model::Entity>) -> Result<Self> {
        Ok(Self::of_users(users(ctx, page).await?, page))
    }

    /// From a list of just those whom somebody hides.
    pub(in crate::graphql) async fn of_hidden(ctx: &Context<'_>, page: &Page<model::Entity>) -> Result<Self> {
        let load = ctx.load();
        let found = nodes(page, async |item| {
            Ok(load.account(user_id(&item)?).await?.map(|user| Row(User(user))))
        })
        .await?;
        Ok(Self::of_users(found, page))
    }

    fn of_users(found: Vec<(Place, Row<User>)>, page: &Page<model::Entity>) -> Self {
        Self {
            nodes: found.iter().map(|(_, node)| node.clone()).collect(),
            edges: found
                .into_iter()
                .map(|(place, node)| UserEdge {
                    cursor: cursor(place),
                    node,
                })
                .collect(),
            page_info: PageInfo::new(page),
        }
    }
}

impl FollowerConnection {
    /// From a list of followers.
    pub(in crate::graphql) async fn of_list(ctx: &Context<'_>, page: &Page<model::Entity>) -> Result<Self> {
        let found = users(ctx, page).await?;
        Ok(Self {
            nodes: found.iter().map(|(_, node)| node.clone()).collect(),
            edges: found
                .into_iter()
                .map(|(place, node)| FollowerEdge {
                    cursor: cursor(place),
                    node,
                    followed_at: followed_at(place),
                })
                .collect(),
            page_info: PageInfo::new(page),
        })
    }
}

impl FollowingConnection {
    /// From a list of what is followed.
    pub(in crate::graphql) async fn of_list(ctx: &Context<'_>, page: &Page<model::Entity>) -> Result<Self> {
        let found = nodes(page, async |item| entity(ctx, &item).await).await?;
        Ok(Self {
            nodes: found.iter().map(|(_, node)| node.clone()).collect(),
            edges: found
                .into_iter()
                .map(|(place, node)| FollowingEdge {
                    cursor: cursor(place),
                    node,
                    followed_at: followed_at(place),
                })
                .collect(),
            page_info: PageInfo::new(page),
        })
    }
}

impl ActionConnection {
    /// From a page of actions.
    pub(in crate::graphql) fn of_page(page: &Page<Standing>) -> Self {
        let node = |standing: &Standing| Action(Arc::clone(&standing.action));
        Self {
            nodes: page.items.iter().map(|(_, standing)| node(standing)).collect(),
            edges: page
                .items
                .iter()
                .map(|(place, standing)| ActionEdge {
                    cursor: cursor(*place),
                    node: node(standing),
                    standing: standing.clone(),
                })
                .collect(),
            page_info: PageInfo::new(page),
        }
    }
}

impl ActionGroupConnection {
    /// From a page of a feed.
    pub(in crate::graphql) fn of_page(page: &Page<Group>) -> Self {
        let groups = page.items.iter();
        Self {
            nodes: groups.clone().map(|(_, group)| ActionGroup(group.clone())).collect(),
            edges: groups
                .map(|(place, group)| ActionGroupEdge {
                    cursor: cursor(*place),
                    node: ActionGroup(group.clone()),
                })
                .collect(),
            page_info: PageInfo::new(page),
        }
    }
}

impl ModerationActConnection {
    /// From a page of the trail.
    pub(in crate::graphql) fn of_page(page: &Page<Act>) -> Self {
        let acts = page.items.iter();
        Self {
            nodes: acts.clone().map(|(_, act)| ModerationAct(act.clone())).collect(),
            edges: acts
                .map(|(place, act)| ModerationActEdge {
                    cursor: cursor(*place),
                    node: ModerationAct(act.clone()),
                })
                .collect(),
            page_info: PageInfo::new(page),
        }
    }
}
