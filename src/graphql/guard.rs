//! What may be executed at all, decided in time linear in the document.
//!
//! The executor's own limits come too late: it walks fragments as often as they are spread, so
//! that a document of under a kilobyte can keep it busy for minutes. Here each fragment is
//! measured once.

mod cost;
mod shape;
#[cfg(test)]
mod tests;
mod tokens;

pub use cost::{Cost, Size, Total};
pub use shape::{Brings, Fields, Input, Shape};

use super::error::coded;
use crate::model::error::Code;
use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Positioned, ServerError, Value, Variables};
use std::collections::HashMap;

/// How deep brackets, and selections with the fragments spread in them, may be nested for the
/// parser and the executor to recurse into them.
pub const NESTING: usize = 64;

/// How many fields of an answer are allowed for each object.
const FIELDS_OF_OBJECT: u64 = 20;

/// How many bytes a field's name has on average at the most: every name stands in the answer as often as
/// its field.
const BYTES_OF_NAME: u64 = 32;

/// What introspection may cost and how deep it may go: more than graphql-js's own query does.
pub const INTROSPECTION_COST: u64 = 20_000;
const INTROSPECTION_DEPTH: usize = 20;

/// How often fields, interfaces, possible types and input fields may be asked for within one
/// another, as graphql-js has it: each such level multiplies the answer.
const INTROSPECTION_LISTS: usize = 2;

/// What a document and its operations may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a document.
    pub size: usize,
    /// Tokens of a document.
    pub tokens: usize,
    /// Fields of an operation, those of a fragment each time that it is spread.
    pub fields: usize,
    /// Fields within fields.
    pub depth: usize,
    /// Aliases of a document.
    pub aliases: usize,
    /// Fields at the root of an operation.
    pub root_fields: usize,
    /// Directives of a document.
    pub directives: usize,
    /// Objects that an answer can have.
    pub cost: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            size: 64 * 1024,
            tokens: 4_000,
            fields: 5_000,
            depth: 12,
            aliases: 50,
            root_fields: 20,
            directives: 30,
            cost: 10_000,
        }
    }
}

/// What was found out about an operation.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Fields, those of a fragment each time that it is spread.
    fields: usize,
    /// Fields of the selection itself.
    pub own_fields: usize,
    depth: usize,
    /// Selections within selections, those of a fragment where it is spread.
    nesting: usize,
    /// What its answer can hold, introspection apart.
    cost: Cost,
    introspection: Introspection,
}

#[derive(Clone, Copy, Debug, Default)]
struct Introspection {
    depth: usize,
    lists: usize,
    cost: u64,
}

impl Measured {
    /// What the operation is charged with these variables: its objects, or its fields or their names
    /// where there are more of them than objects usually have.
    ///
    /// # Errors
    /// It costs too much.
    pub fn cost(&self, variables: &Variables, limits: &Limits) -> Result<u64, ServerError> {
        let total = self.cost.total(variables);
        at_most("cost", total.objects, limits.cost)?;
        at_most(
            "number of fields of an answer",
            total.fields,
            limits.cost.saturating_mul(FIELDS_OF_OBJECT),
        )?;
        let names_of_object = FIELDS_OF_OBJECT * BYTES_OF_NAME;
        at_most(
            "number of bytes in names of an answer",
            total.names,
            limits.cost.saturating_mul(names_of_object),
        )?;
        let charged = total.objects.max(total.fields / FIELDS_OF_OBJECT);
        let charged = charged.max(total.names / names_of_object);
        Ok(charged.saturating_add(self.introspection.cost / 10).max(1))
    }

    fn add(&mut self, other: &Self) {
        self.fields = self.fields.saturating_add(other.fields);
        self.own_fields = self.own_fields.saturating_add(other.own_fields);
        self.depth = self.depth.max(other.depth);
        self.nesting = self.nesting.max(other.nesting);
        self.cost.add(&other.cost);
        self.introspection.depth = self.introspection.depth.max(other.introspection.depth);
        self.introspection.lists = self.introspection.lists.max(other.introspection.lists);
        self.introspection.cost = self.introspection.cost.saturating_add(other.introspection.cost);
    }
}

/// Checks the length of a text, before anything else is done with it.
///
/// # Errors
/// It is too long.
pub fn check_size(text: &str, limits: &Limits) -> Result<(), ServerError> {
    at_most("size in bytes", count(text.len()), count(limits.size))
}

/// Checks what else can be told of a text before it is parsed, and counts its tokens.
///
/// # Errors
/// It has too many, or is nested too deep.
pub fn check_text(text: &str, limits: &Limits) -> Result<u64, ServerError> {
    let tokens = tokens::scan(text);
    at_most("number of tokens", count(tokens.count), count(limits.tokens))?;
    not_deeper("nesting of brackets", tokens.nesting, NESTING)?;
    Ok(count(tokens.count))
}

/// A document while it is measured.
pub struct Guard<'d> {
    document: &'d ExecutableDocument,
    shape: &'d Shape,
    limits: &'d Limits,
    /// None while a fragment is being measured.
    fragments: HashMap<&'d str, Option<Measured>>,
    /// Fields of all operations: the executor walks through those that it does not execute, too.
    fields: usize,
    aliases: usize,
    directives: usize,
}

/// Where a selection stands.
#[derive(Clone, Copy)]
enum Within<'d> {
    Type(&'d Fields),
    Introspection,
    /// The validation will tell that there is no such type.
    Unknown,
}

impl<'d> Guard<'d> {
    /// Begins with a document.
    #[must_use]
    pub fn new(document: &'d ExecutableDocument, shape: &'d Shape, limits: &'d Limits) -> Self {
        Self {
            document,
            shape,
            limits,
            fragments: HashMap::new(),
            fields: 0,
            aliases: 0,
            directives: 0,
        }
    }

    /// Measures an operation.
    ///
    /// # Errors
    /// It is beyond a limit, or its fragments go in a circle.
    pub fn measure(&mut self, operation: &'d OperationDefinition) -> Result<Measured, ServerError> {
        let (root, subscribes) = match operation.ty {
            OperationType::Query => ("Query", false),
            OperationType::Mutation => ("Mutation", false),
            OperationType::Subscription => ("Subscription", true),
        };
        self.direct(&operation.directives)?;
        let measured = self.selection(&operation.selection_set, self.within(root), 1)?;
        if subscribes && measured.own_fields > 1 {
            let reason = "a subscription has exactly one root field";
            return Err(coded(reason, Code::GraphqlValidationFailed));
        }
        let limits = self.limits;
        self.fields = self.fields.saturating_add(measured.fields);
        at_most("number of fields", count(self.fields), count(limits.fields))?;
        at_most(
            "number of root fields",
            count(measured.own_fields),
            count(limits.root_fields),
        )?;
        not_deeper("depth", measured.depth, limits.depth)?;
        let introspection = measured.introspection;
        not_deeper("depth of introspection", introspection.depth, INTROSPECTION_DEPTH)?;
        not_deeper(
            "nesting of lists in introspection",
            introspection.lists,
            INTROSPECTION_LISTS,
        )?;
        at_most("cost of introspection", introspection.cost, INTROSPECTION_COST)?;
        Ok(measured)
    }

    /// Measures what no operation spreads, too: the validation will walk through it.
    ///
    /// # Errors
    /// As [`Self::measure`].
    pub fn check_fragments(&mut self) -> Result<(), ServerError> {
        let document = self.document;
        document
            .fragments
            .keys()
            .try_for_each(|name| self.fragment(name, 1).map(drop))
    }

    fn selection(
        &mut self,
        selection: &'d Positioned<SelectionSet>,
        within: Within<'d>,
        nesting: usize,
    ) -> Result<Measured, ServerError> {
        not_deeper("nesting of selections", nesting, NESTING)?;
        let mut sum = Measured::default();
        for item in &selection.node.items {
            self.direct(item.node.directives())?;
            let part = match &item.node {
                Selection::Field(field) => self.field(&field.node, within, nesting)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node, nesting + 1)?,
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let within = condition.map_or(within, |condition| self.within(&condition.node.on.node));
                    self.selection(&fragment.node.selection_set, within, nesting + 1)?
                }
            };
            sum.add(&part);
            at_most("number of fields", count(sum.fields), count(self.limits.fields))?;
        }
        sum.nesting += 1;
        Ok(sum)
    }

    fn fragment(&mut self, name: &'d str, nesting: usize) -> Result<Measured, ServerError> {
        not_deeper("nesting of selections", nesting, NESTING)?;
        match self.fragments.get(name) {
            Some(Some(measured)) => {
                not_deeper("nesting of selections", nesting + measured.nesting - 1, NESTING)?;
                return Ok(measured.clone());
            }
            Some(None) => {
                let reason = format!("the fragment \"{name}\" spreads itself");
                return Err(coded(reason, Code::GraphqlValidationFailed));
            }
            None => {}
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Measured::default());
        };
        self.fragments.insert(name, None);
        self.direct(&fragment.node.directives)?;
        let within = self.within(&fragment.node.type_condition.node.on.node);
        let mut measured = self.selection(&fragment.node.selection_set, within, nesting)?;
        measured.cost.share();
        self.fragments.insert(name, Some(measured.clone()));
        Ok(measured)
    }

    fn field(&mut self, field: &'d Field, within: Within<'d>, nesting: usize) -> Result<Measured, ServerError> {
        if field.alias.is_some() {
            self.aliases += 1;
            at_most("number of aliases", count(self.aliases), count(self.limits.aliases))?;
        }
        let name = field.name.node.as_str();
        if let (Within::Introspection, _) | (_, "__schema" | "__type") = (within, name) {
            let inner = self.selection(&field.selection_set, Within::Introspection, nesting + 1)?;
            return Ok(introspected(name, inner, field.selection_set.node.items.is_empty()));
        }
        let known = match within {
            Within::Type(fields) => fields.get(name),
            _ => None,
        };
        let within = known.map_or(Within::Unknown, |known| self.within(&known.of));
        let inner = self.selection(&field.selection_set, within, nesting + 1)?;
        let brings = match known {
            Some(known) => known.brings,
            None if field.selection_set.node.items.is_empty() => Brings::Leaf,
            None => Brings::Many,
        };
        let key = field.response_key().node.as_str();
        let mut cost = Cost::fixed(match brings {
            Brings::Leaf | Brings::Way => Total::leaf(key),
            Brings::Object | Brings::Many => Total::object(key),
        });
        cost.add(&inner.cost);
        if brings == Brings::Many {
            cost = cost.repeated(Size::asked(field));
        }
        Ok(Measured {
            fields: inner.fields.saturating_add(1),
            own_fields: 1,
            depth: inner.depth + 1,
            nesting: inner.nesting,
            cost,
            introspection: inner.introspection,
        })
    }

    fn direct(&mut self, directives: &[Positioned<Directive>]) -> Result<(), ServerError> {
        self.directives += directives.len();
        at_most(
            "number of directives",
            count(self.directives),
            count(self.limits.directives),
        )
    }

    fn within(&self, of: &str) -> Within<'d> {
        match self.shape.fields(of) {
            Some(fields) => Within::Type(fields),
            None if of.starts_with("__") => Within::Introspection,
            None => Within::Unknown,
        }
    }
}

/// A field of introspection: it costs nothing that data costs.
fn introspected(name: &str, inner: Measured, is_leaf: bool) -> Measured {
    let multiplies = matches!(name, "fields" | "interfaces" | "possibleTypes" | "inputFields");
    let is_list = multiplies || matches!(name, "types" | "directives" | "enumValues" | "args");
    let own = inner.introspection.cost.saturating_add(u64::from(!is_leaf));
    Measured {
        fields: inner.fields.saturating_add(1),
        own_fields: 1,
        nesting: inner.nesting,
        depth: 0,
        cost: Cost::default(),
        introspection: Introspection {
            depth: inner.introspection.depth + 1,
            lists: inner.introspection.lists + usize::from(multiplies),
            cost: if is_list { own.saturating_mul(10) } else { own },
        },
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn at_most(what: &str, value: u64, limit: u64) -> Result<(), ServerError> {
    within_limit(what, value, limit, Code::QueryTooComplex)
}

fn not_deeper(what: &str, value: usize, limit: usize) -> Result<(), ServerError> {
    within_limit(what, count(value), count(limit), Code::QueryTooDeep)
}

fn within_limit(what: &str, value: u64, limit: u64, code: Code) -> Result<(), ServerError> {
    if value <= limit {
        return Ok(());
    }
    let mut error = coded(format!("the query's {what} is {value}, and may be {limit}"), code);
    if let Some(extensions) = &mut error.extensions {
        extensions.set("limit", Value::from(limit));
        extensions.set("value", Value::from(value));
    }
    Err(error)
}
