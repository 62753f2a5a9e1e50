//! Time: microseconds since the Unix epoch, and where "now" comes from.

use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Microseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// The earliest and latest time that is taken: the years 1 to 2200.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// See [`Micros::MIN`].
    pub const MAX: Self = Self(7_258_118_400_000_000);

    /// Reads an RFC 3339 date-time with any offset, cut to the microsecond.
    /// `None` for anything else, or for a time out of range.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let time: Timestamp = text.parse().ok()?;
        let time = Self(time.as_microsecond());
        (Self::MIN..=Self::MAX).contains(&time).then_some(time)
    }

    /// This time and a duration later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// This time and a duration earlier.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// RFC 3339 in UTC with six digits: `2026-11-20T09:30:00.123456Z`.
impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = Timestamp::from_microsecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{time:.6}")
    }
}

/// Where "now" comes from, so that nothing else asks the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock;

impl Clock {
    /// The system's time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the others are to ask")]
    pub fn now(self) -> Micros {
        let now = Timestamp::now();
        Micros(now.round(Unit::Microsecond).unwrap_or(now).as_microsecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_to_the_microsecond() {
        let time = Micros::parse("2026-11-20T10:30:00.1234569+01:00");
        assert_eq!(
            time.map(|t| t.to_string()).as_deref(),
            Some("2026-11-20T09:30:00.123456Z")
        );
        let whole = Micros::parse("2026-11-20T09:30:00Z");
        assert_eq!(
            whole.map(|t| t.to_string()).as_deref(),
            Some("2026-11-20T09:30:00.000000Z")
        );
        for wrong in [
            "",
            "yesterday",
            "2026-13-01T00:00:00Z",
            "2026-11-20",
            "2026-11-20T09:30:00",
            "9999-01-01T00:00:00Z",
        ] {
            assert_eq!(Micros::parse(wrong), None, "{wrong}");
        }
    }
}
