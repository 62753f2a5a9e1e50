//! Look-ups that are asked for together and made together.
//!
//! The batch functions are those of the `dataloader` crate. Its loader hands results on one
//! waiter at a time, under a lock, so that the first of them asks the next level's questions
//! before the others have theirs: on a page of 100 tweets that took 30 to 136 statements, by
//! chance. Here a request goes in rounds. A round is closed when the request has come to rest;
//! all its batches, one for each kind of look-up, are made at once, and all who wait are told
//! together. So the number of batches depends on the shape of the selection alone.

use crate::trace::Span;
use futures_util::future::{BoxFuture, join_all};
use futures_util::poll;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;
use tokio::sync::{oneshot, watch};
use tokio::task::unconstrained;
use tracing::Instrument as _;

/// Tells those who wait for a batch.
type Tell = Box<dyn FnOnce() + Send>;
/// Makes a batch.
type Make = Box<dyn FnOnce() -> BoxFuture<'static, Tell> + Send>;

/// The rounds of a request. Cheap to clone.
#[derive(Clone, Default)]
pub struct Rounds(Arc<Mutex<Round>>);

#[derive(Default)]
struct Round {
    batches: Vec<Make>,
    /// How many look-ups have been asked for, in all rounds.
    asked: usize,
}

/// A round is closed when so many turns of the runtime have brought no new look-up. Who yields
/// is woken only after the whole task has rested, so one would do, but for lists so long that
/// the executor itself pauses among them.
const QUIET: usize = 2;

impl Rounds {
    /// Adds a batch to the open round. True for the first: it has to close the round.
    fn join(&self, make: Make) -> bool {
        let mut round = self.0.lock();
        round.batches.push(make);
        round.batches.len() == 1
    }

    fn ask(&self) {
        self.0.lock().asked += 1;
    }

    /// Closes the round when the request has come to rest, and tells all who wait when its
    /// batches are made: from within the request, so that nobody runs ahead of the others.
    async fn close(&self) {
        let mut closer = Closer(Some(self.clone()));
        let (mut asked, mut quiet) = (0, 0);
        while quiet < QUIET {
            tokio::task::yield_now().await;
            let now = self.0.lock().asked;
            quiet = if now == asked { quiet + 1 } else { 0 };
            asked = now;
        }
        let Some(mut making) = closer.take() else { return };
        // What is in memory needs no task.
        if poll!(&mut making).is_pending() {
            drop(in_task(making).await);
        }
    }
}

/// The batches of a round, being made.
type Making = BoxFuture<'static, Told>;

/// Makes a round's batches also when the one who was to close it is given up: others wait for them.
struct Closer(Option<Rounds>);

impl Closer {
    fn take(&mut self) -> Option<Making> {
        let rounds = self.0.take()?;
        let round = std::mem::take(&mut rounds.0.lock().batches);
        Some(Box::pin(async {
            Told(join_all(round.into_iter().map(|make| make())).await)
        }))
    }
}

/// Makes batches in a task of its own, which goes on when the one who waits is given up. What it
/// has to tell is told by whoever drops it.
fn in_task(making: Making) -> oneshot::Receiver<Told> {
    let (send, made) = oneshot::channel();
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let made = async { drop(send.send(making.await)) };
        runtime.spawn(Span::current().around(made).in_current_span());
    }
    made
}

impl Drop for Closer {
    fn drop(&mut self) {
        if let Some(making) = self.take() {
            drop(in_task(making));
        }
    }
}

/// Tells all who wait for a round, wherever it is dropped.
struct Told(Vec<Tell>);

impl Drop for Told {
    fn drop(&mut self) {
        for tell in self.0.drain(..) {
            tell();
        }
    }
}

type Answers<K, V> = Arc<HashMap<K, V>>;
type Waiting<K, V> = watch::Receiver<Option<Answers<K, V>>>;

/// A batch function, as rounds run it.
type Load<K, V> = Arc<dyn Fn(Vec<K>) -> BoxFuture<'static, HashMap<K, V>> + Send + Sync>;

/// Lets rounds run a batch function: its trait does not say whether its future may move between
/// threads, so that has to be seen where its type is known.
macro_rules! batch_fn {
    ($function:expr) => {{
        let function = $function;
        std::sync::Arc::new(move |keys| {
            let mut function = function.clone();
            Box::pin(async move { dataloader::BatchFn::load(&mut function, &keys).await })
        })
    }};
}
pub(super) use batch_fn;

/// Makes the batches of one kind of look-up, within one request.
pub struct Batcher<K, V> {
    rounds: Rounds,
    open: Arc<Mutex<Option<Open<K, V>>>>,
    load: Load<K, V>,
}

/// The batch that look-ups join until its round is closed.
struct Open<K, V> {
    keys: HashSet<K>,
    answers: Waiting<K, V>,
}

impl<K, V> Batcher<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A batcher over a batch function.
    pub fn new(rounds: &Rounds, load: Load<K, V>) -> Self {
        Self {
            rounds: rounds.clone(),
            open: Arc::default(),
            load,
        }
    }

    /// The answer for a key; none when the batch function gave none.
    pub async fn load(&self, key: K) -> Option<V> {
        let (mut waiting, is_first) = self.join(&key);
        if is_first {
            self.rounds.close().await;
        }
        // Unconstrained: the runtime's budget of polls would send some of a long list's waiters
        // to its next turn, and the next round would be closed without them.
        let answers = unconstrained(waiting.wait_for(Option::is_some)).await.ok()?;
        answers.as_ref().and_then(|answers| answers.get(&key).cloned())
    }

    /// Joins the open batch, or opens one. True when that opened a round.
    fn join(&self, key: &K) -> (Waiting<K, V>, bool) {
        self.rounds.ask();
        let mut open = self.open.lock();
        if let Some(open) = open.as_mut() {
            open.keys.insert(key.clone());
            return (open.answers.clone(), false);
        }
        let (tell, answers) = watch::channel(None);
        *open = Some(Open {
            keys: HashSet::from([key.clone()]),
            answers: answers.clone(),
        });
        drop(open);
        (answers, self.rounds.join(self.make(tell)))
    }

    fn make(&self, tell: watch::Sender<Option<Answers<K, V>>>) -> Make {
        let (open, load) = (Arc::clone(&self.open), Arc::clone(&self.load));
        Box::new(move || {
            let keys = open.lock().take().map(|open| open.keys).unwrap_or_default();
            let keys: Vec<K> = keys.into_iter().collect();
            Box::pin(async move {
                let answers = Arc::new(load(keys).await);
                let tell: Tell = Box::new(move || drop(tell.send_replace(Some(answers))));
                tell
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dataloader::BatchFn;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[derive(Clone, Default)]
    struct Count(Arc<AtomicUsize>);

    impl BatchFn<usize, usize> for Count {
        async fn load(&mut self, keys: &[usize]) -> HashMap<usize, usize> {
            self.0.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(1)).await;
            keys.iter().map(|key| (*key, key + 1)).collect()
        }
    }

    fn batchers(counts: &[Count]) -> Vec<Batcher<usize, usize>> {
        let rounds = Rounds::default();
        let batcher = |count: &Count| Batcher::new(&rounds, batch_fn!(count.clone()));
        counts.iter().map(batcher).collect()
    }

    /// Three levels of lists within lists, on several threads: three batches.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_level_is_one_batch() {
        let counts: [Count; 3] = Default::default();
        let levels = &batchers(&counts);
        join_all((0..100).map(|outer| async move {
            let first = levels[0].load(outer).await.unwrap();
            join_all((0..60).map(|inner| async move {
                let second = levels[1].load(first * 60 + inner).await.unwrap();
                levels[2].load(second).await.unwrap()
            }))
            .await
        }))
        .await;
        let made: Vec<usize> = counts.iter().map(|count| count.0.load(Ordering::Relaxed)).collect();
        assert_eq!(made, [1, 1, 1]);
    }

    /// The one who was to close a round is given up; the others get their answers all the same.
    #[tokio::test]
    async fn a_round_outlives_its_first() {
        let counts: [Count; 1] = Default::default();
        let batcher = &batchers(&counts)[0];
        let mut first = Box::pin(batcher.load(1));
        assert!(futures_util::poll!(&mut first).is_pending());
        let second = batcher.load(2);
        drop(first);
        let answer = tokio::time::timeout(Duration::from_secs(5), second).await;
        assert_eq!(answer, Ok(Some(3)));
    }
}
