//! The address of a client behind proxies that the operator names.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName, header::FORWARDED, request::Parts};

use super::{Server, connection::Peer};
use crate::config::Networks;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Puts the client's address in the place of its proxy's.
pub(super) async fn resolve(State(server): State<Server>, mut request: Request, next: Next) -> Response {
    let proxies = &server.options.trusted_proxies;
    let peer = request.extensions().get::<Peer>().cloned();
    if let Some(peer) = peer.filter(|peer| proxies.contain(peer.address)) {
        let address = client(peer.address, request.headers(), proxies);
        request.extensions_mut().insert(peer.at(address));
        if is_secure(request.headers()) {
            request.extensions_mut().insert(Secure);
        }
    }
    next.run(request).await
}

/// Whether the client came over TLS, as a proxy of the operator's tells.
#[derive(Clone, Copy)]
struct Secure;

/// The scheme that the client used.
pub(super) fn scheme(parts: &Parts) -> &'static str {
    match parts.extensions.get::<Secure>() {
        Some(Secure) => "https",
        None => "http",
    }
}

/// Whether the first proxy of the chain was asked over TLS.
fn is_secure(headers: &HeaderMap) -> bool {
    let value = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let first = |value: &str| value.split(',').next().unwrap_or_default().trim().to_ascii_lowercase();
    match value(FORWARDED).map(first) {
        Some(hop) => hop
            .split(';')
            .any(|pair| ["proto=https", "proto=\"https\""].contains(&pair.trim())),
        None => value(X_FORWARDED_PROTO).is_some_and(|proto| first(proto) == "https"),
    }
}

/// Who asked the first proxy of the chain. Proxies write one of two headers, and who asks can have written the
/// other: where they differ, nobody knows, and it is the proxy.
fn client(proxy: IpAddr, headers: &HeaderMap, proxies: &Networks) -> IpAddr {
    let standard = by(FORWARDED, proxy, headers, proxies);
    let usual = by(X_FORWARDED_FOR, proxy, headers, proxies);
    match (standard, usual) {
        (Some(one), Some(other)) if one != other => proxy,
        (Some(client), _) | (None, Some(client)) => client,
        (None, None) => proxy,
    }
}

/// The last address of a chain that is no proxy's: what stands before it anybody can have written. None where there
/// is no chain.
fn by(name: HeaderName, proxy: IpAddr, headers: &HeaderMap, proxies: &Networks) -> Option<IpAddr> {
    headers
        .contains_key(&name)
        .then(|| last(proxy, chain(name, headers), proxies))
}

fn last(proxy: IpAddr, chain: Vec<Option<IpAddr>>, proxies: &Networks) -> IpAddr {
    let mut client = proxy;
    for hop in chain.into_iter().rev() {
        match hop {
            Some(address) => client = address,
            None => return client,
        }
        if !proxies.contain(client) {
            return client;
        }
    }
    client
}

/// The addresses that the proxies noted, in their order; none for one that can't be read.
fn chain(name: HeaderName, headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let by_standard = name == FORWARDED;
    let values = headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().unwrap_or_default());
    let hops = values.flat_map(|value| value.split(','));
    if by_standard {
        hops.map(forwarded_for).collect()
    } else {
        hops.map(address).collect()
    }
}

/// The `for` of `for=192.0.2.60;proto=http;by=203.0.113.43`.
fn forwarded_for(hop: &str) -> Option<IpAddr> {
    hop.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| address(value))?
    })
}

/// An address, perhaps quoted, in brackets, with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None if text.matches(':').count() == 1 => text.split(':').next()?,
        None => text,
    };
    bare.parse().ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn resolved(name: HeaderName, value: &'static str) -> String {
        let proxies: Networks = "10.0.0.0/8".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        client("10.0.0.1".parse().unwrap(), &headers, &proxies).to_string()
    }

    #[test]
    fn two_headers_that_differ_name_nobody() {
        let proxies: Networks = "10.0.0.0/8".parse().unwrap();
        let resolved = |forwarded: &str, usual: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(FORWARDED, forwarded.parse().unwrap());
            headers.insert(X_FORWARDED_FOR, usual.parse().unwrap());
            client("10.0.0.1".parse().unwrap(), &headers, &proxies).to_string()
        };
        assert_eq!(resolved("for=192.0.2.1", "192.0.2.1"), "192.0.2.1");
        assert_eq!(resolved("for=203.0.113.9", "192.0.2.1"), "10.0.0.1");
    }

    #[test]
    fn the_last_address_that_is_no_proxy_is_the_client() {
        for (value, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("203.0.113.9, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("192.0.2.1, unknown, 10.0.0.2", "10.0.0.2"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(resolved(X_FORWARDED_FOR, value), expected, "{value}");
        }
        for (value, expected) in [
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
            ("for=203.0.113.9, For=\"[2001:db8::17]:4711\"", "2001:db8::17"),
            ("for=192.0.2.1, for=_hidden", "10.0.0.1"),
        ] {
            assert_eq!(resolved(FORWARDED, value), expected, "{value}");
        }
    }
}
