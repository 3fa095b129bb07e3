//! Where session and event IDs are: in the session header and `Last-Event-ID` (`headers`), in the
//! session parameter of a query (`query`), and in event streams (`stream`). `presented` remembers the session header
//! of a request for its response.
//!
//! IDs are verified in requests, bound in responses, and removed from requests that are forwarded
//! without authentication.

mod headers;
mod presented;
mod query;
mod session_ids;
mod stream;
mod unknown;

pub(crate) use self::presented::Presented;
pub(crate) use self::session_ids::SessionIds;
pub(crate) use self::stream::{EndpointUrl, StreamBinding};
