//! Many external objects at once, and what was deleted.

use crate::model::{Entity, Micros, Object, ObjectKey, Result};
use crate::store::entity::object;
use crate::store::object::by_keys;
use crate::store::script::Script;
use crate::store::snapshot::json;
use crate::store::tx::Tx;
use sea_orm::FromQueryResult;
use std::collections::{HashMap, HashSet};

/// An external object, with the times of what told its name, address and data.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// As it is.
    pub object: Object,
    /// When its name was told; none while that is its key.
    pub name_at: Option<Micros>,
    /// When its address was told.
    pub url_at: Option<Micros>,
    /// When its data was told.
    pub data_at: Option<Micros>,
}

impl Tx {
    /// The external objects of these keys, as far as they are known.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn objects_told(&self, keys: &[&ObjectKey]) -> Result<HashMap<ObjectKey, Told>> {
        let keys: HashSet<(&str, &str)> = keys.iter().map(|key| (&*key.kind, &*key.key)).collect();
        let rows = self.rows(&by_keys(), [json(&keys)]).await?;
        rows.iter()
            .map(|row| {
                let row = object::Model::from_query_result(row, "")?;
                let (name_at, url_at, data_at) = (row.name_at, row.url_at, row.data_at);
                let told = Told {
                    object: Object::try_from(row)?,
                    name_at: name_at.map(Micros),
                    url_at: url_at.map(Micros),
                    data_at: data_at.map(Micros),
                };
                Ok((told.object.key.clone(), told))
            })
            .collect()
    }

    /// Which of these have a tombstone.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn buried(&self, entities: &[&Entity]) -> Result<HashSet<Entity>> {
        if entities.is_empty() {
            return Ok(HashSet::new());
        }
        let keys: Vec<_> = entities.iter().map(|entity| (entity.kind(), entity.key())).collect();
        let sql = "SELECT k.key FROM {each} JOIN tombstone d ON d.kind = {text:0} AND d.key = {text:1}";
        let places = super::places(&self.rows(sql, [json(&keys)]).await?)?.into_iter();
        Ok(places
            .filter_map(|place| entities.get(place).copied().cloned())
            .collect())
    }

    /// Which of these hashtags exist.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn hashtags_there(&self, names: &[&str]) -> Result<HashSet<String>> {
        let sql = "SELECT h.name FROM {each} JOIN hashtag h ON h.name = {value}";
        let rows = self.rows(sql, [json(&names)]).await?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }
}

impl Script {
    /// Writes external objects as they are now; their counts stay.
    pub fn put_objects(&mut self, objects: &[Told]) {
        let rows: Vec<_> = objects
            .iter()
            .map(|told| {
                let object = &told.object;
                let data = object.data.as_ref().map(ToString::to_string);
                let (key, name, url) = (&object.key, &object.name, &object.url);
                let times = (told.name_at, told.url_at, told.data_at);
                (&key.kind, &key.key, name, url, data, object.created_at, times)
            })
            .map(|(kind, key, name, url, data, created_at, (name_at, url_at, data_at))| {
                (kind, key, name, url, data, created_at, name_at, url_at, data_at)
            })
            .collect();
        self.each(
            "INSERT INTO object (type, key, name, url, data, created_at, name_at, url_at, data_at) \
             SELECT {text:0}, {text:1}, {text:2}, {text:3}, {text:4}, {int:5}, {int:6}, {int:7}, {int:8} FROM {each} \
             WHERE TRUE ON CONFLICT (type, key) DO UPDATE SET name = excluded.name, url = excluded.url, data = excluded.data, \
             name_at = excluded.name_at, url_at = excluded.url_at, data_at = excluded.data_at",
            &rows,
        );
    }

    /// Notes what was deleted elsewhere, and when.
    pub fn bury(&mut self, tombs: &[(Entity, Micros)]) {
        let rows: Vec<_> = tombs.iter().map(|(of, at)| (of.kind(), of.key(), at)).collect();
        self.each(
            "INSERT INTO tombstone (kind, key, deleted_at) SELECT {text:0}, {text:1}, {int:2} FROM {each} \
             WHERE TRUE ON CONFLICT DO NOTHING",
            &rows,
        );
    }
}
