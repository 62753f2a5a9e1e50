//! A group of subscribers who get the same bytes.

use super::frame::{Frame, Teller, Told};
use super::groups::Hub;
pub use super::ring::End;
use super::ring::{Behind, Growth, Reach, RunId, Runs};
use super::walk;
use crate::model::{Error, Event, Result, Seq};
use futures_util::FutureExt as _;
use parking_lot::Mutex;
use slab::Slab;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How long one execution may take, how often it is tried, and how long to wait in between.
const LIMIT: Duration = Duration::from_secs(10);
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// How many listeners are woken at once.
const TURN: usize = 256;

/// How old counts may be that those see who come back.
const RECENT: Duration = Duration::from_secs(1);

/// What subscribers of one group share.
pub struct Group<T> {
    pub(super) hub: Arc<Hub<T>>,
    pub(super) key: super::groups::Key,
    teller: Arc<T>,
    state: Mutex<State>,
    /// Tells runs that there is reason to go on.
    pub(super) wanted: Notify,
    /// Cancelled when the group is given up.
    pub(super) over: CancellationToken,
}

#[derive(Default)]
struct State {
    runs: Runs,
    listeners: Slab<Option<Waker>>,
    /// Whether the listeners have to part.
    parts: bool,
}

impl State {
    /// Takes the wakers of all who wait.
    fn waiting(&mut self) -> Waiting {
        let wakers = self.listeners.iter_mut().filter_map(|(_, waker)| waker.take());
        Waiting(wakers.collect())
    }
}

/// Listeners who are to be woken, without the group's lock: at the latest when this is dropped.
#[derive(Default)]
pub(super) struct Waiting(Vec<Waker>);

impl Waiting {
    /// Wakes some after the others, so that whoever else wants to run does not have to wait for
    /// ten thousand.
    pub(super) async fn wake_in_turns(mut self) {
        while !self.0.is_empty() {
            let rest = self.0.len().saturating_sub(TURN);
            self.0.drain(rest..).for_each(Waker::wake);
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.drain(..).for_each(Waker::wake);
    }
}

impl<T: Teller> Group<T> {
    pub(super) fn new(hub: Arc<Hub<T>>, key: super::groups::Key, teller: Arc<T>) -> Self {
        Self {
            hub,
            key,
            teller,
            state: Mutex::default(),
            wanted: Notify::new(),
            over: CancellationToken::new(),
        }
    }

    pub(super) fn teller(&self) -> &T {
        &self.teller
    }

    /// Takes a seat behind a position.
    pub(super) fn sit(self: &Arc<Self>, position: Seq) -> usize {
        let mut state = self.state.lock();
        if state.listeners.is_empty() {
            self.hub.metrics.groups.inc();
            // What nobody has heard meanwhile is executed only if somebody comes back for it.
            if !state.runs.has_reached(position) {
                state.runs.rest();
                self.wanted.notify_waiters();
            }
        }
        state.runs.forgive(position);
        state.listeners.insert(None)
    }

    fn leave(self: &Arc<Self>, seat: usize) {
        let mut state = self.state.lock();
        state.listeners.try_remove(seat);
        if state.listeners.is_empty() {
            self.hub.metrics.groups.dec();
            let worthless = state.runs.is_empty() || state.parts;
            drop(state);
            self.hub.left(self, worthless);
        }
    }

    /// Whether nobody listens.
    pub(super) fn is_idle(&self) -> bool {
        self.state.lock().listeners.is_empty()
    }

    /// Whether its listeners have to part: nobody may join it.
    pub(super) fn parts(&self) -> bool {
        self.state.lock().parts
    }

    fn poll(self: &Arc<Self>, cx: &Context<'_>, listener: &mut Place) -> Poll<Heard> {
        let mut state = self.state.lock();
        loop {
            if state.parts {
                return Poll::Ready(Heard::Part);
            }
            match state
                .runs
                .behind(listener.position, |frame| self.is_good(frame, listener))
            {
                Behind::Frame(frame) => {
                    listener.position = frame.event.position.seq;
                    return Poll::Ready(Heard::Frame(frame));
                }
                Behind::Ended(why) => return Poll::Ready(Heard::Ended(why)),
                Behind::Renew(event) => self.renew(event),
                Behind::Wait => {}
                Behind::Nothing(upto) => {
                    listener.position = upto;
                    self.wanted.notify_waiters();
                }
                Behind::Unknown => {
                    self.go_on(&mut state.runs, listener);
                    continue;
                }
            }
            if let Some(waker) = state.listeners.get_mut(listener.seat) {
                match waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    None => *waker = Some(cx.waker().clone()),
                }
            }
            return Poll::Pending;
        }
    }

    /// Whether a frame may be sent to a listener. Nobody is shown what was edited or deleted since.
    /// Who comes back moreover gets counts as they are now, not as they were at the time, though
    /// not anew for each of thousands who come back together.
    fn is_good(&self, frame: &Frame, listener: &Place) -> bool {
        let is_live = || frame.event.position.seq > listener.began || frame.as_of >= listener.began;
        let is_recent = || frame.replayed.is_some_and(|at| at.elapsed() < RECENT);
        self.hub.changes.allow(frame)
            && (is_live() || is_recent() || self.hub.store.caches().hold(frame.as_of, frame.shown.keys()))
    }

    /// Makes a run grow from a listener's position.
    fn go_on(self: &Arc<Self>, runs: &mut Runs, listener: &Place) {
        let is_behind = listener.position < self.hub.store.log().position().seq;
        if is_behind {
            self.hub.metrics.ring_misses.inc();
        }
        let pass = self.hub.walks.pass(listener.address.filter(|_| is_behind));
        walk::begin(Arc::clone(self), runs.go_on(listener.position), pass);
    }

    /// Executes an event anew in the background.
    fn renew(self: &Arc<Self>, event: Arc<Event>) {
        let group = Arc::clone(self);
        let renewing = async move {
            let seq = event.position.seq;
            match group.tell(event).await {
                Ok(Told::Frame(mut frame)) => {
                    frame.replayed = Some(Instant::now());
                    let waiting = group.keep(*frame, |state, frame| state.runs.renew(seq, Some(frame)));
                    waiting.wake_in_turns().await;
                }
                Ok(Told::Nothing) => drop(group.change(|state| state.runs.renew(seq, None))),
                Ok(Told::Personal) => group.part(),
                Err(_) => drop(group.change(|state| state.runs.postpone(seq))),
            }
        };
        let over = self.over.clone();
        tokio::spawn(async move { over.run_until_cancelled(renewing).await });
    }

    /// Executes an event, again if it fails, and without end if it must.
    pub(super) async fn tell(&self, event: Arc<Event>) -> Result<Told> {
        let mut tries = TRIES;
        loop {
            self.hub.metrics.executions.inc();
            let telling = AssertUnwindSafe(self.teller.tell(Arc::clone(&event))).catch_unwind();
            let told = match tokio::time::timeout(LIMIT, telling).await {
                Ok(Ok(told)) => told,
                Ok(Err(_)) => Err(Error::internal("an execution panicked")),
                Err(_) => Err(Error::internal("an execution took too long")),
            };
            tries -= 1;
            match told {
                Err(Error::Internal(cause)) if tries > 0 => {
                    tracing::warn!(%cause, seq = event.position.seq, "an event could not be told");
                    tokio::time::sleep(PAUSE).await;
                }
                told => return told,
            }
        }
    }

    /// Changes what there is to read; all who wait have to look again.
    fn change(&self, change: impl FnOnce(&mut State)) -> Waiting {
        let mut state = self.state.lock();
        change(&mut state);
        state.waiting()
    }

    /// Puts a frame where it belongs, and gives up what is too much by it.
    fn keep(self: &Arc<Self>, mut frame: Frame, put: impl FnOnce(&mut State, Arc<Frame>)) -> Waiting {
        self.hub.memory.charge(&mut frame);
        let frame = Arc::new(frame);
        let waiting = self.change(|state| put(state, Arc::clone(&frame)));
        for (group, frame) in self.hub.memory.keep(self, &frame) {
            group.state.lock().runs.give_up(&frame);
        }
        waiting
    }

    /// Everybody has to have a group of their own kind.
    fn part(&self) {
        drop(self.change(|state| state.parts = true));
        self.over.cancel();
    }
}

/// What a run does to its group (see [`walk`]).
impl<T: Teller> Group<T> {
    pub(super) fn upto(&self, run: RunId) -> Option<Seq> {
        self.state.lock().runs.upto(run)
    }

    /// How far a run may grow.
    pub(super) fn growth(&self, run: RunId) -> Growth {
        let state = self.state.lock();
        match state.runs.growth(run) {
            Growth::Upto(_) if state.listeners.is_empty() => Growth::Pause,
            growth => growth,
        }
    }

    /// Adds what an event of a run has become.
    pub(super) fn add(self: &Arc<Self>, run: RunId, event: Arc<Event>, told: Told) -> Waiting {
        match told {
            Told::Frame(mut frame) => {
                let is_live = self.state.lock().runs.is_at_end(run);
                frame.replayed = (!is_live).then(Instant::now);
                self.keep(*frame, |state, frame| state.runs.push(run, event, frame))
            }
            Told::Nothing => Waiting::default(),
            Told::Personal => {
                self.part();
                Waiting::default()
            }
        }
    }

    /// A run has everything up to a position. False: another goes on in its place.
    pub(super) fn reach(&self, run: RunId, seq: Seq) -> bool {
        let mut state = self.state.lock();
        let reached = state.runs.reach(run, seq);
        // Who waited at its end may have something to read now.
        let waiting = (reached != Reach::Open).then(|| state.waiting());
        drop(state);
        drop(waiting);
        reached != Reach::Over
    }

    pub(super) fn is_live(&self, run: RunId) {
        self.state.lock().runs.is_live(run);
    }

    pub(super) fn end(&self, run: RunId, why: End) {
        drop(self.change(|state| state.runs.end(run, why)));
    }
}

/// What a listener hears.
pub enum Heard {
    /// The next event.
    Frame(Arc<Frame>),
    /// There will be no more.
    Ended(End),
    /// The group parts: the listener has to join another, at its position.
    Part,
}

/// One subscriber of a group. It is nothing but a position, and leaves when dropped.
pub struct Listener<T: Teller> {
    group: Arc<Group<T>>,
    place: Place,
}

struct Place {
    seat: usize,
    position: Seq,
    /// The log's position when it came.
    began: Seq,
    address: Option<IpAddr>,
}

impl<T: Teller> Listener<T> {
    pub(super) fn new(group: Arc<Group<T>>, position: Seq, address: Option<IpAddr>) -> Self {
        let place = Place {
            seat: group.sit(position),
            position,
            began: group.hub.store.log().position().seq,
            address,
        };
        Self { group, place }
    }

    /// What comes behind its position.
    pub fn poll(&mut self, cx: &Context<'_>) -> Poll<Heard> {
        self.group.poll(cx, &mut self.place)
    }

    /// Up to where it has heard everything.
    #[must_use]
    pub fn position(&self) -> Seq {
        self.place.position
    }

    /// Whether an event came to pass while it was there.
    #[must_use]
    pub fn was_there(&self, event: &Event) -> bool {
        event.position.seq > self.place.began
    }

    /// From where it came.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.place.address
    }

    /// How the group's events are executed.
    #[must_use]
    pub fn teller(&self) -> &T {
        self.group.teller()
    }
}

impl<T: Teller> Drop for Listener<T> {
    fn drop(&mut self) {
        self.group.leave(self.place.seat);
    }
}
