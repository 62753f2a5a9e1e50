//! Answers of more than a kilobyte are compressed where the client takes that.

use std::io::{self, Write};

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{
    HeaderMap, HeaderValue, Method,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY},
};
use http_body_util::BodyExt;

/// What is smaller is not worth it.
const SMALLEST: u64 = 1_024;

/// What is larger is not compressed on the threads that serve.
const LARGE: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Zstd,
    Gzip,
}

/// Compresses an answer. Streams have no length, and stay as they are.
pub(super) async fn compress(request: Request, next: Next) -> Response {
    let encoding = Encoding::negotiate(request.headers());
    let head = request.method() == Method::HEAD;
    let mut response = next.run(request).await;
    if !is_worth_it(&response) {
        return response;
    }
    response
        .headers_mut()
        .append(VARY, HeaderValue::from_static("accept-encoding"));
    match encoding {
        Some(encoding) if !head => compressed(response, encoding).await,
        _ => response,
    }
}

fn is_worth_it(response: &Response) -> bool {
    let length = response.body().size_hint().exact();
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_text = kind.is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind.starts_with("text/")
            || ["json", "javascript", "+xml", "wasm"]
                .iter()
                .any(|end| kind.ends_with(end))
    });
    length.is_some_and(|length| length >= SMALLEST) && is_text && !response.headers().contains_key(CONTENT_ENCODING)
}

async fn compressed(response: Response, encoding: Encoding) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(plain) = body.collect().await else {
        return Response::from_parts(parts, Body::empty());
    };
    let plain = plain.to_bytes();
    let packed = if plain.len() > LARGE {
        let plain = plain.clone();
        tokio::task::spawn_blocking(move || encoding.pack(&plain)).await.ok()
    } else {
        Some(encoding.pack(&plain))
    };
    let Some(Ok(packed)) = packed else {
        return Response::from_parts(parts, Body::from(plain));
    };
    parts.headers.remove(CONTENT_LENGTH);
    parts
        .headers
        .insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
    Response::from_parts(parts, Body::from(Bytes::from(packed)))
}

impl Encoding {
    /// What the client takes, the better one first.
    fn negotiate(headers: &HeaderMap) -> Option<Self> {
        let takes = |name: &str| {
            let values = headers.get_all(ACCEPT_ENCODING).iter();
            let values = values.filter_map(|value| value.to_str().ok());
            values.flat_map(|value| value.split(',')).any(|one| {
                let mut parts = one.split(';').map(str::trim);
                let same = parts.next().is_some_and(|coding| coding.eq_ignore_ascii_case(name));
                let quality = parts.find_map(|part| part.strip_prefix("q="));
                same && quality.is_none_or(|quality| quality.trim().parse::<f32>().is_ok_and(|quality| quality > 0.0))
            })
        };
        [Self::Zstd, Self::Gzip].into_iter().find(|one| takes(one.name()))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    fn pack(self, plain: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Zstd => zstd::bulk::compress(plain, 1),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
                encoder.write_all(plain)?;
                encoder.finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_says_what_it_takes() {
        let negotiated = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
            Encoding::negotiate(&headers)
        };
        assert_eq!(negotiated("gzip, deflate, br, zstd"), Some(Encoding::Zstd));
        assert_eq!(negotiated("GZIP;q=0.5"), Some(Encoding::Gzip));
        assert_eq!(negotiated("zstd;q=0, gzip;q=0.0"), None);
        assert_eq!(negotiated("br"), None);
        assert_eq!(Encoding::negotiate(&HeaderMap::new()), None);
    }
}
