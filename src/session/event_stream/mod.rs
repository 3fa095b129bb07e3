//! Event streams (WHATWG HTML, section 9.2): `parser` finds lines, fields and events in chunks of
//! bytes, and `rewriter` binds the IDs in them.
//!
//! The parser knows nothing of IDs: whatever else reads event streams builds on it. What the
//! rewriter should do is written down once more, as plainly as possible, in `oracle`, which tests and
//! the fuzzer compare it with.

mod parser;
mod rewriter;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

pub(super) use self::rewriter::BindIds;
pub(crate) use self::rewriter::Rewriter;
