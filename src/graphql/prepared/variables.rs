//! Whether variables are plainly what an operation declares.
//!
//! Where this is not sure, the executor validates the request and words what is wrong with it.

use crate::graphql::guard::{Input, Shape};
use async_graphql::parser::types::{BaseType, Type, VariableDefinition};
use async_graphql::{Value, Variables};

/// Whether the variable that was declared is given as it should be.
pub(super) fn fits(declared: &VariableDefinition, given: &Variables, shape: &Shape) -> bool {
    let of = &declared.var_type.node;
    match given.get(&declared.name.node) {
        // A default may stand where null may not.
        Some(Value::Null) => of.nullable && declared.default_value.is_none(),
        Some(value) => is(value, of, shape),
        None => of.nullable,
    }
}

fn is(value: &Value, of: &Type, shape: &Shape) -> bool {
    match (value, &of.base) {
        (Value::Null, _) => of.nullable,
        (Value::List(items), BaseType::List(of)) => items.iter().all(|item| is(item, of, shape)),
        (_, BaseType::List(_)) => false,
        (value, BaseType::Named(name)) => match shape.input(name) {
            Some(input) => is_input(value, input, shape),
            None => is_scalar(value, name),
        },
    }
}

fn is_scalar(value: &Value, of: &str) -> bool {
    match (of, value) {
        ("Int", Value::Number(number)) => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        ("String" | "ID" | "DateTime", Value::String(_)) | ("Boolean", Value::Boolean(_)) => true,
        _ => false,
    }
}

fn is_input(value: &Value, input: &Input, shape: &Shape) -> bool {
    match (value, input) {
        (Value::String(name), Input::Enum(names)) => names.contains(name.as_str()),
        (Value::Enum(name), Input::Enum(names)) => names.contains(name),
        (Value::Object(given), Input::Object(fields)) => {
            let known = given.keys().all(|name| fields.contains_key(name));
            known
                && fields.iter().all(|(name, field)| match given.get(name) {
                    Some(value) => is(value, &field.of, shape),
                    None => !field.required,
                })
        }
        _ => false,
    }
}
