//! Signals of identity providers: that the sessions of a user ended, or that an account was disabled.
//!
//! A [`Transmitter`] pushes security event tokens (SETs: RFC 8417, RFC 8935, Shared Signals Framework 1.0). The
//! folder `set` has their rules. An OpenID provider sends [`LogoutTokens`] (OpenID Connect Back-Channel Logout 1.0),
//! whose rules are in `logout`. A `Receiver` is one of the two, as the layer sees it. Whatever it accepts ends in
//! `Revoke`.
//!
//! The layer finds the path, applies its own checks and limits, and collects the body. This folder verifies what was
//! sent and decides about it. It uses `revocation`, the keys of issuers in `schemes`, `crypto`, `json`, `telemetry` and
//! `text`.

mod answer;
mod delivered;
mod logout;
mod receiver;
mod refusal;
mod revoke;
mod seconds;
mod secret;
mod set;

pub(crate) use self::answer::Answer;
pub use self::logout::LogoutTokens;
pub(crate) use self::receiver::{MAX_BODY, Receiver};
pub(crate) use self::refusal::Refusal;
pub use self::set::Transmitter;
