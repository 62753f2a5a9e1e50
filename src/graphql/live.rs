//! Subscriptions: which of them are one group, how its events are executed, and who gets them.

use super::canonical::canonical;
use super::error::{ApiError, refusal, set_codes};
use super::limit::Account;
use super::prepared::operation;
use super::request::{Opened, Opening, Request, Scope, Turn};
use super::subscription::Source;
use super::{Caller, Root, class, source_failed};
use crate::broker::Memory;
use crate::delivery;
pub use crate::delivery::frame::Frame;
use crate::delivery::frame::{Shown, Teller, Told};
use crate::delivery::group::{Heard, Listener};
use crate::delivery::groups::{Groups, Key};
use crate::metrics::Metrics;
use crate::model::error::Code;
use crate::model::{Error, Event, Result, Seq, UserId, Viewer};
use crate::social::Social;
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
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// How many documents are remembered whose fields are not as public as they seemed.
const MOST_PARTED: usize = 10_000;

/// Whom a viewer does not want to see.
#[derive(Clone, Debug, Default)]
pub struct Hides {
    /// The viewer sees nothing of them.
    pub blocked: HashSet<UserId>,
    /// What they do is left out; within what others do they may appear.
    pub muted: HashSet<UserId>,
}

/// Tells whom viewers hide. Asked for each event of a stream, so it answers from memory mostly.
pub trait Hidden: Send + Sync {
    /// Whether memory knows that a viewer hides nobody.
    fn is_nobody(&self, viewer: UserId) -> bool;

    /// Whom a viewer hides.
    fn of(&self, viewer: UserId) -> BoxFuture<'static, Result<Arc<Hides>>>;
}

/// Nobody hides anybody.
pub struct Nobody;

impl Hidden for Nobody {
    fn is_nobody(&self, _: UserId) -> bool {
        true
    }

    fn of(&self, _: UserId) -> BoxFuture<'static, Result<Arc<Hides>>> {
        std::future::ready(Ok(Arc::default())).boxed()
    }
}

/// What a viewer gets of a frame that many share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    /// The frame.
    All,
    /// The event, from an execution of the viewer's own.
    Own,
    /// Nothing.
    None,
}

impl Hides {
    fn share(&self, shown: &Shown) -> Share {
        if shown
            .by
            .iter()
            .any(|user| self.blocked.contains(user) || self.muted.contains(user))
        {
            return Share::None;
        }
        match shown.users.iter().any(|user| self.blocked.contains(user)) {
            true => Share::Own,
            false => Share::All,
        }
    }
}

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
    hidden: Arc<dyn Hidden>,
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
        let social = &self.live.0.social;
        let scope = Scope::witnessed(social.clone(), self.audience.viewer());
        let request = Request::new(scope.clone(), Account::free(), Some(Turn::Tell(Arc::clone(&event))));
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
        Ok(Told::Frame(Frame::new(event, payload, scope.shown(), as_of)))
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
    pub(super) fn new(social: Social, broker: Memory, metrics: Metrics, options: delivery::groups::Options) -> Self {
        let groups = Groups::new(social.store().clone(), broker, metrics.clone(), options);
        Self(Arc::new(Inner {
            social,
            metrics,
            groups,
            flushed: AtomicI64::new(0),
            parted: Mutex::default(),
            hidden: Arc::new(Nobody),
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

/// One subscriber: a position in a group, and what the viewer's own rules make of its frames.
pub struct Subscription {
    live: Live,
    viewer: Viewer,
    listener: Listener<Execution>,
    /// What becomes of a frame, while it is decided.
    share: Option<BoxFuture<'static, Result<Option<Arc<Frame>>>>>,
}

/// What a subscription gives.
pub enum Next {
    /// The next event.
    Frame(Arc<Frame>),
    /// There will be no more, and why.
    Ended(Box<Response>),
}

impl Subscription {
    fn open(live: Live, plan: Arc<Plan>, caller: Caller, position: Seq) -> Self {
        live.0.metrics.subscriptions.inc();
        let listener = live.join(&plan, &caller.viewer, position, caller.address);
        Self {
            live,
            viewer: caller.viewer,
            listener,
            share: None,
        }
    }

    /// What comes next. The caller counts what it sends with [`Self::sent`].
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        loop {
            if let Some(share) = &mut self.share {
                let shared = ready!(share.poll_unpin(cx));
                self.share = None;
                match shared {
                    Ok(Some(frame)) => return Poll::Ready(Next::Frame(frame)),
                    Ok(None) => {}
                    Err(error) => return Poll::Ready(Next::Ended(ended(&error))),
                }
            }
            match ready!(self.listener.poll(cx)) {
                Heard::Frame(frame) => match self.viewer.user() {
                    Some(viewer) if !self.live.0.hidden.is_nobody(viewer) => {
                        self.share = Some(self.decide(viewer, frame));
                    }
                    _ => return Poll::Ready(Next::Frame(frame)),
                },
                Heard::Ended(why) => return Poll::Ready(Next::Ended(ended(&why))),
                Heard::Part => {
                    let plan = Arc::clone(&self.listener.teller().plan);
                    let (position, address) = (self.listener.position(), self.listener.address());
                    self.listener = self.live.join(&plan, &self.viewer, position, address);
                }
            }
        }
    }

    /// Holds a frame against whom the viewer hides.
    fn decide(&self, viewer: UserId, frame: Arc<Frame>) -> BoxFuture<'static, Result<Option<Arc<Frame>>>> {
        let hides = self.live.0.hidden.of(viewer);
        let shared = self.listener.teller();
        let own = Execution {
            audience: Audience::Viewer(self.viewer.clone()),
            ..shared.clone()
        };
        let is_own = shared.audience != Audience::Everybody;
        async move {
            match hides.await?.share(&frame.shown) {
                Share::None => Ok(None),
                Share::Own if !is_own => {
                    own.live.0.metrics.executions.inc();
                    Ok(match own.tell(Arc::clone(&frame.event)).await? {
                        Told::Frame(frame) => Some(Arc::new(frame)),
                        Told::Nothing | Told::Personal => None,
                    })
                }
                Share::All | Share::Own => Ok(Some(frame)),
            }
        }
        .boxed()
    }

    /// Counts a frame that was handed to the subscriber in so many bytes.
    pub fn sent(&self, frame: &Frame, bytes: usize) {
        let metrics = &self.live.0.metrics;
        metrics.frames.inc();
        metrics.frame_bytes.inc_by(u64::try_from(bytes).unwrap_or(u64::MAX));
        if self.listener.was_there(&frame.event) {
            let now = self.live.0.social.store().clock().now();
            let micros = u64::try_from(now.0 - frame.event.at.0).unwrap_or_default();
            metrics.lag.observe(Duration::from_micros(micros).as_secs_f64());
        }
    }

    /// Whether there is something that the subscriber has not heard yet of all that was in the
    /// log at a position.
    #[must_use]
    pub fn is_behind(&self, position: Seq) -> bool {
        self.share.is_some() || self.listener.position() < position
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.live.0.metrics.subscriptions.dec();
    }
}

fn ended(error: &Error) -> Box<Response> {
    let error: async_graphql::Error = ApiError::from(error).into();
    let error = error.into_server_error(async_graphql::Pos::default());
    Box::new(Response::from_errors(vec![error]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{groups, pump};
    use crate::graphql::guard::Limits;
    use crate::graphql::persisted::Trusted;
    use crate::graphql::{Api, Options, Outcome};
    use crate::social::Rules;
    use crate::store::{self, Store};
    use serde_json::{Value, json};
    use std::future::poll_fn;
    use tempfile::TempDir;
    use tokio_util::sync::CancellationToken;

    struct Place {
        api: Api,
        metrics: Metrics,
        _folder: TempDir,
    }

    /// A server without transports, in which the given users hide others, and fields count as
    /// public that are not.
    async fn place(hidden: impl Hidden + 'static, is_public: fn(&str) -> bool) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("linnet.db").to_string_lossy().into_owned();
        let metrics = Metrics::default();
        let memory = 1 << 20;
        let store = Store::open(&store::Options { path, memory }, &metrics).await.unwrap();
        let broker = Memory::default();
        tokio::spawn(pump::run(store.clone(), broker.clone(), CancellationToken::new()));
        let rules = Rules {
            tweet_length: 280,
            session_lifetime: Duration::from_secs(3600),
            sign_up: true,
        };
        let groups = groups::Options {
            memory,
            limit_walks: true,
        };
        let options = Options {
            public_access: true,
            production: false,
            groups,
            limits: Limits::default(),
            rates: None,
            trusted: Trusted::default(),
        };
        let mut api = Api::new(Social::new(store, rules), broker, metrics.clone(), options);
        let inner = Arc::get_mut(&mut api.live.0).unwrap();
        inner.hidden = Arc::new(hidden);
        inner.is_public = is_public;
        Place {
            api,
            metrics,
            _folder: folder,
        }
    }

    fn caller(viewer: Viewer) -> Caller {
        Caller {
            viewer,
            request_id: "test".into(),
            address: None,
        }
    }

    impl Place {
        async fn ask(&self, query: &str, variables: Value, viewer: &Viewer) -> Value {
            let request = Operation::new(query).variables(Variables::from_json(variables));
            let caller = caller(viewer.clone());
            let asked = self.api.ask(request, &caller).unwrap();
            let Outcome::Executed(response) = self.api.execute(asked, caller).await else {
                panic!("{query} was refused");
            };
            assert!(response.errors.is_empty(), "{:?}", response.errors);
            serde_json::to_value(response.data).unwrap()
        }

        async fn viewer(&self, name: &str) -> Viewer {
            let input = json!({ "input": { "username": name, "password": "correct horse" } });
            let query = "mutation($input: SignUpInput!) { signUp(input: $input) { token } }";
            let answer = self.ask(query, input, &Viewer::Anonymous).await;
            let token = answer["signUp"]["token"].as_str();
            self.api.authenticate(token).await.unwrap()
        }

        async fn post(&self, viewer: &Viewer, text: &str, in_reply_to: Option<&str>) -> String {
            let query = "mutation($input: PostTweetInput!) { postTweet(input: $input) { tweet { id } } }";
            let input = json!({ "input": { "text": text, "inReplyTo": in_reply_to } });
            let answer = self.ask(query, input, viewer).await;
            answer["postTweet"]["tweet"]["id"].as_str().unwrap().to_owned()
        }

        async fn subscribe(&self, selection: &str, viewer: &Viewer) -> Subscription {
            let query = format!("subscription {{ hashtagStream(hashtag: \"rust\") {{ {selection} }} }}");
            let caller = caller(viewer.clone());
            let asked = self.api.ask(Operation::new(query), &caller).unwrap();
            let opening = self.api.subscribe(asked, caller, None);
            opening.await.unwrap_or_else(|refused| panic!("{:?}", refused.errors))
        }
    }

    async fn next(subscription: &mut Subscription) -> Value {
        let next = poll_fn(|cx| subscription.poll_next(cx));
        match tokio::time::timeout(Duration::from_secs(10), next).await.unwrap() {
            Next::Frame(frame) => {
                let mut told: Value = serde_json::from_str(&frame.payload).unwrap();
                told["data"]["hashtagStream"].take()
            }
            Next::Ended(why) => panic!("{:?}", why.errors),
        }
    }

    #[tokio::test]
    async fn who_asks_for_the_viewer_behind_a_public_field_gets_no_shared_frame() {
        let place = place(Nobody, |_| true).await;
        let (alice, bob) = (place.viewer("alice").await, place.viewer("bob").await);
        let selection = "tweet { id viewerHasLiked }";
        let mut streams = Vec::new();
        for viewer in [&alice, &bob, &bob, &Viewer::Anonymous] {
            streams.push(place.subscribe(selection, viewer).await);
        }
        assert_eq!(place.metrics.groups.get(), 1, "it seems public");
        let id = place.post(&alice, "#rust", None).await;
        let like = "mutation($input: TweetRefInput!) { likeTweet(input: $input) { tweet { id } } }";
        place.ask(like, json!({ "input": { "id": id } }), &bob).await;
        for (stream, likes) in streams.iter_mut().zip([false, true, true, false]) {
            assert_eq!(
                next(stream).await,
                json!({ "tweet": { "id": id, "viewerHasLiked": likes } })
            );
        }
        assert_eq!(place.metrics.group_partings.get(), 1);
        assert_eq!(place.metrics.groups.get(), 3);
        // Once found out, it is never shared again.
        let late = place.subscribe(selection, &alice).await;
        assert_eq!(place.metrics.groups.get(), 3);
        drop((streams, late));
        assert_eq!(place.metrics.groups.get(), 0);
        assert_eq!(place.metrics.subscriptions.get(), 0);
    }

    /// Whom user 1 hides.
    struct Hiding(Hides);

    impl Hidden for Hiding {
        fn is_nobody(&self, viewer: UserId) -> bool {
            viewer != UserId(1)
        }

        fn of(&self, _: UserId) -> BoxFuture<'static, Result<Arc<Hides>>> {
            std::future::ready(Ok(Arc::new(self.0.clone()))).boxed()
        }
    }

    #[tokio::test]
    async fn whom_a_viewer_hides_is_hidden_from_that_viewer_alone() {
        let hides = Hides {
            blocked: HashSet::from([UserId(2)]),
            muted: HashSet::from([UserId(3)]),
        };
        let place = place(Hiding(hides), class::is_public).await;
        let mut people = Vec::new();
        for (number, name) in (1..).zip(["alice", "bob", "cleo", "dora"]) {
            people.push(place.viewer(name).await);
            assert_eq!(people.last().and_then(Viewer::user), Some(UserId(number)));
        }
        let [alice, bob, cleo, dora] = people.try_into().unwrap();
        let selection = "tweetId tweet { text inReplyTo { text author { username } } }";
        let mut alices = place.subscribe(selection, &alice).await;
        let mut doras = place.subscribe(selection, &dora).await;
        assert_eq!(place.metrics.groups.get(), 1, "rules of a viewer are no audience");
        let before = place.metrics.executions.get();

        let by_bob = place.post(&bob, "bob #rust", None).await;
        let by_cleo = place.post(&cleo, "cleo #rust", None).await;
        let to_bob = place.post(&dora, "to bob #rust", Some(&by_bob)).await;
        let to_cleo = place.post(&dora, "to cleo #rust", Some(&by_cleo)).await;
        for id in [&by_bob, &by_cleo, &to_bob, &to_cleo] {
            assert_eq!(next(&mut doras).await["tweetId"], **id);
        }
        // Nothing by the two; where bob appears in it, an execution of alice's own.
        for id in [&to_bob, &to_cleo] {
            assert_eq!(next(&mut alices).await["tweetId"], **id);
        }
        assert_eq!(place.metrics.executions.get() - before, 4 + 1);
    }
}
