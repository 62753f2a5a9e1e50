//! What the guard knows of the schema: which fields bring one object, and which bring many.

use async_graphql::Name;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, FieldDefinition, Type, TypeDefinition, TypeKind, TypeSystemDefinition};
use std::collections::{HashMap, HashSet};

/// The fields of every type, and what their values may be.
#[derive(Debug, Default)]
pub struct Shape {
    types: HashMap<Name, Fields>,
    inputs: HashMap<Name, Input>,
}

/// The fields of a type.
pub type Fields = HashMap<Name, Field>;

/// A field, as far as it matters to what a selection of it costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The type of its objects.
    pub of: Name,
    /// What it brings.
    pub brings: Brings,
}

/// What a field brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brings {
    /// A scalar or an enum.
    Leaf,
    /// One object.
    Object,
    /// As many objects as the page or the list has.
    Many,
    /// Nothing of its own: `nodes`, `edges`, `node` and `pageInfo` only lead to what the page has.
    Way,
}

/// What is given to an argument.
#[derive(Debug)]
pub enum Input {
    /// One of these names.
    Enum(HashSet<Name>),
    /// An object with these fields.
    Object(HashMap<Name, InputField>),
}

/// A field of an input object.
#[derive(Debug)]
pub struct InputField {
    /// Its type.
    pub of: Type,
    /// Whether it has to be there.
    pub required: bool,
}

impl Shape {
    /// The shape of a schema.
    ///
    /// # Errors
    /// What is wrong with the schema.
    pub fn of(sdl: &str) -> Result<Self, String> {
        let document = parse_schema(sdl).map_err(|error| error.to_string())?;
        let definitions = document.definitions.into_iter();
        let types: HashMap<_, _> = definitions
            .filter_map(|definition| match definition {
                TypeSystemDefinition::Type(definition) => Some((definition.node.name.node.clone(), definition.node)),
                _ => None,
            })
            .collect();
        let fields = types.iter().filter_map(|(name, definition)| {
            let fields = fields(definition)?.iter();
            let fields = fields.map(|field| (field.node.name.node.clone(), describe(&types, definition, &field.node)));
            Some((name.clone(), fields.collect()))
        });
        let inputs = types
            .iter()
            .filter_map(|(name, definition)| Some((name.clone(), input(definition)?)));
        Ok(Self {
            types: fields.collect(),
            inputs: inputs.collect(),
        })
    }

    /// The fields of a type; none when there is no such type.
    #[must_use]
    pub fn fields(&self, of: &str) -> Option<&Fields> {
        self.types.get(of)
    }

    /// What may be given where this type is asked for; none for scalars.
    #[must_use]
    pub fn input(&self, of: &str) -> Option<&Input> {
        self.inputs.get(of)
    }
}

type Types = HashMap<Name, TypeDefinition>;

fn fields(definition: &TypeDefinition) -> Option<&[async_graphql::Positioned<FieldDefinition>]> {
    match &definition.kind {
        TypeKind::Object(object) => Some(&object.fields),
        TypeKind::Interface(interface) => Some(&interface.fields),
        // A union has no field but the name of its type.
        TypeKind::Union(_) => Some(&[]),
        _ => None,
    }
}

fn describe(types: &Types, parent: &TypeDefinition, field: &FieldDefinition) -> Field {
    let (of, is_list) = innermost(&field.ty.node);
    let target = types.get(&of);
    let is_composite = target.is_some_and(|target| fields(target).is_some());
    let leads = is_page(parent) || is_edge(types, parent);
    let brings = match (is_composite, leads) {
        (false, _) => Brings::Leaf,
        (true, true) => Brings::Way,
        (true, false) if is_list || target.is_some_and(is_page) => Brings::Many,
        (true, false) => Brings::Object,
    };
    Field { of, brings }
}

fn innermost(of: &Type) -> (Name, bool) {
    match &of.base {
        BaseType::Named(name) => (name.clone(), false),
        BaseType::List(item) => (innermost(item).0, true),
    }
}

/// A connection is what has a `pageInfo`.
fn is_page(definition: &TypeDefinition) -> bool {
    has(definition, "pageInfo")
}

fn is_edge(types: &Types, definition: &TypeDefinition) -> bool {
    let name = &definition.name.node;
    has(definition, "cursor")
        && types
            .values()
            .filter(|other| is_page(other))
            .any(|page| leads_to(page, name))
}

fn leads_to(page: &TypeDefinition, name: &Name) -> bool {
    let mut fields = fields(page).unwrap_or_default().iter();
    fields.any(|field| field.node.name.node == "edges" && innermost(&field.node.ty.node).0 == *name)
}

fn has(definition: &TypeDefinition, name: &str) -> bool {
    let mut fields = fields(definition).unwrap_or_default().iter();
    fields.any(|field| field.node.name.node == name)
}

fn input(definition: &TypeDefinition) -> Option<Input> {
    match &definition.kind {
        TypeKind::Enum(of) => {
            let names = of.values.iter().map(|value| value.node.value.node.clone());
            Some(Input::Enum(names.collect()))
        }
        TypeKind::InputObject(of) => {
            let fields = of.fields.iter().map(|field| {
                let of = field.node.ty.node.clone();
                let required = !of.nullable && field.node.default_value.is_none();
                (field.node.name.node.clone(), InputField { of, required })
            });
            Some(Input::Object(fields.collect()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_understood() {
        let shape = Shape::of(&crate::graphql::sdl()).unwrap();
        let brings = |of: &str, name: &str| shape.fields(of).unwrap().get(name).unwrap().brings;
        assert_eq!(brings("Tweet", "text"), Brings::Leaf);
        assert_eq!(brings("Tweet", "author"), Brings::Object);
        assert_eq!(brings("Tweet", "hashtags"), Brings::Many);
        assert_eq!(brings("Hashtag", "tweets"), Brings::Many);
        assert_eq!(brings("Query", "nodes"), Brings::Many);
        for (of, name) in [
            ("TweetConnection", "nodes"),
            ("TweetConnection", "edges"),
            ("TweetConnection", "pageInfo"),
            ("TweetEdge", "node"),
            ("FollowerEdge", "node"),
        ] {
            assert_eq!(brings(of, name), Brings::Way, "{of}.{name}");
        }
        // It has a cursor, and is no edge.
        assert_eq!(brings("TweetEvent", "tweet"), Brings::Object);
        assert!(matches!(shape.input("FeedGroup"), Some(Input::Enum(names)) if names.contains("USER")));
        assert!(matches!(shape.input("FollowInput"), Some(Input::Object(fields))
            if fields["targetId"].required && !fields["flag"].required));
    }
}
