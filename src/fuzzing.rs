//! What the targets in `fuzz/` run: each takes any bytes, and holds what must be true of them.
//! `cargo test --lib fuzzing` gives them what they have found and were made from.

use crate::model::id::GlobalId;
use crate::model::text::{
    self, Entity, MAX_HASHTAGS, MAX_MENTIONS, hashtag_key, is_username, is_valid_post, normalize, parse,
    weighted_length,
};
use crate::model::{Cursor, ObjectKey, Position};

pub use crate::graphql::fuzzing::document;
pub use crate::server::fuzzing::message;
pub use crate::transfer::fuzzing::rows;

/// A posted text.
pub fn text(bytes: &[u8]) {
    let Ok(written) = std::str::from_utf8(bytes) else {
        return;
    };
    let text = normalize(written);
    assert_eq!(normalize(&text), text, "the normal form has one");
    let parsed = parse(&text);
    assert!(parsed.hashtags.len() <= MAX_HASHTAGS && parsed.mentions.len() <= MAX_MENTIONS);
    for key in &parsed.hashtags {
        assert_eq!(hashtag_key(key).as_ref(), Some(key), "a key is its own");
    }
    assert!(parsed.mentions.iter().all(|name| is_username(name)), "{parsed:?}");
    for entities in [text::hashtags(&text), text::mentions(&text), text::urls(&text)] {
        stand_in(&text, &entities);
    }
    assert!(!is_valid_post(&text, 280) || weighted_length(&text) <= 280);
}

/// Entities stand one behind the other, and are what stands there.
fn stand_in(text: &str, entities: &[Entity<'_>]) {
    let mut end = 0;
    for entity in entities {
        assert!(end <= entity.start && entity.start < entity.end, "{entities:?}");
        end = entity.end;
        let there: String = text.chars().skip(entity.start).take(end - entity.start).collect();
        assert!(there.ends_with(entity.name), "{entity:?} in {there:?}");
    }
}

/// What clients bring back: ids and cursors. Each has one spelling.
pub fn ids(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(id) = GlobalId::parse(text) {
        assert_eq!(id.to_string(), text);
    }
    if let Some(key) = ObjectKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
    if let Some(cursor) = Cursor::decode(text) {
        assert_eq!(cursor.encode(), text);
    }
    if let Some(position) = Position::decode(text) {
        assert_eq!(position.encode(), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    /// Gives a target the files of its folder.
    fn hold(name: &str, target: fn(&[u8])) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        let files: Vec<_> = fs::read_dir(folder).unwrap().collect();
        assert!(files.len() > 10, "the corpus is not where it was");
        for file in files {
            target(&fs::read(file.unwrap().path()).unwrap());
        }
    }

    #[test]
    fn texts() {
        hold("text", text);
    }

    #[test]
    fn ids_and_cursors() {
        hold("ids", ids);
    }

    #[test]
    fn documents() {
        hold("document", document);
    }

    #[test]
    fn messages() {
        hold("message", message);
    }

    #[test]
    fn imported_rows() {
        hold("rows", rows);
    }
}
