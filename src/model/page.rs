//! Pages of a list: places, cursors and windows.

use super::{Error, Micros, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// How many items a page has when neither `first` nor `last` is given.
pub const DEFAULT_SIZE: usize = 20;
/// The most items of a page.
pub const MAX_SIZE: usize = 100;

/// Where an item stands: lists are ordered by time, then by number, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The time, or for lists ordered by a count that count.
    pub at: i64,
    /// What decides between equal times.
    pub id: i64,
}

impl Place {
    /// Before every place in time: older than all.
    pub const OLDEST: Self = Self {
        at: i64::MIN,
        id: i64::MIN,
    };
    /// After every place in time: newer than all.
    pub const NEWEST: Self = Self {
        at: i64::MAX,
        id: i64::MAX,
    };

    /// The place of what happened at a time.
    #[must_use]
    pub fn new(at: Micros, id: i64) -> Self {
        Self { at: at.0, id }
    }

    /// The place so many numbers on, or back.
    #[must_use]
    pub fn next(self, step: i64) -> Self {
        let id = self.id.saturating_add(step);
        Self { id, ..self }
    }
}

/// A place as clients carry it: opaque, good after its item is gone and after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub Place);

impl Cursor {
    /// What tells a list's cursor from a stream's.
    const TAG: u8 = 1;

    /// Writes the cursor.
    #[must_use]
    pub fn encode(self) -> String {
        let mut bytes = [Self::TAG; 17];
        for (slot, byte) in bytes
            .iter_mut()
            .skip(1)
            .zip(self.0.at.to_be_bytes().into_iter().chain(self.0.id.to_be_bytes()))
        {
            *slot = byte;
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor. `None` for what is none.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let bytes: [u8; 17] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (tag, rest) = bytes.split_first()?;
        let (at, id) = rest.split_at_checked(8)?;
        (*tag == Self::TAG).then_some(Self(Place {
            at: i64::from_be_bytes(at.try_into().ok()?),
            id: i64::from_be_bytes(id.try_into().ok()?),
        }))
    }
}

/// What part of a list is asked for. Lists run from `after` to `before`, both exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Begins behind this place.
    pub after: Option<Place>,
    /// Ends before this place.
    pub before: Option<Place>,
    /// How many items at the most: 1 to 100.
    pub size: usize,
    /// Whether the last items of the window are asked for, and not the first.
    pub from_end: bool,
}

impl Window {
    /// Checks what a client asked for.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `first`, `last`, `after` or `before`.
    pub fn new(first: Option<i32>, after: Option<&str>, last: Option<i32>, before: Option<&str>) -> Result<Self> {
        if first.is_some() && last.is_some() {
            return Err(Error::invalid("last", "first and last exclude each other"));
        }
        let size = match (first, last) {
            (Some(first), _) => size("first", first)?,
            (_, Some(last)) => size("last", last)?,
            _ => DEFAULT_SIZE,
        };
        Ok(Self {
            after: after.map(|cursor| place("after", cursor)).transpose()?,
            before: before.map(|cursor| place("before", cursor)).transpose()?,
            size,
            from_end: last.is_some(),
        })
    }
}

/// Checks the `first` of a list that is no connection, or the size of a page.
///
/// # Errors
/// [`Error::Invalid`] of `field`.
pub fn size(field: &'static str, size: i32) -> Result<usize> {
    usize::try_from(size)
        .ok()
        .filter(|size| (1..=MAX_SIZE).contains(size))
        .ok_or_else(|| Error::invalid(field, format!("{field} is 1 to {MAX_SIZE}")))
}

fn place(field: &'static str, cursor: &str) -> Result<Place> {
    Cursor::decode(cursor)
        .map(|cursor| cursor.0)
        .ok_or_else(|| Error::invalid(field, "not a cursor of a list"))
}

/// What a window of a list holds.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items with their places, in the list's order.
    pub items: Vec<(Place, T)>,
    /// Whether the list goes on behind the last item.
    pub has_next: bool,
    /// Whether the list has something before the first item.
    pub has_previous: bool,
    /// Where the reading stopped, when a page had to end short of its size.
    pub resume: Option<Place>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            has_next: false,
            has_previous: false,
            resume: None,
        }
    }
}

impl<T> Page<T> {
    /// The page with each item made into another.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(|(place, item)| (place, f(item))).collect(),
            has_next: self.has_next,
            has_previous: self.has_previous,
            resume: self.resume,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_comes_back(at: i64, id: i64) {
            let cursor = Cursor(Place { at, id });
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        }

        #[test]
        fn anything_else_is_no_cursor(text in ".{0,40}") {
            if let Some(cursor) = Cursor::decode(&text) {
                prop_assert_eq!(cursor.encode(), text);
            }
        }
    }

    #[test]
    fn a_page_has_1_to_100_items() {
        assert!(Window::new(Some(0), None, None, None).is_err());
        assert!(Window::new(Some(101), None, None, None).is_err());
        assert!(Window::new(Some(1), None, Some(1), None).is_err());
        assert!(Window::new(None, Some("x"), None, None).is_err());
        assert!(Window::new(Some(100), None, None, None).is_ok());
    }
}
