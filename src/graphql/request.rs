//! What a request's resolvers share.

use super::error::Result;
use super::limit::Account;
use super::loader::Loaders;
use super::scalar::Json;
use super::subscription::Source;
use crate::delivery::frame::Shown;
use crate::model::{self, ActionId, Error, Event, Position, Seq, Sight, Tweet, UserId, Viewer, WallId};
use crate::social::Social;
use crate::store::Store;
use async_graphql::ContextBase;
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use tokio::sync::OnceCell;

/// Who asks, and of what. Cheap to clone.
#[derive(Clone)]
pub struct Scope(Arc<Inner>);

struct Inner {
    social: Social,
    viewer: Viewer,
    sight: Mutex<Arc<OnceCell<Sight>>>,
    witness: Option<Witness>,
}

/// What an execution for many has to say for itself.
#[derive(Default)]
struct Witness {
    asked: AtomicBool,
    shown: Mutex<Shown>,
}

impl Scope {
    /// An operation of a viewer.
    pub(super) fn new(social: Social, viewer: Viewer) -> Self {
        Self::with(social, viewer, None)
    }

    /// An execution of a stream's event, which keeps account of what it shows.
    pub(super) fn witnessed(social: Social, viewer: Viewer) -> Self {
        Self::with(social, viewer, Some(Witness::default()))
    }

    fn with(social: Social, viewer: Viewer, witness: Option<Witness>) -> Self {
        Self(Arc::new(Inner {
            social,
            viewer,
            sight: Mutex::default(),
            witness,
        }))
    }

    /// The rules.
    #[must_use]
    pub fn social(&self) -> &Social {
        &self.0.social
    }

    /// What is read.
    #[must_use]
    pub fn store(&self) -> &Store {
        self.0.social.store()
    }

    /// Who asks.
    #[must_use]
    pub fn viewer(&self) -> &Viewer {
        if let Some(witness) = &self.0.witness {
            witness.asked.store(true, Relaxed);
        }
        &self.0.viewer
    }

    /// What the viewer may see, as of the operation's beginning or its last mutation. What many
    /// share is what a stranger sees, so nobody is asked for.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn sight(&self) -> model::Result<Sight> {
        Ok(self.look(&self.glance()).await?.clone())
    }

    /// Where what the viewer may see is found until the operation's next mutation.
    pub(super) fn glance(&self) -> Arc<OnceCell<Sight>> {
        Arc::clone(&self.0.sight.lock())
    }

    /// What the viewer may see, looked up the first time.
    pub(super) async fn look<'g>(&self, glance: &'g OnceCell<Sight>) -> model::Result<&'g Sight> {
        let look = || self.store().sight(self.0.viewer.user());
        glance.get_or_try_init(look).await
    }

    /// Looks anew: a mutation may have changed what the viewer sees.
    fn renew(&self) {
        *self.0.sight.lock() = Arc::default();
    }

    /// Notes that a tweet's content is shown.
    pub fn show_tweet(&self, tweet: &Tweet) {
        if let Some(witness) = &self.0.witness {
            let mut shown = witness.shown.lock();
            note(&mut shown.tweets, tweet.id);
            note(&mut shown.users, tweet.author);
        }
    }

    /// Notes that a hashtag is shown.
    pub fn show_hashtag(&self, name: &str) {
        if let Some(witness) = &self.0.witness {
            note(&mut witness.shown.lock().hashtags, name.to_owned());
        }
    }

    /// Notes that a wall is shown.
    pub fn show_wall(&self, wall: WallId) {
        if let Some(witness) = &self.0.witness {
            note(&mut witness.shown.lock().walls, wall);
        }
    }

    /// Notes that a user's content is shown.
    pub fn show_user(&self, user: UserId) {
        if let Some(witness) = &self.0.witness {
            note(&mut witness.shown.lock().users, user);
        }
    }

    /// Notes that an action is shown.
    pub fn show_action(&self, action: ActionId) {
        if let Some(witness) = &self.0.witness {
            note(&mut witness.shown.lock().actions, action);
        }
    }

    /// Notes whose event it is that is told.
    pub fn told_by(&self, user: UserId) {
        if let Some(witness) = &self.0.witness {
            let mut shown = witness.shown.lock();
            note(&mut shown.by, user);
            note(&mut shown.users, user);
        }
    }

    /// What was shown.
    pub(super) fn shown(&self) -> Shown {
        let witness = self.0.witness.as_ref();
        witness.map(|witness| witness.shown.lock().clone()).unwrap_or_default()
    }

    /// Whether anything has asked who the viewer is.
    pub(super) fn was_asked(&self) -> bool {
        self.0
            .witness
            .as_ref()
            .is_some_and(|witness| witness.asked.load(Relaxed))
    }
}

fn note<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// What a subscription's root field is asked for.
pub enum Turn {
    /// What is to be streamed: the field says so once.
    Open(Opening),
    /// One event of it, which is known by now.
    Tell(Arc<Event>, Source),
}

/// What is known of a stream that is being opened.
pub struct Opening {
    /// A cursor that the transport has of its own, and that wins over `after`.
    resume: Option<String>,
    opened: Mutex<Option<Opened>>,
}

impl Opening {
    pub(super) fn new(resume: Option<String>) -> Self {
        let opened = Mutex::default();
        Self { resume, opened }
    }
}

/// A stream that is to be opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Which stream.
    pub source: Source,
    /// Behind which event, if not from now on.
    pub after: Option<Seq>,
}

/// How much content a result may have, in bytes: twice what the largest page of usual tweets has.
const LARGEST: usize = 16 << 20;

/// What an operation is executed with.
pub struct Request {
    scope: Scope,
    loaders: RwLock<Arc<Loaders>>,
    turn: Option<Turn>,
    /// Whether parts of the result may be written as JSON at once.
    pub is_written: bool,
    /// How many bytes of content the result has so far.
    content: AtomicUsize,
    /// What the caller is charged.
    pub account: Account,
    /// The position that everything read in the operation has at least reached.
    pub position: Position,
}

impl Request {
    pub(super) fn new(scope: Scope, account: Account, turn: Option<Turn>) -> Self {
        let position = scope.store().log().position();
        Self {
            loaders: RwLock::new(Arc::new(Loaders::new(&scope))),
            scope,
            turn,
            is_written: false,
            content: AtomicUsize::new(0),
            account,
            position,
        }
    }

    /// Counts content that goes into the result: what is written at once, and long texts.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn fill(&self, bytes: usize) -> model::Result<()> {
        let before = self.content.fetch_add(bytes, Relaxed);
        match before.saturating_add(bytes) > LARGEST {
            true => Err(Error::TooLarge(LARGEST)),
            false => Ok(()),
        }
    }

    /// A text that goes into the result as it is, if it has one.
    pub fn held<'t>(&self, text: Option<&'t str>) -> Option<Result<&'t str>> {
        let text = text?;
        Some(self.fill(text.len()).map(|()| text).map_err(Into::into))
    }

    /// Data that go into the result as they are, if there are any.
    pub fn held_data(&self, data: Option<&serde_json::Value>) -> Option<Result<Json>> {
        let data = data?;
        let bytes = serde_json::to_vec(data).map_or(0, |json| json.len());
        Some(self.fill(bytes).map(|()| Json(data.clone())).map_err(Into::into))
    }

    /// Begins anew: what was read before a mutation is not what is read after it.
    pub fn renew(&self) {
        self.scope.renew();
        *self.loaders.write() = Arc::new(Loaders::new(&self.scope));
    }

    /// The event that the root field of a subscription is to tell; none when it is only opened.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` when `after` is no cursor of a stream, `CURSOR_EXPIRED` when the stream can't
    /// be opened behind it.
    pub async fn turn(&self, source: Source, after: Option<String>) -> Result<Option<Arc<Event>>> {
        match &self.turn {
            Some(Turn::Tell(event, _)) => Ok(Some(Arc::clone(event))),
            Some(Turn::Open(opening)) => {
                let after = opening.resume.clone().or(after);
                let after = after.as_deref().map(position).transpose()?;
                if let Some(after) = after {
                    self.scope.store().log().check(after).await?;
                }
                let after = after.map(|position| position.seq);
                *opening.opened.lock() = Some(Opened { source, after });
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// The stream whose event is to be told.
    #[must_use]
    pub fn telling(&self) -> Option<&Source> {
        match &self.turn {
            Some(Turn::Tell(_, source)) => Some(source),
            _ => None,
        }
    }

    /// Whether a stream is being opened.
    #[must_use]
    pub fn is_opening(&self) -> bool {
        matches!(self.turn, Some(Turn::Open(_)))
    }

    /// The stream that was opened, if it was one.
    pub(super) fn opened(&self) -> Option<Opened> {
        match &self.turn {
            Some(Turn::Open(opening)) => opening.opened.lock().take(),
            _ => None,
        }
    }
}

fn position(cursor: &str) -> Result<Position> {
    Position::decode(cursor).ok_or_else(|| Error::invalid("after", "not a cursor of a stream").into())
}

/// What resolvers ask their context for.
pub trait Ask {
    /// The operation's request.
    fn request(&self) -> &Request;

    /// Who asks, and of what.
    fn scope(&self) -> &Scope {
        &self.request().scope
    }

    /// The batched look-ups.
    fn load(&self) -> Arc<Loaders> {
        Arc::clone(&self.request().loaders.read())
    }

    /// The rules.
    fn social(&self) -> &Social {
        self.scope().social()
    }

    /// Who asks.
    fn viewer(&self) -> &Viewer {
        self.scope().viewer()
    }
}

impl<T> Ask for ContextBase<'_, T> {
    fn request(&self) -> &Request {
        self.data_unchecked::<Arc<Request>>()
    }
}
