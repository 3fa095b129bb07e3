//! Why a server cannot be used.

use crate::auth::BoxError;

/// Why a [`RedisStore`](super::RedisStore) cannot connect. Each error says what to change; none quotes the password
/// of the URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisError {
    /// The URL is not one of a Redis server.
    #[error(
        "not a URL of Redis: {0} (expected redis://HOST:PORT, redis://USER:PASSWORD@HOST:PORT/DATABASE, or \
         unix:///PATH)"
    )]
    Url(String),
    /// The URL begins with `rediss://`, and feature `redis-tls` is disabled.
    #[error("rediss:// needs feature `redis-tls`")]
    NoTls,
    /// The key prefix is empty, too long, or has other characters than letters, digits, `-`, `_` and `.`.
    #[error("the key prefix must have 1 to 64 of the characters A-Z a-z 0-9 - _ .")]
    KeyPrefix,
    /// The server cannot be reached, or rejects the connection.
    #[error("cannot connect to Redis at {address}: {cause}")]
    Unreachable {
        /// The host and port, or the path of a socket.
        address: String,
        /// The reason.
        #[source]
        cause: BoxError,
    },
    /// The server refuses to work: it is full, is still loading its data, or reaches too few replicas, for example.
    #[error("Redis at {address} cannot be used: {cause}")]
    Unusable {
        /// The host and port, or the path of a socket.
        address: String,
        /// The error of the server.
        #[source]
        cause: BoxError,
    },
    /// The user of the URL has no right to a command or key that is needed.
    #[error(
        "Redis at {address} refuses a command: {cause} (permit it: ACL SETUSER … +eval +evalsha +script|load +info \
         +time +get +set +zscore +zadd +zremrangebyscore +zremrangebyrank +pexpire +xadd +xread +exists +ping \
         +select ~{{PREFIX:*)"
    )]
    Refused {
        /// The host and port, or the path of a socket.
        address: String,
        /// The error of the server.
        #[source]
        cause: BoxError,
    },
    /// The server is too old: scripts need Redis 6.2.
    #[error("Redis at {address} has version {version}: 6.2 or later is needed, and 7.0 is tested")]
    TooOld {
        /// The host and port, or the path of a socket.
        address: String,
        /// The version of the server, as it reports it.
        version: String,
    },
    /// The server is a replica of another one.
    #[error(
        "Redis at {address} is a replica: connect to the master, by a name or address that follows it"
    )]
    Replica {
        /// The host and port, or the path of a socket.
        address: String,
    },
    /// The server removes keys when its memory is full. A nonce that is removed early could be used again.
    #[error(
        "Redis at {address} evicts keys when it is full (maxmemory-policy {policy}): used nonces and revocations would \
         be lost. Set maxmemory-policy noeviction, or use a server of its own"
    )]
    Evicts {
        /// The host and port, or the path of a socket.
        address: String,
        /// The policy, such as `allkeys-lru`.
        policy: String,
    },
    /// The server does not show `master_replid`, by which lost data is noticed.
    #[error(
        "Redis at {address} hides master_replid (INFO replication): lost data could not be noticed. Use a server that \
         shows it"
    )]
    NoHistory {
        /// The host and port, or the path of a socket.
        address: String,
    },
}
