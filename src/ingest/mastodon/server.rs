//! A Mastodon server: where it is, and what it knows the reader by.

use crate::ingest::line::{Broken, Outside};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use url::Url;

/// A server.
#[derive(Clone)]
pub(in crate::ingest) struct Server {
    url: Url,
    token: Option<String>,
    /// What it is called among sources.
    name: Arc<str>,
}

impl Server {
    pub(in crate::ingest) fn new(url: Url, token: Option<String>) -> Self {
        Self {
            name: url.authority().rsplit('@').next().unwrap_or_default().into(),
            url,
            token,
        }
    }

    pub(in crate::ingest) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Whether its WebSocket is to be used.
    pub(super) fn is_socket(&self) -> bool {
        self.url.scheme().starts_with("ws")
    }

    /// An address of it, by the path and what is asked for.
    pub(super) fn address(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        url.query_pairs_mut().extend_pairs(query);
        url
    }

    /// Asks it for JSON.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        outside: &Outside,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Broken> {
        outside.json(&self.address(path, query), self.token()).await
    }
}
