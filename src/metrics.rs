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
    /// Executions of GraphQL operations, one for each event of a group.
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
    /// Results that were handed to sockets.
    pub frames: Counter,
    /// Connections that are open.
    pub connections: Gauge,
    /// WebSockets that are open.
    pub websockets: Gauge,
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
            connections: Gauge::default(),
            websockets: Gauge::default(),
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
            "Executions of GraphQL operations",
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
        registry.register("frames", "Results handed to WebSockets", self.frames.clone());
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register("websockets", "Open WebSockets", self.websockets.clone());
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

    /// All metrics as text.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}
