//! Many external objects at once, and what was deleted.

use crate::model::{Entity, Micros, Object, ObjectKey, Result};
use crate::store::entity::object;
use crate::store::script::Script;
use crate::store::snapshot::json;
use crate::store::tx::Tx;
use sea_orm::FromQueryResult;
use std::collections::{HashMap, HashSet};

/// An external object, with the time of the newest public action about it.
pub type Told = (Object, Option<Micros>);

impl Tx {
    /// The external objects of these keys, as far as they are known.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn objects_told(&self, keys: &[&ObjectKey]) -> Result<HashMap<ObjectKey, Told>> {
        let keys: HashSet<(&str, &str)> = keys.iter().map(|key| (&*key.kind, &*key.key)).collect();
        // Nothing that is done to them is a post or a retweet.
        let sql = "SELECT o.*, (SELECT MAX(x.created_at) FROM feed_entry x \
                   WHERE x.topic = 'object:' || o.type || ':' || o.key AND x.kind = 2) AS newest \
                   FROM {each} JOIN object o ON o.type = {text:0} AND o.key = {text:1}";
        let rows = self.rows(sql, [json(&keys)]).await?;
        rows.iter()
            .map(|row| {
                let object = Object::try_from(object::Model::from_query_result(row, "")?)?;
                let newest: Option<i64> = row.try_get("", "newest")?;
                Ok((object.key.clone(), (object, newest.map(Micros))))
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
    pub fn put_objects(&mut self, objects: &[Object]) {
        let rows: Vec<_> = objects
            .iter()
            .map(|object| {
                let data = object.data.as_ref().map(ToString::to_string);
                let (key, name, url) = (&object.key, &object.name, &object.url);
                (&key.kind, &key.key, name, url, data, object.created_at)
            })
            .collect();
        self.each(
            "INSERT INTO object (type, key, name, url, data, created_at) \
             SELECT {text:0}, {text:1}, {text:2}, {text:3}, {text:4}, {int:5} FROM {each} WHERE TRUE \
             ON CONFLICT (type, key) DO UPDATE SET name = excluded.name, url = excluded.url, data = excluded.data",
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
