//! Security event tokens (RFC 8417), as the Shared Signals Framework 1.0 profiles them.
//!
//! `transmitter` verifies a token and applies it, `rules` decides what its claims mean, `event` and `subject` read the
//! two parts that matter, and `options` and `subjects` have what an operator configures.

mod event;
mod options;
mod rules;
mod subject;
mod subjects;
mod transmitter;

pub use self::transmitter::Transmitter;

#[cfg(test)]
mod tests;
