//! The types of the API: each a newtype over the domain's, so that no row's column can leak.

mod action;
mod connection;
mod entity;
mod external;
mod feed;
mod group;
mod hashtag;
mod moderation;
mod row;
mod top;
mod tweet;
mod user;
mod wall;

pub use action::Action;
pub use connection::{
    ActionConnection, ActionGroupConnection, FollowerConnection, FollowingConnection, ModerationActConnection,
    TweetConnection, UserConnection, window,
};
pub use entity::{Entity, Node, entity};
pub use external::ExternalObject;
pub use feed::{Feed, FeedGroup, find as find_feed, of_group};
pub use group::ActionGroup;
pub use hashtag::Hashtag;
pub use moderation::ModerationAct;
pub use row::Row;
pub use tweet::Tweet;
pub use user::User;
pub use wall::Wall;
