use std::{io, net::SocketAddr};

/// Why the console can't be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{0}` is no address: write 127.0.0.1:7117")]
    Address(String),
    #[error(
        "`{0}` is reachable from outside this machine, and the console has no login yet: listen on 127.0.0.1 and use an SSH tunnel"
    )]
    NotLoopback(SocketAddr),
    #[error("`{address}` can't be listened on: {source}: stop what uses it, or choose another with --listen")]
    Bind { address: SocketAddr, source: io::Error },
    #[error("the console stopped: {0}")]
    Serve(io::Error),
}
