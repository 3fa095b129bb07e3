//! The way to a server: commands within a deadline, over one connection that is replaced when it fails.

mod breaker;
mod connection;
mod error;
mod script;
mod send;

pub(super) use self::error::LinkError;
pub(super) use self::script::Script;
pub(super) use self::send::Link;
