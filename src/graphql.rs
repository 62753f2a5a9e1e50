//! The schema, and how operations are executed.
//!
//! The executor is async-graphql's; transports hand it requests through [`Api`] and send what
//! comes back. No extension is in the schema: any one would switch every field to a slow path.

mod argument;
mod batch;
mod canonical;
mod class;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub mod guard;
pub mod limit;
pub mod live;
mod loader;
mod mutation;
mod object;
pub mod persisted;
mod prepared;
mod query;
mod request;
mod scalar;
mod subscription;
mod written;

use crate::broker::{Broker, Followers};
use crate::delivery::groups;
use crate::metrics::Metrics;
use crate::model::error::Code;
use crate::model::viewer::TokenHash;
use crate::model::{Error, Seq, Viewer};
use crate::social::Social;
use crate::trace::Span;
use async_graphql::parser::types::OperationType;
use async_graphql::{Request as Operation, Response, Schema, ServerError, ValidationMode, Value};
pub use error::retry_after;
use error::{refusal, refusal_of, set_codes};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use guard::Limits;
use http::header::RETRY_AFTER;
use limit::{Account, Limiter, Rates};
use live::{Live, Subscription};
use mutation::Mutation;
use persisted::Trusted;
pub use prepared::Asked;
use prepared::Documents;
use query::Query;
use request::{Request, Scope};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use subscription::SubscriptionRoot;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// How many of the dearest operations may be executed at once: what an answer holds while it grows
/// is in proportion to its cost, so this bounds the memory of all of them.
const DEAREST_AT_ONCE: u64 = 25;

/// How long a part that is asked whether it is there may take to answer.
const READY: Duration = Duration::from_millis(1_500);

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
    /// What groups of subscriptions are made with.
    pub groups: groups::Options,
    /// What a document and its operations may have.
    pub limits: Limits,
    /// What may be done how often; none: as often as anybody likes.
    pub rates: Option<Rates>,
    /// What documents in memory may take together, in bytes.
    pub documents: usize,
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
    /// What all operations under way may cost together.
    under_way: Arc<Semaphore>,
    social: Social,
    broker: Option<Arc<dyn Broker>>,
    live: Live,
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

/// The result of an operation that was executed.
#[derive(Debug)]
pub struct Answer {
    /// As JSON.
    pub json: serde_json::Result<Vec<u8>>,
    /// What its resolvers add to the headers of an answer over HTTP.
    pub headers: http::HeaderMap,
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
    pub fn new(
        social: Social,
        followers: Followers,
        broker: Option<Arc<dyn Broker>>,
        metrics: Metrics,
        options: Options,
    ) -> Self {
        let careful = root(options.production, ValidationMode::Strict);
        let dearest = options.limits.cost.saturating_add(guard::INTROSPECTION_COST);
        let most = dearest.saturating_mul(DEAREST_AT_ONCE);
        let documents = Documents::new(
            careful.clone(),
            options.limits,
            options.trusted,
            options.documents,
            metrics.clone(),
        );
        Self {
            careful,
            quick: root(options.production, ValidationMode::Fast),
            documents: Arc::new(documents),
            limiter: Limiter::new(options.rates, social.store(), metrics.clone()),
            live: Live::new(social.clone(), followers, metrics, options.groups),
            under_way: Arc::new(Semaphore::new(permits(most))),
            social,
            broker,
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
    pub fn ask(&self, request: Operation, caller: &Caller) -> Result<Asked, Response> {
        let account = self.limiter.of(&caller.viewer, caller.address);
        self.documents.ask(request, &account)
    }

    /// As [`Api::ask`], for a document of the server's own: it needs no operator's trust.
    ///
    /// # Errors
    /// As [`Api::ask`].
    pub fn ask_own(&self, request: Operation, caller: &Caller) -> Result<Asked, Response> {
        let account = self.limiter.of(&caller.viewer, caller.address);
        self.documents.ask_own(request, &account)
    }

    /// Executes a query or a mutation.
    pub async fn execute(&self, asked: Asked, caller: Caller) -> Outcome {
        self.run(asked, caller, false).await
    }

    /// Executes a query or a mutation, and gives its result as JSON.
    ///
    /// # Errors
    /// The response that refuses it: it never began to execute.
    pub async fn answer(&self, asked: Asked, caller: Caller) -> Result<Answer, Response> {
        let is_plain = asked.is_plain();
        match self.run(asked, caller, is_plain).await {
            Outcome::Executed(result) => Ok(Answer {
                json: written::json(&result),
                headers: result.http_headers,
            }),
            Outcome::Refused(refused) => Err(refused),
        }
    }

    /// `is_written`: whether parts of the result may be bytes.
    async fn run(&self, asked: Asked, caller: Caller, is_written: bool) -> Outcome {
        if asked.kind == OperationType::Subscription {
            return Outcome::Refused(refusal(
                "subscriptions are opened over a WebSocket, or at /graphql/stream",
                Code::GraphqlValidationFailed,
            ));
        }
        describe(&Span::current(), &asked);
        match self.admit(&asked, &caller) {
            Ok(admitted) => {
                let permits = u32::try_from(admitted.cost).unwrap_or(u32::MAX);
                // It is never closed; who waits too long is ended by the transport's deadline.
                let _permit = self.under_way.acquire_many(permits).await;
                let shared = self.shared(caller, admitted.account, is_written);
                let document = asked.document();
                let mut response = admitted.schema.execute(asked.into_request().data(shared)).await;
                document.name_arguments(&mut response);
                outcome(response)
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
        asked: Asked,
        caller: Caller,
        resume: Option<String>,
    ) -> BoxFuture<'static, Result<Subscription, Response>> {
        describe(&Span::current(), &asked);
        match self.admit(&asked, &caller) {
            Ok(admitted) => self
                .live
                .open(admitted.schema.clone(), asked.into_request(), caller, resume),
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

    /// Shares with other nodes what callers are charged, until cancelled.
    pub async fn share_charges(self, stop: CancellationToken) {
        if let Some(broker) = &self.broker {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.limiter.exchange(&**broker) => {}
            }
        }
    }

    /// Each part that serving needs, and whether it can be reached.
    pub async fn ready(&self) -> Vec<(&'static str, Result<(), String>)> {
        let database = answers(self.social.store().ready());
        let broker = async {
            match &self.broker {
                Some(broker) => answers(broker.ready()).await,
                None => Ok(()),
            }
        };
        let (database, broker) = tokio::join!(database, broker);
        vec![("database", database), ("broker", broker)]
    }

    fn shared(&self, caller: Caller, account: Account, is_written: bool) -> Arc<Request> {
        let scope = Scope::new(self.social.clone(), caller.viewer);
        let mut request = Request::new(scope, account, None);
        request.is_written = is_written;
        Arc::new(request)
    }

    /// Checks whether the caller may ask this, and charges for it.
    fn admit(&self, asked: &Asked, caller: &Caller) -> Result<Admitted<'_>, Response> {
        if !self.public_access && caller.viewer == Viewer::Anonymous && !asked.is_open() {
            return Err(refusal("log in first", Code::Unauthenticated));
        }
        let cost = self.documents.cost(asked)?;
        let writes = match asked.kind {
            OperationType::Mutation => asked.root_fields(),
            OperationType::Query | OperationType::Subscription => 0,
        };
        let account = self.limiter.of(&caller.viewer, caller.address);
        account.operation(cost, writes).map_err(|error| refusal_of(&error))?;
        let schema = if self.documents.is_valid(asked) {
            &self.quick
        } else {
            &self.careful
        };
        Ok(Admitted { schema, cost, account })
    }
}

/// Notes what kind of operation a span has. Its name, let alone its text, is the client's own.
fn describe(span: &Span, asked: &Asked) {
    let kind = match asked.kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    };
    span.note("graphql.operation.type", kind);
}

/// How an operation may be executed.
struct Admitted<'a> {
    /// By which of the two schemas.
    schema: &'a Root,
    /// What it was charged, and may hold while it is executed.
    cost: u64,
    /// Who was charged.
    account: Account,
}

/// Whether a part answers soon.
async fn answers(asked: impl Future<Output = crate::model::Result<()>>) -> Result<(), String> {
    match tokio::time::timeout(READY, asked).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err("out of reach".to_owned()),
        Err(_) => Err("no answer".to_owned()),
    }
}

/// As many permits as a semaphore can have, at the most.
fn permits(cost: u64) -> usize {
    usize::try_from(cost).map_or(Semaphore::MAX_PERMITS, |cost| cost.min(Semaphore::MAX_PERMITS))
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
        if let Some(seconds) = retry_after(&response) {
            response.http_headers.insert(RETRY_AFTER, seconds.into());
        }
        return Outcome::Executed(response);
    }
    set_codes(&mut response, Code::GraphqlValidationFailed);
    Outcome::Refused(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::social::Rules;
    use crate::store::{self, Store};
    use async_graphql::Variables;
    use proptest::prelude::*;
    use std::hint::black_box;
    use std::time::Instant;

    const TIMELINE: &str = include_str!("../playground/queries/04-timeline.graphql");
    const HASHTAG: &str = include_str!("../playground/queries/05-hashtag.graphql");

    async fn api(folder: &tempfile::TempDir) -> Api {
        let metrics = Metrics::default();
        let options = store::Options::file(folder.path().join("linnet.db").display().to_string(), 64 << 20);
        let store = Store::open(&options, &metrics).await.unwrap();
        let options = Options {
            public_access: true,
            production: false,
            groups: groups::Options {
                memory: 1 << 20,
                limit_walks: false,
            },
            limits: Limits::default(),
            rates: None,
            documents: 1 << 20,
            trusted: Trusted::default(),
        };
        let social = Social::new(store, Rules::default());
        Api::new(social, Followers::default(), None, metrics, options)
    }

    fn caller() -> Caller {
        Caller {
            viewer: Viewer::Anonymous,
            request_id: "".into(),
            address: None,
        }
    }

    fn operation(text: &str) -> Operation {
        let variables = serde_json::json!({ "name": "nothing", "first": 20 });
        Operation::new(text).variables(Variables::from_json(variables))
    }

    /// What a request costs that reads almost nothing: microseconds, the best of several rounds.
    async fn measured<F: Future<Output = Outcome>>(mut ask: impl FnMut() -> F) -> f64 {
        const TIMES: u32 = 100;
        let mut best = f64::MAX;
        for _ in 0..10 {
            let begin = Instant::now();
            for _ in 0..TIMES {
                assert!(matches!(black_box(ask().await), Outcome::Executed(_)));
            }
            best = best.min(begin.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES));
        }
        best
    }

    /// Values of all kinds, some of which some variable takes.
    fn value() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::json;
        let plain = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(|value| json!(value)),
            (-2_i64..120).prop_map(|value| json!(value)),
            Just(json!(5_000_000_000_i64)),
            Just(json!(1.5)),
            prop::sample::select(vec!["", "USER", "NOBODY", "User:1", "a"]).prop_map(|value| json!(value)),
        ];
        plain.prop_recursive(3, 12, 4, |inner| {
            let names = prop::sample::select(vec!["targetId", "flag", "backfill", "other"]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|items| json!(items)),
                prop::collection::hash_map(names, inner, 0..4).prop_map(|fields| json!(fields)),
            ]
        })
    }

    #[test]
    fn what_is_not_validated_again_is_answered_as_if_it_were() {
        const TEXT: &str =
            "query A($first: Int = 3, $name: String!, $ids: [ID!]!, $group: FeedGroup!, $yes: Boolean = true) {
                hashtag(name: $name) @include(if: $yes) { tweets(first: $first) { nodes { id } } }
                nodes(ids: $ids) { id } feed(group: $group, slug: $name) { id } }
            mutation B($input: FollowInput!) { follow(input: $input) { viewer { id } } }";
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let api = runtime.block_on(api(&folder));
        let names = prop::sample::select(vec!["first", "name", "ids", "group", "yes", "input"]);
        // Most are right, so that some of the requests are.
        let right =
            serde_json::json!({ "name": "a", "ids": ["User:1"], "group": "USER", "input": { "targetId": "User:1" } });
        let given = prop::collection::hash_map(names, value(), 0..3);
        let mut runner = proptest::test_runner::TestRunner::default();
        let quick = std::cell::Cell::new(0);
        let checked = runner.run(&(given, prop::sample::select(vec!["A", "B"])), |(given, name)| {
            let mut variables = right.clone();
            for (name, value) in given {
                variables[name] = value;
            }
            let operation = || {
                Operation::new(TEXT)
                    .operation_name(name)
                    .variables(Variables::from_json(variables.clone()))
            };
            let asked = api.ask(operation(), &caller()).unwrap();
            quick.set(quick.get() + u32::from(api.documents.is_valid(&asked)));
            let shared = api.shared(caller(), api.limiter.of(&Viewer::Anonymous, None), false);
            let document = asked.document();
            let mut careful = runtime.block_on(api.careful.execute(asked.into_request().data(shared)));
            document.name_arguments(&mut careful);
            let asked = api.ask(operation(), &caller()).unwrap();
            let answered = runtime.block_on(api.execute(asked, caller()));
            prop_assert_eq!(format!("{:?}", outcome(careful)), format!("{answered:?}"));
            Ok(())
        });
        checked.unwrap();
        assert!(quick.get() > 20, "{} were not validated again", quick.get());
    }

    /// A selection: fields of both kinds, some of them twice or under other names.
    fn selection(fields: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(fields), 1..6).prop_map(|fields| fields.join(" "))
    }

    const OF_USERS: &[&str] = &[
        "id",
        "username",
        "displayName",
        "bio",
        "avatarUrl",
        "handle",
        "url",
        "createdAt",
        "tweetCount",
        "followerCount",
        "followingCount",
        "isModerator",
        "other: id",
        "__typename",
        "bio @skip(if: true)",
        "viewerIsFollowing",
        "... on User { username }",
        "...OfUser",
    ];
    const OF_TWEETS: &[&str] = &[
        "id",
        "text",
        "createdAt",
        "editedAt",
        "likeCount",
        "retweetCount",
        "replyCount",
        "url",
        "language",
        "author { id }",
        "author { id username }",
        "by: author { displayName ...OfUser }",
        "__typename",
        "other: text",
        "hashtags { name }",
        "...OfTweet",
        "... on Tweet { url }",
        "inReplyTo { text author { username } }",
    ];

    /// What is written while it is read is, to the letter, what the executor makes of it.
    #[test]
    fn what_is_written_at_once_is_what_the_executor_answers() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let api = runtime.block_on(api(&folder));
        let ask = |text: &str, caller: &Caller| api.ask(Operation::new(text), caller).unwrap();
        let done = |text: &str, caller: Caller| match runtime.block_on(api.execute(ask(text, &caller), caller)) {
            Outcome::Executed(response) => response.data.into_json().unwrap(),
            Outcome::Refused(response) => panic!("{response:?}"),
        };
        let sign_up = "mutation { signUp(input: { username: \"alice\", password: \"correct horse\" }) { token } }";
        let token = done(sign_up, caller())["signUp"]["token"].as_str().unwrap().to_owned();
        let viewer = runtime.block_on(api.authenticate(Some(&token))).unwrap();
        let alice = || Caller {
            viewer: viewer.clone(),
            ..caller()
        };
        for text in ["plain", "\\\"quoted\\\" \\\\ \\u0001 🐦 #rust", "@alice line\\nbreak"] {
            done(
                &format!("mutation {{ postTweet(input: {{ text: \"{text}\" }}) {{ tweet {{ id }} }} }}"),
                alice(),
            );
        }
        let mut runner = proptest::test_runner::TestRunner::default();
        let written = std::cell::Cell::new(0);
        let asked = (
            selection(OF_USERS),
            selection(OF_TWEETS),
            selection(OF_TWEETS),
            selection(OF_USERS),
            any::<bool>(),
        );
        let checked = runner.run(&asked, |(user, nodes, edges, fragment, twice)| {
            let again = if twice { format!("nodes {{ {edges} }}") } else { String::new() };
            let fragment = fragment.replace("...OfUser", "id").replace("... on User { username }", "bio");
            let text = format!(
                "{{ user(username: \"alice\") {{ {user} tweets(first: 5) {{ nodes {{ {nodes} }} {again} edges {{ node {{ {edges} }} }} }} }} }}
                 fragment OfUser on User {{ {fragment} }} fragment OfTweet on Tweet {{ text author {{ {fragment} }} }}"
            );
            // One that stands nowhere is refused.
            let text = match (text.contains("...OfTweet"), text.matches("OfUser").count() > 1) {
                (true, true) => text,
                (false, _) | (_, false) => format!("{text} query Both {{ node(id: \"User:1\") {{ ...OfUser }} other: node(id: \"Tweet:1\") {{ ...OfTweet }} }}"),
            };
            let operation = || match text.contains("query Both") {
                true => Operation::new(text.replacen('{', "query One {", 1)).operation_name("One"),
                false => Operation::new(&text),
            };
            let Ok(asked) = api.ask(operation(), &alice()) else { return Ok(()) };
            written.set(written.get() + u32::from(asked.is_plain()));
            let answer = runtime.block_on(api.answer(asked, alice())).unwrap();
            let asked = api.ask(operation(), &alice()).unwrap();
            let Outcome::Executed(response) = runtime.block_on(api.execute(asked, alice())) else {
                return Err(TestCaseError::fail("refused"));
            };
            prop_assert_eq!(String::from_utf8(answer.json.unwrap()).unwrap(), serde_json::to_string(&response).unwrap());
            Ok(())
        });
        checked.unwrap();
        assert!(written.get() > 20, "{} were written", written.get());
    }

    #[tokio::test]
    async fn what_preparing_saves() {
        let folder = tempfile::tempdir().unwrap();
        let api = api(&folder).await;
        for (name, text) in [("timeline", TIMELINE), ("hashtag", HASHTAG)] {
            let unprepared = measured(async || {
                let shared = api.shared(caller(), api.limiter.of(&Viewer::Anonymous, None), false);
                outcome(api.careful.execute(operation(text).data(shared)).await)
            })
            .await;
            let validated = measured(async || {
                let asked = api.ask(operation(text), &caller()).unwrap();
                let admitted = api.admit(&asked, &caller()).unwrap();
                let shared = api.shared(caller(), admitted.account, false);
                outcome(api.careful.execute(asked.into_request().data(shared)).await)
            })
            .await;
            let prepared = measured(async || {
                api.execute(api.ask(operation(text), &caller()).unwrap(), caller())
                    .await
            })
            .await;
            println!(
                "{name}, {} bytes: {unprepared:.1} µs parsed and validated, {validated:.1} µs validated, {prepared:.1} µs prepared",
                text.len()
            );
            // The hashtag's time is SQL's mostly, which varies.
            assert!(prepared < unprepared || name == "hashtag");
        }
    }
}
