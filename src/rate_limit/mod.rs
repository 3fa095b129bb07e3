//! Limits failed attempts to authenticate, once for all schemes of a layer.
//!
//! A scheme only says, by [`Attempt`], whom a request claims to be and what its verification
//! costs. [`RateLimiter`] counts attempts by client address, and by client address and claimed
//! user. Never by user alone: nobody can lock a user out at another address.
//!
//! # The order of steps
//!
//! 1. The client's address is found. Without one the answer is 503, unless the configuration
//!    allows that.
//! 2. A *known client* (this address authenticated as this user within 24 hours) is admitted at
//!    once if its credential is right and that can be told without waiting. Wrong credentials are
//!    counted here against a generous budget of their own. Once that is spent, this step is skipped:
//!    otherwise a cached password could be guessed at full speed from the user's own address.
//! 3. The attempt takes a slot of the address and one of the address and user; a known client takes
//!    a slot of its own instead, which failures of others behind the same address do not use up. If
//!    one of them is full, the answer is 429 and the credential is not looked at.
//! 4. The credential is verified. Concurrent attempts of one client with the same credential are one
//!    attempt.
//! 5. A right credential gives its slots back, and the client is known from now on. A wrong one
//!    keeps them. What is neither (the backend is down) gives them back, unless the verification
//!    is expensive.
//!
//! # What it does not do
//!
//! * Many addresses have many attempts: [`Quota`] times their number.
//! * Clients that share an address and claim the same user share that limit. Addresses cannot tell
//!   them apart.
//!
//! This folder uses `auth` types and `telemetry`, and nothing of the layer or the schemes.

mod client_ip;
mod counters;
mod gcra;
mod keys;
mod known_clients;
mod limiter;
mod permit;
mod policy;
mod slots;

#[cfg(test)]
mod attacks;

pub use self::client_ip::{ClientIp, TrustedProxyError};
pub use self::gcra::Quota;
pub(crate) use self::limiter::{Decision, RateLimiter};
pub(crate) use self::permit::{Asker, Outcome, Permit};
pub use self::policy::RateLimit;
