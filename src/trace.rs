//! Traces for OpenTelemetry, where an operator asks for them: a span for each request, for each
//! execution that the subscribers of a group share, for each commit, and for each SQL statement
//! within these.
//!
//! Whether something is traced is decided when it begins. What is not has no span at all, so it
//! costs a look at a variable. Spans say what was done and how long it took, and never a value:
//! no text of anybody's, no id, no token.

mod export;

use export::Courier;
use futures_util::future::Either;
use http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{
    FutureExt as _, Link, Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _,
    TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider};
use std::sync::OnceLock;
use std::time::Duration;

/// How many spans may wait to be sent; what comes beyond is dropped, and nobody waits for it.
const QUEUE: usize = 4_096;
/// How many spans are sent at once, and how often at least.
const BATCH: usize = 512;
const PAUSE: Duration = Duration::from_secs(1);
/// How long the last spans may take when the server ends.
const PATIENCE: Duration = Duration::from_secs(1);

/// What spans are made with, once traces were asked for.
static RECORDER: OnceLock<Recorder> = OnceLock::new();

/// Where spans go, and how many.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The address that takes them, by HTTP.
    pub endpoint: String,
    /// The part of what begins here that is traced, 0 to 1.
    pub ratio: f64,
}

/// The sending of spans, until it is stopped.
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Begins to trace, if there are options. Only the first call of a process does so.
    ///
    /// # Errors
    /// When the address is none that spans can be sent to.
    pub fn start(options: Option<&Options>) -> Result<Self, ExporterBuildError> {
        let Some(options) = options else {
            return Ok(Self(None));
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Courier::new())
            .with_endpoint(&options.endpoint)
            .build()?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(PAUSE)
            .build();
        let service = Resource::builder_empty()
            .with_service_name("linnet")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
            // What has a span was chosen before it was made.
            .with_sampler(Sampler::AlwaysOn)
            .with_resource(service)
            .build();
        drop(RECORDER.set(Recorder {
            tracer: provider.tracer("linnet"),
            ratio: options.ratio,
        }));
        Ok(Self(Some(provider)))
    }

    /// Sends what is left, for a second at the most.
    pub async fn stop(self) {
        let Some(provider) = self.0 else { return };
        let stopping = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(PATIENCE));
        match tokio::time::timeout(PATIENCE * 2, stopping).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "the last spans could not be sent"),
            Ok(Err(_)) | Err(_) => tracing::warn!("the last spans could not be sent"),
        }
    }
}

struct Recorder {
    tracer: SdkTracer,
    ratio: f64,
}

impl Recorder {
    fn begin(&self, builder: SpanBuilder, parent: &Context) -> Span {
        let span = builder.start_with_context(&self.tracer, parent);
        Span(Some(parent.with_span(span)))
    }

    /// Whether something that begins here is traced.
    fn takes_one(&self) -> bool {
        rand::random::<f64>() < self.ratio
    }

    /// Whether a request is that belongs to a trace from elsewhere. That trace's owner may say no.
    /// A yes counts from who is trusted; from strangers the number of the trace decides, alike on
    /// every node.
    fn takes(&self, remote: &SpanContext, is_trusted: bool) -> bool {
        remote.is_sampled() && (is_trusted || is_within(self.ratio, remote))
    }
}

/// Whether a trace is among so many, by its own number.
fn is_within(ratio: f64, trace: &SpanContext) -> bool {
    let [.., a, b, c, d, _, _, _, _] = trace.trace_id().to_bytes();
    f64::from(u32::from_be_bytes([a, b, c, d])) < ratio * 4_294_967_296.0
}

/// Whether anything is traced.
#[must_use]
pub fn is_on() -> bool {
    RECORDER.get().is_some()
}

/// Something that is traced, or nothing where it was not chosen. It ends with its last clone.
#[derive(Clone, Debug, Default)]
pub struct Span(Option<Context>);

impl Span {
    /// A request over HTTP, part of the trace that its `traceparent` names.
    #[must_use]
    pub fn request(name: impl FnOnce() -> String, headers: &HeaderMap, is_trusted: bool) -> Self {
        let Some(recorder) = RECORDER.get() else {
            return Self::default();
        };
        let mut parent = Context::new();
        if headers.contains_key("traceparent") {
            parent = TraceContextPropagator::new().extract_with_context(&parent, &HeaderExtractor(headers));
        }
        let is_taken = match parent.span().span_context() {
            remote if remote.is_valid() => recorder.takes(remote, is_trusted),
            _ => recorder.takes_one(),
        };
        if !is_taken {
            return Self::default();
        }
        recorder.begin(SpanBuilder::from_name(name()).with_kind(SpanKind::Server), &parent)
    }

    /// An operation that comes over a socket, if it is chosen.
    #[must_use]
    pub fn operation() -> Self {
        Self::begin("graphql-transport-ws", SpanKind::Server)
    }

    /// An event that is executed for all subscribers of a group, if it is chosen.
    #[must_use]
    pub fn execution() -> Self {
        Self::begin("execution", SpanKind::Internal)
    }

    fn begin(name: &'static str, kind: SpanKind) -> Self {
        match RECORDER.get() {
            Some(recorder) if recorder.takes_one() => {
                recorder.begin(SpanBuilder::from_name(name).with_kind(kind), &Context::new())
            }
            _ => Self::default(),
        }
    }

    /// A transaction for all of these: part of the first one's trace, linked to the others.
    #[must_use]
    pub fn commit<'c>(causes: impl Iterator<Item = &'c Cause>) -> Self {
        let Some(recorder) = RECORDER.get() else {
            return Self::default();
        };
        let mut causes = causes.filter_map(|cause| cause.0.as_deref()).cloned();
        let Some(first) = causes.next() else {
            return Self::default();
        };
        let links = causes.map(Link::with_context).collect();
        let builder = SpanBuilder::from_name("commit").with_links(links);
        recorder.begin(builder, &Context::new().with_remote_span_context(first))
    }

    /// The span that goes on here.
    #[must_use]
    pub fn current() -> Self {
        if !is_on() {
            return Self::default();
        }
        let current = Context::map_current(|context| context.has_active_span().then(|| context.clone()));
        Self(current)
    }

    /// Does something as part of the span.
    pub fn around<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        match &self.0 {
            Some(context) => Either::Left(work.with_context(context.clone())),
            None => Either::Right(work),
        }
    }

    /// Notes something about it.
    pub fn note(&self, name: &'static str, value: impl Into<Value>) {
        if let Some(context) = &self.0 {
            context.span().set_attribute(KeyValue::new(name, value));
        }
    }

    /// Notes that it went wrong on our side.
    pub fn fail(&self) {
        if let Some(context) = &self.0 {
            context.span().set_status(Status::error(""));
        }
    }

    /// The trace that it is part of, as lower case hexadecimal digits.
    #[must_use]
    pub fn trace(&self) -> Option<String> {
        let context = self.0.as_ref()?;
        Some(context.span().span_context().trace_id().to_string())
    }

    /// Ends it here, whoever has it still.
    pub fn end(&self) {
        if let Some(context) = &self.0 {
            context.span().end();
        }
    }
}

/// What something is done for elsewhere, if that is traced.
#[derive(Clone, Debug, Default)]
pub struct Cause(Option<Box<SpanContext>>);

impl Cause {
    /// What goes on here.
    #[must_use]
    pub fn current() -> Self {
        let context = Span::current().0;
        Self(context.map(|context| Box::new(context.span().span_context().clone())))
    }
}

/// A statement, as the database was asked it: with places for its values.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'s> {
    /// What it says.
    pub text: &'s str,
    /// The kind of database: `sqlite`, `postgresql`.
    pub system: &'static str,
    /// How long it took.
    pub elapsed: Duration,
    /// Whether it failed.
    pub failed: bool,
}

/// Notes a statement that has just ended, where what it was for is traced.
pub fn statement(statement: &Statement<'_>) {
    let Some(recorder) = RECORDER.get() else { return };
    if !Context::map_current(|context| context.has_active_span()) {
        return;
    }
    let end = opentelemetry::time::now();
    let begin = end.checked_sub(statement.elapsed).unwrap_or(end);
    let builder = SpanBuilder::from_name(summary(statement.text))
        .with_kind(SpanKind::Client)
        .with_start_time(begin)
        .with_attributes([
            KeyValue::new("db.system.name", statement.system),
            KeyValue::new("db.query.text", statement.text.to_owned()),
        ]);
    let mut span = Context::map_current(|context| builder.start_with_context(&recorder.tracer, context));
    if statement.failed {
        span.set_status(Status::error(""));
    }
    span.end_with_timestamp(end);
}

/// What a statement does, and with which table first: `SELECT feed_entry`.
fn summary(text: &str) -> String {
    let mut words = text.split_whitespace();
    let verb = words.next().unwrap_or("SQL");
    let is_name = |word: &&str| word.starts_with(|letter: char| letter.is_ascii_lowercase());
    let table = match verb {
        "UPDATE" => words.next(),
        _ => words.find(|word| ["FROM", "INTO"].contains(word)).and(words.next()),
    };
    match table.filter(is_name) {
        Some(table) => {
            let end = table.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            let table = table.get(..end.unwrap_or(table.len())).unwrap_or_default();
            format!("{verb} {table}")
        }
        None => verb.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{SpanId, TraceFlags, TraceId, TraceState};

    #[test]
    fn statements_are_named_by_what_they_do() {
        for (text, name) in [
            ("SELECT id FROM tweet WHERE id = ?", "SELECT tweet"),
            ("INSERT INTO event (seq) SELECT 1", "INSERT event"),
            ("INSERT INTO liked(a) VALUES (?)", "INSERT liked"),
            ("UPDATE users SET bio = ?", "UPDATE users"),
            ("DELETE FROM follow", "DELETE follow"),
            ("SELECT (k.value ->> 0) FROM (SELECT 1) k", "SELECT"),
            ("PRAGMA data_version", "PRAGMA"),
            ("", "SQL"),
        ] {
            assert_eq!(summary(text), name, "{text}");
        }
    }

    #[test]
    fn the_number_of_a_trace_decides_for_strangers() {
        let trace = |low: u64| {
            SpanContext::new(
                TraceId::from_bytes((1_u128 << 64 | u128::from(low)).to_be_bytes()),
                SpanId::from_bytes([1; 8]),
                TraceFlags::SAMPLED,
                true,
                TraceState::NONE,
            )
        };
        for (low, ratio, is_taken) in [
            (0, 0.0, false),
            (0, 0.01, true),
            (u64::MAX, 0.99, false),
            (u64::MAX, 1.0, true),
            (0x7FFF_FFFF << 32, 0.5, true),
            (0x8000_0000 << 32, 0.5, false),
        ] {
            assert_eq!(is_within(ratio, &trace(low)), is_taken, "{low} {ratio}");
        }
    }

    #[test]
    fn without_options_there_are_no_spans() {
        assert!(!is_on());
        let span = Span::request(String::new, &HeaderMap::new(), true);
        assert!(span.0.is_none() && span.trace().is_none());
        assert!(Span::operation().0.is_none());
    }
}
