//! The filter of lists: finds the elements of an answer, and removes some of them.
//!
//! A list is recognized by its shape: a JSON-RPC result that has an array `tools`, `prompts`, `resources` or
//! `resourceTemplates`. No other result of any version of the protocol has those. So it does not matter which
//! request it answers, nor by which connection that request came.
//!
//! [`Lists`] reads a whole answer: the body of a JSON response, or the data of one event. [`Classifier`] decides from
//! the beginning of an event whether it may be a list, so that long results of tools are not held. [`EventFilter`]
//! finds the events of a stream that must be read whole. Beside lists these are updates of resources, which are shown
//! to principals that may read the resource, and messages in which a server announces its capabilities.

pub(crate) mod classifier;
mod edits;
mod error;
mod event_filter;
mod members;
mod read;
mod whole_event;

#[cfg(test)]
mod tests;

pub(crate) use self::classifier::{Classifier, MAX_UNDECIDED, Verdict};
#[cfg(test)]
use self::edits::one_line;
pub(crate) use self::error::ListError;
pub(crate) use self::event_filter::{EventFilter, Part};
pub(crate) use self::read::Lists;
pub(crate) use self::whole_event::WholeEvent;
