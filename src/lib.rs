//! Linnet: a self-hosted social feed with live hashtags behind one GraphQL API.

pub mod metrics;
pub mod model;
pub mod social;
pub mod store;
pub mod transfer;
