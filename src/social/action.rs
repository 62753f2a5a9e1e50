//! Adding and removing actions.

use super::{Social, acting};
use crate::model::action::{AUTOMATIC, DESCRIPTION_LENGTH, check_data, is_verb};
use crate::model::id::GlobalId;
use crate::model::object::KEY_LENGTH;
use crate::model::user::check_line;
use crate::model::{
    Action, ActionId, Deed, Entity, Error, EventKind, Key, Micros, NewEvent, Object, ObjectKey, Result, UserId, Viewer,
    text,
};
use crate::store::tx::Tx;
use serde_json::Value;
use std::borrow::Cow;
use std::time::Duration;

/// How far ahead of the clock an action may be.
const AHEAD: Duration = Duration::from_secs(300);
/// The most characters of an actor's own identifier of an action.
const FOREIGN_ID_LENGTH: usize = 255;
/// The most characters of an external object's address.
const URL_LENGTH: usize = 2_048;

/// What is to be recorded, as the client wrote it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of the API's `AddActionInput`")]
pub struct NewAction {
    pub actor: Option<Reference>,
    pub verb: String,
    pub object: Option<Reference>,
    pub target: Option<Reference>,
    pub description: Option<String>,
    pub data: Option<Value>,
    pub public: bool,
    pub created_at: Option<Micros>,
    pub foreign_id: Option<String>,
}

/// What an action refers to, by its id or, for an external object, by type and key.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    /// The global id.
    pub id: Option<String>,
    /// An external object's type.
    pub kind: Option<String>,
    /// An external object's key.
    pub key: Option<String>,
    /// What becomes of the external object.
    pub change: ObjectChange,
}

/// What of an external object is to be changed; what is none stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectChange {
    /// 1 to 255 characters.
    pub name: Option<String>,
    /// An http or https address, or none.
    pub url: Option<Option<String>>,
    /// Up to 16 KiB of JSON, or none.
    pub data: Option<Option<Value>>,
}

/// A reference that can be right.
#[derive(Clone, Debug)]
enum Named {
    /// What has to be there.
    There(Entity),
    /// An external object, which is there from now on.
    Told(ObjectKey, ObjectChange),
}

impl Named {
    fn new(field: &'static str, reference: Reference) -> Result<Self> {
        match reference {
            Reference {
                id: Some(id),
                kind: None,
                key: None,
                change,
            } if change == ObjectChange::default() => Ok(Self::There(entity(&id)?)),
            Reference {
                id: None,
                kind: Some(kind),
                key: Some(key),
                change,
            } => {
                let wrong = || Error::invalid(field, "type has 1 to 64 characters and no colon, key 1 to 255");
                let key = ObjectKey::new(&kind, &key).ok_or_else(wrong)?;
                Ok(Self::Told(key, checked(field, change)?))
            }
            _ => Err(Error::invalid(
                field,
                "either id, or type and key and what goes with them",
            )),
        }
    }

    fn entity(&self) -> Entity {
        match self {
            Self::There(entity) => entity.clone(),
            Self::Told(key, _) => Entity::Object(key.clone()),
        }
    }
}

/// What an id names, if an action can be about it.
fn entity(id: &str) -> Result<Entity> {
    match GlobalId::parse(id) {
        Some(GlobalId::User(id)) => Ok(Entity::User(id)),
        Some(GlobalId::Tweet(id)) => Ok(Entity::Tweet(id)),
        Some(GlobalId::Hashtag(name)) => {
            let name = text::hashtag_key(&name).ok_or(Error::NotFound("hashtag"))?;
            Ok(Entity::Hashtag(name))
        }
        Some(GlobalId::Object(key)) => Ok(Entity::Object(key)),
        _ => Err(Error::NotFound("entity")),
    }
}

fn checked(field: &'static str, mut change: ObjectChange) -> Result<ObjectChange> {
    let at = |part: &str| Cow::Owned(format!("{field}.{part}"));
    if let Some(name) = &change.name
        && (!(1..=KEY_LENGTH).contains(&name.chars().count()) || name.contains('\0'))
    {
        return Err(Error::invalid(at("name"), "a name has 1 to 255 characters"));
    }
    if let Some(Some(url)) = &change.url {
        let is_web = url.starts_with("https://") || url.starts_with("http://");
        if !is_web || url.chars().count() > URL_LENGTH || url.contains(char::is_control) {
            let reason = "an http or https address of at most 2,048 characters";
            return Err(Error::invalid(at("url"), reason));
        }
    }
    change.data = change.data.map(|data| data.filter(|data| !data.is_null()));
    if let Some(Some(data)) = &change.data {
        check_data(at("data"), data)?;
    }
    Ok(change)
}

/// An action that can be right.
#[derive(Clone)]
struct Draft {
    actor: Named,
    object: Option<Named>,
    target: Option<Named>,
    rest: NewAction,
}

impl Draft {
    fn new(viewer: &Viewer, mut new: NewAction) -> Result<Self> {
        let actor = actor(viewer, new.actor.take())?;
        if !is_verb(&new.verb) {
            return Err(Error::invalid("input.verb", "a verb has 1 to 64 characters"));
        }
        if AUTOMATIC.contains(&new.verb.as_str()) {
            return Err(Error::invalid(
                "input.verb",
                "actions with this verb are recorded by themselves",
            ));
        }
        let description = new.description.as_deref().unwrap_or_default();
        check_line("input.description", description, DESCRIPTION_LENGTH)?;
        new.data = new.data.filter(|data| !data.is_null());
        new.data
            .as_ref()
            .map_or(Ok(()), |data| check_data("input.data", data))?;
        if let Some(id) = &new.foreign_id
            && (!(1..=FOREIGN_ID_LENGTH).contains(&id.chars().count()) || id.contains('\0'))
        {
            return Err(Error::invalid("input.foreignId", "1 to 255 characters"));
        }
        let named = |field, reference: Option<Reference>| reference.map(|it| Named::new(field, it)).transpose();
        Ok(Self {
            actor,
            object: named("input.object", new.object.take())?,
            target: named("input.target", new.target.take())?,
            rest: new,
        })
    }

    fn named(&self) -> impl Iterator<Item = &Named> {
        std::iter::once(&self.actor).chain(&self.object).chain(&self.target)
    }
}

/// Users act themselves; a service says who does.
fn actor(viewer: &Viewer, given: Option<Reference>) -> Result<Named> {
    let named = given.map(|actor| Named::new("input.actor", actor));
    match viewer {
        Viewer::Anonymous => Err(Error::Unauthenticated("log in first")),
        Viewer::Service { .. } => {
            named.unwrap_or_else(|| Err(Error::invalid("input.actor", "a service names an actor")))
        }
        Viewer::User { id, .. } => match named.transpose()? {
            Some(actor) if actor.entity() != Entity::User(*id) => Err(Error::Forbidden("users act only themselves")),
            _ => Ok(Named::There(Entity::User(*id))),
        },
    }
}

impl Social {
    /// Records an action. Under a `foreign_id` an actor does something once: later calls give the
    /// first action and change nothing.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::Forbidden`] when a user names another actor, or the actor
    /// is banned,
    /// [`Error::Invalid`], [`Error::NotFound`] when something is named that is not there.
    pub async fn add_action(&self, viewer: &Viewer, new: NewAction) -> Result<Action> {
        let draft = Draft::new(viewer, new)?;
        let by = viewer.user();
        self.store
            .write(move |tx| Box::pin(async move { insert(tx, by, draft).await }))
            .await
    }

    /// Removes an action that was added: one's own, or as a service any.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::NotFound`], [`Error::Forbidden`] for an action of
    /// somebody else, [`Error::Invalid`] of `input.id` for one that was recorded by itself.
    pub async fn remove_action(&self, viewer: &Viewer, id: Option<ActionId>) -> Result<()> {
        if *viewer == Viewer::Anonymous {
            return Err(Error::Unauthenticated("log in first"));
        }
        let id = id.ok_or(Error::NotFound("action"))?;
        let viewer = viewer.user();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(viewer) = viewer {
                        acting(tx, viewer).await?;
                    }
                    let by = viewer.map(Entity::User);
                    let action = tx.action(id).await?.ok_or(Error::NotFound("action"))?;
                    match by {
                        Some(by) if action.actor != by && !action.public => return Err(Error::NotFound("action")),
                        Some(by) if action.actor != by => return Err(Error::Forbidden("only its actor may do that")),
                        _ => {}
                    }
                    if action.is_automatic() {
                        return Err(Error::invalid("input.id", "goes with what it records, not by itself"));
                    }
                    let mut event = NewEvent::new(EventKind::Action);
                    event.action = Some(id);
                    event.actor = action.actor.user();
                    tx.retract(event, &[id]).await
                })
            })
            .await
    }
}

/// `by` is the user who asks, if it is no service.
async fn insert(tx: &Tx, by: Option<UserId>, draft: Draft) -> Result<Action> {
    let actor = draft.actor.entity();
    if let Some(id) = actor.user().filter(|id| by.is_none_or(|by| by == *id)) {
        may_act(tx, id).await?;
    }
    let foreign_id = draft.rest.foreign_id.as_deref();
    if let Some(foreign_id) = foreign_id
        && let Some(first) = tx.action_under(foreign_id, &actor, &draft.rest.verb).await?
    {
        there(tx, by, &actor).await?;
        return Ok(first);
    }
    let created_at = draft.rest.created_at.unwrap_or(tx.now());
    if created_at > tx.now().after(AHEAD) {
        return Err(Error::invalid("input.createdAt", "more than 5 minutes ahead"));
    }
    let mut keys = Vec::new();
    for named in draft.named() {
        match named {
            Named::There(entity) => there(tx, by, entity).await?,
            Named::Told(key, change) => keys.extend(tell(tx, key, change).await?),
        }
    }
    let action = Action {
        id: tx.next_action().await?,
        verb: draft.rest.verb.clone(),
        actor,
        object: draft.object.as_ref().map(Named::entity),
        target: draft.target.as_ref().map(Named::entity),
        created_at,
        description: draft.rest.description.clone(),
        data: draft.rest.data.clone(),
        public: draft.rest.public,
    };
    let deed = Deed::given(action).touching(keys);
    tx.record(&deed).await?;
    if let Some(foreign_id) = foreign_id {
        tx.name_action(deed.action.id, foreign_id).await?;
    }
    Ok(deed.action)
}

/// Makes sure that a user is not banned in whose name something is recorded.
async fn may_act(tx: &Tx, id: UserId) -> Result<()> {
    match acting(tx, id).await {
        // Whether they are there is looked at with everything else that is named.
        Ok(_) | Err(Error::Unauthenticated(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes sure that something is there, and that whoever asks may see it.
async fn there(tx: &Tx, by: Option<UserId>, entity: &Entity) -> Result<()> {
    let (whose, what) = match entity {
        Entity::User(id) => (Some(*id), "user"),
        Entity::Tweet(id) => (tx.tweet(*id).await?.map(|tweet| tweet.author), "tweet"),
        Entity::Hashtag(_) | Entity::Object(_) => (None, "entity"),
    };
    if let (Some(by), Some(whose)) = (by, whose)
        && tx.blocks(by, whose).await?
    {
        return Err(Error::NotFound(what));
    }
    let (is_there, what) = match entity {
        Entity::User(id) => (tx.user(*id).await?.is_some_and(|user| !user.is_banned), what),
        Entity::Tweet(_) => (whose.is_some(), what),
        Entity::Hashtag(name) => (tx.has_hashtag(name).await?, "hashtag"),
        Entity::Object(key) => (tx.object(key).await?.is_some(), "external object"),
    };
    is_there.then_some(()).ok_or(Error::NotFound(what))
}

/// Makes or changes an external object. Returns the row that changed, if it did.
async fn tell(tx: &Tx, key: &ObjectKey, change: &ObjectChange) -> Result<Option<Key>> {
    let old = tx.object(key).await?;
    let mut new = old.clone().unwrap_or_else(|| Object {
        key: key.clone(),
        name: key.key.clone(),
        url: None,
        data: None,
        created_at: tx.now(),
        follower_count: 0,
    });
    new.name = change.name.clone().unwrap_or(new.name);
    new.url = change.url.clone().unwrap_or(new.url);
    new.data = change.data.clone().unwrap_or(new.data);
    if old.as_ref() == Some(&new) {
        return Ok(None);
    }
    tx.put_object(&new).await?;
    Ok(Some(Key::Object(new.key)))
}
