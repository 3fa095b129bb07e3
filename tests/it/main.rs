//! The integration tests.

mod support;

mod answers;
mod authorization;
mod budgets;
mod exempt;
mod fail_closed;
mod files;
#[cfg(target_os = "linux")]
mod guessing;
mod hmac;
mod hosts;
mod lifetime;
#[cfg(unix)]
mod metrics;
mod password;
mod placement;
#[cfg(unix)]
mod proxy;
mod rate_limit;
mod refusals;
mod reload;
mod rmcp_client;
#[cfg(unix)]
mod secret_scan;
mod secrets;
#[cfg(unix)]
mod servers;
#[cfg(unix)]
mod serving;
mod sessions;
mod signer;
#[cfg(unix)]
mod takeover;
