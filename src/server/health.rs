//! `/healthz` and `/readyz`, for whoever watches the process.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::Server;

const PATIENCE: Duration = Duration::from_secs(2);

/// The process lives.
pub(super) async fn alive() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Whether the server can serve: it needs its database, and can do without its broker for a while.
pub(super) async fn ready(State(server): State<Server>) -> Response {
    let unknown = vec![("database", Err("no answer".to_owned()))];
    let parts = tokio::time::timeout(PATIENCE, server.api.ready())
        .await
        .unwrap_or(unknown);
    let mut states = Map::new();
    let mut serves = !server.shutdown.is_cancelled();
    for (part, state) in parts {
        // The reason may tell of the inside, so it goes to the log alone.
        if let Err(reason) = &state {
            tracing::warn!(part, reason, "not ready");
            serves &= part != "database";
        }
        let state = if state.is_ok() { "ok" } else { "unavailable" };
        states.insert(part.to_owned(), state.into());
    }
    let (status, word) = if serves {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    };
    let body = json!({ "status": word, "parts": states });
    (status, Json(body)).into_response()
}
