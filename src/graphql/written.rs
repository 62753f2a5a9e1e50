//! Results as JSON, parts of which were written while they were read.
//!
//! A part that was stands in the result as bytes ([`Value::Binary`], which nothing else in the
//! schema is). The executor merges the selections of a field that a document names twice, and can't
//! merge bytes: so only documents that are [`is_plain`] are executed like that.

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Response, Value};
use bytes::Bytes;
use std::collections::HashSet;
use std::fmt::{Display, Write as _};

/// How much an object is likely to take, in bytes.
const OBJECT: usize = 512;
/// How much a result is likely to take.
const RESULT: usize = 8 * 1024;

/// Whether no field with a selection of its own stands in a selection twice, in whatever fragments.
/// What can't be told at a glance, in time linear in the document, is no.
pub fn is_plain(document: &ExecutableDocument) -> bool {
    let operations = document
        .operations
        .iter()
        .map(|(_, operation)| &operation.node.selection_set);
    let fragments = document.fragments.values().map(|fragment| &fragment.node.selection_set);
    operations.chain(fragments).all(|set| is_plain_set(&set.node))
}

fn is_plain_set(set: &SelectionSet) -> bool {
    let (mut keys, mut fragments) = (HashSet::new(), 0);
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => {
                let within = &field.node.selection_set.node;
                let is_new = within.items.is_empty() || keys.insert(&field.node.response_key().node);
                if !is_new || !is_plain_set(within) {
                    return false;
                }
            }
            Selection::FragmentSpread(_) => fragments += 1,
            Selection::InlineFragment(fragment) => {
                fragments += 1;
                if !is_plain_set(&fragment.node.selection_set.node) {
                    return false;
                }
            }
        }
    }
    fragments == 0 || fragments == 1 && keys.is_empty()
}

/// JSON that is being written.
#[derive(Default)]
pub struct Json(Vec<u8>);

impl From<Json> for Value {
    /// What was written, as a part of a result.
    fn from(json: Json) -> Self {
        Self::Binary(Bytes::from(json.0))
    }
}

impl std::fmt::Write for Json {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl Json {
    /// How many bytes were written.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    /// Begins an object.
    pub fn begin(&mut self) {
        self.0.reserve(OBJECT);
        self.0.push(b'{');
    }

    /// Ends an object.
    pub fn end(&mut self) {
        self.0.push(b'}');
    }

    /// Begins a field by its name, which needs no escapes.
    pub fn key(&mut self, name: &str) {
        if self.0.last() != Some(&b'{') {
            self.0.push(b',');
        }
        self.plain(name);
        self.0.push(b':');
    }

    /// A text that needs no escapes.
    pub fn plain(&mut self, text: impl Display) {
        // Writing to memory does not fail.
        let _ = write!(self, "\"{text}\"");
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        let _ = serde_json::to_writer(&mut self.0, text);
    }

    /// A whole number.
    pub fn number(&mut self, number: i64) {
        let _ = serde_json::to_writer(&mut self.0, &number);
    }

    /// What is there, or null.
    pub fn some<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => write(self, value),
            None => self.0.extend_from_slice(b"null"),
        }
    }

    fn value(&mut self, value: &Value) -> serde_json::Result<()> {
        match value {
            Value::Binary(written) => self.0.extend_from_slice(written),
            Value::List(items) => {
                self.0.push(b'[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        self.0.push(b',');
                    }
                    self.value(item)?;
                }
                self.0.push(b']');
            }
            Value::Object(fields) => {
                self.0.push(b'{');
                for (name, value) in fields {
                    // A value of any JSON may have any keys.
                    if self.0.last() != Some(&b'{') {
                        self.0.push(b',');
                    }
                    self.text(name);
                    self.0.push(b':');
                    self.value(value)?;
                }
                self.0.push(b'}');
            }
            plain => serde_json::to_writer(&mut self.0, plain)?,
        }
        Ok(())
    }
}

/// A result as JSON.
///
/// # Errors
/// When a value of it is none that JSON has.
pub fn json(result: &Response) -> serde_json::Result<Vec<u8>> {
    let mut json = Json(Vec::with_capacity(RESULT));
    json.0.push(b'{');
    if !result.errors.is_empty() {
        json.key("errors");
        serde_json::to_writer(&mut json.0, &result.errors)?;
    }
    json.key("data");
    json.value(&result.data)?;
    if !result.extensions.is_empty() {
        json.key("extensions");
        serde_json::to_writer(&mut json.0, &result.extensions)?;
    }
    json.0.push(b'}');
    Ok(json.0)
}
