//! Subscriptions: which of them are one group, how its events are executed, and who gets them.

mod hidden;
mod subscription;
#[cfg(test)]
mod tests;

pub use subscription::{Next, Subscription};

use super::canonical::canonical;
use super::error::{refusal, set_codes};
use super::limit::Account;
use super::prepared::operation;
use super::request::{Opened, Opening, Request, Scope, Turn};
use super::subscription::Source;
use super::{Caller, Root, class, source_failed};
use crate::broker::Followers;
use crate::delivery;
pub use crate::delivery::frame::Frame;
use crate::delivery::frame::{Teller, Told};
use crate::delivery::group::Listener;
use crate::delivery::groups::{Groups, Key};
use crate::metrics::Metrics;
use crate::model::error::Code;
use crate::model::{Error, Event, Result, Seq, Viewer};
use crate::social::Social;
use crate::trace::Span;
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request as Operation, Response, Variables};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// How many documents are remembered whose fields are not as public as they seemed.
const MOST_PARTED: usize = 10_000;

/// All subscriptions. Cheap to clone.
#[derive(Clone)]
pub struct Live(Arc<Inner>);

struct Inner {
    social: Social,
    metrics: Metrics,
    groups: Groups<Execution>,
    /// Up to which position all groups were made to look.
    flushed: AtomicI64,
    /// Documents that seemed public, until one of their fields asked who the viewer is.
    parted: Mutex<HashSet<[u8; 32]>>,
    is_public: fn(&str) -> bool,
}

/// What the subscriptions of one canonical form have in common.
struct Plan {
    /// What executes it.
    schema: Root,
    /// The digest of the canonical form with its source.
    form: [u8; 32],
    document: ExecutableDocument,
    operation_name: Option<String>,
    variables: Variables,
    source: Source,
    is_public: bool,
}

/// For whom a group's events are executed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Audience {
    /// Nothing depends on who it is.
    Everybody,
    /// One viewer, or all who are alike.
    Viewer(Viewer),
}

impl Audience {
    /// What tells it from other audiences: a user is the same in every session.
    fn name(&self) -> String {
        match self {
            Self::Everybody => "everybody".to_owned(),
            Self::Viewer(Viewer::Anonymous) => "anonymous".to_owned(),
            Self::Viewer(Viewer::User { id, .. }) => format!("user {id}"),
            Self::Viewer(Viewer::Service { name, .. }) => format!("service {name}"),
        }
    }

    fn viewer(&self) -> Viewer {
        match self {
            Self::Everybody => Viewer::Anonymous,
            Self::Viewer(viewer) => viewer.clone(),
        }
    }
}

/// How the events of a group are executed.
#[derive(Clone)]
struct Execution {
    live: Live,
    plan: Arc<Plan>,
    audience: Audience,
}

impl Teller for Execution {
    fn source(&self) -> &dyn delivery::source::Source {
        &self.plan.source
    }

    async fn tell(&self, event: Arc<Event>) -> Result<Told> {
        let span = Span::execution();
        span.note("linnet.event", event.position.seq);
        let told = span.around(self.execute(event)).await;
        if told.is_err() {
            span.fail();
        }
        told
    }
}

impl Execution {
    async fn execute(&self, event: Arc<Event>) -> Result<Told> {
        let social = &self.live.0.social;
        let scope = Scope::witnessed(social.clone(), self.audience.viewer());
        let turn = Turn::Tell(Arc::clone(&event), self.plan.source.clone());
        let request = Request::new(scope.clone(), Account::free(), Some(turn));
        let as_of = request.position.seq;
        let operation = self.plan.operation().data(Arc::new(request));
        let Some(mut response) = self.plan.schema.execute_stream(operation).next().await else {
            return Ok(Told::Nothing);
        };
        if self.audience == Audience::Everybody && scope.was_asked() {
            tracing::error!("a field that is classed as public asks who the viewer is");
            self.live.part(&self.plan);
            return Ok(Told::Personal);
        }
        if source_failed(&response) {
            return Err(Error::internal("an event could not be told"));
        }
        set_codes(&mut response, Code::BadUserInput);
        let payload = serde_json::to_string(&response).map_err(Error::internal)?;
        let frame = Frame::new(event, payload, scope.shown(), as_of);
        Ok(Told::Frame(Box::new(frame)))
    }
}

impl Plan {
    /// The subscription as the executor takes it.
    fn operation(&self) -> Operation {
        let mut operation = Operation::new("").variables(self.variables.clone());
        operation.operation_name.clone_from(&self.operation_name);
        operation.set_parsed_query(self.document.clone());
        operation
    }
}

impl Live {
    pub(super) fn new(
        social: Social,
        followers: Followers,
        metrics: Metrics,
        options: delivery::groups::Options,
    ) -> Self {
        let groups = Groups::new(social.store().clone(), followers, metrics.clone(), options);
        Self(Arc::new(Inner {
            social,
            metrics,
            groups,
            flushed: AtomicI64::new(0),
            parted: Mutex::default(),
            is_public: class::is_public,
        }))
    }

    /// Opens a subscription, from the moment of the call on unless its `after` says otherwise.
    pub(super) fn open(
        &self,
        schema: Root,
        mut request: Operation,
        caller: Caller,
        resume: Option<String>,
    ) -> BoxFuture<'static, Result<Subscription, Response>> {
        let live = self.clone();
        let scope = Scope::new(live.0.social.clone(), caller.viewer.clone());
        let asked = Arc::new(Request::new(
            scope,
            Account::free(),
            Some(Turn::Open(Opening::new(resume))),
        ));
        let name = request.operation_name.clone();
        let variables = request.variables.clone();
        let document = request.parsed_query().cloned();
        async move {
            let mut results = schema.execute_stream(request.data(Arc::clone(&asked)));
            if let Some(refused) = results.next().await {
                return Err(with_codes(refused));
            }
            let document = document.map_err(|error| with_codes(Response::from_errors(vec![error])))?;
            let opened = asked.opened();
            let plan =
                opened.and_then(|opened| Some((live.plan(&schema, document, name, variables, &opened)?, opened)));
            let Some((plan, opened)) = plan else {
                let why = "a subscription has exactly one root field, which stands in no fragment";
                return Err(refusal(why, Code::GraphqlValidationFailed));
            };
            let position = opened.after.unwrap_or(asked.position.seq);
            Ok(Subscription::open(live, Arc::new(plan), caller, position))
        }
        .boxed()
    }

    fn plan(
        &self,
        schema: &Root,
        document: ExecutableDocument,
        operation_name: Option<String>,
        variables: Variables,
        opened: &Opened,
    ) -> Option<Plan> {
        let (_, operation) = operation(&document, operation_name.as_deref())?;
        let form = canonical(&document, operation, &variables, self.0.is_public)?;
        let digest = Sha256::digest(format!("{:?}\n{}", opened.source, form.text));
        Some(Plan {
            schema: schema.clone(),
            form: digest.into(),
            document,
            operation_name,
            variables,
            source: opened.source.clone(),
            is_public: form.is_public && !opened.source.is_personal(),
        })
    }

    /// Joins the group of all who get the same bytes.
    fn join(&self, plan: &Arc<Plan>, viewer: &Viewer, position: Seq, address: Option<IpAddr>) -> Listener<Execution> {
        let audience = match plan.is_public && !self.0.parted.lock().contains(&plan.form) {
            true => Audience::Everybody,
            false => Audience::Viewer(viewer.clone()),
        };
        let mut digest = Sha256::new();
        digest.update(plan.form);
        digest.update(audience.name());
        let key: Key = digest.finalize().into();
        let found = || Execution {
            live: self.clone(),
            plan: Arc::clone(plan),
            audience,
        };
        self.0.groups.join(key, found, position, address)
    }

    /// Notes that a form is not as public as it seemed.
    fn part(&self, plan: &Plan) {
        let mut parted = self.0.parted.lock();
        if parted.len() >= MOST_PARTED {
            parted.clear();
        }
        if parted.insert(plan.form) {
            self.0.metrics.group_partings.inc();
        }
    }

    /// Makes sure that what has been committed by now reaches the rings soon, and gives the
    /// position of that.
    pub(super) fn flush(&self) -> Seq {
        let position = self.0.social.store().log().position().seq;
        if self.0.flushed.fetch_max(position, Relaxed) < position {
            self.0.groups.flush();
        }
        position
    }
}

/// What the executor says of an operation that it did not begin.
fn with_codes(mut response: Response) -> Response {
    let began = response.errors.iter().any(|error| !error.path.is_empty());
    let code = if began {
        Code::BadUserInput
    } else {
        Code::GraphqlValidationFailed
    };
    set_codes(&mut response, code);
    response
}
