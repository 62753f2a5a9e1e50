//! Actions that are added and removed.

use crate::graphql::error::Result;
use crate::graphql::object::Action;
use crate::graphql::request::Ask;
use crate::graphql::scalar::{DateTime, Json};
use crate::model::id::GlobalId;
use crate::social::action::{NewAction, ObjectChange, Reference};
use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use std::sync::Arc;

/// Refers to something by its id or, for an external object, by type and key; the latter is
/// created or updated.
#[derive(InputObject)]
struct EntityInput {
    id: Option<ID>,
    #[graphql(name = "type")]
    kind: Option<String>,
    key: Option<String>,
    /// Its key, until it is given one.
    name: Option<String>,
    /// Null takes it away.
    url: MaybeUndefined<String>,
    /// Null takes it away.
    data: MaybeUndefined<Json>,
}

/// What somebody did.
#[derive(InputObject)]
struct AddActionInput {
    actor: Option<EntityInput>,
    verb: String,
    object: Option<EntityInput>,
    target: Option<EntityInput>,
    description: Option<String>,
    data: Option<Json>,
    #[graphql(default = true)]
    public: bool,
    created_at: Option<DateTime>,
    /// With the same foreignId, actor and verb, the action is recorded once.
    foreign_id: Option<String>,
}

/// Which action goes.
#[derive(InputObject)]
struct RemoveActionInput {
    id: ID,
}

/// An action that was recorded.
#[derive(SimpleObject)]
struct ActionPayload {
    /// The action.
    action: Action,
}

/// What is given, null included; none when it was left out.
fn given<T>(value: MaybeUndefined<T>) -> Option<Option<T>> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

impl From<EntityInput> for Reference {
    fn from(input: EntityInput) -> Self {
        Self {
            id: input.id.map(|id| id.0),
            kind: input.kind,
            key: input.key,
            change: ObjectChange {
                name: input.name,
                url: given(input.url),
                data: given(input.data).map(|data| data.map(|data| data.0)),
            },
        }
    }
}

impl From<AddActionInput> for NewAction {
    fn from(input: AddActionInput) -> Self {
        Self {
            actor: input.actor.map(Reference::from),
            verb: input.verb,
            object: input.object.map(Reference::from),
            target: input.target.map(Reference::from),
            description: input.description,
            data: input.data.map(|data| data.0),
            public: input.public,
            created_at: input.created_at.map(|at| at.0),
            foreign_id: input.foreign_id,
        }
    }
}

#[derive(Default)]
pub(super) struct ActionMutations;

#[Object]
impl ActionMutations {
    /// Records an action. With a user's token the actor is the viewer; a service token may name
    /// any actor.
    async fn add_action(&self, ctx: &Context<'_>, input: AddActionInput) -> Result<ActionPayload> {
        let action = ctx.social().add_action(ctx.viewer(), input.into()).await?;
        ctx.request().renew();
        Ok(ActionPayload {
            action: Action(Arc::new(action)),
        })
    }

    /// Removes an action that was added.
    async fn remove_action(&self, ctx: &Context<'_>, input: RemoveActionInput) -> Result<bool> {
        let id = match GlobalId::parse(&input.id) {
            Some(GlobalId::Action(id)) => Some(id),
            _ => None,
        };
        ctx.social().remove_action(ctx.viewer(), id).await?;
        Ok(true)
    }
}
