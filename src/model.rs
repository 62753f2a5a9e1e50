//! The words of the domain. Pure: no I/O, no async, no ORM, no GraphQL.

pub mod action;
pub mod clock;
pub mod deed;
pub mod error;
pub mod event;
pub mod feed;
pub mod group;
pub mod hashtag;
pub mod id;
pub mod object;
pub mod page;
pub mod reaction;
pub mod text;
pub mod topic;
pub mod tweet;
pub mod user;
pub mod viewer;
pub mod wall;

pub use action::{Action, Entity};
pub use clock::{Clock, Micros};
pub use deed::Deed;
pub use error::{Error, Result};
pub use event::{Change, Event, EventKind, Key, NewEvent, Position, Seq};
pub use feed::{Entry, EntryKind, FeedGroup};
pub use group::{GroupId, GroupKey};
pub use hashtag::Hashtag;
pub use id::{ActionId, FollowId, TweetId, UserId, WallId};
pub use object::{Object, ObjectKey};
pub use page::{Cursor, Place, Window};
pub use reaction::Reaction;
pub use topic::Topic;
pub use tweet::Tweet;
pub use user::User;
pub use viewer::Viewer;
pub use wall::Wall;
