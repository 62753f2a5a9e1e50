//! Jobs that wait to be written, and those of one transaction.

use super::super::known::{Brief, Taken};
use super::super::tx::Tx;
use crate::model::{Error, Result};
use crate::trace::{Cause, Span};
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

pub(super) type Repeatable = Box<dyn for<'t> Fn(&'t Tx) -> BoxFuture<'t, Result<()>> + Send + Sync>;

pub(super) enum Work {
    /// Checked and staged with others.
    Staged(Box<Brief>, Repeatable),
    /// By itself.
    Alone(Repeatable),
}

pub(super) struct Job {
    pub work: Work,
    pub asker: Asker,
}

/// The jobs of one transaction: first those that are staged, then the others.
#[derive(Default)]
pub(super) struct Group {
    pub staged: Vec<Staged>,
    pub alone: Vec<Alone>,
}

pub(super) struct Staged {
    pub brief: Box<Brief>,
    pub work: Repeatable,
    pub asker: Asker,
}

pub(super) struct Alone {
    pub work: Repeatable,
    pub asker: Asker,
}

/// Who waits for a job.
pub(super) struct Asker {
    /// Whether its statements are a request's.
    pub counted: bool,
    /// In whose trace it is.
    pub cause: Cause,
    pub done: oneshot::Sender<Result<()>>,
}

impl Group {
    /// The span of the transaction.
    pub fn span(&self) -> Span {
        let askers = self.staged.iter().map(|job| &job.asker);
        Span::commit(
            askers
                .chain(self.alone.iter().map(|job| &job.asker))
                .map(|asker| &asker.cause),
        )
    }

    /// Those that can go together, and those that have to wait for them.
    pub fn new(jobs: Vec<Job>) -> (Self, Vec<Job>) {
        let (mut group, mut later) = (Self::default(), Vec::new());
        let mut taken = Taken::default();
        for Job { work, asker } in jobs {
            match work {
                Work::Staged(brief, work) if taken.admits(&brief) => {
                    group.staged.push(Staged { brief, work, asker });
                }
                Work::Staged(..) => later.push(Job { work, asker }),
                Work::Alone(work) => group.alone.push(Alone { work, asker }),
            }
        }
        (group, later)
    }

    /// Tells everybody what became of their job.
    pub fn answer(self, results: Results) {
        let staged = self.staged.into_iter().map(|job| job.asker).zip(results.staged);
        let alone = self.alone.into_iter().map(|job| job.asker).zip(results.alone);
        staged.chain(alone).for_each(|(asker, result)| asker.tell(result));
    }

    pub fn fail(self, cause: &Error) {
        let staged = self.staged.into_iter().map(|job| job.asker);
        let alone = self.alone.into_iter().map(|job| job.asker);
        staged
            .chain(alone)
            .for_each(|asker| asker.tell(Err(Error::internal(cause.to_string()))));
    }
}

impl Asker {
    /// Nobody waits any more when the request was cancelled; the write stands.
    pub fn tell(self, result: Result<()>) {
        drop(self.done.send(result));
    }
}

/// What became of the jobs of a group.
pub(super) struct Results {
    pub staged: Vec<Result<()>>,
    pub alone: Vec<Result<()>>,
}
