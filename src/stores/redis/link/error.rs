//! Why a command has no reply.

use std::time::Duration;

/// Why a command has no reply that can be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::stores::redis) enum LinkError {
    /// There was no reply in time. The command may still be executed.
    #[error("Redis did not answer within {0:?}")]
    TimedOut(Duration),
    /// The connection broke, or cannot be made.
    #[error("the connection to Redis failed: {0}")]
    Broken(#[source] redis::RedisError),
    /// The last commands failed, so this one was not sent.
    #[error("Redis is away")]
    Away,
    /// Too many commands wait for a reply, so this one was not sent.
    #[error("too many commands wait for Redis")]
    Overloaded,
    /// The server replied with an error.
    #[error("Redis replied with an error: {0}")]
    Reply(#[source] redis::RedisError),
    /// The reply is not what the command returns.
    #[error("Redis replied with something else: {0}")]
    Unexpected(#[from] redis::ParsingError),
}

impl LinkError {
    /// Creates the error of a command that was sent.
    pub(super) fn from_redis(error: redis::RedisError) -> Self {
        match error.kind() {
            redis::ErrorKind::Io | redis::ErrorKind::Parse => Self::Broken(error),
            _ => Self::Reply(error),
        }
    }

    /// Returns whether the server replied.
    pub(in crate::stores::redis) fn is_reply(&self) -> bool {
        matches!(self, Self::Reply(_) | Self::Unexpected(_))
    }

    /// Returns whether the user has no right to the command or to its keys.
    pub(in crate::stores::redis) fn is_forbidden(&self) -> bool {
        let Self::Reply(error) = self else { return false };
        // A command in a script has no code of its own.
        error.code() == Some("NOPERM")
            || error.to_string().contains("user executing the script can't")
    }

    /// Returns whether the command may have been executed, or may still be.
    pub(in crate::stores::redis) fn is_unsure(&self) -> bool {
        matches!(self, Self::TimedOut(_) | Self::Broken(_) | Self::Unexpected(_))
    }

    /// Returns whether the server is not the master any more. A new connection may reach the one that is.
    pub(super) fn is_demoted(&self) -> bool {
        let Self::Reply(error) = self else { return false };
        matches!(error.code(), Some("READONLY" | "NOHISTORY" | "MASTERDOWN" | "LOADING"))
            // Redis 6.2 hides the code of a command in a script.
            || error.code() == Some("ERR") && error.to_string().contains("-READONLY ")
    }
}

#[cfg(test)]
mod tests {
    use redis::{RedisError, Value, parse_redis_value};

    use super::*;

    fn reply(line: &str) -> LinkError {
        let value =
            parse_redis_value(format!("{line}\r\n").as_bytes()).and_then(Value::extract_error);
        LinkError::from_redis(value.map(drop).unwrap_err())
    }

    #[test]
    fn servers_that_are_no_masters_any_more_are_known() {
        for line in [
            "-READONLY You can't write against a read only replica.",
            "-ERR Error running script (call to f_0): @user_script:3: @user_script: 3: -READONLY You can't write \
             against a read only replica. ",
            "-NOHISTORY this is not a master, or it hides master_replid",
            "-LOADING Redis is loading the dataset in memory",
        ] {
            assert!(reply(line).is_demoted(), "{line}");
        }
        for line in ["-ERR READONLY", "-OOM command not allowed", "-NOSCRIPT No matching script."] {
            assert!(!reply(line).is_demoted(), "{line}");
        }
        let broken = RedisError::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert!(!LinkError::from_redis(broken).is_demoted());
    }
}
