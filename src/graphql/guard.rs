//! What may be executed at all, decided in time linear in the document.
//!
//! The executor's own limits come too late: it walks fragments as often as they are spread, so
//! that a document of under a kilobyte can keep it busy for minutes. Here each fragment is
//! measured once.

mod cost;
mod shape;
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
    /// What the operation is charged with these variables: its objects, or its fields where there
    /// are more of them than objects usually have.
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
        let charged = total.objects.max(total.fields / FIELDS_OF_OBJECT);
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
        let mut cost = Cost::fixed(match brings {
            Brings::Leaf | Brings::Way => Total::LEAF,
            Brings::Object | Brings::Many => Total::OBJECT,
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

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_query;
    use std::time::{Duration, Instant};

    /// What the only operation of a document costs, or the error's code, limit and value.
    fn cost_with(text: &str, variables: serde_json::Value) -> Result<u64, String> {
        let shape = Shape::of(&crate::graphql::sdl()).unwrap();
        let limits = Limits::default();
        let measured = || -> Result<u64, ServerError> {
            check_size(text, &limits)?;
            check_text(text, &limits)?;
            let document = parse_query(text).unwrap();
            let mut guard = Guard::new(&document, &shape, &limits);
            let mut last = Measured::default();
            for (_, operation) in document.operations.iter() {
                last = guard.measure(&operation.node)?;
            }
            guard.check_fragments()?;
            last.cost(&Variables::from_json(variables), &limits)
        };
        measured().map_err(|error| {
            let extensions = serde_json::to_value(error.extensions.unwrap()).unwrap();
            let part = |name: &str| extensions.get(name).map(ToString::to_string).unwrap_or_default();
            format!("{} {} {}", part("code").trim_matches('"'), part("limit"), part("value"))
        })
    }

    fn cost(text: &str) -> Result<u64, String> {
        cost_with(text, serde_json::json!({}))
    }

    /// Fragments of which each spreads the next one twice.
    fn nested_fragments(levels: usize, leaf: &str) -> String {
        let mut text = "{viewer{...f0}}".to_owned();
        for level in 0..levels {
            let next = level + 1;
            text += &format!("fragment f{level} on User{{...f{next} ...f{next}}}");
        }
        text + &format!("fragment f{levels} on User{{{leaf}}}")
    }

    #[test]
    fn objects_cost_and_lists_multiply() {
        assert_eq!(cost("{ __typename }"), Ok(1));
        assert_eq!(cost("{ viewer { username bio } }"), Ok(1));
        assert_eq!(cost("{ tweets { nodes { text } } }"), Ok(10));
        assert_eq!(
            cost("{ tweets(first: 100) { nodes { text author { username } } } }"),
            Ok(200)
        );
        assert_eq!(
            cost("{ tweets(last: 7) { edges { node { text author { id } } cursor } } }"),
            Ok(14)
        );
        assert_eq!(cost("{ tweets(first: 7) { pageInfo { hasNextPage } } }"), Ok(7));
        assert_eq!(cost(r#"{ hashtags(prefix: "a", first: 3) { name } }"#), Ok(3));
        assert_eq!(cost(r#"{ nodes(ids: ["a", "b"]) { id } }"#), Ok(2));
        assert_eq!(
            cost("{ tweets(first: 100) { nodes { replies(first: 100) { nodes { id } } } } }"),
            Err("QUERY_TOO_COMPLEX 10000 10100".to_owned())
        );
        // What is larger than any page is refused where it is read.
        assert_eq!(cost("{ tweets(first: 1000000) { nodes { id } } }"), Ok(100));
        assert_eq!(cost("{ tweets(first: -1) { nodes { id } } }"), Ok(1));
    }

    #[test]
    fn variables_are_factors() {
        let query = "query($n: Int, $l: Int) { tweets(first: $n, last: $l) { nodes { author { tweets(first: $n) { nodes { id } } } } } }";
        let with = |variables| cost_with(query, variables);
        assert_eq!(with(serde_json::json!({ "n": 20 })), Ok(20 * (2 + 20)));
        assert_eq!(with(serde_json::json!({ "l": 5 })), Ok(5 * (2 + 10)));
        assert_eq!(with(serde_json::json!({ "n": null })), Ok(10 * (2 + 10)));
        assert_eq!(
            with(serde_json::json!({ "n": 100 })),
            Err("QUERY_TOO_COMPLEX 10000 10200".to_owned())
        );
        let fragments = "query($n: Int) { tweets(first: 2) { nodes { ...A ...A } } }
            fragment A on Tweet { ...B likers(first: $n) { nodes { id } } } fragment B on Tweet { replies(first: $n) { nodes { id } } }";
        assert_eq!(
            cost_with(fragments, serde_json::json!({ "n": 3 })),
            Ok(2 * (1 + 2 * (3 + 3)))
        );
        let ids = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
        assert_eq!(cost_with(ids, serde_json::json!({ "ids": ["a", "b", "c"] })), Ok(3));
    }

    #[test]
    fn fields_count_beside_objects() {
        let scalars = "text ".repeat(1_000);
        let query =
            format!("{{ tweets(first: 100) {{ nodes {{ replies(first: 90) {{ nodes {{ {scalars} }} }} }} }} }}");
        assert!(cost(&query).unwrap_err().starts_with("QUERY_TOO_COMPLEX 200000 "));
    }

    #[test]
    fn operations_share_the_fields_of_their_document() {
        let bomb = nested_fragments(10, "username").replace("{viewer{...f0}}", "");
        let operations = |count: usize| {
            (0..count)
                .map(|n| format!("query q{n}{{viewer{{...f0}}}}"))
                .collect::<String>()
        };
        assert_eq!(cost(&(bomb.clone() + &operations(2))), Ok(51));
        let refused = cost(&(bomb + &operations(300))).unwrap_err();
        assert!(refused.starts_with("QUERY_TOO_COMPLEX 5000 "), "{refused}");
    }

    #[test]
    fn nested_fragments_are_measured_once() {
        let begin = Instant::now();
        for levels in [24, 50] {
            for leaf in ["username", "nothing", "tweets(first: 1) { nodes { id } }"] {
                let text = nested_fragments(levels, leaf);
                assert!(text.len() < 1024 || levels > 24);
                let refused = cost(&text).unwrap_err();
                assert!(refused.starts_with("QUERY_TOO_COMPLEX 5000 "), "{refused}");
            }
        }
        let shape = "query($n: Int) { viewer { ...f0 } }";
        let varying = nested_fragments(24, "tweets(first: $n) { nodes { id } }").replace("{viewer{...f0}}", shape);
        assert!(cost(&varying).is_err());
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    }

    #[test]
    fn circles_and_chains_of_fragments_end() {
        let circle = "{ viewer { ...A } } fragment A on User { ...B } fragment B on User { ...A }";
        assert!(cost(circle).unwrap_err().starts_with("GRAPHQL_VALIDATION_FAILED"));
        let unused = "{ viewer { id } } fragment A on User { ...A }";
        assert!(cost(unused).unwrap_err().starts_with("GRAPHQL_VALIDATION_FAILED"));
        let chain = |length: usize| {
            let links = (0..length).map(|n| format!("fragment f{n} on User {{ ...f{} }}", n + 1));
            let links: String = links.collect();
            format!("{links} fragment f{length} on User {{ id }} {{ viewer {{ ...f0 }} }}")
        };
        assert_eq!(cost(&chain(50)), Ok(1));
        for length in [70, 400] {
            assert!(cost(&chain(length)).unwrap_err().starts_with("QUERY_TOO_DEEP 64 "));
        }
        // What was measured near the root counts where it is spread.
        let parts: String = (0..6)
            .map(|part| {
                let links: String = (0..10)
                    .map(|n| format!("fragment p{part}x{n} on User {{ ...p{part}x{} }}", n + 1))
                    .collect();
                format!("{links} fragment p{part}x10 on User {{ ...p{}x0 }}", part + 1)
            })
            .collect();
        let spread = format!(
            "{{ viewer {{ ...p6x0 ...p5x0 ...p4x0 ...p3x0 ...p2x0 ...p1x0 ...p0x0 }} }} {parts} fragment p6x0 on User {{ id }}"
        );
        assert!(cost(&spread).unwrap_err().starts_with("QUERY_TOO_DEEP 64 "));
    }

    #[test]
    fn every_limit_has_its_code() {
        let deep = |levels: usize| {
            let (open, close) = ("inReplyTo { ".repeat(levels), " }".repeat(levels));
            format!(r#"{{ tweet(id: "x") {{ {open} id {close} }} }}"#)
        };
        assert!(cost(&deep(10)).is_ok());
        assert_eq!(cost(&deep(11)).unwrap_err(), "QUERY_TOO_DEEP 12 13");
        assert_eq!(cost(&deep(200)).unwrap_err(), "QUERY_TOO_DEEP 64 202");
        let aliases = |count: usize| (0..count).map(|n| format!("a{n}: username ")).collect::<String>();
        assert!(cost(&format!("{{ viewer {{ {} }} }}", aliases(50))).is_ok());
        let over = cost(&format!("{{ viewer {{ {} }} }}", aliases(51)));
        assert_eq!(over.unwrap_err(), "QUERY_TOO_COMPLEX 50 51");
        let roots = |count: usize| (0..count).map(|n| format!("a{n}: eventCursor ")).collect::<String>();
        assert!(cost(&format!("{{ {} }}", roots(20))).is_ok());
        assert_eq!(
            cost(&format!("{{ {} }}", roots(21))).unwrap_err(),
            "QUERY_TOO_COMPLEX 20 21"
        );
        let spread = "{ ...R ...R } fragment R on Query { eventCursor a: eventCursor b: eventCursor c: eventCursor d: eventCursor
            e: eventCursor f: eventCursor g: eventCursor h: eventCursor i: eventCursor j: eventCursor }";
        assert_eq!(cost(spread).unwrap_err(), "QUERY_TOO_COMPLEX 20 22");
        let directives = format!("{{ viewer {{ id {} }} }}", "@skip(if: false)".repeat(31));
        assert_eq!(cost(&directives).unwrap_err(), "QUERY_TOO_COMPLEX 30 31");
        let two = r#"subscription { a: hashtagStream(hashtag: "x") { kind } b: hashtagStream(hashtag: "y") { kind } }"#;
        assert!(cost(two).unwrap_err().starts_with("GRAPHQL_VALIDATION_FAILED"));
        let tokens = "{ viewer { ".to_owned() + &"id ".repeat(4_000) + "} }";
        assert_eq!(cost(&tokens).unwrap_err(), "QUERY_TOO_COMPLEX 4000 4005");
        let long = format!("{{ viewer {{ id }} }} # {}", "x".repeat(70_000));
        assert!(cost(&long).unwrap_err().starts_with("QUERY_TOO_COMPLEX 65536 "));
        let list = format!("{{ nodes(ids: {}{}) {{ id }} }}", "[".repeat(500), "]".repeat(500));
        assert_eq!(cost(&list).unwrap_err(), "QUERY_TOO_DEEP 64 502");
    }

    #[test]
    fn introspection_has_limits_of_its_own() {
        let standard = include_str!("../../tests/data/introspection.graphql");
        assert!(cost(standard).is_ok());
        let circle = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
        assert_eq!(cost(circle).unwrap_err(), "QUERY_TOO_DEEP 2 3");
        let deep = format!(
            "{{ __type(name: \"A\") {{ {} name {} }} }}",
            "ofType { ".repeat(20),
            " }".repeat(20)
        );
        assert_eq!(cost(&deep).unwrap_err(), "QUERY_TOO_DEEP 20 22");
        let once = "a: __schema { types { fields { args { type { name } } } } }";
        assert!(cost(&format!("{{ {once} }}")).is_ok());
        let often: String = (0..20)
            .map(|n| format!("a{n}: __schema {{ types {{ fields {{ args {{ name }} }} }} }} "))
            .collect();
        assert!(
            cost(&format!("{{ {often} }}"))
                .unwrap_err()
                .starts_with("QUERY_TOO_COMPLEX 20000 ")
        );
    }
}
