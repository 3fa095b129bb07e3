//! What a server says of itself, and whether it can be relied on.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tracing::warn;

use super::error::RedisError;
use crate::telemetry::TARGET;

/// The oldest version whose scripts and options of `SET` suffice.
const OLDEST: (u32, u32) = (6, 2);

/// The part of `INFO` that matters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerInfo {
    version: String,
    is_master: bool,
    replication_id: Option<String>,
    max_memory: u64,
    eviction_policy: String,
    pub(super) evicted_keys: u64,
    replicas: u64,
    /// Whether writes need a replica that is reached: `min-replicas-to-write`.
    needs_replicas: bool,
    pub(super) is_cluster: bool,
    /// The time of the server, in microseconds since 1970.
    time: Option<u64>,
}

impl ServerInfo {
    /// Reads the reply to `INFO`.
    pub(super) fn parse(text: &str) -> Self {
        let mut info = Self::default();
        for (name, value) in text.lines().filter_map(|line| line.trim_end().split_once(':')) {
            let number = || value.parse().unwrap_or_default();
            match name {
                "redis_version" => info.version = value.to_owned(),
                "role" => info.is_master = value == "master",
                "master_replid" if is_replication_id(value) => {
                    info.replication_id = Some(value.to_owned());
                }
                "maxmemory" => info.max_memory = number(),
                "maxmemory_policy" => info.eviction_policy = value.to_owned(),
                "evicted_keys" => info.evicted_keys = number(),
                "connected_slaves" => info.replicas = number(),
                "min_slaves_good_slaves" => info.needs_replicas = true,
                "server_time_usec" => info.time = value.parse().ok(),
                "cluster_enabled" => info.is_cluster = value == "1",
                _ => {}
            }
        }
        info
    }

    /// Returns an error unless the server keeps what it is told, and shows when it did not.
    pub(super) fn check(&self, address: &str) -> Result<(), RedisError> {
        let address = || address.to_owned();
        if self.version() < OLDEST {
            return Err(RedisError::TooOld { address: address(), version: self.version.clone() });
        }
        if !self.is_master {
            return Err(RedisError::Replica { address: address() });
        }
        if let Some(policy) = self.evicts() {
            return Err(RedisError::Evicts { address: address(), policy: policy.to_owned() });
        }
        if self.replication_id.is_none() {
            return Err(RedisError::NoHistory { address: address() });
        }
        Ok(())
    }

    /// Returns whether the server is no replica of another one.
    pub(super) fn is_master(&self) -> bool {
        self.is_master
    }

    /// Returns the policy by which the server removes keys when it is full, if it does.
    pub(super) fn evicts(&self) -> Option<&str> {
        let policy = self.eviction_policy.as_str();
        (self.max_memory > 0 && policy != "noeviction").then_some(policy)
    }

    /// Returns the ID of the history of the server's data, if it shows one.
    pub(super) fn replication_id(&self) -> Option<&str> {
        self.replication_id.as_deref()
    }

    /// Logs what is no error, and should be changed.
    pub(super) fn warn(&self, address: &str) {
        if self.replicas > 0 && !self.needs_replicas {
            warn!(
                target: TARGET,
                address,
                "Redis has replicas, and takes writes when it reaches none of them: if it is cut off from them and \
                 another master is promoted, both serve the same signed request. Set min-replicas-to-write 1, and \
                 min-replicas-max-lag no longer than Sentinel's down-after-milliseconds"
            );
        }
    }

    /// Logs if the clocks of the server and of this process differ by more than this. What a process with a slow clock
    /// revokes would end too early, or at once.
    pub(super) fn warn_of_clock(&self, address: &str, now: SystemTime, max: Duration) {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let Some(theirs) = self.time.map(Duration::from_micros) else { return };
        let difference = theirs.abs_diff(now);
        if difference > max {
            warn!(
                target: TARGET,
                address,
                seconds = difference.as_secs(),
                "the clocks of this process and of Redis differ: signed requests are rejected, and revocations may end \
                 too early. Set both by NTP"
            );
        }
    }

    fn version(&self) -> (u32, u32) {
        let mut parts = self.version.split('.').map(|part| part.parse().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    }
}

/// Some services show zeros.
fn is_replication_id(value: &str) -> bool {
    value.len() == 40
        && value.bytes().all(|byte| byte.is_ascii_hexdigit())
        && value.contains(|c| c != '0')
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# Server\r\nredis_version:7.0.15\r\n# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n\
        # Stats\r\nevicted_keys:0\r\n# Replication\r\nrole:master\r\nconnected_slaves:0\r\n\
        master_replid:0123456789abcdef0123456789abcdef01234567\r\n# Cluster\r\ncluster_enabled:0\r\n";

    fn check(from: &str, to: &str) -> Result<(), RedisError> {
        assert!(GOOD.contains(from), "{from}");
        ServerInfo::parse(&GOOD.replace(from, to)).check("127.0.0.1:6379")
    }

    #[test]
    fn a_server_that_keeps_its_data_is_accepted() {
        assert!(check("", "").is_ok());
        assert!(check("7.0.15", "6.2.0").is_ok());
        assert!(check("7.0.15", "8.4.0").is_ok());
        assert!(
            check(
                "maxmemory:0\r\nmaxmemory_policy:allkeys-lru",
                "maxmemory:9\r\nmaxmemory_policy:noeviction"
            )
            .is_ok()
        );
    }

    #[test]
    fn an_old_server_is_an_error() {
        for version in ["6.0.16", "5.0.14", "2.8", "", "unknown"] {
            let error = check("7.0.15", version).unwrap_err();
            assert!(matches!(error, RedisError::TooOld { .. }), "{version}");
        }
    }

    #[test]
    fn a_server_that_evicts_keys_is_an_error() {
        let error = check("maxmemory:0", "maxmemory:1048576").unwrap_err();
        assert!(error.to_string().contains("maxmemory-policy allkeys-lru"), "{error}");
    }

    #[test]
    fn a_server_without_history_is_an_error() {
        let ids = [
            "",
            "0123",
            "0000000000000000000000000000000000000000",
            "z123456789abcdef0123456789abcdef01234567",
        ];
        for id in ids {
            let error = check("0123456789abcdef0123456789abcdef01234567", id).unwrap_err();
            assert!(matches!(error, RedisError::NoHistory { .. }), "{id}");
        }
    }

    #[test]
    fn a_replica_is_an_error() {
        assert!(matches!(check("role:master", "role:slave"), Err(RedisError::Replica { .. })));
    }
}
