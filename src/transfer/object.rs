//! External objects, as rows tell of them.

use super::batch::Batch;
use crate::model::{Key, Micros, Object, ObjectKey, Result};
use crate::store::bulk::object::Told;
use crate::store::tx::Tx;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a row says of an external object.
pub(super) struct Telling {
    pub(super) key: ObjectKey,
    pub(super) name: Option<String>,
    pub(super) url: Option<String>,
    pub(super) data: Option<Value>,
    pub(super) at: Micros,
}

/// Makes and changes external objects: of each part the newest that a row told stands, in
/// whatever order they come. Returns how many changed.
pub(super) async fn tell(tx: &Tx, batch: &mut Batch, tellings: Vec<Telling>) -> Result<u64> {
    if tellings.is_empty() {
        return Ok(0);
    }
    let keys: Vec<&ObjectKey> = tellings.iter().map(|telling| &telling.key).collect();
    let before = tx.objects_told(&keys).await?;
    let mut objects: BTreeMap<ObjectKey, Told> = BTreeMap::new();
    for telling in tellings {
        let old = || before.get(&telling.key).cloned();
        let told = objects
            .entry(telling.key.clone())
            .or_insert_with(|| old().unwrap_or_else(|| newcomer(&telling)));
        take(told, telling);
    }
    objects.retain(|key, told| before.get(key) != Some(told));
    let seen = |told: &&Told| {
        let old = before.get(&told.object.key);
        old.is_none_or(|old| old.object != told.object)
    };
    let changed: Vec<Told> = objects.into_values().collect();
    let shown: Vec<Key> = changed
        .iter()
        .filter(seen)
        .map(|told| Key::Object(told.object.key.clone()))
        .collect();
    let count = shown.len() as u64;
    batch.touch(shown);
    batch.script().put_objects(&changed);
    Ok(count)
}

fn newcomer(telling: &Telling) -> Told {
    Told {
        object: Object {
            name: telling.key.key.clone(),
            key: telling.key.clone(),
            url: None,
            data: None,
            created_at: telling.at,
            follower_count: 0,
        },
        name_at: None,
        url_at: None,
        data_at: None,
    }
}

/// Takes over what a row tells later than what is known. Of two at one time it is the greater.
fn take(told: &mut Told, telling: Telling) {
    let (object, at) = (&mut told.object, Some(telling.at));
    if let Some(name) = telling.name
        && (at, &name) > (told.name_at, &object.name)
    {
        (object.name, told.name_at) = (name, at);
    }
    if telling.url.is_some() && (at, &telling.url) > (told.url_at, &object.url) {
        (object.url, told.url_at) = (telling.url, at);
    }
    let text = |data: &Option<Value>| data.as_ref().map(Value::to_string);
    if telling.data.is_some() && (at, text(&telling.data)) > (told.data_at, text(&object.data)) {
        (object.data, told.data_at) = (telling.data, at);
    }
}
