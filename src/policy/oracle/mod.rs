//! What the readers of messages and of lists should find, written down once more and as plainly as possible. Unit
//! tests and fuzzers compare the readers with it. It uses nothing of the crate.

#![allow(dead_code, unused_imports)] // each fuzz target uses a part

mod events;
mod json;
mod lists;
mod readings;

pub(crate) use self::events::{Shown, filtered_stream, is_between_events};
pub(crate) use self::lists::{filtered, has_decided, shown};
pub(crate) use self::readings::{PARSERS, Reading, readings};
