//! What rows refer to: users, tweets, hashtags, external objects, and what is deleted.

use super::batch::Batch;
use super::fields::{Fields, LONGEST_NAME};
use super::named::{self, DELETED, Named};
use super::object::Telling;
use super::tweet::reference;
use crate::model::action::check_data;
use crate::model::id::GlobalId;
use crate::model::object::KEY_LENGTH;
use crate::model::user::{DISPLAY_NAME_LENGTH, username_key};
use crate::model::{Entity, Micros, ObjectKey, Result as StoreResult, text};
use crate::store::bulk::tweet::Identity;
use crate::store::tx::Tx;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The type under which rows name the users of Linnet; every other is one of external objects.
const USER: &str = "user";

/// What a row refers to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Meant {
    /// By a username.
    User(String),
    /// By type and key.
    Object(ObjectKey),
    /// By an outside identifier, or as `Tweet:KEY`.
    Tweet(Identity),
    /// By the canonical name.
    Hashtag(String),
    /// What was deleted in the place of origin, by the id that it had.
    Deleted(Entity),
}

/// What a row refers to, with what it says of it.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    pub(super) meant: Meant,
    name: Option<String>,
    url: Option<String>,
    data: Option<Value>,
}

impl Reference {
    /// Reads a field: `{type, id, name, url, data}`, and in exports `{tweetId, tweetSource}`,
    /// `{hashtag}` or `{deletedId}`.
    pub(super) fn read(fields: &Fields, field: &'static str) -> Result<Option<Self>, String> {
        let within = |reason: String| format!("{field}.{reason}");
        let fields = fields.object(field)?;
        fields
            .map(|fields| Self::from_fields(&fields).map_err(within))
            .transpose()
    }

    /// A user of Linnet.
    pub(super) fn user(username: String) -> Self {
        Self::to(Meant::User(username))
    }

    /// A hashtag, by its canonical name.
    pub(super) fn hashtag(name: String) -> Self {
        Self::to(Meant::Hashtag(name))
    }

    fn to(meant: Meant) -> Self {
        Self {
            meant,
            name: None,
            url: None,
            data: None,
        }
    }

    /// Reads the fields of a reference.
    pub(super) fn from_fields(fields: &Fields) -> Result<Self, String> {
        let name = fields.text("name", LONGEST_NAME)?.filter(|name| !name.is_empty());
        let data = fields.json("data")?;
        if let Some(data) = &data {
            check_data("data", data).map_err(|error| format!("data: {error}"))?;
        }
        Ok(Self {
            meant: Meant::read(fields)?,
            name,
            url: fields.name("url")?,
            data,
        })
    }

    /// Its content, the same however it was written.
    pub(super) fn content(&self) -> Value {
        let meant = match &self.meant {
            Meant::User(name) => json!([USER, username_key(name)]),
            Meant::Object(key) => json!([key.kind, key.key]),
            Meant::Tweet(identity) => json!(["Tweet:", identity.id, identity.source]),
            Meant::Hashtag(name) => json!(["Hashtag:", name]),
            Meant::Deleted(entity) => json!(["Deleted:", entity.to_string()]),
        };
        json!([meant, self.name, self.url, self.data.as_ref().map(sorted)])
    }

    /// What it says of an external object.
    pub(super) fn telling(&self, at: Micros) -> Option<Telling> {
        match &self.meant {
            Meant::Object(key) => Some(Telling {
                key: key.clone(),
                name: self.name.clone().map(|name| name.chars().take(KEY_LENGTH).collect()),
                url: self.url.clone(),
                data: self.data.clone(),
                at,
            }),
            _ => None,
        }
    }

    /// The user whom it names.
    pub(super) fn named(&self, at: Micros) -> Option<Named<'_>> {
        let fits = |name: &&str| name.chars().count() <= DISPLAY_NAME_LENGTH;
        match &self.meant {
            Meant::User(username) => Some(Named {
                username,
                display_name: self.name.as_deref().filter(fits),
                at,
            }),
            _ => None,
        }
    }
}

/// JSON with the fields of its objects in the order of their names.
pub(super) fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().map(sorted).collect(),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            let fields = fields.into_iter().map(|(name, value)| (name.clone(), sorted(value)));
            Value::Object(fields.collect())
        }
        value => value.clone(),
    }
}

impl Meant {
    fn read(fields: &Fields) -> Result<Self, String> {
        if let Some(tweet) = reference(fields, "tweetId", "tweetSource", "")? {
            return Ok(Self::Tweet(tweet));
        }
        if let Some(name) = fields.name("hashtag")? {
            let key = text::hashtag_key(&name).ok_or("hashtag: not a hashtag")?;
            return Ok(Self::Hashtag(key));
        }
        if let Some(id) = fields.name("deletedId")? {
            return Ok(Self::Deleted(deleted(&id).ok_or("deletedId: not an id")?));
        }
        let kind = fields.required("type")?;
        if kind == USER {
            return Ok(Self::User(fields.username("id")?));
        }
        let key = fields.required("id")?;
        let wrong = "type: 1 to 64 characters without a colon, and an id of 1 to 255";
        Ok(Self::Object(ObjectKey::new(&kind, &key).ok_or(wrong)?))
    }
}

/// What leaves a tombstone, by its id.
fn deleted(id: &str) -> Option<Entity> {
    match GlobalId::parse(id)? {
        GlobalId::User(id) => Some(Entity::User(id)),
        GlobalId::Tweet(id) => Some(Entity::Tweet(id)),
        _ => None,
    }
}

/// What the references of a transaction's rows turned out to be.
pub(super) struct Entities {
    found: HashMap<Meant, Result<Entity, String>>,
}

impl Entities {
    /// Looks up what is referred to, each with the time of the row. Users are made when they are
    /// named first, and so are external objects.
    pub(super) async fn find(
        tx: &Tx,
        batch: &mut Batch,
        references: &[(&Reference, Micros)],
    ) -> StoreResult<(Self, u64)> {
        let named = references.iter().filter_map(|(one, at)| one.named(*at));
        let accounts = named::accounts(tx, batch, named).await?;
        let tellings = references.iter().filter_map(|(one, at)| one.telling(*at));
        let told = super::object::tell(tx, batch, tellings.collect()).await?;
        let wanted: Vec<&Identity> = references
            .iter()
            .filter_map(|(one, _)| match &one.meant {
                Meant::Tweet(identity) => Some(identity),
                _ => None,
            })
            .collect();
        let tweets = tx.tweets_meant(&wanted).await?;
        let tweets: HashMap<&Identity, Entity> = tweets
            .into_iter()
            .filter_map(|(place, id)| Some((*wanted.get(place)?, Entity::Tweet(id))))
            .collect();
        let gone: Vec<&Entity> = references
            .iter()
            .filter_map(|(one, _)| match &one.meant {
                Meant::Deleted(entity) => Some(entity),
                _ => None,
            })
            .collect();
        let gone = tx.buried(&gone).await?;
        let mut found = HashMap::new();
        for (one, _) in references {
            let entity = match &one.meant {
                Meant::User(name) => match accounts.get(&username_key(name)) {
                    Some(account) if !account.is_deleted => Ok(Entity::User(account.id)),
                    _ => Err(DELETED.to_owned()),
                },
                Meant::Object(key) => Ok(Entity::Object(key.clone())),
                Meant::Hashtag(name) => Ok(Entity::Hashtag(name.clone())),
                Meant::Tweet(identity) => tweets.get(identity).cloned().ok_or("no such tweet".to_owned()),
                Meant::Deleted(entity) if gone.contains(entity) => Ok(entity.clone()),
                Meant::Deleted(_) => Err("nothing that was deleted has this id".to_owned()),
            };
            found.insert(one.meant.clone(), entity);
        }
        Ok((Self { found }, told))
    }

    /// What a reference is, or why it can't be one.
    pub(super) fn get(&self, field: &str, reference: &Reference) -> Result<Entity, String> {
        match self.found.get(&reference.meant) {
            Some(Ok(entity)) => Ok(entity.clone()),
            Some(Err(reason)) => Err(format!("{field}: {reason}")),
            None => Err(format!("{field}: not found")),
        }
    }
}
