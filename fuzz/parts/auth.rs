//! The reader of the URLs of servers, compiled once more: it is not public.

#[path = "../../src/auth/server_url.rs"]
mod server_url;

pub(crate) use self::server_url::parse_server_url;
