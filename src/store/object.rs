//! External objects.

use super::Store;
use super::cache::Kept;
use super::entity::{columns, object};
use super::snapshot::{Snapshot, json};
use super::tx::Tx;
use crate::model::{Error, Key, Micros, Object, ObjectKey, Result};
use sea_orm::EntityTrait;
use std::collections::HashMap;
use std::sync::Arc;

impl TryFrom<object::Model> for Object {
    type Error = Error;

    fn try_from(row: object::Model) -> Result<Self> {
        Ok(Self {
            key: ObjectKey {
                kind: row.kind,
                key: row.key,
            },
            name: row.name,
            url: row.url,
            data: row
                .data
                .map(|data| serde_json::from_str(&data))
                .transpose()
                .map_err(Error::internal)?,
            created_at: Micros(row.created_at),
            follower_count: row.follower_count,
        })
    }
}

impl Kept for Object {
    type Id = ObjectKey;

    fn key(id: &ObjectKey) -> Key {
        Key::Object(id.clone())
    }

    fn weight(&self) -> usize {
        let data = self.data.as_ref().map_or(0, |data| data.to_string().len() * 2);
        let url = self.url.as_ref().map_or(0, String::len);
        size_of::<Self>() + 2 * (self.key.kind.len() + self.key.key.len()) + self.name.len() + url + data
    }
}

impl Store {
    /// The external objects of these keys, as far as they are known.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn objects(&self, keys: impl IntoIterator<Item = ObjectKey>) -> Result<HashMap<ObjectKey, Arc<Object>>> {
        let (mut found, missing) = self.caches().get::<Object>(keys);
        if !missing.is_empty() {
            let snapshot = self.snapshot().await?;
            let read = snapshot.objects(&missing).await?;
            self.caches()
                .put(snapshot.seq(), read.iter().map(|(key, object)| (key.clone(), object)));
            found.extend(read);
        }
        Ok(found)
    }

    /// An external object as memory has it.
    #[must_use]
    pub fn cached_object(&self, key: &ObjectKey) -> Option<Arc<Object>> {
        self.caches().one::<Object>(key)
    }
}

/// Objects by their types and keys.
pub(super) fn by_keys() -> String {
    let columns = columns::<object::Entity>("o");
    format!("SELECT {columns} FROM {{each}} JOIN object o ON o.type = {{text:0}} AND o.key = {{text:1}}")
}

impl Snapshot {
    pub(super) async fn objects(&self, keys: &[ObjectKey]) -> Result<HashMap<ObjectKey, Arc<Object>>> {
        let pairs: Vec<_> = keys.iter().map(|key| (&key.kind, &key.key)).collect();
        let rows: Vec<object::Model> = self.all(&by_keys(), [json(&pairs)]).await?;
        rows.into_iter()
            .map(|row| {
                let object = Object::try_from(row)?;
                Ok((object.key.clone(), Arc::new(object)))
            })
            .collect()
    }
}

impl Tx {
    /// An external object.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn object(&self, key: &ObjectKey) -> Result<Option<Object>> {
        let id = (key.kind.clone(), key.key.clone());
        let row = object::Entity::find_by_id(id).one(self.conn()).await?;
        row.map(Object::try_from).transpose()
    }

    /// Writes an external object as it is now; its count stays.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn put_object(&self, object: &Object) -> Result<()> {
        let sql = "INSERT INTO object (type, key, name, url, data, created_at, name_at, url_at, data_at) \
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) \
                   ON CONFLICT (type, key) DO UPDATE SET name = excluded.name, url = excluded.url, data = excluded.data, \
                   name_at = excluded.name_at, url_at = excluded.url_at, data_at = excluded.data_at";
        let now = self.now().0;
        let values = [
            object.key.kind.clone().into(),
            object.key.key.clone().into(),
            object.name.clone().into(),
            object.url.clone().into(),
            object.data.as_ref().map(ToString::to_string).into(),
            object.created_at.0.into(),
            now.into(),
            now.into(),
            now.into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }
}
