//! `linnet serve`: wires everything together and serves until a signal comes.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Failure;
use crate::broker::{Broker, Database, Fallback, Followers, Nats};
use crate::config::{BrokerUrl, Config, DatabaseUrl, TrustFlags, TrustMode, as_usize};
use crate::delivery::{groups, pump, relay};
use crate::graphql::guard::Limits;
use crate::graphql::limit::Rates;
use crate::graphql::persisted::{Trust, Trusted};
use crate::graphql::{self, Api};
use crate::metrics::Metrics;
use crate::server::{self, Options, Settings};
use crate::social::{Rules, Social, housekeeping, rebuild, sweep, tally, wall};
use crate::store::{self, Store, sqlite, watch};
use crate::trace::Traces;

pub(super) fn run(config: Config) -> Result<ExitCode, Failure> {
    super::logging::start(&config.log);
    allow_many_sockets();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(serve(config));
    // Work that a request left behind must not hold up the end.
    runtime.shutdown_background();
    result
}

/// Takes as many file descriptors as the system grants: each socket needs one, and the usual soft
/// limit of 1,024 is there for programs that use `select`.
fn allow_many_sockets() {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, most) {
        tracing::warn!(%error, "cannot raise the number of sockets");
    }
}

async fn serve(config: Config) -> Result<ExitCode, Failure> {
    let api_options = api_options(&config)?;
    let shutdown = CancellationToken::new();
    super::watch_signals(shutdown.clone())?;
    let traces = Traces::start(config.trace.as_ref())?;

    let _lock = match &config.database_url {
        DatabaseUrl::Sqlite(path) => Some(sqlite::lock(path)?),
        DatabaseUrl::Postgres(_) => None,
    };
    let metrics = Metrics::default();
    let options = store::Options {
        database: config.database_url.clone(),
        memory: config.memory - memory_of_frames(&config) - memory_of_documents(&config),
    };
    let store = Store::open(&options, &metrics).await?;
    let followers = Followers::default();
    let brokers = Brokers::connect(&config.broker_url, &store, &metrics).await?;
    let social = Social::new(store.clone(), rules(&config));
    let background = Background::start(&store, &followers, &social, &config);
    if let Some(broker) = brokers.events {
        background
            .tasks
            .spawn(relay::run(store.clone(), broker, background.stop.clone()));
    }
    let api = Api::new(social, followers, brokers.all, metrics.clone(), api_options);
    let sharing = api.clone().share_charges(background.stop.clone());
    background.tasks.spawn(sharing);

    let listener =
        server::bind(config.listen).map_err(|error| Failure(format!("cannot listen on {}: {error}", config.listen)))?;
    let address = listener.local_addr()?;
    writeln!(io::stdout(), "listening on http://{address}")?;

    server::run(listener, api, options_of(config, metrics), shutdown).await?;
    tokio::join!(background.stop(), traces.stop());
    super::close(&store).await;
    Ok(ExitCode::SUCCESS)
}

/// What carries messages between nodes.
#[derive(Default)]
struct Brokers {
    /// What hands commits over.
    events: Option<Arc<dyn Broker>>,
    /// What carries everything else.
    all: Option<Arc<dyn Broker>>,
}

impl Brokers {
    async fn connect(url: &BrokerUrl, store: &Store, metrics: &Metrics) -> Result<Self, Failure> {
        let database = store.is_shared().then(|| Arc::new(Database::new(store)));
        let BrokerUrl::Nats(servers) = url else {
            return Ok(Self {
                events: None,
                all: database.map(|database| database as Arc<dyn Broker>),
            });
        };
        if database.is_none() {
            tracing::warn!("a SQLite file has one node: --broker-url carries nothing to anybody");
        }
        let nats = Arc::new(Nats::connect(servers, &store.installation().await?, metrics.clone()).await?);
        let all: Arc<dyn Broker> = match database {
            Some(second) => Arc::new(Fallback {
                first: nats.clone(),
                second,
            }),
            None => nats.clone(),
        };
        Ok(Self {
            events: Some(nats),
            all: Some(all),
        })
    }
}

fn rules(config: &Config) -> Rules {
    Rules {
        tweet_length: usize::try_from(config.tweet_length).unwrap_or(usize::MAX),
        session_lifetime: config.session_lifetime,
        sign_up: config.sign_up,
    }
}

fn api_options(config: &Config) -> Result<graphql::Options, Failure> {
    Ok(graphql::Options {
        public_access: config.public_access,
        production: config.production,
        groups: groups::Options {
            memory: memory_of_frames(config),
            limit_walks: config.rate_limit,
        },
        limits: limits(config),
        rates: config.rate_limit.then(|| rates(config)),
        documents: memory_of_documents(config),
        trusted: trusted(&config.trust)?,
    })
}

/// What of the budget is for documents that were read.
fn memory_of_documents(config: &Config) -> usize {
    config.memory / 32
}

/// What of the budget is for the frames of streams; the rest is the caches'.
fn memory_of_frames(config: &Config) -> usize {
    config.memory / 4
}

fn limits(config: &Config) -> Limits {
    let query = &config.query;
    Limits {
        size: as_usize(query.query_size),
        tokens: as_usize(query.query_tokens),
        fields: as_usize(query.query_fields),
        depth: as_usize(query.query_depth),
        aliases: as_usize(query.query_aliases),
        root_fields: as_usize(query.query_root_fields),
        directives: as_usize(query.query_directives),
        cost: query.query_cost,
    }
}

fn rates(config: &Config) -> Rates {
    let rates = &config.rates;
    Rates {
        cost: rates.rate_cost,
        writes: rates.rate_writes,
        sign_ups: rates.rate_sign_ups,
        passwords: rates.rate_passwords,
        log_ins: rates.rate_log_ins,
    }
}

pub(super) fn trusted(flags: &TrustFlags) -> Result<Trusted, Failure> {
    let Some(path) = &flags.trusted_documents else {
        return Ok(Trusted::default());
    };
    let trust = match flags.trusted_documents_mode {
        TrustMode::Off => Trust::Off,
        TrustMode::Log => Trust::Log,
        TrustMode::Enforce => Trust::Enforce,
    };
    let wrong = |reason: String| Failure(format!("cannot read {}: {reason}", path.display()));
    let manifest = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    Trusted::read(&manifest, trust).map_err(wrong)
}

fn options_of(config: Config, metrics: Metrics) -> Options {
    Options {
        metrics,
        production: config.production,
        settings: Settings {
            tweet_length: config.tweet_length,
            sign_up: config.sign_up,
            feeds: config.public_access,
        },
        connections_per_address: config.rate_limit.then_some(config.connections_per_address),
        trusted_proxies: config.trusted_proxies,
        origins: config.cors_origins,
        request_timeout: config.request_timeout,
        max_requests: config.max_requests,
        batch: config.batch,
        websocket_init_timeout: config.websocket_init_timeout,
        slow_reader_timeout: config.slow_reader_timeout,
    }
}

/// What goes on beside the requests.
struct Background {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Background {
    fn start(store: &Store, followers: &Followers, social: &Social, config: &Config) -> Self {
        let (database, retention) = (config.database_url.clone(), config.event_retention);
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(pump::run(store.clone(), followers.clone(), stop.clone()));
        tasks.spawn(watch::run(store.clone(), database, stop.clone()));
        tasks.spawn(sweep::run(social.clone(), stop.clone()));
        tasks.spawn(rebuild::run(social.clone(), stop.clone()));
        tasks.spawn(wall::run(social.clone(), stop.clone()));
        tasks.spawn(tally::run(social.clone(), stop.clone()));
        tasks.spawn(housekeeping::run(social.clone(), retention, stop.clone()));
        tasks.close();
        Self { tasks, stop }
    }

    async fn stop(self) {
        /// What is under way is repeated at the next start, so nothing is lost by not waiting.
        const PATIENCE: Duration = Duration::from_secs(1);
        self.stop.cancel();
        let _ = tokio::time::timeout(PATIENCE, self.tasks.wait()).await;
    }
}
