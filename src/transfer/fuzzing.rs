//! Files of strangers.

use super::source::Reader;
use super::{Record, action, follow, like, mark, trace, tweet, user};
use std::io::{self, Cursor};

/// The most characters of what is said of a row.
const REASON: usize = 200;

/// A file of rows: its first byte says of which kind and in which form, the rest is its content.
pub fn rows(bytes: &[u8]) {
    let Some((form, content)) = bytes.split_first() else {
        return;
    };
    let is_csv = form & 8 != 0;
    let read = match form & 7 {
        0 => read::<user::Row>,
        1 => read::<tweet::Row>,
        2 => read::<follow::Row>,
        3 => read::<like::Row>,
        4 => read::<action::Row>,
        5 => read::<trace::Row>,
        _ => read::<mark::Row>,
    };
    // A header that can't be read ends the import.
    let _ = read(content.to_vec(), is_csv);
}

/// Every row has a line of its own, and what is wrong with it is told in one line.
fn read<R: Record>(content: Vec<u8>, is_csv: bool) -> io::Result<()> {
    let mut reader = Reader::plain(Box::new(Cursor::new(content)), is_csv)?;
    let mut last = 0;
    while let Some((line, fields)) = reader.next()? {
        assert!(line > last, "line {line} after {last}");
        last = line;
        if let Err(reason) = fields.and_then(|fields| R::read(&fields)) {
            let is_plain = !reason.contains(char::is_control) && reason.chars().count() <= REASON;
            assert!(is_plain && !reason.is_empty(), "{reason:?}");
        }
    }
    Ok(())
}
