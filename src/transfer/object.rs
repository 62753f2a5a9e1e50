//! External objects, as rows tell of them.

use super::batch::Batch;
use crate::model::{Key, Micros, Object, ObjectKey, Result};
use crate::store::tx::Tx;
use serde_json::Value;
use std::collections::HashMap;

/// What a row says of an external object.
pub(super) struct Telling {
    pub(super) key: ObjectKey,
    pub(super) name: Option<String>,
    pub(super) url: Option<String>,
    pub(super) data: Option<Value>,
    pub(super) at: Micros,
}

/// Makes and changes external objects. What the newest action says of one stands; older ones
/// only fill what is missing. Returns how many changed.
pub(super) async fn tell(tx: &Tx, batch: &mut Batch, mut tellings: Vec<Telling>) -> Result<u64> {
    if tellings.is_empty() {
        return Ok(0);
    }
    tellings.sort_by_key(|telling| telling.at);
    let keys: Vec<&ObjectKey> = tellings.iter().map(|telling| &telling.key).collect();
    let before = tx.objects_told(&keys).await?;
    let mut objects: HashMap<ObjectKey, Object> = HashMap::new();
    for telling in tellings {
        let (old, newest) = before.get(&telling.key).cloned().unzip();
        let is_newest = newest.flatten().is_none_or(|newest| telling.at >= newest);
        let object = objects.entry(telling.key.clone()).or_insert_with(|| {
            old.unwrap_or_else(|| Object {
                name: telling.key.key.clone(),
                key: telling.key.clone(),
                url: None,
                data: None,
                created_at: telling.at,
                follower_count: 0,
            })
        });
        take(object, telling, is_newest);
    }
    objects.retain(|key, object| before.get(key).is_none_or(|(old, _)| old != object));
    let mut changed: Vec<Object> = objects.into_values().collect();
    changed.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    batch.touch(changed.iter().map(|object| Key::Object(object.key.clone())));
    batch.script().put_objects(&changed);
    Ok(changed.len() as u64)
}

fn take(object: &mut Object, telling: Telling, is_newest: bool) {
    if let Some(name) = telling.name
        && (is_newest || object.name == object.key.key)
    {
        object.name = name;
    }
    if telling.url.is_some() && (is_newest || object.url.is_none()) {
        object.url = telling.url;
    }
    if telling.data.is_some() && (is_newest || object.data.is_none()) {
        object.data = telling.data;
    }
}
