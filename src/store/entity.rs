//! The tables: one a file. They do not leave the store.

pub(super) mod action;
pub(super) mod event;
pub(super) mod event_topic;
pub(super) mod feed_entry;
pub(super) mod follow;
pub(super) mod follow_span;
pub(super) mod hashtag;
pub(super) mod idempotency;
pub(super) mod liked;
pub(super) mod mention;
pub(super) mod retweet;
pub(super) mod session;
pub(super) mod sweep;
pub(super) mod tombstone;
pub(super) mod tweet;
pub(super) mod tweet_hashtag;
pub(super) mod unresolved;
pub(super) mod users;
