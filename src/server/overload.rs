//! Under more load than it can bear, the server answers some requests well and the others at once.
//!
//! What is counted is what a client can hold: operations that are executed, bodies that take their
//! time, and streams, WebSockets among them. One client has a share of the bodies and streams, so
//! that the others find places.

use std::net::IpAddr;

use http::{StatusCode, header::RETRY_AFTER};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    Server,
    answer::Problem,
    connection::MOST,
    share::{Share, Shares},
};
use crate::{
    graphql::{Caller, limit::network},
    model::{UserId, Viewer},
};

/// Of all bodies that take their time, one client may have one in so many.
const SLOW_SHARE: usize = 8;

/// The places of what may be under way.
pub(super) struct Places {
    requests: usize,
    executing: Semaphore,
    slow: Shares<IpAddr>,
    streams: Shares<Client>,
}

/// Who holds a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Client {
    Address(IpAddr),
    User(UserId),
}

impl Places {
    /// For so many requests at once.
    pub(super) fn new(requests: usize) -> Self {
        Self {
            requests,
            executing: Semaphore::new(requests.min(Semaphore::MAX_PERMITS)),
            slow: Shares::default(),
            streams: Shares::default(),
        }
    }
}

/// A place of a request that is complete; free again when dropped.
pub(super) type Place<'a> = SemaphorePermit<'a>;

/// Takes a place for a request that is complete. One that became a stream no longer needs it.
pub(super) fn place(server: &Server) -> Result<Place<'_>, Problem> {
    server.places.executing.try_acquire().map_err(|_| turn_away(server))
}

/// A place for a request whose body takes its time.
pub(super) fn slow_body(server: &Server, address: Option<IpAddr>) -> Result<Option<Share<IpAddr>>, Problem> {
    let Some(address) = address else { return Ok(None) };
    let all = server.places.requests;
    let each = server.options.connections_per_address.map(|_| all.div_ceil(SLOW_SHARE));
    let share = server.places.slow.take(network(address), each, all);
    share.map(Some).ok_or_else(|| turn_away(server))
}

/// The places of a stream: its address has so many, and so has its user.
pub(super) fn stream(server: &Server, caller: &Caller) -> Result<Vec<Share<Client>>, Problem> {
    let address = caller.address.map(|address| Client::Address(network(address)));
    let user = user(&caller.viewer);
    address
        .into_iter()
        .chain(user)
        .map(|client| hold(server, client))
        .collect()
}

/// The place of a stream of somebody who has become known.
pub(super) fn stream_of(server: &Server, viewer: &Viewer) -> Result<Option<Share<Client>>, Problem> {
    user(viewer).map(|client| hold(server, client)).transpose()
}

fn user(viewer: &Viewer) -> Option<Client> {
    match viewer {
        Viewer::User { id, .. } => Some(Client::User(*id)),
        Viewer::Anonymous | Viewer::Service { .. } => None,
    }
}

fn hold(server: &Server, client: Client) -> Result<Share<Client>, Problem> {
    let each = server.options.connections_per_address;
    // Each stream counts for its address and for its user.
    let share = server.places.streams.take(client, each, 2 * MOST);
    share.ok_or_else(|| {
        server.options.metrics.rate_limited.inc();
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "RATE_LIMITED",
            "too many connections are open",
        )
        .with(RETRY_AFTER, "10")
    })
}

/// What is answered where there is no place.
fn turn_away(server: &Server) -> Problem {
    server.options.metrics.shed.inc();
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "RATE_LIMITED",
        "too many requests are under way",
    )
    .with(RETRY_AFTER, "1")
}
