//! Pages of lists, as today's state lets them be seen.
//!
//! - [`page`] turns scans of a list into pages with exact ends, whatever is hidden in it.
//! - [`list`] scans the lists that have rows of their own: likes, followers, replies.
//! - [`feed`] scans feeds, which are merges of topics, from memory or from the clustered index.
//! - [`group`] scans feeds for the groups that their actions make.
//! - [`search`] scans what the text index finds.
//! - [`moderation`] scans the trail of what moderators did.
//! - [`top`] and [`trend`] rank what is counted.

pub mod feed;
pub mod group;
pub mod list;
pub mod merge;
pub mod moderation;
pub mod page;
pub mod search;
pub mod top;
pub mod trend;
pub mod visible;
