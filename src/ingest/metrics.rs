//! What an operator sees of the sources, in the text format of Prometheus.

use super::commit::Written;
use crate::model::{Clock, Micros};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// All metrics of ingestion; clones count together.
#[derive(Clone)]
pub struct Metrics {
    /// Frames that came.
    pub(super) frames: Family<Source, Counter>,
    /// Frames that were left out, and why.
    pub(super) skipped: Family<Skipped, Counter>,
    /// Posts that somebody wants.
    pub(super) matched: Family<Source, Counter>,
    /// Lines that stand.
    pub(super) lines: Family<Source, Gauge>,
    /// Lines that were begun.
    pub(super) connections: Family<Source, Counter>,
    /// How far behind the present a source was read, in seconds.
    pub(super) lag: Family<Source, Gauge<f64, AtomicU64>>,
    written: Family<What, Counter>,
    /// Of all sources.
    all_frames: Counter,
    registry: Arc<Registry>,
}

/// A source, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Source {
    pub source: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Skipped {
    pub source: String,
    pub reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct What {
    what: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            frames: Family::default(),
            skipped: Family::default(),
            matched: Family::default(),
            lines: Family::default(),
            connections: Family::default(),
            lag: Family::default(),
            written: Family::default(),
            all_frames: Counter::default(),
            registry: Arc::default(),
        };
        let mut registry = Registry::with_prefix("linnet_ingest");
        registry.register("frames", "Frames that came", metrics.frames.clone());
        registry.register(
            "skipped",
            "Frames that were left out, by reason",
            metrics.skipped.clone(),
        );
        registry.register("matched", "Posts that somebody wants", metrics.matched.clone());
        registry.register("lines", "Connections that stand", metrics.lines.clone());
        registry.register(
            "connections",
            "Connections that were begun",
            metrics.connections.clone(),
        );
        registry.register(
            "lag_seconds",
            "How far behind the present a source was read",
            metrics.lag.clone(),
        );
        registry.register("written", "What was written, by kind", metrics.written.clone());
        metrics.registry = Arc::new(registry);
        metrics
    }
}

impl Metrics {
    /// All metrics as text.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }

    pub(super) fn written(&self, written: &Written) {
        let Written {
            posted,
            edited,
            deleted,
            reposted,
            unwelcome,
            failed,
            newcomers,
        } = written;
        let counts = [
            ("tweets", *posted),
            ("edits", *edited),
            ("deletions", *deleted),
            ("retweets", *reposted),
            ("unwelcome", *unwelcome),
            ("failed", *failed),
            ("users", newcomers.len() as u64),
        ];
        for (what, count) in counts {
            self.written.get_or_create(&What { what }).inc_by(count);
        }
    }

    /// How many frames came, and how many tweets were written.
    pub(super) fn frames_and_tweets(&self) -> (u64, u64) {
        let tweets = self.written.get_or_create_owned(&What { what: "tweets" });
        (self.all_frames.get(), tweets.get())
    }

    pub(super) fn of(&self, source: &str) -> Meter {
        let label = Source {
            source: source.to_owned(),
        };
        Meter {
            frames: self.frames.get_or_create_owned(&label),
            matched: self.matched.get_or_create_owned(&label),
            lines: self.lines.get_or_create_owned(&label),
            connections: self.connections.get_or_create_owned(&label),
            lag: self.lag.get_or_create_owned(&label),
            skipped: self.skipped.clone(),
            all_frames: self.all_frames.clone(),
            source: source.to_owned(),
        }
    }
}

/// The counters of one source.
#[derive(Clone)]
pub(super) struct Meter {
    frames: Counter,
    all_frames: Counter,
    pub matched: Counter,
    pub lines: Gauge,
    pub connections: Counter,
    lag: Gauge<f64, AtomicU64>,
    skipped: Family<Skipped, Counter>,
    source: String,
}

impl Meter {
    /// Counts a frame.
    pub(super) fn frame(&self) {
        self.frames.inc();
        self.all_frames.inc();
    }

    /// Counts a frame that was left out.
    pub(super) fn skip(&self, reason: &'static str) {
        let source = self.source.clone();
        self.skipped.get_or_create(&Skipped { source, reason }).inc();
    }

    /// Notes that something was read that is from this time.
    pub(super) fn read(&self, at: Micros) {
        let lag = u64::try_from(Clock.now().0 - at.0).unwrap_or_default();
        self.lag.set(Duration::from_micros(lag).as_secs_f64());
    }

    /// A line that stands, until this is dropped.
    pub(super) fn line(&self) -> Standing {
        self.connections.inc();
        self.lines.inc();
        Standing(self.lines.clone())
    }
}

/// A line that stands.
pub(super) struct Standing(Gauge);

impl Drop for Standing {
    fn drop(&mut self) {
        self.0.dec();
    }
}
