//! Authorization in the pipeline: the messages of a request are read and decided about, and the lists in its response
//! show only what the principal may use.
//!
//! `decide` asks the authorizer, `refuse` makes the response to what it refuses, and `dry_run` only logs it. `list_response` filters a response
//! that is one JSON text, and `list_stream` an event stream. `open_streams` knows the streams of this process, on which
//! responses of HTTP+SSE travel. It uses `policy`, which knows nothing of requests and responses.

mod capabilities;
mod config;
mod decide;
mod dry_run;
mod filtered;
mod initialized;
mod list_response;
mod list_stream;
mod lists;
mod open_streams;
mod options;
mod refuse;
mod resumed;

pub(super) use self::config::Authorization;
pub(super) use self::filtered::Filtered;
pub(super) use self::initialized::Initialized;
pub(super) use self::list_response::PendingList;
pub(super) use self::list_stream::{ListStream, Sent};
pub(super) use self::open_streams::{OpenStreams, PathId};
pub(super) use self::refuse::Stop;
