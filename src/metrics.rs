//! The counters that `/metrics` shows, in the text format of Prometheus.

use std::sync::Arc;

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// All metrics of one server; clones count together.
#[derive(Clone)]
pub struct Metrics {
    /// SQL statements that were run for requests; background work counts elsewhere.
    pub sql_statements: Counter,
    /// Subscriptions that are open.
    pub subscriptions: Gauge,
    /// Groups of subscriptions that share their executions.
    pub groups: Gauge,
    /// Executions of subscriptions: one for each event of a group.
    pub executions: Counter,
    /// Requests whose document was already prepared.
    pub document_hits: Counter,
    /// Requests whose document had to be read first.
    pub document_misses: Counter,
    /// Documents in memory, refused ones among them.
    pub documents: Gauge,
    /// Requests that were beyond a rate.
    pub rate_limited: Counter,
    /// Requests that were turned away because too many were under way.
    pub shed: Counter,
    /// Events that were handed to subscribers.
    pub frames: Counter,
    /// The bytes of these, with what transports put around them.
    pub frame_bytes: Counter,
    /// Subscriptions that began in the past, with `after`.
    pub replays: Counter,
    /// How often a subscriber was behind all that its group keeps, and the log had to be walked.
    pub ring_misses: Counter,
    /// Groups that had to part, since a field that was taken for public asked who the viewer is.
    pub group_partings: Counter,
    /// How long after its commit an event was handed to a subscriber who was there, in seconds.
    pub lag: Histogram,
    /// Whether the broker between nodes is connected.
    pub broker_connected: Gauge,
    /// Messages that other nodes were sent.
    pub broker_sent: Counter,
    /// Messages that could not be sent, with the broker away or too slow.
    pub broker_unsent: Counter,
    /// Messages of other nodes.
    pub broker_received: Counter,
    /// How often messages of other nodes were lost, since they were not taken soon enough.
    pub broker_lost: Counter,
    /// How often events of other processes had to be read from the database.
    pub log_holes: Counter,
    /// How long after their commit events of other processes were in the caches, in seconds.
    pub log_lag: Histogram,
    /// Connections that are open.
    pub connections: Gauge,
    /// WebSockets that are open.
    pub websockets: Gauge,
    /// Answers over HTTP that are streams and go on.
    pub http_streams: Gauge,
    /// Answered requests by status.
    pub requests: Family<Status, Counter>,
    /// How long requests took, in seconds.
    pub request_duration: Histogram,
    /// WebSockets that the server closed, by code.
    pub websocket_closes: Family<CloseCode, Counter>,
    registry: Arc<Registry>,
}

/// The HTTP status of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Status {
    /// The status as a number.
    pub status: u16,
}

/// The code with which the server closed a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CloseCode {
    /// The code as a number.
    pub code: u16,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            sql_statements: Counter::default(),
            subscriptions: Gauge::default(),
            groups: Gauge::default(),
            executions: Counter::default(),
            document_hits: Counter::default(),
            document_misses: Counter::default(),
            documents: Gauge::default(),
            rate_limited: Counter::default(),
            shed: Counter::default(),
            frames: Counter::default(),
            frame_bytes: Counter::default(),
            replays: Counter::default(),
            ring_misses: Counter::default(),
            group_partings: Counter::default(),
            lag: Histogram::new([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0]),
            broker_connected: Gauge::default(),
            broker_sent: Counter::default(),
            broker_unsent: Counter::default(),
            broker_received: Counter::default(),
            broker_lost: Counter::default(),
            log_holes: Counter::default(),
            log_lag: Histogram::new([
                0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0,
            ]),
            connections: Gauge::default(),
            websockets: Gauge::default(),
            http_streams: Gauge::default(),
            requests: Family::default(),
            request_duration: Histogram::new([0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0]),
            websocket_closes: Family::default(),
            registry: Arc::default(),
        };
        metrics.registry = Arc::new(metrics.register());
        metrics
    }
}

impl Metrics {
    /// Names every metric. The encoder adds `_total` to the names of counters by itself.
    fn register(&self) -> Registry {
        let mut registry = Registry::with_prefix("linnet");
        registry.register(
            "sql_statements",
            "SQL statements run for requests",
            self.sql_statements.clone(),
        );
        registry.register("subscriptions", "Open subscriptions", self.subscriptions.clone());
        registry.register(
            "groups",
            "Groups of subscriptions that share executions",
            self.groups.clone(),
        );
        registry.register(
            "executions",
            "Executions of subscriptions, one for each event of a group",
            self.executions.clone(),
        );
        registry.register(
            "document_hits",
            "Requests whose document was already prepared",
            self.document_hits.clone(),
        );
        registry.register(
            "document_misses",
            "Requests whose document had to be read",
            self.document_misses.clone(),
        );
        registry.register("documents", "Documents in memory", self.documents.clone());
        registry.register("rate_limited", "Requests beyond a rate", self.rate_limited.clone());
        registry.register("shed", "Requests turned away under load", self.shed.clone());
        registry.register("frames", "Events handed to subscribers", self.frames.clone());
        registry.register(
            "frame_bytes",
            "Bytes of the events handed to subscribers",
            self.frame_bytes.clone(),
        );
        registry.register("replays", "Subscriptions that began in the past", self.replays.clone());
        registry.register(
            "ring_misses",
            "Walks of the log for subscribers behind all that their group keeps",
            self.ring_misses.clone(),
        );
        registry.register(
            "group_partings",
            "Groups that parted because a field asked who the viewer is",
            self.group_partings.clone(),
        );
        registry.register(
            "lag_seconds",
            "How long after its commit an event was handed to a subscriber",
            self.lag.clone(),
        );
        self.register_nodes(&mut registry);
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register("websockets", "Open WebSockets", self.websockets.clone());
        registry.register(
            "http_streams",
            "Open streams of events over HTTP",
            self.http_streams.clone(),
        );
        registry.register("requests", "Answered requests by status", self.requests.clone());
        registry.register(
            "request_duration_seconds",
            "How long requests took",
            self.request_duration.clone(),
        );
        registry.register(
            "websocket_closes",
            "WebSockets that the server closed, by code",
            self.websocket_closes.clone(),
        );
        registry
    }

    /// Names those of what comes from other nodes.
    fn register_nodes(&self, registry: &mut Registry) {
        registry.register(
            "broker_connected",
            "Whether the broker between nodes is connected",
            self.broker_connected.clone(),
        );
        let counters = [
            ("broker_sent", "Messages that other nodes were sent", &self.broker_sent),
            ("broker_unsent", "Messages that could not be sent", &self.broker_unsent),
            ("broker_received", "Messages of other nodes", &self.broker_received),
            (
                "broker_lost",
                "Messages of other nodes that were not taken soon enough",
                &self.broker_lost,
            ),
            (
                "log_holes",
                "Readings of events that other processes committed",
                &self.log_holes,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        registry.register(
            "log_lag_seconds",
            "How long after its commit another process's event was in the caches",
            self.log_lag.clone(),
        );
    }

    /// All metrics as text.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}
