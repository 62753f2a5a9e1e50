//! Measures the live streams of a running server: many subscribers of one hashtag, in several ways.
//! Each mode checks that everybody gets every event once and in order, and prints what it took.
//!
//! `cargo run --release --example listeners -- ADDRESS PID MODE [OPTIONS]`, against
//! `linnet serve --rate-limit off` on the same machine. Both sides need as many file descriptors as
//! there are subscribers, and a few more.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a measurement fails by panicking"
)]

mod fanout;
mod line;
mod server;
mod stalled;
mod storm;
mod viewers;

use clap::{Parser, Subcommand, value_parser};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use server::Server;

#[derive(Parser)]
struct Arguments {
    /// Where the server listens, such as 127.0.0.1:8000.
    address: String,
    /// The server's process, whose CPU and memory are looked at.
    pid: u32,
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Subcommand)]
enum Mode {
    /// Many WebSockets of different documents: one execution an event for each document.
    Queries {
        #[arg(long, default_value_t = 10_000)]
        subscribers: usize,
        #[arg(long, default_value_t = 200)]
        events: usize,
        #[arg(long, default_value_t = 100, value_parser = value_parser!(u16).range(1..=128))]
        documents: u16,
    },
    /// The same of one document that depends on its viewer: one execution an event for each viewer.
    Viewers {
        #[arg(long, default_value_t = 10_000)]
        subscribers: usize,
        #[arg(long, default_value_t = 200)]
        events: usize,
        #[arg(long, default_value_t = 200)]
        viewers: usize,
    },
    /// The same of one document over server-sent events.
    Sse {
        #[arg(long, default_value_t = 9_000)]
        subscribers: usize,
        #[arg(long, default_value_t = 200)]
        events: usize,
    },
    /// One of many stops reading: what the others notice of it.
    Stalled(stalled::Options),
    /// All lose their sockets, each at a moment of its own, and come back at once.
    Storm {
        #[arg(long, default_value_t = 10_000)]
        subscribers: usize,
        #[arg(long, default_value_t = 500)]
        events: usize,
    },
}

/// On one thread: the server needs the other core.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments = Arguments::parse();
    raise_descriptor_limit();
    let server = Server::new(arguments.address, arguments.pid);
    let result = match arguments.mode {
        Mode::Queries {
            subscribers,
            events,
            documents,
        } => fanout::queries(&server, subscribers, events, documents.into()).await,
        Mode::Viewers {
            subscribers,
            events,
            viewers,
        } => fanout::viewers(&server, subscribers, events, viewers).await,
        Mode::Sse { subscribers, events } => fanout::sse(&server, subscribers, events).await,
        Mode::Stalled(options) => stalled::run(&server, &options).await,
        Mode::Storm { subscribers, events } => storm::run(&server, subscribers, events).await,
    };
    println!("{result}");
}

fn raise_descriptor_limit() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}
