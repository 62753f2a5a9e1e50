//! `Authorization: Bearer TOKEN`.

use http::{
    HeaderMap, StatusCode,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
};

use super::answer::Problem;
use crate::{
    graphql::{Api, Refusal},
    model::viewer::Viewer,
};

/// Something that should be a bearer token and is none.
pub(super) struct Malformed;

/// The token in the value of an `Authorization` header.
pub(super) fn token(value: &str) -> Result<&str, Malformed> {
    let (scheme, token) = value.trim().split_once(' ').ok_or(Malformed)?;
    let token = token.trim();
    let plain = token.bytes().all(|byte| byte.is_ascii_graphic());
    if scheme.eq_ignore_ascii_case("bearer") && plain && !token.is_empty() {
        Ok(token)
    } else {
        Err(Malformed)
    }
}

/// Who sends a request with these headers.
pub(super) async fn viewer(api: &Api, headers: &HeaderMap) -> Result<Viewer, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let token = match (values.next(), values.next()) {
        (None, _) => None,
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| unauthenticated())?;
            Some(token(text).map_err(|Malformed| unauthenticated())?)
        }
        (Some(_), Some(_)) => return Err(unauthenticated()),
    };
    api.authenticate(token).await.map_err(|refusal| match refusal {
        Refusal::Unauthenticated => unauthenticated(),
        Refusal::Unavailable => Problem::internal(StatusCode::SERVICE_UNAVAILABLE),
    })
}

fn unauthenticated() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "UNAUTHENTICATED",
        "the token is unknown or expired",
    )
    .with(WWW_AUTHENTICATE, "Bearer")
}
