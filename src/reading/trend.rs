//! Which hashtags are used most, and which more than is usual for them. `docs/TRENDS.md` has the
//! formula.

use crate::model::feed::day_of;
use crate::model::tally::{HOUR, Range, parts};
use crate::model::{Micros, Result};
use crate::store::Store;
use crate::store::tally::{Counted, Tallies};
use foldhash::fast::RandomState;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// What counts as now.
const NOW: Duration = Duration::from_secs(24 * 3_600);
/// How many days say what is usual.
const USUAL: i64 = 7;
/// How many people make a trend: what one does alone is none.
const FEWEST: u64 = 2;
/// A day in microseconds.
const DAY: i64 = 24 * HOUR;

/// The hashtags used most since a time (24 hours when left out), with how often; of those used alike
/// the first by name.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn trending(store: &Store, since: Option<Micros>, first: usize) -> Result<Vec<(String, u64)>> {
    let since = since.unwrap_or_else(|| store.clock().now().before(NOW));
    let asked = [(Counted::Hashtags, Range::since(since))];
    let tallies = store.snapshot().await?.tallies(&asked).await?;
    let mut uses: HashMap<&str, u64, RandomState> = HashMap::default();
    for part in tallies.iter().flatten().flat_map(|packed| parts(packed)) {
        *uses.entry(part.name).or_default() += part.uses;
    }
    let mut all: Vec<(&str, u64)> = uses.into_iter().collect();
    all.sort_unstable_by_key(|(name, uses)| (Reverse(*uses), *name));
    all.truncate(first);
    Ok(all.into_iter().map(|(name, uses)| (name.to_owned(), uses)).collect())
}

/// The hashtags that more people use now than usual, the furthest above it first.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn rising(store: &Store, first: usize) -> Result<Vec<String>> {
    let now = store.clock().now();
    let today = day_of(now.0);
    // The days before the two that now is a part of.
    let days = (2..2 + USUAL).map(|ago| Range {
        from: (today - ago) * DAY,
        to: (today - ago + 1) * DAY,
    });
    let asked: Vec<_> = std::iter::once(Range::since(now.before(NOW)))
        .chain(days)
        .map(|range| (Counted::Hashtags, range))
        .collect();
    let tallies = store.snapshot().await?.tallies(&asked).await?;
    let Some((now, days)) = tallies.split_first() else {
        return Ok(Vec::new());
    };
    let days: Vec<HashMap<&str, u64, RandomState>> = days.iter().map(people).collect();
    Ok(best(&people(now), &days, first))
}

/// How many people used each hashtag.
fn people(tallies: &Tallies) -> HashMap<&str, u64, RandomState> {
    if let [one] = tallies.as_slice() {
        return parts(one).map(|part| (part.name, part.users)).collect();
    }
    let mut users: HashMap<&str, HashSet<_, RandomState>, RandomState> = HashMap::default();
    for part in tallies.iter().flat_map(|packed| parts(packed)) {
        let who = users.entry(part.name).or_default();
        who.extend(part.by_user().map(|(user, _)| user));
    }
    users.into_iter().map(|(name, who)| (name, who.len() as u64)).collect()
}

/// The hashtags that are furthest above what days, the newest first, say is usual.
fn best(now: &HashMap<&str, u64, RandomState>, days: &[HashMap<&str, u64, RandomState>], first: usize) -> Vec<String> {
    // Days before anybody used any hashtag say nothing.
    let known = days.iter().rposition(|day| !day.is_empty()).map_or(1, |last| last + 1);
    let mut rising: Vec<(f64, u64, &str)> = now
        .iter()
        .filter(|(_, people)| **people >= FEWEST)
        .map(|(name, people)| {
            let on = |day: &HashMap<&str, u64, RandomState>| day.get(name).copied().unwrap_or_default();
            let mean = days.iter().map(on).sum::<u64>() as f64 / known as f64;
            // What belongs to a day of the week is usual on it.
            let week_ago = days
                .iter()
                .skip(days.len().saturating_sub(2))
                .map(on)
                .max()
                .unwrap_or_default();
            (score(*people as f64, mean.max(week_ago as f64)), *people, *name)
        })
        .filter(|(score, ..)| *score > 0.0)
        .collect();
    rising.sort_unstable_by(|(a, a_people, a_name), (b, b_people, b_name)| {
        b.total_cmp(a).then(b_people.cmp(a_people)).then(a_name.cmp(b_name))
    });
    rising.truncate(first);
    rising.into_iter().map(|(.., name)| name.to_owned()).collect()
}

/// How far a number of people is above the usual one, in what that varies by.
fn score(people: f64, usual: f64) -> f64 {
    (people - usual) / (usual + 1.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(tags: &[(&'static str, u64)]) -> HashMap<&'static str, u64, RandomState> {
        tags.iter().copied().collect()
    }

    fn rising(now: &[(&'static str, u64)], days: [&[(&'static str, u64)]; 7]) -> Vec<String> {
        best(&used(now), &days.map(used), 10)
    }

    #[test]
    fn what_is_as_ever_is_no_trend() {
        let usual: &[_] = &[("gm", 100), ("rust", 10)];
        let now = [("gm", 100), ("rust", 10), ("outage", 5)];
        assert_eq!(rising(&now, [usual; 7]), ["outage"]);
        let now = [("gm", 110), ("rust", 30), ("outage", 5)];
        assert_eq!(rising(&now, [usual; 7]), ["rust", "outage", "gm"]);
    }

    #[test]
    fn what_belongs_to_a_weekday_is_usual_on_it() {
        let fridays = [&[][..], &[], &[], &[], &[], &[("ff", 50)], &[]];
        assert_eq!(rising(&[("ff", 50), ("new", 3)], fridays), ["new"]);
    }

    #[test]
    fn what_one_does_alone_is_no_trend() {
        assert_eq!(rising(&[("me", 1), ("us", 2)], [&[]; 7]), ["us"]);
    }

    #[test]
    fn the_first_days_are_not_held_against_a_hashtag() {
        let first: [&[_]; 7] = [&[("gm", 20)], &[("gm", 20)], &[], &[], &[], &[], &[]];
        assert_eq!(rising(&[("gm", 20), ("new", 3)], first), ["new"]);
    }
}
