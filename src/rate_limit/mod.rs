//! Limits failed attempts to authenticate, once for all schemes of a layer.
//!
//! A scheme only reports, as an [`Attempt`](crate::auth::Attempt), which users a request claims to be and
//! what its verification costs. `RateLimiter` counts attempts by client address, and by client
//! address and claimed user. It never counts by user alone: an attacker cannot lock a user out at
//! another address.
//!
//! # The order of steps
//!
//! 1. **Address.** The client's address is determined (`client_ip`). Without one the response is
//!    503, unless the configuration allows that. A client is an IPv4 address or an IPv6 /64 network;
//!    the larger networks of the latter have counters as well (`client`).
//! 2. **Lookup of a known client.** A *known client* authenticated from this address as this user
//!    within 24 hours (OWASP: *trusted client*). It is authenticated at once if its credential is
//!    right and that can be decided without waiting. Wrong credentials are counted here against a
//!    generous budget of their own. Once that is spent, this step is skipped: otherwise a cached
//!    password could be guessed at full speed from the user's own address.
//! 3. **Limit.** The attempt is taken from the counters of the address, and of the address and each
//!    claimed user. A known client has counters of its own instead, which failures of others behind
//!    the same address do not use up. If one of the counters is full, the response is 429 and the
//!    credential is not verified. Attempts at secrets that cannot be guessed are only checked here.
//! 4. **Verification.** Concurrent attempts of one client with the same credential are one attempt
//!    (`pending`).
//! 5. **Settlement.** A right credential gives the attempt back, and the client is known from now
//!    on. A wrong one keeps it. If the outcome is unknown (the backend is down, the client
//!    disconnected), the attempt is given back unless its verification is expensive.
//!
//! # Replicas that count together
//!
//! Without a [shared store](RateLimit::shared_store), counters and known clients are in the memory of the limiter,
//! which decides without waiting: `RateLimiter::decide`. A shared store has to be awaited, and no lock can be held
//! meanwhile. `RateLimiter::decide_later` takes these steps in place of 2 and 3:
//!
//! 1. **First look.** The credential is verified if that can be done without waiting. The result is not
//!    revealed yet.
//! 2. **Short cut.** If the credential is right, and this process has verified it for this client within a day
//!    (`shared`, `recent`), the store is not asked. Wrong credentials use up the budget of lookups. Once that is
//!    spent, there is no short cut.
//! 3. **One question.** For a right credential the store only checks the limit, so that concurrent first requests
//!    are not counted. For any other the attempt is taken. If the client must wait, the response is 429,
//!    whether the credential is right or wrong; only a client that is known to a replica is authenticated all the
//!    same by a right one, within the budget of lookups.
//!
//! The process counts the attempts that it sees in its own memory, too. If the store fails, these decide: the
//! limit is then that of each replica. Nothing is copied to the store when it is back. They also keep floods
//! away from the store (`admission`): at most 1,000 new addresses a second are asked about, and a client that must
//! wait already is asked about within a budget. Beyond that the process decides alone.
//!
//! The budgets and pending attempts belong to the process.
//!
//! # What it does not do
//!
//! * Many addresses have many attempts: [`Quota`] times their number.
//! * Clients that share an address and claim the same user share that limit. Addresses cannot
//!   distinguish them.
//!
//! This folder uses `auth` types, `stores`, `crypto` and `telemetry`, and nothing of the layer or
//! the schemes.

mod admission;
mod client;
mod client_ip;
mod counters;
mod keys;
mod limiter;
mod pending;
mod permit;
mod policy;
mod proxy_network;
mod recent;
mod shared;

#[cfg(test)]
mod tests;

pub use self::client_ip::ClientIp;
pub(crate) use self::limiter::{Decision, RateLimiter};
pub(crate) use self::permit::{Outcome, Permit, Requester};
pub use self::policy::RateLimit;
pub use self::proxy_network::{ProxyNetwork, TrustedProxyError};
pub use crate::stores::Quota;
