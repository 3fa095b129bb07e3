//! Scripts, which a server remembers by their SHA-1.

use redis::{Cmd, RedisError, ServerErrorKind};

/// A script that is sent once, and named from then on.
pub(in crate::stores::redis) struct Script {
    source: &'static str,
    sha1: String,
}

impl Script {
    pub(in crate::stores::redis) fn new(source: &'static str) -> Self {
        Self { source, sha1: redis::Script::new(source).get_hash().to_owned() }
    }

    /// Returns the command that calls the script by its SHA-1.
    pub(super) fn by_name(&self, keys: &[Vec<u8>], arguments: &[Vec<u8>]) -> Cmd {
        call("EVALSHA", &self.sha1, keys, arguments)
    }

    /// Returns the command that has the script, which the server then remembers.
    pub(super) fn in_full(&self, keys: &[Vec<u8>], arguments: &[Vec<u8>]) -> Cmd {
        call("EVAL", self.source, keys, arguments)
    }
}

fn call(command: &str, script: &str, keys: &[Vec<u8>], arguments: &[Vec<u8>]) -> Cmd {
    let mut call = redis::cmd(command);
    call.arg(script).arg(keys.len()).arg(keys).arg(arguments);
    call
}

/// Returns whether the server does not remember the script: it was restarted, or its scripts were flushed.
pub(super) fn is_unknown(error: &RedisError) -> bool {
    error.kind() == ServerErrorKind::NoScript.into()
}
