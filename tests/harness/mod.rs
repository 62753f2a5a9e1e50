//! Starts the program and speaks to it.

mod certificate;
mod clock;
mod cluster;
pub mod database;
mod known;
mod nats;
mod outside;
mod person;
pub mod postgres;
pub mod request;
pub mod scene;
mod server;
mod stream;
mod websocket;
mod wires;

pub use certificate::Certificate;
pub use clock::wrong_by;
pub use cluster::{Cluster, agree};
pub use database::{Database, File};
pub use known::Known;
pub use nats::{Nats, free_port};
pub use outside::{data, skip};
pub use person::{Person, id};
pub use server::{Linnet, Run};
pub use stream::{Event, Stream};
pub use websocket::{Socket, refused};
pub use wires::{Cut, Wires};

use std::future::Future;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

/// How long anything that should happen may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// Waits for what should happen.
pub async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, event)
        .await
        .unwrap_or_else(|_| panic!("{what}: nothing within {DEADLINE:?}"))
}

/// Asks again and again until the answer is yes.
pub async fn until<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    let asking = async {
        while !ask().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon(what, asking).await;
}

/// A number from the environment.
pub fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// Chance that comes again with `LINNET_TEST_SEED`; the seed is printed where a test fails.
pub fn chance() -> StdRng {
    let seed = number("LINNET_TEST_SEED", rand::random_range(0..1_000_000));
    eprintln!("LINNET_TEST_SEED={seed}");
    StdRng::seed_from_u64(seed)
}
