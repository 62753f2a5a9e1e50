//! Which argument an error of the executor's own is about: it tells the place alone.

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Name, Pos};

/// The argument whose value stands at a place of a document.
pub(super) fn at(document: &ExecutableDocument, place: Pos) -> Option<&Name> {
    let operations = document.operations.iter().map(|(_, one)| &one.node.selection_set.node);
    let fragments = document.fragments.values().map(|one| &one.node.selection_set.node);
    let mut open: Vec<&SelectionSet> = operations.chain(fragments).collect();
    while let Some(selections) = open.pop() {
        for item in &selections.items {
            match &item.node {
                Selection::Field(field) => {
                    let mut arguments = field.node.arguments.iter();
                    if let Some((name, _)) = arguments.find(|(_, value)| value.pos == place) {
                        return Some(&name.node);
                    }
                    open.push(&field.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => open.push(&fragment.node.selection_set.node),
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_query;

    #[test]
    fn an_argument_is_found_wherever_it_stands() {
        let text =
            "query($n: Int) {\n a(first: 1) { ... { b(x: \"y\", last: $n) } ...F } }\nfragment F on T { c(z: 2) }";
        let document = parse_query(text).unwrap();
        let name = |line, column| at(&document, Pos { line, column }).map(Name::as_str);
        assert_eq!(name(2, 11), Some("first"));
        assert_eq!(name(2, 27), Some("x"));
        assert_eq!(name(2, 38), Some("last"));
        assert_eq!(name(3, 24), Some("z"));
        assert_eq!(name(2, 12), None);
    }
}
