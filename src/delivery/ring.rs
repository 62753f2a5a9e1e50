//! What a group keeps: frames in *runs*, unbroken stretches of the log.
//!
//! The last run grows at the log's end, the others are walks of somebody who is behind; when one
//! touches the next, the two become one. Usually there is a single run.

use super::frame::Frame;
use crate::model::{Error, Event, Seq};
use std::collections::VecDeque;
use std::sync::Arc;

/// How many events a run may be ahead of its foremost reader.
const AHEAD: usize = 64;

/// The name of a run within its group.
pub(super) type RunId = u64;

/// Why there is nothing more.
#[derive(Clone, Debug)]
pub enum End {
    /// The log can't be read on, or an event can't be told.
    Failed(Arc<Error>),
    /// What the stream is of is no more.
    Over,
}

/// All runs of a group, in the order of the log.
#[derive(Default)]
pub(super) struct Runs {
    runs: VecDeque<Run>,
    named: RunId,
}

/// Everything of the log behind `from`, up to and with `upto`, that concerns the group.
struct Run {
    id: RunId,
    from: Seq,
    upto: Seq,
    slots: VecDeque<Slot>,
    /// The position of its foremost reader.
    demand: Seq,
    /// Whether there is a task that makes it grow.
    grows: bool,
    /// Whether it has reached the log's end since it began to.
    is_live: bool,
    /// Why it can't grow.
    end: Option<End>,
}

struct Slot {
    event: Arc<Event>,
    content: Content,
}

enum Content {
    Frame(Arc<Frame>),
    /// The frame was given up.
    Void,
    /// It is executed anew.
    Renewing,
}

/// What is behind a position.
pub(super) enum Behind {
    /// This, and then more.
    Frame(Arc<Frame>),
    /// An event that has to be executed anew, by whoever asked first.
    Renew(Arc<Event>),
    /// Something that is being executed.
    Wait,
    /// Nothing up to here.
    Nothing(Seq),
    /// Nothing, and there will be nothing more.
    Ended(End),
    /// No run has it.
    Unknown,
}

/// How far a run that grows may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growth {
    /// Up to this position, where the next run begins.
    Upto(Seq),
    /// Nobody needs more of it now.
    Pause,
    /// The run is no more.
    Over,
}

/// What a run has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// It grows on.
    Open,
    /// It has been joined with one that rested, and grows on from its end.
    Joined,
    /// It has been joined with one that grows, or is no more.
    Over,
}

impl Run {
    fn first_behind(&self, position: Seq) -> usize {
        self.slots.partition_point(|slot| slot.seq() <= position)
    }

    fn find(&mut self, seq: Seq) -> Option<&mut Slot> {
        let index = self.first_behind(seq - 1);
        self.slots.get_mut(index).filter(|slot| slot.seq() == seq)
    }

    /// Whether it has, or will have, what is behind a position.
    fn serves(&self, position: Seq) -> bool {
        self.from <= position && (position <= self.upto || self.grows)
    }
}

impl Slot {
    fn seq(&self) -> Seq {
        self.event.position.seq
    }
}

impl Runs {
    /// Begins a run that grows from a position that no run serves.
    fn begin(&mut self, position: Seq) -> RunId {
        self.named += 1;
        let at = self.runs.partition_point(|run| run.from <= position);
        self.runs.insert(
            at,
            Run {
                id: self.named,
                from: position,
                upto: position,
                slots: VecDeque::new(),
                demand: position,
                grows: true,
                is_live: false,
                end: None,
            },
        );
        self.named
    }

    fn index(&self, id: RunId) -> Option<usize> {
        self.runs.iter().position(|run| run.id == id)
    }

    fn serving(&mut self, position: Seq) -> Option<&mut Run> {
        self.runs
            .iter_mut()
            .rev()
            .find(|run| run.from <= position)
            .filter(|run| run.serves(position))
    }

    /// What is behind a reader's position. `fresh` says whether a frame may still be sent.
    pub(super) fn behind(&mut self, position: Seq, fresh: impl Fn(&Frame) -> bool) -> Behind {
        let Some(run) = self.serving(position) else {
            return Behind::Unknown;
        };
        run.demand = run.demand.max(position);
        let first = run.first_behind(position);
        let (upto, end, grows) = (run.upto, run.end.clone(), run.grows);
        let Some(slot) = run.slots.get_mut(first) else {
            return match end {
                Some(end) => Behind::Ended(end),
                None if grows => Behind::Nothing(upto.max(position)),
                None => Behind::Unknown,
            };
        };
        match &slot.content {
            Content::Frame(frame) if fresh(frame) => Behind::Frame(Arc::clone(frame)),
            Content::Renewing => Behind::Wait,
            Content::Frame(_) | Content::Void => {
                slot.content = Content::Renewing;
                Behind::Renew(Arc::clone(&slot.event))
            }
        }
    }

    /// Makes a run grow from a position: the one that ends there, or a new one.
    pub(super) fn go_on(&mut self, position: Seq) -> RunId {
        let named = self.named + 1;
        let Some(run) = self.serving(position).filter(|run| !run.grows && run.upto == position) else {
            return self.begin(position);
        };
        // Another name, in case that a task of its former growth has not noticed yet.
        run.id = named;
        run.grows = true;
        run.is_live = false;
        run.end = None;
        self.named = named;
        named
    }

    /// Lets all runs rest, and tries again where one could not grow before.
    pub(super) fn rest(&mut self) {
        for run in &mut self.runs {
            run.grows = false;
            run.end = None;
        }
    }

    /// Whether the last run has, or will have, what is behind a position.
    pub(super) fn has_reached(&self, position: Seq) -> bool {
        self.runs.back().is_some_and(|run| run.upto >= position)
    }

    /// Lets whoever asks anew have another try where a run could not grow.
    pub(super) fn forgive(&mut self, position: Seq) {
        if let Some(run) = self.serving(position).filter(|run| run.upto == position) {
            run.end = None;
        }
    }

    /// How far a run may grow from here.
    pub(super) fn growth(&self, id: RunId) -> Growth {
        let Some((index, run)) = self.index(id).and_then(|index| Some((index, self.runs.get(index)?))) else {
            return Growth::Over;
        };
        if !run.grows {
            return Growth::Over;
        }
        if run.slots.len() - run.first_behind(run.demand) >= AHEAD {
            return Growth::Pause;
        }
        Growth::Upto(self.runs.get(index + 1).map_or(Seq::MAX, |next| next.from))
    }

    /// How far a run has grown. None: it is no more.
    pub(super) fn upto(&self, id: RunId) -> Option<Seq> {
        Some(self.runs.get(self.index(id)?)?.upto)
    }

    /// Adds the next event of a run.
    pub(super) fn push(&mut self, id: RunId, event: Arc<Event>, frame: Arc<Frame>) {
        let seq = event.position.seq;
        if let Some(run) = self.index(id).and_then(|index| self.runs.get_mut(index))
            && run.upto < seq
        {
            let content = Content::Frame(frame);
            run.slots.push_back(Slot { event, content });
            run.upto = seq;
        }
    }

    /// Notes that a run has everything up to a position, and joins it with the next when it
    /// touches that.
    pub(super) fn reach(&mut self, id: RunId, seq: Seq) -> Reach {
        let Some(index) = self.index(id) else {
            return Reach::Over;
        };
        let limit = self.runs.get(index + 1).map_or(Seq::MAX, |next| next.from);
        let Some(run) = self.runs.get_mut(index) else {
            return Reach::Over;
        };
        run.upto = run.upto.max(seq.min(limit));
        if run.upto < limit {
            return Reach::Open;
        }
        let Some(next) = self.runs.remove(index + 1) else {
            return Reach::Open;
        };
        let Some(run) = self.runs.get_mut(index) else {
            return Reach::Over;
        };
        run.upto = next.upto;
        run.slots.extend(next.slots);
        run.demand = run.demand.max(next.demand);
        if !next.grows {
            return Reach::Joined;
        }
        run.id = next.id;
        run.is_live = next.is_live;
        Reach::Over
    }

    /// A run has reached the log's end.
    pub(super) fn is_live(&mut self, id: RunId) {
        if let Some(run) = self.index(id).and_then(|index| self.runs.get_mut(index)) {
            run.is_live = true;
        }
    }

    /// Whether a run has reached the log's end.
    pub(super) fn is_at_end(&self, id: RunId) -> bool {
        self.runs.iter().any(|run| run.id == id && run.is_live)
    }

    /// A run can't grow any more.
    pub(super) fn end(&mut self, id: RunId, why: End) {
        if let Some(run) = self.index(id).and_then(|index| self.runs.get_mut(index)) {
            run.end = Some(why);
            run.grows = false;
        }
    }

    /// Puts a frame that was executed anew in its place; without one the event is left out.
    pub(super) fn renew(&mut self, seq: Seq, frame: Option<Arc<Frame>>) {
        for run in &mut self.runs {
            match (run.find(seq), &frame) {
                (Some(slot), Some(frame)) => slot.content = Content::Frame(Arc::clone(frame)),
                (Some(_), None) => run.slots.retain(|slot| slot.seq() != seq),
                (None, _) => {}
            }
        }
    }

    /// Leaves an event void that could not be executed anew: its next reader has it tried again.
    pub(super) fn postpone(&mut self, seq: Seq) {
        for run in &mut self.runs {
            if let Some(slot) = run.find(seq) {
                slot.content = Content::Void;
            }
        }
    }

    /// Gives up a frame, for the memory that it takes.
    pub(super) fn give_up(&mut self, frame: &Arc<Frame>) {
        for run in &mut self.runs {
            if let Some(slot) = run.find(frame.event.position.seq)
                && matches!(&slot.content, Content::Frame(kept) if Arc::ptr_eq(kept, frame))
            {
                slot.content = Content::Void;
            }
            // What nothing is left of at the beginning is not worth the place.
            while matches!(run.slots.front(), Some(slot) if matches!(slot.content, Content::Void)) {
                run.from = run.slots.pop_front().map_or(run.from, |slot| slot.seq());
            }
        }
        self.runs
            .retain(|run| run.grows || run.end.is_some() || !run.slots.is_empty());
    }

    /// Whether there is nothing in it that anybody could come back for.
    pub(super) fn is_empty(&self) -> bool {
        self.runs.iter().all(|run| run.slots.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::frame::Shown;
    use crate::model::{EventKind, Micros, NewEvent, Position};
    use proptest::prelude::*;

    /// The log's length; every third event concerns the group.
    const LENGTH: Seq = 60;

    fn event(seq: Seq) -> Arc<Event> {
        Arc::new(Event {
            position: Position { seq, nonce: 0 },
            at: Micros(seq),
            body: NewEvent::new(EventKind::Tweet),
        })
    }

    fn frame(seq: Seq) -> Arc<Frame> {
        Arc::new(Frame::new(event(seq), seq.to_string(), Shown::default(), seq))
    }

    fn concerns(seq: Seq) -> bool {
        seq % 3 == 0
    }

    /// A reader, and what it has heard.
    struct Reader {
        from: Seq,
        position: Seq,
        heard: Vec<Seq>,
    }

    #[derive(Default)]
    struct Group {
        runs: Runs,
        growing: Vec<RunId>,
        kept: Vec<Arc<Frame>>,
        readers: Vec<Reader>,
    }

    impl Group {
        /// One reader asks once, and does what has to be done about the answer.
        fn ask(&mut self, reader: usize, fresh: bool) {
            let reader = &mut self.readers[reader];
            match self.runs.behind(reader.position, |_| fresh) {
                Behind::Frame(frame) => {
                    reader.position = frame.event.position.seq;
                    reader.heard.push(reader.position);
                }
                Behind::Renew(event) => {
                    let frame = frame(event.position.seq);
                    self.kept.push(Arc::clone(&frame));
                    self.runs.renew(event.position.seq, Some(frame));
                }
                Behind::Nothing(upto) => reader.position = upto,
                Behind::Unknown => self.growing.push(self.runs.go_on(reader.position)),
                Behind::Wait | Behind::Ended(_) => panic!("nobody else executes, nothing ends"),
            }
        }

        /// One run grows by a step of the log.
        fn grow(&mut self, run: usize) {
            let Some(id) = self.growing.get(run).copied() else {
                return;
            };
            let Some(upto) = self.runs.upto(id) else { return };
            let Growth::Upto(limit) = self.runs.growth(id) else {
                return;
            };
            let next = upto + 1;
            if next <= LENGTH && next <= limit && concerns(next) {
                let frame = frame(next);
                self.kept.push(Arc::clone(&frame));
                self.runs.push(id, event(next), frame);
            }
            self.runs.reach(id, next.min(LENGTH));
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Join(Seq),
        Ask(usize, bool),
        Grow(usize),
        GiveUp(usize),
        Rest,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            1 => (0..=LENGTH).prop_map(Step::Join),
            8 => (any::<usize>(), prop::bool::weighted(0.9)).prop_map(|(reader, fresh)| Step::Ask(reader, fresh)),
            8 => any::<usize>().prop_map(Step::Grow),
            2 => any::<usize>().prop_map(Step::GiveUp),
            1 => Just(Step::Rest),
        ]
    }

    proptest! {
        /// Whatever grows, is given up or begun anew: a reader hears every event behind its
        /// position, once and in order.
        #[test]
        fn readers_hear_everything_once(steps in prop::collection::vec(step(), 1..400)) {
            let mut group = Group::default();
            for step in steps {
                match step {
                    Step::Join(from) => group.readers.push(Reader { from, position: from, heard: Vec::new() }),
                    Step::Ask(reader, fresh) if !group.readers.is_empty() => {
                        group.ask(reader % group.readers.len(), fresh);
                    }
                    Step::Grow(run) if !group.growing.is_empty() => group.grow(run % group.growing.len()),
                    Step::GiveUp(frame) if !group.kept.is_empty() => {
                        let frame = group.kept.swap_remove(frame % group.kept.len());
                        group.runs.give_up(&frame);
                    }
                    Step::Rest => group.runs.rest(),
                    Step::Ask(..) | Step::Grow(_) | Step::GiveUp(_) => {}
                }
            }
            for _ in 0..10 * LENGTH {
                for reader in 0..group.readers.len() {
                    group.ask(reader, true);
                }
                for run in 0..group.growing.len() {
                    group.grow(run);
                }
            }
            for reader in &group.readers {
                let expected: Vec<_> = (reader.from + 1..=LENGTH).filter(|seq| concerns(*seq)).collect();
                prop_assert_eq!(&reader.heard, &expected);
            }
        }
    }
}
