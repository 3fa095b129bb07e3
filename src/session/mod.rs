//! Session and event IDs: bound to a principal (`binding`), found in requests and responses
//! (`location`) and in streams of events (`event_stream`).
//!
//! It uses `auth` and `crypto`.

mod binding;
mod event_stream;
mod location;

pub(crate) use self::binding::SessionBinder;
pub(crate) use self::event_stream::Rewriter;
pub(crate) use self::location::{Binding, SessionIds};
