//! The console: pages rendered on the server from the hub, readable without JavaScript, in Japanese and English.
//!
//! What always holds: every text from outside reaches a page through the templates' escaping; pages load nothing from
//! elsewhere (strict CSP); only loopback hosts are answered, so that a foreign page can't reach in by rebinding a name;
//! and a change needs a request that began on the console itself.

mod charts;
mod error;
mod evidence;
mod guard;
mod markdown;
mod pages;
mod ui;
mod way;

pub use error::Error;

use axum::{Router, middleware, routing::get};
use std::{future::Future, net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;
use yagura_content::Library;
use yagura_hub::{Catalog, Hub};

/// What the pages read.
#[derive(Clone)]
pub struct Console {
    hub: Hub,
    library: Arc<Library>,
    catalog: Arc<Catalog>,
    now: fn() -> String,
}

impl Console {
    /// A console over a hub; `now` gives the time as RFC 3339 UTC.
    pub fn new(hub: Hub, library: Arc<Library>, now: fn() -> String) -> Console {
        let catalog = Arc::new(Catalog::of(&library));
        Console { hub, library, catalog, now }
    }

    /// The console's routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/", get(pages::home::page))
            .route("/findings", get(pages::findings::page))
            .route("/findings/{id}", get(pages::finding::page).post(pages::finding::change))
            .route("/rules/{id}", get(pages::rule::page))
            .route("/resources", get(pages::resources::page))
            .route("/resource", get(pages::resource::page))
            .route("/roadmap", get(pages::roadmap::page))
            .route("/version", get(pages::version))
            .route("/assets/{name}", get(pages::assets::file))
            .fallback(pages::not_found)
            .layer(middleware::from_fn(guard::guard))
            .with_state(self)
    }
}

/// Binds the console's address.
///
/// # Errors
/// An address outside loopback, or one that is taken.
pub async fn bind(listen: &str) -> Result<(TcpListener, SocketAddr), Error> {
    let address: SocketAddr = listen
        .parse()
        .or_else(|_| listen.replace("localhost", "127.0.0.1").parse())
        .map_err(|_| Error::Address(listen.to_owned()))?;
    if !address.ip().is_loopback() {
        return Err(Error::NotLoopback(address));
    }
    let listener = TcpListener::bind(address).await.map_err(|source| Error::Bind { address, source })?;
    let address = listener.local_addr().map_err(|source| Error::Bind { address, source })?;
    Ok((listener, address))
}

/// Serves the console until `stop` is done.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    console: Console,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    axum::serve(listener, console.router()).with_graceful_shutdown(stop).await.map_err(Error::Serve)
}
