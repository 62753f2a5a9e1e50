//! What a client asks to execute, the same over HTTP and WebSocket.

use async_graphql::{Request, Variables};
use serde_json::{Map, Value};

/// The request in an object with `query`, `operationName`, `variables` and `extensions`.
pub(super) fn from_json(parameters: Value) -> Result<Request, &'static str> {
    let Value::Object(mut parameters) = parameters else {
        return Err("a request is one JSON object; batches are not supported");
    };
    let extensions = object(&mut parameters, "extensions").ok_or("`extensions` is no object")?;
    let query = match parameters.remove("query") {
        Some(Value::String(query)) => query,
        // A persisted query is named by its hash alone.
        None if extensions.contains_key("persistedQuery") => String::new(),
        None => return Err("`query` is missing"),
        Some(_) => return Err("`query` is no string"),
    };
    let mut request = Request::new(query);
    request.operation_name = match parameters.remove("operationName") {
        Some(Value::String(name)) => Some(name),
        None | Some(Value::Null) => None,
        Some(_) => return Err("`operationName` is no string"),
    };
    let variables = object(&mut parameters, "variables").ok_or("`variables` is no object")?;
    request.variables = Variables::from_json(Value::Object(variables));
    request.extensions = serde_json::from_value(Value::Object(extensions)).map_err(|_| "`extensions` is no object")?;
    Ok(request)
}

/// An object that may be left out or null; none when it is something else.
fn object(parameters: &mut Map<String, Value>, name: &str) -> Option<Map<String, Value>> {
    match parameters.remove(name) {
        Some(Value::Object(object)) => Some(object),
        None | Some(Value::Null) => Some(Map::new()),
        Some(_) => None,
    }
}
