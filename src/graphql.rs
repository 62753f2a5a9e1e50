//! The schema, and how operations are executed.
//!
//! The executor is async-graphql's; transports hand it requests through [`Api`] and send what
//! comes back. No extension is in the schema: any one would switch every field to a slow path.

mod batch;
mod error;
pub mod guard;
pub mod limit;
mod loader;
mod mutation;
mod object;
pub mod persisted;
mod prepared;
mod query;
mod request;
mod scalar;
mod subscription;

use crate::broker::{Broker, Memory};
use crate::metrics::Metrics;
use crate::model::error::Code;
use crate::model::viewer::TokenHash;
use crate::model::{Error, Viewer};
use crate::social::Social;
use async_graphql::parser::types::OperationType;
use async_graphql::{Request as Operation, Response, Schema, ServerError, ValidationMode, Value};
use error::{refusal, refusal_of, set_codes};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use guard::Limits;
use limit::{Limiter, Rates};
use mutation::Mutation;
use persisted::Trusted;
pub use prepared::Asked;
use prepared::Documents;
use prometheus_client::metrics::gauge::Gauge;
use query::Query;
use request::{Request, Scope};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use subscription::SubscriptionRoot;

/// How often an open connection looks whether its session still stands.
const SESSION_LOOK: Duration = Duration::from_millis(400);

type Root = Schema<Query, Mutation, SubscriptionRoot>;

/// What the operator decides about the API.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether anonymous viewers may do more than sign up and log in.
    pub public_access: bool,
    /// Without introspection and suggestions.
    pub production: bool,
    /// What a document and its operations may have.
    pub limits: Limits,
    /// What may be done how often; none: as often as anybody likes.
    pub rates: Option<Rates>,
    /// The documents that are known from the start.
    pub trusted: Trusted,
}

/// Everything that transports need of the schema. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    /// Validates whatever it executes.
    careful: Root,
    /// Executes what is known to be valid.
    quick: Root,
    documents: Arc<Documents>,
    limiter: Limiter,
    social: Social,
    broker: Memory,
    metrics: Metrics,
    public_access: bool,
}

/// One result of an operation.
#[derive(Debug)]
pub enum Outcome {
    /// The operation never began to execute.
    Refused(Response),
    /// The operation was executed, with or without errors.
    Executed(Response),
}

/// For whom an operation is executed.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who asks.
    pub viewer: Viewer,
    /// The id of the request, for the log.
    pub request_id: Arc<str>,
    /// Where the request comes from.
    pub address: Option<IpAddr>,
}

/// Why a token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The token is unknown or has expired.
    Unauthenticated,
    /// It could not be looked up.
    Unavailable,
}

fn build() -> async_graphql::SchemaBuilder<Query, Mutation, SubscriptionRoot> {
    // The guard has counted the nesting, each fragment once; the executor counts with spreads.
    Schema::build(Query, Mutation::default(), SubscriptionRoot).limit_recursive_depth(guard::NESTING)
}

fn root(production: bool, validation: ValidationMode) -> Root {
    let mut builder = build().validation_mode(validation);
    if production {
        builder = builder.disable_introspection().disable_suggestions();
    }
    builder.finish()
}

/// The schema in the schema definition language.
#[must_use]
pub fn sdl() -> String {
    build().finish().sdl()
}

impl Api {
    /// The API over the rules.
    #[must_use]
    pub fn new(social: Social, broker: Memory, metrics: Metrics, options: Options) -> Self {
        let careful = root(options.production, ValidationMode::Strict);
        let documents = Documents::new(careful.clone(), options.limits, options.trusted, metrics.clone());
        Self {
            careful,
            quick: root(options.production, ValidationMode::Fast),
            documents: Arc::new(documents),
            limiter: Limiter::new(options.rates, metrics.clone()),
            social,
            broker,
            metrics,
            public_access: options.public_access,
        }
    }

    /// Whose token this is; without one, an anonymous viewer.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn authenticate(&self, token: Option<&str>) -> Result<Viewer, Refusal> {
        let Some(token) = token else {
            return Ok(Viewer::Anonymous);
        };
        self.social.authenticate(token).await.map_err(|error| match error {
            Error::Internal(cause) => {
                tracing::error!(%cause, "a token could not be looked up");
                Refusal::Unavailable
            }
            _ => Refusal::Unauthenticated,
        })
    }

    /// Finds the document that a request names, and the operation in it.
    ///
    /// # Errors
    /// The response that refuses a document that can't be read, does not fit the schema, or is
    /// beyond a limit, or that has no such operation.
    pub fn ask(&self, request: Operation) -> Result<Asked, Response> {
        self.documents.ask(request)
    }

    /// Executes a query or a mutation.
    pub async fn execute(&self, asked: Asked, caller: Caller) -> Outcome {
        if asked.kind == OperationType::Subscription {
            return Outcome::Refused(refusal(
                "subscriptions are opened over a WebSocket",
                Code::GraphqlValidationFailed,
            ));
        }
        match self.admit(asked, caller) {
            Ok((schema, request)) => {
                self.metrics.executions.inc();
                outcome(schema.execute(request).await)
            }
            Err(refused) => Outcome::Refused(refused),
        }
    }

    /// Executes any operation; each item is one result.
    #[must_use]
    pub fn subscribe(&self, asked: Asked, caller: Caller) -> BoxStream<'static, Outcome> {
        let kind = asked.kind;
        match self.admit(asked, caller) {
            Ok((schema, request)) => {
                let open = (kind == OperationType::Subscription).then(|| Open::new(&self.metrics.subscriptions));
                let executions = self.metrics.executions.clone();
                schema
                    .execute_stream(request)
                    .map(move |response| {
                        executions.inc();
                        match &open {
                            Some(_) if source_failed(&response) => Outcome::Refused(response),
                            _ => outcome(response),
                        }
                    })
                    .boxed()
            }
            Err(refused) => stream::once(std::future::ready(Outcome::Refused(refused))).boxed(),
        }
    }

    /// Waits until a viewer's token has ended, by itself or otherwise.
    pub async fn session_ended(&self, viewer: &Viewer) {
        let Some(session) = viewer.session() else {
            return std::future::pending().await;
        };
        // Looked at often instead of at each event: with many sockets, events are the many more.
        while let Some(left) = self.session_left(session).await {
            tokio::time::sleep(left.min(SESSION_LOOK)).await;
        }
    }

    /// How long to wait until a session may have ended. None: it has.
    async fn session_left(&self, session: TokenHash) -> Option<Duration> {
        match self.social.session_end(session).await {
            Ok(None) => Some(SESSION_LOOK),
            Ok(Some(end)) => {
                let left = end.0 - self.social.store().clock().now().0;
                let left = u64::try_from(left).ok().filter(|left| *left > 0)?;
                Some(Duration::from_micros(left))
            }
            Err(Error::Internal(_)) => Some(SESSION_LOOK),
            Err(_) => None,
        }
    }

    /// Each part that serving needs, and whether it can be reached.
    pub async fn ready(&self) -> Vec<(&'static str, Result<(), String>)> {
        let told = |result: crate::model::Result<()>| result.map_err(|_| "out of reach".to_owned());
        vec![
            ("database", told(self.social.store().ready().await)),
            ("broker", told(self.broker.ready().await)),
        ]
    }

    /// Checks whether the caller may ask this, charges for it, and makes it ready to be executed.
    fn admit(&self, asked: Asked, caller: Caller) -> Result<(&Root, Operation), Response> {
        if !self.public_access && caller.viewer == Viewer::Anonymous && !asked.is_open() {
            return Err(refusal("log in first", Code::Unauthenticated));
        }
        let cost = self.documents.cost(&asked)?;
        let writes = match asked.kind {
            OperationType::Mutation => asked.root_fields(),
            OperationType::Query | OperationType::Subscription => 0,
        };
        let account = self.limiter.of(&caller.viewer, caller.address);
        account.operation(cost, writes).map_err(|error| refusal_of(&error))?;
        let schema = if self.documents.is_valid(&asked) {
            &self.quick
        } else {
            &self.careful
        };
        let scope = Scope::new(self.social.clone(), self.broker.clone(), caller.viewer);
        let shared = Arc::new(Request::new(scope, account));
        Ok((schema, asked.into_request().data(shared)))
    }
}

/// Counts a subscription for as long as it is open.
struct Open(Gauge);

impl Open {
    fn new(subscriptions: &Gauge) -> Self {
        subscriptions.inc();
        Self(subscriptions.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Whether a subscription's events can't be had, or not any more, rather than one of them can't
/// be told: the error is the root field's own, and nothing comes after it.
fn source_failed(response: &Response) -> bool {
    let own = |error: &ServerError| error.path.len() == 1;
    response.data == Value::Null && !response.errors.is_empty() && response.errors.iter().all(own)
}

/// What the executor answered: without data and without the path of any field, it never began.
fn outcome(mut response: Response) -> Outcome {
    let began = response.data != Value::Null || response.errors.iter().any(|error| !error.path.is_empty());
    if began || response.errors.is_empty() {
        set_codes(&mut response, Code::BadUserInput);
        return Outcome::Executed(response);
    }
    set_codes(&mut response, Code::GraphqlValidationFailed);
    Outcome::Refused(response)
}
