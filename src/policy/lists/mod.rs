//! The filter of lists: which elements an answer shows, and the answer without some of them.
//!
//! A list is recognized by its shape: a JSON-RPC result that has an array `tools`, `prompts`, `resources` or
//! `resourceTemplates`. No other result of any version of the protocol has those. So it does not matter which
//! request it answers, nor by which connection that request came.
//!
//! [`Lists`] reads a whole answer: the body of a JSON response, or the data of one event. [`Classifier`] says of an
//! event of which more is to come whether it may be a list at all, so that long results of tools are not held.

mod classifier;
mod edits;
mod error;
mod read;

#[cfg(test)]
mod tests;

pub(crate) use self::classifier::{Classifier, MAX_UNDECIDED, Verdict};
pub(crate) use self::edits::one_line;
pub(crate) use self::error::ListError;
pub(crate) use self::read::Lists;
