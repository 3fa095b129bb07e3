//! What is known of the server while it is used.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

use tracing::{error, info};

use super::server::ServerInfo;
use crate::auth::BoxError;
use crate::telemetry::TARGET;

/// Whether the server evicts keys, as it said last.
pub(super) struct Watch {
    evicts: AtomicBool,
    evicted_keys: AtomicU64,
}

impl Watch {
    pub(super) fn new(info: &ServerInfo) -> Self {
        Self { evicts: AtomicBool::new(false), evicted_keys: AtomicU64::new(info.evicted_keys) }
    }

    /// Returns an error while the server evicts keys: a used nonce may be among them.
    pub(super) fn check_eviction(&self) -> Result<(), BoxError> {
        if self.evicts.load(Relaxed) {
            return Err("Redis evicts keys when it is full: set maxmemory-policy noeviction".into());
        }
        Ok(())
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
        info.evicted_keys != 0 && info.evicted_keys != evicted
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
