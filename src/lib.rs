//! Linnet: a self-hosted social feed with live hashtags behind one GraphQL API.
