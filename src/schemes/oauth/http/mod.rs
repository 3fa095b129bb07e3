//! Requests to authorization servers: bounded in time and size, without redirects.

mod client;
mod fetch_error;
mod freshness;

pub(super) use self::client::{Client, Response};
pub(super) use self::fetch_error::FetchError;

#[cfg(test)]
pub(super) mod fake_server;
#[cfg(test)]
mod tests;
