//! Documents of strangers, without a database.

use super::canonical::canonical;
use super::class;
use super::guard::Limits;
use super::limit::Account;
use super::persisted::Trusted;
use super::prepared::{Documents, operation};
use super::{Operation, root};
use crate::metrics::Metrics;
use async_graphql::parser::types::OperationType;
use async_graphql::{ValidationMode, Variables};
use std::sync::LazyLock;

static DOCUMENTS: LazyLock<Documents> = LazyLock::new(|| {
    let schema = root(false, ValidationMode::Strict);
    Documents::new(
        schema,
        Limits::default(),
        Trusted::default(),
        1 << 20,
        Metrics::default(),
    )
});

/// A document, and behind a NUL the JSON of its variables.
pub fn document(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (text, variables) = text.split_once('\0').unwrap_or((text, "{}"));
    let variables = serde_json::from_str(variables).unwrap_or_default();
    ask(Operation::new(text).variables(Variables::from_json(variables)));
}

/// Finds an operation, and what the server needs to know of it before it is executed. What is
/// refused has its codes.
pub fn ask(request: Operation) {
    let cost = DOCUMENTS.ask(request, &Account::free()).and_then(|asked| {
        let cost = DOCUMENTS.cost(&asked)?;
        DOCUMENTS.is_valid(&asked);
        if asked.kind == OperationType::Subscription {
            check_form(asked.into_request());
        }
        Ok(cost)
    });
    match cost {
        Ok(cost) => assert!(cost > 0, "nothing is free"),
        Err(refused) => {
            assert!(!refused.errors.is_empty());
            let mut codes = refused.errors.iter().map(|error| error.extensions.as_ref());
            assert!(codes.all(|values| values.is_some_and(|values| values.get("code").is_some())));
        }
    }
}

/// A subscription has a form of its own, and the same one each time.
fn check_form(mut request: Operation) {
    let name = request.operation_name.clone();
    let variables = std::mem::take(&mut request.variables);
    let form = |document| {
        let (_, operation) = operation(document, name.as_deref())?;
        canonical(document, operation, &variables, class::is_public)
    };
    if let Ok(document) = request.parsed_query() {
        assert_eq!(form(document), form(document));
    }
}
