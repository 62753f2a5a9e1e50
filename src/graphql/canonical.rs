//! What subscriptions whose answers are the same bytes have in common.
//!
//! The canonical form of a document is its text without white space and the operation's name,
//! with values in the place of variables, and without what `@skip` and `@include` leave out. The
//! root field's arguments are no part of it: they say which events come, not what is told of them.

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Variables};
use async_graphql_value::{ConstValue, Value};
use std::collections::HashSet;
use std::fmt::Write as _;

/// The canonical form of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonical {
    /// The same text, the same bytes for the same event and audience.
    pub text: String,
    /// Whether everybody is the same audience: no field depends on the viewer.
    pub is_public: bool,
}

/// The canonical form of an operation with its coerced variables. None unless it has exactly one
/// root field, which the specification demands of subscriptions.
#[must_use]
pub fn canonical(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    is_public: fn(&str) -> bool,
) -> Option<Canonical> {
    let [
        Positioned {
            node: Selection::Field(root),
            ..
        },
    ] = operation.selection_set.node.items.as_slice()
    else {
        return None;
    };
    let mut writer = Writer {
        document,
        variables,
        is_public,
        named: Vec::new(),
        seen: HashSet::new(),
        form: Canonical {
            text: String::new(),
            is_public: true,
        },
    };
    writer.field(&root.node, false);
    while let Some(name) = writer.named.pop() {
        if let Some(fragment) = document.fragments.get(&name) {
            writer.put(format_args!(
                "fragment {name} on {}",
                fragment.node.type_condition.node.on.node
            ));
            writer.selection(&fragment.node.selection_set.node);
        }
    }
    Some(writer.form)
}

struct Writer<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    is_public: fn(&str) -> bool,
    /// Fragments that are still to be written.
    named: Vec<Name>,
    seen: HashSet<Name>,
    form: Canonical,
}

impl Writer<'_> {
    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.form.text.write_fmt(text);
    }

    fn selection(&mut self, selection: &SelectionSet) {
        if selection.items.is_empty() {
            return;
        }
        self.put(format_args!("{{"));
        for item in &selection.items {
            match &item.node {
                Selection::Field(field) if self.is_included(&field.node.directives) => self.field(&field.node, true),
                Selection::FragmentSpread(spread) if self.is_included(&spread.node.directives) => {
                    let name = &spread.node.fragment_name.node;
                    self.put(format_args!("...{name} "));
                    if self.document.fragments.contains_key(name) && self.seen.insert(name.clone()) {
                        self.named.push(name.clone());
                    }
                }
                Selection::InlineFragment(inline) if self.is_included(&inline.node.directives) => {
                    self.put(format_args!("..."));
                    if let Some(condition) = &inline.node.type_condition {
                        self.put(format_args!("on {}", condition.node.on.node));
                    }
                    self.selection(&inline.node.selection_set.node);
                }
                _ => {}
            }
        }
        self.put(format_args!("}}"));
    }

    fn field(&mut self, field: &Field, with_arguments: bool) {
        let name = &field.name.node;
        self.form.is_public &= (self.is_public)(name);
        if let Some(alias) = &field.alias {
            self.put(format_args!("{}:", alias.node));
        }
        self.put(format_args!("{name}"));
        let mut arguments: Vec<_> = field.arguments.iter().filter(|_| with_arguments).collect();
        arguments.sort_unstable_by_key(|(name, _)| name.node.as_str());
        self.put(format_args!("("));
        for (name, value) in arguments {
            if let Some(value) = self.value(&value.node) {
                self.put(format_args!("{}:{value},", name.node));
            }
        }
        self.put(format_args!(")"));
        self.selection(&field.selection_set.node);
        self.put(format_args!(" "));
    }

    /// What an argument is: none when it is a variable without a value, as if it were left out.
    fn value(&self, value: &Value) -> Option<String> {
        match value {
            Value::Variable(name) => self.variables.get(name).map(ConstValue::to_string),
            value => {
                let known = value
                    .clone()
                    .into_const_with(|name| self.variables.get(&name).cloned().ok_or(()));
                Some(known.map_or_else(|()| value.to_string(), |known| known.to_string()))
            }
        }
    }

    fn is_included(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().all(|directive| {
            let wanted = match directive.node.name.node.as_str() {
                "skip" => false,
                "include" => true,
                _ => return true,
            };
            let condition = directive
                .node
                .get_argument("if")
                .and_then(|value| self.value(&value.node));
            condition.is_none_or(|condition| condition == wanted.to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::class;
    use crate::graphql::prepared::operation;
    use async_graphql::parser::parse_query;
    use serde_json::{Value as Json, json};

    fn form(query: &str, variables: Json) -> Option<Canonical> {
        let document = parse_query(query).unwrap();
        let (_, operation) = operation(&document, None).unwrap();
        canonical(&document, operation, &Variables::from_json(variables), class::is_public)
    }

    fn same(one: (&str, Json), other: (&str, Json)) {
        assert_eq!(form(one.0, one.1).unwrap(), form(other.0, other.1).unwrap());
    }

    fn different(one: (&str, Json), other: (&str, Json)) {
        assert_ne!(form(one.0, one.1).unwrap().text, form(other.0, other.1).unwrap().text);
    }

    #[test]
    fn white_space_names_and_the_way_a_value_is_given_make_no_difference() {
        let plain = r#"subscription{hashtagStream(hashtag:"a"){kind tweet{replies(first:2){nodes{id}}}}}"#;
        let spaced = r#"subscription  Named ($h: String!, $n: Int, $after: String) {
            hashtagStream(after: $after, hashtag: $h) { kind, tweet { replies(first: $n) { nodes { id } } } } }"#;
        same((plain, json!({})), (spaced, json!({ "h": "b", "n": 2, "after": "x" })));
        let unset = r#"subscription($b: String) { hashtagStream(hashtag: "a")
            { kind tweet { replies(before: $b, first: 2) { nodes { id } } } } }"#;
        same((plain, json!({})), (unset, json!({})));
        let skipping = r#"subscription($no: Boolean!) { hashtagStream(hashtag: "a")
            { kind cursor @include(if: $no) tweet @skip(if: $no) { replies(first: 2) { nodes { id } } } } }"#;
        same((plain, json!({})), (skipping, json!({ "no": false })));
    }

    #[test]
    fn what_changes_the_bytes_makes_a_difference() {
        let base = r#"subscription { hashtagStream(hashtag: "a") { kind cursor } }"#;
        for other in [
            r#"subscription { hashtagStream(hashtag: "a") { cursor kind } }"#,
            r#"subscription { s: hashtagStream(hashtag: "a") { kind cursor } }"#,
            r#"subscription { hashtagStream(hashtag: "a") { k: kind cursor } }"#,
            r#"subscription { hashtagStream(hashtag: "a") { kind cursor tweetId } }"#,
            r#"subscription { hashtagStream(hashtag: "a") { kind ...F } } fragment F on TweetEvent { cursor tweetId }"#,
        ] {
            different((base, json!({})), (other, json!({})));
        }
        let list =
            "subscription($n: Int) { hashtagStream(hashtag: \"a\") { tweet { replies(first: $n) { nodes { id } } } } }";
        different((list, json!({ "n": 1 })), (list, json!({ "n": 2 })));
        different((list, json!({ "n": null })), (list, json!({})));
        // A text can't pass for the end of one.
        let text = "subscription($t: String) { hashtagStream(hashtag: \"a\") { tweet { replies(after: $t) { nodes { id } } } } }";
        different((text, json!({ "t": "x\",first:1,z:\"" })), (text, json!({ "t": "x" })));
    }

    #[test]
    fn a_field_of_the_viewer_is_found_wherever_it_stands() {
        let public = |query: &str| form(query, json!({})).unwrap().is_public;
        assert!(public(
            r#"subscription { hashtagStream(hashtag: "a") { tweet { author { username } } } }"#
        ));
        for selection in [
            "tweet { viewerHasLiked }",
            "tweet { author { x: viewerIsFollowing } }",
            "... on TweetEvent { tweet { ... { viewerHasLiked } } }",
            "tweet { somethingNew }",
            "...F } } fragment F on TweetEvent { ...G } fragment G on TweetEvent { retweetedBy { timeline { id }",
        ] {
            let query = format!("subscription {{ hashtagStream(hashtag: \"a\") {{ {selection} }} }}");
            assert!(!public(&query), "{selection}");
        }
        assert!(public(
            r#"subscription { hashtagStream(hashtag: "a") { tweet { id viewerHasLiked @skip(if: true) } } }"#
        ));
    }

    #[test]
    fn a_subscription_has_one_root_field() {
        assert_eq!(
            form(
                r#"subscription { a: hashtagStream(hashtag: "a") { kind } b: hashtagStream(hashtag: "b") { kind } }"#,
                json!({})
            ),
            None
        );
    }
}
