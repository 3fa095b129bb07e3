//! What is known of the server while it is used.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

use tracing::{error, info};

use super::server::ServerInfo;
use crate::auth::BoxError;
use crate::telemetry::TARGET;

/// Whether the server evicts keys, as it said last, and whether it has evicted some.
pub(super) struct Watch {
    evicts: AtomicBool,
    evicted_keys: AtomicU64,
    /// Whether keys were evicted since the epochs of nonces began.
    has_evicted: AtomicBool,
}

impl Watch {
    pub(super) fn new(info: &ServerInfo) -> Self {
        Self {
            evicts: AtomicBool::new(false),
            evicted_keys: AtomicU64::new(info.evicted_keys),
            has_evicted: AtomicBool::new(false),
        }
    }

    /// Returns an error while the server evicts keys, and after that until new epochs of nonces have begun: a used
    /// nonce may be among the keys.
    pub(super) fn check_eviction(&self) -> Result<(), BoxError> {
        if self.evicts.load(Relaxed) {
            return Err("Redis evicts keys when it is full: set maxmemory-policy noeviction".into());
        }
        if self.has_evicted() {
            return Err("Redis evicted keys, and a new epoch of nonces has not begun yet".into());
        }
        Ok(())
    }

    /// Returns whether keys were evicted since the epochs of nonces began.
    pub(super) fn has_evicted(&self) -> bool {
        self.has_evicted.load(Relaxed)
    }

    /// Notes that new epochs of nonces have begun.
    pub(super) fn epochs_began(&self) {
        self.has_evicted.store(false, Relaxed);
    }

    /// Notes what the server says of itself. Returns whether keys were evicted since the last time.
    pub(super) fn note(&self, info: &ServerInfo, address: &str) -> bool {
        let policy = info.evicts();
        let evicted_before = self.evicts.swap(policy.is_some(), Relaxed);
        match (policy, evicted_before) {
            (Some(policy), false) => error!(
                target: TARGET,
                address,
                policy,
                "Redis evicts keys when it is full: signed requests are rejected until maxmemory-policy is noeviction"
            ),
            (None, true) => info!(target: TARGET, address, "Redis does not evict keys any more"),
            _ => {}
        }
        // A server that was restarted counts from zero.
        let evicted = self.evicted_keys.swap(info.evicted_keys, Relaxed);
        let has_evicted = info.evicted_keys != 0 && info.evicted_keys != evicted;
        if has_evicted {
            self.has_evicted.store(true, Relaxed);
        }
        has_evicted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(policy: &str, evicted: u64) -> ServerInfo {
        ServerInfo::parse(&format!(
            "maxmemory:1000\r\nmaxmemory_policy:{policy}\r\nevicted_keys:{evicted}\r\n"
        ))
    }

    #[test]
    fn claims_fail_while_the_server_evicts_keys() {
        let watch = Watch::new(&info("noeviction", 0));
        assert!(watch.check_eviction().is_ok());
        watch.note(&info("volatile-ttl", 0), "redis:6379");
        assert!(watch.check_eviction().is_err());
        watch.note(&info("noeviction", 0), "redis:6379");
        assert!(watch.check_eviction().is_ok());
    }

    #[test]
    fn claims_fail_after_an_eviction_until_epochs_began() {
        let watch = Watch::new(&info("noeviction", 5));
        watch.note(&info("noeviction", 6), "redis:6379");
        watch.note(&info("noeviction", 6), "redis:6379");
        assert!(watch.has_evicted() && watch.check_eviction().is_err());
        watch.epochs_began();
        assert!(!watch.has_evicted() && watch.check_eviction().is_ok());
    }

    #[test]
    fn evicted_keys_are_noticed_once() {
        let watch = Watch::new(&info("noeviction", 5));
        assert!(!watch.note(&info("noeviction", 5), "redis:6379"));
        assert!(watch.note(&info("noeviction", 6), "redis:6379"));
        assert!(!watch.note(&info("noeviction", 6), "redis:6379"));
        // The server was restarted.
        assert!(!watch.note(&info("noeviction", 0), "redis:6379"));
        assert!(watch.note(&info("noeviction", 2), "redis:6379"));
    }
}
