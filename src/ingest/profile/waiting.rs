//! Who is to be looked up, and when. Who was not found is asked for again, later and later, and
//! given up in the end.

use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// How many may wait; who comes then is not looked up.
const MOST: usize = 10_000;
/// How many one request asks for.
const TOGETHER: usize = 25;
/// How often somebody is asked for.
const TRIES: u32 = 10;
/// How long to wait before somebody is asked for again, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(600));

/// When somebody's turn is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    due: Instant,
    tries: u32,
    /// Whether nobody else is to be asked for with them, since the directory refused a request that named them.
    alone: bool,
}

/// Those who wait, by their DIDs and handles.
#[derive(Debug, Default)]
pub(super) struct Waiting(HashMap<String, Turn>);

impl Waiting {
    /// Lets somebody wait whose turn is now.
    pub(super) fn add(&mut self, actor: String, now: Instant) {
        let turn = Turn {
            due: now,
            tries: 0,
            alone: false,
        };
        if self.0.len() < MOST {
            self.0.entry(actor).or_insert(turn);
        }
    }

    /// When somebody's turn is, if anybody waits.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.values().map(|turn| turn.due).min()
    }

    /// Those whose turn is now, as far as one request can ask for them.
    pub(super) fn take(&mut self, now: Instant) -> Vec<(String, Turn)> {
        let mut due: Vec<_> = self.0.iter().filter(|(_, turn)| turn.due <= now).collect();
        due.sort_unstable_by_key(|(_, turn)| turn.due);
        let together = match due.first() {
            Some((_, first)) if first.alone => 1,
            _ => TOGETHER,
        };
        due.retain(|(_, turn)| together == 1 || !turn.alone);
        let taken: Vec<_> = due
            .into_iter()
            .take(together)
            .map(|(actor, turn)| (actor.clone(), *turn))
            .collect();
        for (actor, _) in &taken {
            self.0.remove(actor);
        }
        taken
    }

    /// Lets those wait again who could not be asked for.
    pub(super) fn give_back(&mut self, turns: Vec<(String, Turn)>) {
        self.0.extend(turns);
    }

    /// Lets somebody wait again who was asked for and not found.
    pub(super) fn again(&mut self, actor: String, turn: Turn, now: Instant) {
        let tries = turn.tries + 1;
        if tries >= TRIES {
            tracing::info!(actor, "no profile is found, and no longer looked for");
            return;
        }
        let wait = AGAIN.0.saturating_mul(1 << turn.tries.min(16)).min(AGAIN.1);
        let due = now + wait.mul_f64(rand::random_range(0.5..=1.0));
        self.0.insert(actor, Turn { due, tries, ..turn });
    }

    /// Lets those wait again, each for a request of their own, whose common one was refused.
    pub(super) fn part(&mut self, turns: Vec<(String, Turn)>, now: Instant) {
        for (actor, turn) in turns {
            self.again(actor, Turn { alone: true, ..turn }, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_found_is_asked_for_again_and_given_up() {
        let mut waiting = Waiting::default();
        waiting.add("a".to_owned(), Instant::now());
        let mut asked = 0;
        while let Some(due) = waiting.next() {
            for (actor, turn) in waiting.take(due) {
                asked += 1;
                waiting.again(actor, turn, due);
            }
        }
        assert_eq!(asked, TRIES);
    }

    #[test]
    fn one_who_is_refused_spoils_nobody_elses_turn() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        (0..30).for_each(|n| waiting.add(n.to_string(), now));
        let refused = waiting.take(now);
        assert_eq!(refused.len(), TOGETHER);
        waiting.part(refused, now);
        let rest = waiting.take(now);
        assert_eq!(rest.len(), 5, "those who are not due again");
        let later = now + AGAIN.0;
        waiting.give_back(rest);
        assert_eq!(waiting.take(later).len(), 5, "who waits longer comes first");
        assert_eq!(waiting.take(later).len(), 1, "each alone");
    }

    #[test]
    fn not_everybody_may_wait() {
        let mut waiting = Waiting::default();
        (0..MOST + 10).for_each(|n| waiting.add(n.to_string(), Instant::now()));
        assert_eq!(waiting.0.len(), MOST);
    }
}
