//! The strict reader of what a client sends: one message or a batch, and for each what it wants to use.
//!
//! Nothing is normalized, and the inner service gets the same bytes. So every parser must find the same method and
//! the same names in them. The reader refuses a body that is not UTF-8 or not JSON, or in which a member that
//! decides is there twice or in another spelling; it reads a body to its end, and it refuses a charset, a
//! compression or a header field that tells another story. What does not decide is skipped, whatever it is.

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
