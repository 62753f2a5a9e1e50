//! The fields of a row, whether it came as JSON or as CSV.

use super::source::unreadable;
use crate::model::Micros;
use crate::model::user::check_line;
use serde_json::{Map, Value};

/// The most characters of an identifier, a source or an address.
pub(super) const LONGEST_NAME: usize = 2_048;
/// The largest count that is taken.
const LARGEST: i64 = (1 << 53) - 1;

/// A row's fields by name. What is null, or an empty cell, is absent.
#[derive(Debug)]
pub(super) struct Fields {
    values: Map<String, Value>,
    /// Whether they are the cells of a table, which hold what is no text as JSON.
    are_cells: bool,
}

impl Fields {
    /// Reads a line of JSON.
    pub(super) fn from_json(line: &[u8]) -> Result<Self, String> {
        match serde_json::from_slice(line) {
            Ok(Value::Object(values)) => Ok(Self {
                values,
                are_cells: false,
            }),
            Ok(_) => Err("not a JSON object".to_owned()),
            Err(error) => Err(unreadable("JSON", error.column())),
        }
    }

    /// Pairs the cells of a CSV record with the names in the header.
    pub(super) fn from_cells<'c>(cells: impl Iterator<Item = (&'c str, &'c str)>) -> Self {
        let filled = cells.filter(|(_, cell)| !cell.is_empty());
        Self {
            values: filled
                .map(|(name, cell)| (name.to_owned(), Value::from(cell)))
                .collect(),
            are_cells: true,
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null())
    }

    /// Whether the field is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Any JSON, if the field is there.
    pub(super) fn json(&self, name: &str) -> Result<Option<Value>, String> {
        match self.get(name) {
            Some(Value::String(cell)) if self.are_cells => {
                let value: Value = serde_json::from_str(cell).map_err(|_| format!("{name}: not JSON"))?;
                Ok(Some(value).filter(|value| !value.is_null()))
            }
            value => Ok(value.cloned()),
        }
    }

    /// A JSON object of fields of its own, if the field is there.
    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, String> {
        let are_cells = false;
        match self.json(name)? {
            None => Ok(None),
            Some(Value::Object(values)) => Ok(Some(Self { values, are_cells })),
            Some(_) => Err(format!("{name}: not a JSON object")),
        }
    }

    /// A JSON array of what each has fields of its own, if the field is there.
    pub(super) fn objects(&self, name: &str) -> Result<Option<Vec<Self>>, String> {
        let Some(list) = self.json(name)? else { return Ok(None) };
        let are_cells = false;
        let object = |value| match value {
            Value::Object(values) => Some(Self { values, are_cells }),
            _ => None,
        };
        let list = match list {
            Value::Array(list) => list.into_iter().map(object).collect(),
            _ => None,
        };
        list.map(Some)
            .ok_or_else(|| format!("{name}: not a list of JSON objects"))
    }

    /// A yes or no, if the field is there.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, String> {
        match self.json(name)? {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(format!("{name}: neither true nor false")),
        }
    }

    /// A whole number of any size, if the field is there.
    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, String> {
        let value = self.json(name)?;
        let number = |value: Value| value.as_i64().ok_or_else(|| format!("{name}: not a whole number"));
        value.map(number).transpose()
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
