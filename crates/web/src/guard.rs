//! What every request passes: a loopback name in `Host`, same-site origin for changes, and strict headers on answers.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

const CSP: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                   form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const FIXED: [(header::HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CSP),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let mut response = if !loopback_host(request.headers()) {
        (StatusCode::MISDIRECTED_REQUEST, "the console answers to localhost only\n").into_response()
    } else if !safe && !own_origin(request.headers()) {
        (StatusCode::FORBIDDEN, "changes must come from the console itself\n").into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A page elsewhere can make a browser send requests here under a name of its own (DNS rebinding), never under ours.
fn loopback_host(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or("");
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => host.split(':').next().unwrap_or(""),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// `Sec-Fetch-Site` where the browser sends it, else `Origin` against `Host`.
fn own_origin(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(site) = headers.get("sec-fetch-site").and_then(|v| v.to_str().ok()) {
        return matches!(site, "same-origin" | "none");
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, o)| o == host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (header::HeaderName::from_static(k), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn only_loopback_names_are_answered() {
        for host in ["127.0.0.1:7117", "localhost", "[::1]:7117"] {
            assert!(loopback_host(&headers(&[("host", host)])), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example:7117", "169.254.169.254", ""] {
            assert!(!loopback_host(&headers(&[("host", host)])), "{host}");
        }
    }

    #[test]
    fn changes_need_the_consoles_own_origin() {
        assert!(!own_origin(&headers(&[("sec-fetch-site", "same-site")])), "another port of this machine");
        assert!(!own_origin(&headers(&[("origin", "null"), ("host", "localhost:7117")])));
        assert!(own_origin(&headers(&[("sec-fetch-site", "same-origin")])));
        assert!(!own_origin(&headers(&[("sec-fetch-site", "cross-site"), ("origin", "http://localhost")])));
        assert!(own_origin(&headers(&[("origin", "http://localhost:7117"), ("host", "localhost:7117")])));
        assert!(!own_origin(&headers(&[("host", "localhost:7117")])));
    }
}
