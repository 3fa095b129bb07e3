//! What is logged about the keys of an issuer: each outage once.

use std::time::Duration;

use tracing::{debug, error, info};

use crate::schemes::oauth::keys::KeySetError;
use crate::telemetry::{TARGET, key_age, keys_refreshed};
use crate::text::Shortened;

/// How a set differs from the one that it replaces.
pub(super) struct Change {
    pub(super) keys: usize,
    pub(super) added: usize,
    pub(super) removed: usize,
}

/// Reports a fetch that succeeded after this number of failures.
pub(super) fn succeeded(issuer: &str, change: &Change, failures: u32) {
    keys_refreshed("applied");
    let (Change { keys, added, removed }, name) = (change, Shortened::new(issuer));
    if *added > 0 || *removed > 0 {
        info!(target: TARGET, issuer = %name, keys, added, removed, failures, "keys of the issuer changed");
    } else if failures > 0 {
        info!(target: TARGET, issuer = %name, keys, failures, "keys of the issuer refreshed again");
    } else {
        debug!(target: TARGET, issuer = %name, keys, "keys of the issuer refreshed");
    }
}

/// Reports a fetch that failed, and was the nth in a row.
pub(super) fn failed(issuer: &str, problem: &KeySetError, failures: u32, keys: usize) {
    keys_refreshed("failed");
    let name = Shortened::new(issuer);
    if failures > 1 {
        debug!(target: TARGET, issuer = %name, error = %problem, failures, keys, "keys of the issuer not refreshed");
    } else if keys > 0 {
        error!(
            target: TARGET, issuer = %name, error = %problem, keys,
            "keys of the issuer not refreshed: the previous ones are used for 24 hours at most"
        );
    } else {
        error!(
            target: TARGET, issuer = %name, error = %problem,
            "keys of the issuer not available: its tokens cannot be verified"
        );
    }
}

/// Reports that keys are not used any more, as they could not be refreshed for too long.
pub(super) fn ended(issuer: &str, keys: usize) {
    error!(
        target: TARGET, issuer = %Shortened::new(issuer), keys,
        "keys of the issuer dropped: they could not be refreshed for 24 hours"
    );
}

/// Reports how old the active keys are.
pub(super) fn age(issuer: &str, age: Duration) {
    key_age(issuer, age);
}
