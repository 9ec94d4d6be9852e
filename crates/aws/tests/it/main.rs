//! The client against a server on loopback that answers what a test tells it to.

mod answers;
mod retries;
mod roads;
mod server;
mod tape;
