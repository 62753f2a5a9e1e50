//! `linnet ingest`: follows outside sources.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use tokio_util::sync::CancellationToken;

use super::{Failure, open};
use crate::config::ingest::{self as file, Hashtag, HttpUrl, Slug, SocketUrl};
use crate::config::{DatabaseFlags, DatabaseUrl, LOG, LogFlags, LogFormat, Rate, log_filter};
use crate::ingest::metrics::Metrics;
use crate::ingest::{self, Options, Source, progress};
use crate::server;

/// The options of `linnet ingest`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Ingest {
    #[command(subcommand)]
    source: Option<What>,
    /// A file of sources, in TOML, that are followed together
    #[arg(long, env = "LINNET_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Follows Bluesky over a Jetstream
    Jetstream(Jetstream),
    /// Follows hashtags of a Mastodon server, and what walls want of it
    Mastodon(Mastodon),
}

#[derive(Args, Debug)]
struct Jetstream {
    /// The WebSocket of a Jetstream
    #[arg(long, env = "LINNET_URL", value_name = "URL")]
    url: SocketUrl,
    /// The walls whose hashtags, keywords and accounts are followed
    #[arg(long, env = "LINNET_WALL", value_name = "SLUG", required = true, num_args = 1.., value_delimiter = ',')]
    wall: Vec<Slug>,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct Mastodon {
    /// The server: https:// for server-sent events, wss:// for its WebSocket
    #[arg(long, env = "LINNET_URL", value_name = "URL")]
    url: HttpUrl,
    /// The hashtags to follow
    #[arg(long, env = "LINNET_HASHTAG", value_name = "NAME", required_unless_present = "wall", num_args = 1.., value_delimiter = ',')]
    hashtag: Vec<Hashtag>,
    /// The walls whose hashtags and accounts are followed
    #[arg(long, env = "LINNET_WALL", value_name = "SLUG", num_args = 1.., value_delimiter = ',')]
    wall: Vec<Slug>,
    /// The access token of an application there, where the server wants one
    #[arg(long, env = "LINNET_TOKEN", value_name = "TOKEN")]
    token: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// How many tweets are written where nothing else is asked for.
const RATE: Rate = Rate {
    count: 1_000,
    period: Duration::from_secs(1),
};

/// What every source is followed with.
#[derive(Args, Debug)]
struct Common {
    /// Where Bluesky's profiles are looked up, such as https://public.api.bsky.app; left out: nowhere
    #[arg(long, env = "LINNET_PROFILES", value_name = "URL")]
    profiles: Option<HttpUrl>,
    /// The most tweets that are written; what comes faster waits at its source [default: 1000/s]
    #[arg(long, env = "LINNET_RATE", value_name = "RATE")]
    rate: Option<Rate>,
    /// Where to answer /metrics and /healthz; left out: nowhere
    #[arg(long, env = "LINNET_METRICS", value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// The database: sqlite://PATH, created when it is missing, or
    /// postgres://USER:PASSWORD@HOST/NAME [default: sqlite://linnet.db]
    #[arg(long, env = "LINNET_DATABASE_URL", value_name = "URL")]
    database_url: Option<DatabaseUrl>,
    /// The form of the log lines on standard error [default: text]
    #[arg(long, env = "LINNET_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// What to log: a level, or directives such as linnet=debug,info
    #[arg(long, env = "LINNET_LOG", value_name = "FILTER", value_parser = log_filter)]
    log: Option<String>,
}

impl Common {
    /// What was typed, and else what a file says.
    fn or(self, file: file::File) -> Self {
        Self {
            profiles: self.profiles.or(file.profiles),
            rate: self.rate.or(file.rate),
            metrics: self.metrics.or(file.metrics),
            database_url: self.database_url.or(file.database_url),
            log_format: self.log_format.or(file.log_format),
            log: self.log.or(file.log),
        }
    }
}

pub(super) fn run(command: Ingest) -> Result<ExitCode, Failure> {
    let (sources, common) = match (command.source, command.config) {
        (Some(What::Jetstream(one)), _) => {
            let walls = one.wall.into_iter().map(|slug| slug.0).collect();
            (vec![Source::Jetstream { url: one.url.0, walls }], one.common)
        }
        (Some(What::Mastodon(one)), _) => {
            let source = Source::Mastodon {
                url: one.url.0,
                token: one.token,
                hashtags: one.hashtag.into_iter().map(|hashtag| hashtag.0).collect(),
                walls: one.wall.into_iter().map(|slug| slug.0).collect(),
            };
            (vec![source], one.common)
        }
        (None, Some(path)) => match file::read(&path) {
            Ok(read) => (sources(&read), command.common.or(read)),
            Err(reason) => return Ok(super::misuse(&format!("{}: {reason}", path.display()))),
        },
        (None, None) => return Ok(super::misuse("no source and no --config is given")),
    };
    super::logging::start(&LogFlags {
        log_format: common.log_format.unwrap_or_default(),
        log: common.log.unwrap_or_else(|| LOG.to_owned()),
    });
    let database = DatabaseFlags {
        database_url: common.database_url.unwrap_or_default(),
    };
    let rate = common.rate.unwrap_or(RATE);
    let options = Options {
        sources,
        profiles: common.profiles.map(|url| url.0),
        rate: rate.count as f64 / rate.period.as_secs_f64(),
    };
    super::block_on(follow(database, common.metrics, options))
}

fn sources(file: &file::File) -> Vec<Source> {
    let jetstreams = file.jetstream.iter().map(|one| Source::Jetstream {
        url: one.url.get_ref().0.clone(),
        walls: one.walls.iter().map(|slug| slug.0.clone()).collect(),
    });
    let servers = file.mastodon.iter().map(|one| Source::Mastodon {
        url: one.url.get_ref().0.clone(),
        token: one.token.clone(),
        hashtags: one.hashtags.iter().map(|hashtag| hashtag.0.clone()).collect(),
        walls: one.walls.iter().map(|slug| slug.0.clone()).collect(),
    });
    jetstreams.chain(servers).collect()
}

/// Follows sources until a signal comes.
async fn follow(database: DatabaseFlags, address: Option<SocketAddr>, options: Options) -> Result<(), Failure> {
    let stop = CancellationToken::new();
    super::watch_signals(stop.clone())?;
    let store = open::store(&database).await?;
    let metrics = Metrics::default();
    if let Some(address) = address {
        let listener =
            server::bind(address).map_err(|error| Failure(format!("cannot listen on {address}: {error}")))?;
        tracing::info!(address = %listener.local_addr()?, "metrics");
        let shown = metrics.clone();
        tokio::spawn(server::expose(listener, move || shown.render(), stop.clone()));
    }
    let shown = tokio::spawn(progress::show(metrics.clone(), stop.clone()));
    let followed = ingest::run(&store, options, metrics, stop.clone()).await;
    stop.cancel();
    drop(shown.await);
    super::close(&store).await;
    Ok(followed?)
}
