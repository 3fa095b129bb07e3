//! Session and event IDs: they leave the layer *bound* to a principal, and come back *verified*.
//!
//! `binding` computes and checks the tags, with keys of `key`. `location` knows where IDs are in
//! requests and responses. `rewriter` binds those in event streams.
//!
//! It uses `auth`, `crypto`, `event_stream` and `telemetry`.

mod binding;
mod key;
mod location;
mod parameter;
mod rewriter;

pub use self::key::{SessionKey, SessionKeyError};
pub(crate) use self::location::{EndpointUrl, Presented, SessionIds, StreamBinding};
pub use self::parameter::{SessionParameter, SessionParameterError};
pub(crate) use self::rewriter::Rewriter;
