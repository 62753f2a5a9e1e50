//! Takes spans to where they are collected, by HTTP.

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use std::time::Duration;
use tokio::runtime::Handle;

/// How long a batch may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest answer that is read, in bytes.
const LARGEST: usize = 64 * 1024;

/// Sends batches on the server's runtime. The library asks from a thread of its own, which is the
/// only one that waits.
#[derive(Debug)]
pub(super) struct Courier {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    runtime: Handle,
}

impl Courier {
    /// To be made on the runtime.
    pub(super) fn new() -> Self {
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()
            .unwrap_or_else(|_| HttpsConnectorBuilder::new().with_webpki_roots());
        let connector = connector.https_or_http().enable_http1().build();
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            runtime: Handle::current(),
        }
    }
}

#[async_trait]
impl HttpClient for Courier {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let asking = self.client.request(request.map(Full::new));
        let asking = async {
            let (head, body) = asking.await?.into_parts();
            let body = Limited::new(body, LARGEST).collect().await?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        // The time is the runtime's, so it is asked for there.
        let in_time = async { tokio::time::timeout(PATIENCE, asking).await? };
        self.runtime.spawn(in_time).await?
    }
}
