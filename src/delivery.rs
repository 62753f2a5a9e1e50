//! From the log to those who listen.
//!
//! Subscribers who get the same bytes are a [`group`]. Each of its events is executed once, into a
//! [`frame`], and kept in a `ring` that every subscriber reads at a position of their own.

pub mod frame;
pub mod group;
pub mod groups;
pub mod pump;
pub mod relay;
pub mod source;

mod changes;
mod memory;
mod ring;
mod walk;
mod walks;
