//! The parts of `src/rate_limit` that determine the client of a request, compiled once more: they are not public.

#![allow(dead_code, unreachable_pub)]

use http::request::Parts;

#[path = "../../src/rate_limit/client.rs"]
mod client;
#[path = "../../src/rate_limit/client_ip/mod.rs"]
mod client_ip;
#[path = "../../src/rate_limit/proxy_network.rs"]
mod proxy_network;

pub use self::client_ip::ClientIp;

/// Returns what failed attempts of the client are counted by.
pub fn counter(address: &ClientIp, head: &Parts) -> Option<u128> {
    address.find(head).map(|client| client.bits())
}
