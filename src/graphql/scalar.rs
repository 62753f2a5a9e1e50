//! Scalars.

use crate::model::Micros;
use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

/// RFC 3339 date-time in UTC, to the microsecond: 2026-11-20T09:30:00.123456Z.
#[derive(Clone, Copy, Debug)]
pub struct DateTime(pub Micros);

/// RFC 3339 date-time in UTC, to the microsecond: 2026-11-20T09:30:00.123456Z.
#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Micros::parse(text)
                .map(Self)
                .ok_or_else(|| InputValueError::custom("not an RFC 3339 date-time")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// Any JSON value.
#[derive(Clone, Debug)]
pub struct Json(pub serde_json::Value);

/// Any JSON value.
#[Scalar(name = "JSON")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value.into_json()?))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}
