//! Style, script and icon. Their addresses carry a digest, so that a browser keeps them until they change.

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::LazyLock,
};

const FILES: &[(&str, &str, &str)] = &[
    ("console.css", "text/css; charset=utf-8", include_str!("../../assets/console.css")),
    ("console.js", "text/javascript; charset=utf-8", include_str!("../../assets/console.js")),
    ("icon.svg", "image/svg+xml", include_str!("../../assets/icon.svg")),
];

static DIGEST: LazyLock<String> = LazyLock::new(|| {
    let mut hash = DefaultHasher::new();
    FILES.hash(&mut hash);
    format!("{:016x}", hash.finish())
});

/// Where a page finds the file.
pub(crate) fn address(name: &str) -> String {
    format!("/assets/{name}?{}", *DIGEST)
}

pub(crate) async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(n, _, _)| *n == name) {
        Some((_, kind, text)) => {
            ([(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, "public, max-age=86400")], *text).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
