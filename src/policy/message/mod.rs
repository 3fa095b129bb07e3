//! The strict reader of what a client sends: one message or a batch, and the targets of each message.
//!
//! Nothing is normalized, and the inner service gets the same bytes. So every parser must find the same method and
//! the same names in them. The reader refuses a body that is not UTF-8 or not JSON, or in which a member that
//! decides is there twice or in another spelling; it reads a body to its end, and it refuses a charset, a
//! content coding or a header field that contradicts the body. Values that do not decide are skipped.

mod batch;
mod body_headers;
mod envelope;
mod error;
mod messages;
mod mirrored_headers;
mod params;
mod read;
mod version;

#[cfg(test)]
mod tests;

pub(crate) use self::body_headers::is_json;
pub(crate) use self::error::MessageError;
pub(crate) use self::messages::{Message, Messages};
pub(crate) use self::read::read_messages;
