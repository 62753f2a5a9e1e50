//! Linnet: a self-hosted social feed with live hashtags behind one GraphQL API.

pub mod broker;
pub mod cli;
pub mod config;
pub mod delivery;
#[cfg(any(test, feature = "fuzzing"))]
#[allow(
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "what is found is told by a panic"
)]
pub mod fuzzing;
pub mod graphql;
pub mod ingest;
pub mod metrics;
pub mod model;
pub mod reading;
pub mod server;
pub mod social;
pub mod store;
pub mod trace;
pub mod transfer;
