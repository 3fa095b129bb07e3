//! Session and event IDs: they leave the layer *bound* to a principal, and come back *verified*.
//!
//! `binding` computes and checks the tags, with keys of `key`. `location` knows where IDs are in
//! requests and responses. `event_stream` parses event streams and rewrites the IDs in them.
//!
//! It uses `auth`, `crypto` and `telemetry`.

mod binding;
mod event_stream;
mod key;
mod location;
mod parameter;

pub(crate) use self::event_stream::Rewriter;
pub use self::key::{SessionKey, SessionKeyError};
pub(crate) use self::location::{SessionIds, StreamBinding};
pub use self::parameter::{SessionParameter, SessionParameterError};
