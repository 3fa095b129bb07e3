//! Authorization: who may use which method, tool, prompt and resource.
//!
//! `message` reads what a client sends, and `lists` what a server answers to a list request. Both read strictly:
//! what two parsers could read in different ways is refused. What they find is a [`Call`], or elements of a list;
//! each is about [`Target`]s. `methods` is the table of what decides about which method.
//!
//! It uses `auth`, `credentials`, `crypto` and `text`. It knows nothing of sessions, of schemes, or of the layer.

// The layer does not use all of it yet.
#![allow(dead_code, unused_imports)]

mod arguments;
mod call;
mod id;
mod json;
mod lists;
mod message;
mod methods;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod oracle;
mod target;

pub use self::call::Call;
pub(crate) use self::id::Id;
pub(crate) use self::lists::{Classifier, ListError, Lists, MAX_UNDECIDED, Verdict, one_line};
pub(crate) use self::message::{Message, MessageError, Messages, read_messages};
pub(crate) use self::methods::{Access, access};
pub use self::target::{Target, TargetKind};
