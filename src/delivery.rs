//! From the log to those who listen.

pub mod pump;
pub mod stream;
