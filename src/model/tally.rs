//! Tallies: how often who used what in a span of time, packed.
//!
//! A tally has parts, each with a name: of a hashtag's or a wall's posts there is one, without a name;
//! of all hashtags together one for each. A part says how often it was used, by how many, and by whom
//! how often, so that readers who want less skip the rest.

use super::{Micros, UserId};
use std::collections::{BTreeMap, HashMap};

/// How long spans are, in hours, the longest first. Each is a multiple of the next, and begins at a
/// multiple of itself since the Unix epoch.
pub const SPANS: [i64; 4] = [32 * 24, 8 * 24, 24, 1];
/// An hour in microseconds.
pub const HOUR: i64 = 3_600_000_000;

/// Everything that has been counted.
pub const ALWAYS: Range = Range {
    from: i64::MIN,
    to: i64::MAX,
};

/// The hour since the Unix epoch, UTC, in which a time in microseconds lies.
#[must_use]
pub fn hour_of(at: i64) -> i64 {
    at.div_euclid(HOUR)
}

/// A stretch of time in microseconds: from its beginning up to its end, exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// Inclusive.
    pub from: i64,
    /// Exclusive.
    pub to: i64,
}

impl Range {
    /// Everything since a time, inclusive.
    #[must_use]
    pub fn since(at: Micros) -> Self {
        Self {
            from: at.0,
            to: i64::MAX,
        }
    }
}

/// A span of time: so many hours from that hour on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// How long, one of [`SPANS`].
    pub hours: i64,
    /// The first hour since the Unix epoch.
    pub start: i64,
}

impl Span {
    /// The span of a length in which an hour lies.
    #[must_use]
    pub fn around(hours: i64, hour: i64) -> Self {
        let start = hour.div_euclid(hours) * hours;
        Self { hours, start }
    }

    /// The hour behind it.
    #[must_use]
    pub fn end(self) -> i64 {
        self.start + self.hours
    }

    /// Its time.
    #[must_use]
    pub fn range(self) -> Range {
        Range {
            from: self.start * HOUR,
            to: self.end() * HOUR,
        }
    }
}

/// What a range is read from: spans that are counted already, the longest that fit, and stretches
/// that are not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cover {
    /// What is counted.
    pub spans: Vec<Span>,
    /// What is to be counted.
    pub rest: Vec<Range>,
}

impl Cover {
    /// Covers a range with spans that are counted, in any order.
    #[must_use]
    pub fn new(range: Range, counted: &[Span]) -> Self {
        let mut fit: Vec<Span> = counted
            .iter()
            .copied()
            .filter(|span| span.range().from >= range.from && span.range().to <= range.to)
            .collect();
        // Of those that begin together the longest; those within it are behind its beginning.
        fit.sort_unstable_by_key(|span| (span.start, -span.hours));
        let mut cover = Self::default();
        let mut at = range.from;
        for span in fit {
            let time = span.range();
            if time.from < at {
                continue;
            }
            cover.rest(at, time.from);
            cover.spans.push(span);
            at = time.to;
        }
        cover.rest(at, range.to);
        cover
    }

    fn rest(&mut self, from: i64, to: i64) {
        if from < to {
            self.rest.push(Range { from, to });
        }
    }
}

/// How often each of many used something, before it is packed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<String, BTreeMap<UserId, u64>>);

impl Tally {
    /// Counts a use.
    pub fn add(&mut self, name: &str, user: UserId, uses: u64) {
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), BTreeMap::new());
        }
        if let Some(part) = self.0.get_mut(name) {
            *part.entry(user).or_default() += uses;
        }
    }

    /// As bytes: each part its name, how often, by how many, and who how often, the users by their
    /// distances; numbers seven bits a byte.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, part) in &self.0 {
            let mut users = Vec::new();
            let mut last = 0;
            for (user, uses) in part {
                put(&mut users, user.0.abs_diff(last));
                put(&mut users, *uses);
                last = user.0;
            }
            put(&mut bytes, name.len() as u64);
            bytes.extend_from_slice(name.as_bytes());
            put(&mut bytes, part.values().sum());
            put(&mut bytes, part.len() as u64);
            put(&mut bytes, users.len() as u64);
            bytes.extend(users);
        }
        bytes
    }
}

/// A part of a packed tally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'t> {
    /// Of what.
    pub name: &'t str,
    /// How often it was used.
    pub uses: u64,
    /// By how many.
    pub users: u64,
    packed: &'t [u8],
}

impl Part<'_> {
    /// Who used it, and how often.
    pub fn by_user(self) -> impl Iterator<Item = (UserId, u64)> {
        let (mut packed, mut last) = (self.packed, 0_i64);
        std::iter::from_fn(move || {
            last = last.saturating_add_unsigned(take(&mut packed)?);
            Some((UserId(last), take(&mut packed)?))
        })
    }
}

/// The parts of a packed tally.
pub fn parts(mut packed: &[u8]) -> impl Iterator<Item = Part<'_>> {
    std::iter::from_fn(move || {
        let name = cut(&mut packed)?;
        let (uses, users) = (take(&mut packed)?, take(&mut packed)?);
        Some(Part {
            name: std::str::from_utf8(name).ok()?,
            uses,
            users,
            packed: cut(&mut packed)?,
        })
    })
}

/// The users of all parts of several packed tallies, with how often each used something.
#[must_use]
pub fn by_user(tallies: &[Vec<u8>]) -> HashMap<UserId, u64, foldhash::fast::RandomState> {
    let mut sums = HashMap::default();
    for (user, uses) in tallies.iter().flat_map(|packed| parts(packed)).flat_map(Part::by_user) {
        *sums.entry(user).or_default() += uses;
    }
    sums
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number as u8) | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7F) << shift;
        if *byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn cut<'t>(bytes: &mut &'t [u8]) -> Option<&'t [u8]> {
    let length = usize::try_from(take(bytes)?).ok()?;
    let (head, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_tally_comes_back(uses in prop::collection::vec(("[a-zä]{0,3}", 1_i64..1 << 53, 1_u64..300), 0..40)) {
            let mut tally = Tally::default();
            for (name, user, count) in &uses {
                tally.add(name, UserId(*user), *count);
            }
            let packed = tally.pack();
            let mut back = Tally::default();
            for part in parts(&packed) {
                prop_assert_eq!(part.uses, part.by_user().map(|(_, uses)| uses).sum::<u64>());
                prop_assert_eq!(part.users, part.by_user().count() as u64);
                part.by_user().for_each(|(user, uses)| back.add(part.name, user, uses));
            }
            prop_assert_eq!(back, tally);
        }

        #[test]
        fn garbage_ends(bytes: Vec<u8>) {
            let _ = parts(&bytes).flat_map(Part::by_user).count();
        }

        /// Whatever is counted, a cover has each hour once and nothing else.
        #[test]
        fn a_cover_has_every_time_once(
            from in -50_i64 * HOUR..50 * HOUR, long in 0_i64..3_000 * HOUR,
            counted in prop::collection::vec((0..SPANS.len(), -60_i64..3_000), 0..60),
        ) {
            let range = Range { from, to: from + long };
            let spans: Vec<Span> = counted.iter().map(|(n, hour)| Span::around(SPANS[*n], *hour)).collect();
            let cover = Cover::new(range, &spans);
            let mut pieces = cover.rest.clone();
            pieces.extend(cover.spans.iter().map(|span| span.range()));
            pieces.sort_by_key(|piece| piece.from);
            let mut at = range.from;
            for piece in &pieces {
                prop_assert_eq!(piece.from, at);
                prop_assert!(piece.to > piece.from);
                at = piece.to;
            }
            prop_assert_eq!(at, range.to);
        }
    }

    #[test]
    fn the_longest_spans_are_taken() {
        let spans = [(1, 24), (1, 25), (24, 24), (24, 48), (1, 23), (1, 72)];
        let spans = spans.map(|(hours, start)| Span { hours, start });
        let range = Range {
            from: 22 * HOUR + 1,
            to: i64::MAX,
        };
        let cover = Cover::new(range, &spans);
        let starts: Vec<_> = cover.spans.iter().map(|span| (span.hours, span.start)).collect();
        assert_eq!(starts, [(1, 23), (24, 24), (24, 48), (1, 72)]);
        let rest: Vec<_> = cover.rest.iter().map(|rest| (rest.from, rest.to)).collect();
        assert_eq!(rest, [(22 * HOUR + 1, 23 * HOUR), (73 * HOUR, i64::MAX)]);
    }
}
