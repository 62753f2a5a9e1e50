//! The fields of a row, whether it came as JSON or as CSV.

use super::source::unreadable;
use crate::model::Micros;
use crate::model::user::check_line;
use serde_json::{Map, Value};

/// The most characters of an identifier, a source or an address.
const LONGEST_NAME: usize = 2_048;
/// The largest count that is taken.
const LARGEST: i64 = (1 << 53) - 1;

/// A row's fields by name. What is null, or an empty cell, is absent.
#[derive(Debug)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a line of JSON.
    pub(super) fn from_json(line: &[u8]) -> Result<Self, String> {
        match serde_json::from_slice(line) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err("not a JSON object".to_owned()),
            Err(error) => Err(unreadable("JSON", error.column())),
        }
    }

    /// Pairs the cells of a CSV record with the names in the header.
    pub(super) fn from_cells<'c>(cells: impl Iterator<Item = (&'c str, &'c str)>) -> Self {
        let filled = cells.filter(|(_, cell)| !cell.is_empty());
        Self(
            filled
                .map(|(name, cell)| (name.to_owned(), Value::from(cell)))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text of at most `most` characters, if the field is there.
    pub(super) fn text(&self, name: &'static str, most: usize) -> Result<Option<String>, String> {
        let text = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return Err(format!("{name}: not a text")),
        };
        check_line(name, &text, most).map_err(|error| format!("{name}: {error}"))?;
        Ok(Some(text))
    }

    /// An identifier, a source or an address, if the field is there and not empty.
    pub(super) fn name(&self, name: &'static str) -> Result<Option<String>, String> {
        Ok(self.text(name, LONGEST_NAME)?.filter(|text| !text.is_empty()))
    }

    /// A field that has to be there.
    pub(super) fn required(&self, name: &'static str) -> Result<String, String> {
        self.name(name)?.ok_or_else(|| format!("{name}: missing"))
    }

    /// A whole number from 0 on, if the field is there.
    pub(super) fn count(&self, name: &'static str) -> Result<Option<i64>, String> {
        let number = match self.get(name) {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        match number.filter(|number| (0..=LARGEST).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(format!("{name}: not a count")),
        }
    }

    /// The number that a row has in another Linnet, if the field is there.
    pub(super) fn key(&self, name: &'static str) -> Result<Option<i64>, String> {
        self.count(name)
    }

    /// A time, if the field is there.
    pub(super) fn time(&self, name: &'static str) -> Result<Option<Micros>, String> {
        let Some(text) = self.name(name)? else {
            return Ok(None);
        };
        match Micros::parse(&text) {
            Some(time) => Ok(Some(time)),
            None => Err(format!("{name}: not a date and time (RFC 3339)")),
        }
    }

    /// A username that has to be there.
    pub(super) fn username(&self, name: &'static str) -> Result<String, String> {
        let username = self.required(name)?;
        crate::model::user::check_username(name, &username).map_err(|error| format!("{name}: {error}"))?;
        Ok(username)
    }
}
