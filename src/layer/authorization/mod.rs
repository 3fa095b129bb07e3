//! Authorization in the pipeline: the messages of a request are read and decided about, and the lists in its response
//! show only what the principal may use.
//!
//! Requests: `decide` asks the authorizer, `refuse` makes the response to refused messages, and `dry_run` only logs what
//! would be refused. `options` has the options of the layer, and `config` holds them.
//!
//! Responses: `filtered` says which ones are read. `list_response` filters one that is a JSON text, and `list_stream` an
//! event stream; both ask the authorizer by `lists`. `resumed` is a body whose
//! beginning was read.
//!
//! Streams: `open_streams` has those of this process. The answers of HTTP+SSE are sent on them, for which `endpoint` finds
//! the stream, and so is `list_changed`. `capabilities` reads which of these notifications a server announces, in a
//! stream or, by `initialized`, in a JSON response.
//!
//! It uses `policy`, which knows nothing of requests and responses.

mod capabilities;
mod config;
mod decide;
mod dry_run;
mod endpoint;
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
