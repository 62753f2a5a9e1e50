//! The schema, and how operations are executed.
//!
//! The executor is async-graphql's; transports hand it requests through [`Api`] and send what
//! comes back. No extension is in the schema: any one would switch every field to a slow path.

mod batch;
mod canonical;
mod class;
mod error;
pub mod live;
mod loader;
mod mutation;
mod object;
mod query;
mod request;
mod scalar;
mod subscription;

use crate::broker::{Broker, Memory};
use crate::delivery::groups;
use crate::metrics::Metrics;
use crate::model::error::Code;
use crate::model::viewer::TokenHash;
use crate::model::{Error, Seq, Viewer};
use crate::social::Social;
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection,
};
use async_graphql::{Request as Operation, Response, Schema, ServerError, Value};
use error::{refusal, set_codes};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use live::{Live, Subscription};
use mutation::Mutation;
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
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether anonymous viewers may do more than sign up and log in.
    pub public_access: bool,
    /// Without introspection and suggestions.
    pub production: bool,
    /// What groups of subscriptions are made with.
    pub groups: groups::Options,
}

/// Everything that transports need of the schema. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    schema: Root,
    social: Social,
    broker: Memory,
    live: Live,
    options: Options,
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
    Schema::build(Query, Mutation::default(), SubscriptionRoot)
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
        let mut builder = build();
        if options.production {
            builder = builder.disable_introspection().disable_suggestions();
        }
        let schema = builder.finish();
        Self {
            live: Live::new(schema.clone(), social.clone(), broker.clone(), metrics, options.groups),
            schema,
            social,
            broker,
            options,
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

    /// The type of the operation that a request names.
    ///
    /// # Errors
    /// The response that refuses a document that can't be read, or that has no such operation.
    pub fn operation_type(&self, request: &mut Operation) -> Result<OperationType, Response> {
        let name = request.operation_name.clone();
        let document = request.parsed_query().map_err(|error| {
            let mut response = Response::from_errors(vec![error]);
            set_codes(&mut response, Code::GraphqlParseFailed);
            response
        })?;
        operation(document, name.as_deref())
            .map(|operation| operation.ty)
            .ok_or_else(|| refusal("the document has no such operation", Code::GraphqlValidationFailed))
    }

    /// Executes a query or a mutation.
    pub async fn execute(&self, mut request: Operation, caller: Caller) -> Outcome {
        match self.admit(&mut request, &caller) {
            Ok(OperationType::Subscription) => Outcome::Refused(refusal(
                "subscriptions are opened over a WebSocket, or at /graphql/stream",
                Code::GraphqlValidationFailed,
            )),
            Ok(_) => {
                let shared = self.shared(caller);
                outcome(self.schema.execute(request.data(shared)).await)
            }
            Err(refused) => Outcome::Refused(refused),
        }
    }

    /// Opens a subscription, from now on or behind its `after`; a cursor to resume from wins.
    ///
    /// # Errors
    /// The response that refuses it.
    #[must_use]
    pub fn subscribe(
        &self,
        mut request: Operation,
        caller: Caller,
        resume: Option<String>,
    ) -> BoxFuture<'static, Result<Subscription, Response>> {
        match self.admit(&mut request, &caller) {
            Ok(_) => self.live.open(request, caller, resume),
            Err(refused) => std::future::ready(Err(refused)).boxed(),
        }
    }

    /// Makes sure that what has been committed by now reaches all subscribers soon, and gives the
    /// position of that.
    #[must_use]
    pub fn flush(&self) -> Seq {
        self.live.flush()
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

    fn shared(&self, caller: Caller) -> Arc<Request> {
        let scope = Scope::new(self.social.clone(), caller.viewer);
        Arc::new(Request::new(scope, None))
    }

    /// Reads the document and checks whether the caller may ask for it.
    fn admit(&self, request: &mut Operation, caller: &Caller) -> Result<OperationType, Response> {
        let kind = self.operation_type(request)?;
        set_defaults(request);
        if self.options.public_access || caller.viewer != Viewer::Anonymous {
            return Ok(kind);
        }
        let name = request.operation_name.clone();
        let open = request
            .parsed_query()
            .is_ok_and(|document| is_open(document, name.as_deref()));
        if open {
            return Ok(kind);
        }
        Err(refusal("log in first", Code::Unauthenticated))
    }
}

fn operation<'d>(document: &'d ExecutableDocument, name: Option<&str>) -> Option<&'d OperationDefinition> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(&operation.node),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name).map(|operation| &operation.node),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next().map(|operation| &operation.node)
        }
        _ => None,
    }
}

/// Gives the variables that were left out their defaults: the executor forgets them where it
/// decides about `@skip` and `@include`.
fn set_defaults(request: &mut Operation) {
    let name = request.operation_name.clone();
    let Some(operation) = request
        .parsed_query()
        .ok()
        .and_then(|document| operation(document, name.as_deref()))
    else {
        return;
    };
    let defaults: Vec<_> = operation
        .variable_definitions
        .iter()
        .filter_map(|variable| {
            let default = variable.node.default_value.as_ref()?;
            Some((variable.node.name.node.clone(), default.node.clone()))
        })
        .collect();
    for (name, default) in defaults {
        request.variables.entry(name).or_insert(default);
    }
}

/// Whether an operation only signs up or logs in, or asks for nothing but the name of its type.
fn is_open(document: &ExecutableDocument, name: Option<&str>) -> bool {
    const OPEN: [&str; 3] = ["signUp", "logIn", "__typename"];
    operation(document, name).is_some_and(|operation| {
        operation.selection_set.node.items.iter().all(|item| match &item.node {
            Selection::Field(field) => OPEN.contains(&field.node.name.node.as_str()),
            Selection::FragmentSpread(_) | Selection::InlineFragment(_) => false,
        })
    })
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
