//! The options, in two steps: [`Flags`] as they were typed, [`Config`] as the program uses them.
//!
//! Every flag has an environment variable, and a flag wins. Nothing else reads the environment.

pub mod ingest;
pub mod trace;

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use clap::{Args, ValueEnum};
use serde::Deserialize;
use url::Url;

/// Where the data is; every command that touches data takes it.
#[derive(Args, Clone, Debug)]
pub struct DatabaseFlags {
    /// The database: sqlite://PATH, created when it is missing, or
    /// postgres://USER:PASSWORD@HOST/NAME
    #[arg(
        long,
        env = "LINNET_DATABASE_URL",
        value_name = "URL",
        default_value = "sqlite://linnet.db"
    )]
    pub database_url: DatabaseUrl,
}

/// How long sessions last.
#[derive(Args, Clone, Copy, Debug)]
pub struct SessionFlags {
    /// How long a token is good
    #[arg(long, env = "LINNET_SESSION_LIFETIME", value_name = "DURATION", default_value = "30d", value_parser = duration)]
    pub session_lifetime: Duration,
}

/// What is logged where nothing else is asked for.
pub(crate) const LOG: &str = "warn,async_nats=off,linnet=info";

/// How and what to log.
#[derive(Args, Clone, Debug)]
pub struct LogFlags {
    /// The form of the log lines on standard error
    #[arg(long, env = "LINNET_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// What to log: a level, or directives such as linnet=debug,info
    #[arg(long, env = "LINNET_LOG", value_name = "FILTER", default_value = LOG, value_parser = log_filter)]
    pub log: String,
}

/// What one operation may ask for.
#[derive(Args, Clone, Copy, Debug)]
pub struct QueryFlags {
    /// The longest document, in bytes
    #[arg(long, env = "LINNET_QUERY_SIZE", value_name = "BYTES", default_value = "65536", value_parser = count)]
    pub query_size: u64,

    /// The most tokens of a document
    #[arg(long, env = "LINNET_QUERY_TOKENS", value_name = "NUMBER", default_value = "4000", value_parser = count)]
    pub query_tokens: u64,

    /// The most fields of an operation, a fragment's each time that it is spread
    #[arg(long, env = "LINNET_QUERY_FIELDS", value_name = "NUMBER", default_value = "5000", value_parser = count)]
    pub query_fields: u64,

    /// How deep fields may be nested, at most 64
    #[arg(long, env = "LINNET_QUERY_DEPTH", value_name = "NUMBER", default_value = "12", value_parser = clap::value_parser!(u64).range(1..=64))]
    pub query_depth: u64,

    /// The most aliases of a document
    #[arg(long, env = "LINNET_QUERY_ALIASES", value_name = "NUMBER", default_value = "50", value_parser = count)]
    pub query_aliases: u64,

    /// The most fields at the root of an operation
    #[arg(long, env = "LINNET_QUERY_ROOT_FIELDS", value_name = "NUMBER", default_value = "20", value_parser = count)]
    pub query_root_fields: u64,

    /// The most directives of a document
    #[arg(long, env = "LINNET_QUERY_DIRECTIVES", value_name = "NUMBER", default_value = "30", value_parser = count)]
    pub query_directives: u64,

    /// The most objects that an operation can ask for, lists by their `first` or `last`
    #[arg(long, env = "LINNET_QUERY_COST", value_name = "NUMBER", default_value = "10000", value_parser = count)]
    pub query_cost: u64,
}

/// How often what may be done, where limits are on.
#[derive(Args, Clone, Copy, Debug)]
pub struct RateFlags {
    /// The cost of operations, for each user, and for each address of anonymous viewers
    #[arg(long, env = "LINNET_RATE_COST", value_name = "RATE", default_value = "6000000/m")]
    pub rate_cost: Rate,

    /// Mutations, for each user, and for each address of anonymous viewers
    #[arg(long, env = "LINNET_RATE_WRITES", value_name = "RATE", default_value = "1000/m")]
    pub rate_writes: Rate,

    /// Accounts made from an address
    #[arg(long, env = "LINNET_RATE_SIGN_UPS", value_name = "RATE", default_value = "500/h")]
    pub rate_sign_ups: Rate,

    /// Wrong passwords for an account
    #[arg(long, env = "LINNET_RATE_PASSWORDS", value_name = "RATE", default_value = "10/m")]
    pub rate_passwords: Rate,

    /// Attempts to log in from an address
    #[arg(long, env = "LINNET_RATE_LOG_INS", value_name = "RATE", default_value = "200/m")]
    pub rate_log_ins: Rate,
}

/// The documents that an operator trusts.
#[derive(Args, Clone, Debug)]
pub struct TrustFlags {
    /// A manifest of documents that clients may name: Apollo's, or a JSON object of ids and texts
    #[arg(long, env = "LINNET_TRUSTED_DOCUMENTS", value_name = "FILE")]
    pub trusted_documents: Option<PathBuf>,

    /// What to do with other documents: execute them, log them too, or refuse them
    #[arg(
        long,
        env = "LINNET_TRUSTED_DOCUMENTS_MODE",
        value_name = "MODE",
        default_value = "off",
        requires_if("enforce", "trusted_documents")
    )]
    pub trusted_documents_mode: TrustMode,
}

/// The options of `linnet serve`, as typed.
#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// The address to listen on; port 0 picks a free one
    #[arg(
        long,
        env = "LINNET_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8000"
    )]
    listen: SocketAddr,

    #[command(flatten)]
    database: DatabaseFlags,

    /// What carries events between nodes: nats:// or tls:// servers, or memory: for the database alone
    #[arg(long, env = "LINNET_BROKER_URL", value_name = "URL", default_value = "memory:")]
    broker_url: BrokerUrl,

    /// Limits per user and per address: rates, signing up and logging in, connections, replays
    #[arg(long, env = "LINNET_RATE_LIMIT", value_name = "SWITCH", default_value = "on")]
    rate_limit: Switch,

    #[command(flatten)]
    rates: RateFlags,

    /// The most connections from one address, and streams of one client or user, where limits are on
    #[arg(long, env = "LINNET_CONNECTIONS_PER_ADDRESS", value_name = "NUMBER", default_value = "10000", value_parser = count)]
    connections_per_address: u64,

    /// Proxies whose Forwarded or X-Forwarded-For tells the client's address: addresses or
    /// networks such as 10.0.0.0/8, separated by commas
    #[arg(
        long,
        env = "LINNET_TRUSTED_PROXIES",
        value_name = "NETWORKS",
        default_value = "none"
    )]
    trusted_proxies: Networks,

    /// off: anonymous viewers may only sign up and log in
    #[arg(long, env = "LINNET_PUBLIC_ACCESS", value_name = "SWITCH", default_value = "on")]
    public_access: Switch,

    /// off: accounts are made by `linnet user create`
    #[arg(long, env = "LINNET_SIGN_UP", value_name = "SWITCH", default_value = "on")]
    sign_up: Switch,

    #[command(flatten)]
    session: SessionFlags,

    /// One budget for all caches and stream buffers
    #[arg(long, env = "LINNET_MEMORY", value_name = "SIZE", default_value = "256MB", value_parser = size)]
    memory: usize,

    /// No introspection, no GraphiQL, no field suggestions
    #[arg(
        long,
        env = "LINNET_PRODUCTION",
        value_name = "SWITCH",
        num_args = 0..=1,
        default_missing_value = "on",
        default_value = "off"
    )]
    production: Switch,

    /// Origins of web pages that may use the API, separated by commas; or *
    #[arg(long, env = "LINNET_CORS_ORIGINS", value_name = "ORIGINS", default_value = "none")]
    cors_origins: Origins,

    /// The longest tweet that may be posted, by twitter-text's weighted length
    #[arg(long, env = "LINNET_TWEET_LENGTH", value_name = "LENGTH", default_value = "280", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    tweet_length: u32,

    /// How long an event of a stream is kept
    #[arg(long, env = "LINNET_EVENT_RETENTION", value_name = "DURATION", default_value = "7d", value_parser = duration)]
    event_retention: Duration,

    /// The longest that a request may take
    #[arg(long, env = "LINNET_REQUEST_TIMEOUT", value_name = "DURATION", default_value = "10s", value_parser = duration)]
    request_timeout: Duration,

    /// The most requests under way; more get 503
    #[arg(long, env = "LINNET_MAX_REQUESTS", value_name = "NUMBER", default_value = "2048", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_requests: u32,

    /// The most operations of an array that is sent as one request; 0: no arrays
    #[arg(long, env = "LINNET_BATCH", value_name = "NUMBER", default_value = "0", value_parser = clap::value_parser!(u8).range(0..=10))]
    batch: u8,

    #[command(flatten)]
    query: QueryFlags,

    #[command(flatten)]
    trust: TrustFlags,

    /// How long a WebSocket may wait with its connection_init
    #[arg(long, env = "LINNET_WEBSOCKET_INIT_TIMEOUT", value_name = "DURATION", default_value = "10s", value_parser = duration)]
    websocket_init_timeout: Duration,

    /// How long a reader may take nothing while there is something to send
    #[arg(long, env = "LINNET_SLOW_READER_TIMEOUT", value_name = "DURATION", default_value = "10s", value_parser = duration)]
    slow_reader_timeout: Duration,

    #[command(flatten)]
    trace: trace::TraceFlags,

    #[command(flatten)]
    log: LogFlags,
}

/// The validated options of `linnet serve`.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Where the data is.
    pub database_url: DatabaseUrl,
    /// What carries events between nodes.
    pub broker_url: BrokerUrl,
    /// Whether limits per user and per address hold.
    pub rate_limit: bool,
    /// How often what may be done, where limits hold.
    pub rates: RateFlags,
    /// The most connections from one address, where limits hold.
    pub connections_per_address: usize,
    /// The proxies that tell a client's address.
    pub trusted_proxies: Networks,
    /// Whether anonymous viewers may read.
    pub public_access: bool,
    /// Whether anyone may make an account.
    pub sign_up: bool,
    /// How long a token is good.
    pub session_lifetime: Duration,
    /// The budget of all caches and stream buffers, in bytes.
    pub memory: usize,
    /// Whether introspection, GraphiQL and suggestions are off.
    pub production: bool,
    /// The web pages that may use the API.
    pub cors_origins: Origins,
    /// The longest tweet that may be posted, by weighted length.
    pub tweet_length: u32,
    /// How long an event is kept.
    pub event_retention: Duration,
    /// The longest that a request may take.
    pub request_timeout: Duration,
    /// The most requests under way.
    pub max_requests: usize,
    /// The most operations of an array that is one request.
    pub batch: usize,
    /// What one operation may ask for.
    pub query: QueryFlags,
    /// The documents that are trusted.
    pub trust: TrustFlags,
    /// How long a WebSocket may wait with its `connection_init`.
    pub websocket_init_timeout: Duration,
    /// How long a reader may take nothing while there is something to send.
    pub slow_reader_timeout: Duration,
    /// What to trace with, if traces are asked for.
    pub trace: Option<crate::trace::Options>,
    /// How and what to log.
    pub log: LogFlags,
}

impl From<Flags> for Config {
    fn from(flags: Flags) -> Self {
        Self {
            listen: flags.listen,
            database_url: flags.database.database_url,
            broker_url: flags.broker_url,
            rate_limit: flags.rate_limit.into(),
            rates: flags.rates,
            connections_per_address: as_usize(flags.connections_per_address),
            trusted_proxies: flags.trusted_proxies,
            public_access: flags.public_access.into(),
            sign_up: flags.sign_up.into(),
            session_lifetime: flags.session.session_lifetime,
            memory: flags.memory,
            production: flags.production.into(),
            cors_origins: flags.cors_origins,
            tweet_length: flags.tweet_length,
            event_retention: flags.event_retention,
            request_timeout: flags.request_timeout,
            max_requests: as_usize(flags.max_requests.into()),
            batch: flags.batch.into(),
            query: flags.query,
            trust: flags.trust,
            websocket_init_timeout: flags.websocket_init_timeout,
            slow_reader_timeout: flags.slow_reader_timeout,
            trace: flags.trace.options(),
            log: flags.log,
        }
    }
}

/// A number as the machine counts.
pub fn as_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// `on` or `off`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Switch {
    /// `on`
    #[value(aliases = ["true", "1"])]
    On,
    /// `off`
    #[value(aliases = ["false", "0"])]
    Off,
}

impl From<Switch> for bool {
    fn from(switch: Switch) -> Self {
        matches!(switch, Switch::On)
    }
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What to do with documents that are not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TrustMode {
    /// Execute them.
    Off,
    /// Execute them, and name them in the log.
    Log,
    /// Refuse them.
    Enforce,
}

/// How often something may be done: that many at once, and as many in each period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u64,
    /// In which time.
    pub period: Duration,
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a rate is a number and a time, such as 10/s, 10/m, 10/h or 10/d";
        let (number, unit) = text.split_once('/').ok_or(WRONG)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(WRONG),
        };
        Ok(Self {
            count: count(number)?,
            period: Duration::from_secs(seconds),
        })
    }
}

/// Addresses, as networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<(IpAddr, u8)>);

impl Networks {
    /// Whether an address is in one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|(network, prefix)| match (network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(*prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(*prefix)
            }
            _ => false,
        })
    }
}

impl FromStr for Networks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == "none" {
            return Ok(Self::default());
        }
        let networks = text.split(',').map(str::trim).filter(|one| !one.is_empty());
        networks.map(network).collect::<Result<_, _>>().map(Self)
    }
}

fn network(text: &str) -> Result<(IpAddr, u8), String> {
    let wrong = || format!("`{text}` is no address and no network such as 10.0.0.0/8");
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix.parse().map_err(|_| wrong())?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    match prefix.unwrap_or(most) {
        prefix if prefix <= most => Ok((address, prefix)),
        _ => Err(wrong()),
    }
}

/// A database that Linnet can use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// The path of an SQLite file.
    Sqlite(String),
    /// A database of a PostgreSQL server.
    Postgres(PostgresUrl),
}

/// Where a PostgreSQL database is; may hold a password, and shows it to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl PostgresUrl {
    /// The whole of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres:")
    }
}

impl FromStr for PostgresUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
        let url = url::Url::parse(text).map_err(|_| "this is no URL")?;
        let asked = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
        let name = asked("dbname").unwrap_or(url.path().trim_start_matches('/').into());
        if name.is_empty() {
            return Err("postgres:// needs the name of a database");
        }
        if asked("sslmode").is_some_and(|mode| !MODES.contains(&&*mode)) {
            return Err("sslmode is disable, allow, prefer, require, verify-ca or verify-full");
        }
        if asked("port").is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err("a port is a number up to 65535");
        }
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        Ok(Self(format!("postgres://{rest}")))
    }
}

impl Default for DatabaseUrl {
    fn default() -> Self {
        Self::Sqlite("linnet.db".to_owned())
    }
}

impl FromStr for DatabaseUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once("://") {
            Some(("sqlite", "")) => Err("sqlite:// needs the path of a file"),
            Some(("sqlite", path)) => Ok(Self::Sqlite(path.to_owned())),
            Some(("postgres" | "postgresql", _)) => text.parse().map(Self::Postgres),
            _ => Err("only sqlite:// and postgres:// are supported"),
        }
    }
}

/// What carries events between nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrokerUrl {
    /// Nothing but the database.
    Memory,
    /// The servers of a NATS cluster.
    Nats(Vec<Url>),
}

impl FromStr for BrokerUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "memory:" => Ok(Self::Memory),
            _ => text.split(',').map(nats).collect::<Result<_, _>>().map(Self::Nats),
        }
    }
}

fn nats(text: &str) -> Result<Url, &'static str> {
    const WRONG: &str = "a broker is memory:, or nats:// or tls:// addresses such as nats://user:password@host:4222";
    let url = Url::parse(text.trim()).map_err(|_| WRONG)?;
    let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    match (url.scheme(), url.host_str()) {
        ("nats" | "tls", Some(host)) if is_bare && !host.is_empty() => Ok(url),
        _ => Err(WRONG),
    }
}

/// The web pages that may use the API from a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Every page.
    Any,
    /// The pages of these origins, none when empty.
    Only(Vec<String>),
}

impl Origins {
    /// Whether a page of this origin may use the API.
    pub fn allow(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(origins) => origins.iter().any(|one| one.eq_ignore_ascii_case(origin)),
        }
    }
}

impl FromStr for Origins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "*" => return Ok(Self::Any),
            "none" => return Ok(Self::Only(Vec::new())),
            _ => {}
        }
        text.split(',')
            .map(str::trim)
            .filter(|origin| !origin.is_empty())
            .map(origin)
            .collect::<Result<_, _>>()
            .map(Self::Only)
    }
}

/// An origin as browsers send it: a scheme, a host, and a port when it is not the scheme's own.
fn origin(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is not an origin such as https://example.org");
    let uri: http::Uri = text.parse().map_err(|_| wrong())?;
    let plain = matches!(uri.scheme_str(), Some("http" | "https"));
    match uri.authority() {
        Some(authority) if plain && text.ends_with(authority.as_str()) => Ok(text.to_ascii_lowercase()),
        _ => Err(wrong()),
    }
}

/// A whole number of something, at least one.
fn count(text: &str) -> Result<u64, &'static str> {
    match text.parse() {
        Ok(number @ 1..=1_000_000_000_000) => Ok(number),
        _ => Err("must be a whole number, at least 1"),
    }
}

/// A whole number with a unit: `500ms`, `10s`, `5m`, `12h`, `7d`.
fn duration(text: &str) -> Result<Duration, &'static str> {
    const WRONG: &str = "a duration is a whole number with a unit, such as 500ms, 10s, 12h or 7d";
    let (number, unit) = number_and_unit(text).ok_or(WRONG)?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(WRONG),
    };
    // A century bounds every sum with the present time.
    match number.checked_mul(milliseconds) {
        Some(0) => Err("must be more than 0"),
        Some(total) if total <= 36_500 * 86_400_000 => Ok(Duration::from_millis(total)),
        _ => Err("is too long"),
    }
}

/// A whole number of bytes, with or without a unit: `256MB`. A kilobyte has 1,024 bytes.
fn size(text: &str) -> Result<usize, &'static str> {
    const WRONG: &str = "a size is a whole number with a unit, such as 256MB";
    let (number, unit) = number_and_unit(text).ok_or(WRONG)?;
    let bytes = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "KB" | "KIB" => 1 << 10,
        "MB" | "MIB" => 1 << 20,
        "GB" | "GIB" => 1 << 30,
        _ => return Err(WRONG),
    };
    let total = number.checked_mul(bytes).and_then(|total| usize::try_from(total).ok());
    match total {
        Some(total) if total < 1 << 20 => Err("must be at least 1MB"),
        Some(total) if total <= 1 << 44 => Ok(total),
        _ => Err("is too large"),
    }
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim_start()))
}

pub(crate) fn log_filter(text: &str) -> Result<String, String> {
    tracing_subscriber::EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_and_a_value() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(7 * 86_400)));
        for wrong in [
            "",
            "s",
            "10",
            "-1s",
            "0s",
            "1.5s",
            "10 weeks",
            "99999999999999999999d",
            "40000d",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_are_binary() {
        assert_eq!(size("256MB"), Ok(256 << 20));
        assert_eq!(size("1gib"), Ok(1 << 30));
        for wrong in ["", "MB", "1TBB", "10KB", "99999999999GB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_have_a_number_and_a_time() {
        let rate = Rate {
            count: 10,
            period: Duration::from_secs(60),
        };
        assert_eq!("10/m".parse(), Ok(rate));
        for wrong in [
            "",
            "10",
            "10/",
            "/m",
            "0/m",
            "10/w",
            "-1/s",
            "1.5/s",
            "99999999999999/s",
        ] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn brokers_are_servers_of_nats() {
        assert_eq!("memory:".parse(), Ok(BrokerUrl::Memory));
        let Ok(BrokerUrl::Nats(servers)) = "nats://linnet:secret@one:4222,tls://two".parse() else {
            panic!("two servers are no broker");
        };
        assert_eq!(servers.len(), 2);
        for wrong in [
            "",
            "nats:",
            "nats://",
            "nats://one,",
            "http://one",
            "nats://one/path",
            "one:4222",
        ] {
            assert!(wrong.parse::<BrokerUrl>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn networks_contain_addresses() {
        let networks: Networks = "10.0.0.0/8, 192.0.2.7, 2001:db8::/32".parse().unwrap();
        for inside in ["10.1.2.3", "::ffff:10.1.2.3", "192.0.2.7", "2001:db8::1"] {
            assert!(networks.contain(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["11.0.0.1", "192.0.2.8", "2001:db9::1", "::1"] {
            assert!(!networks.contain(outside.parse().unwrap()), "{outside}");
        }
        let all: Networks = "0.0.0.0/0".parse().unwrap();
        assert!(all.contain("203.0.113.9".parse().unwrap()));
        for wrong in ["example.org", "10.0.0.0/33", "10.0.0.0/", "::/129", "/8"] {
            assert!(wrong.parse::<Networks>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn origins_are_bare() {
        let origins: Result<Origins, _> = "https://a.example, http://b.example:8080".parse();
        let expected = ["https://a.example".to_owned(), "http://b.example:8080".to_owned()];
        assert_eq!(origins, Ok(Origins::Only(expected.to_vec())));
        assert_eq!("*".parse(), Ok(Origins::Any));
        for wrong in ["a.example", "https://a.example/", "ftp://a.example", "null"] {
            assert!(wrong.parse::<Origins>().is_err(), "{wrong}");
        }
    }
}
