//! The one connection, and its replacement.

use std::sync::{Mutex, MutexGuard, PoisonError};

use redis::aio::MultiplexedConnection;

use super::error::LinkError;
use crate::stores::redis::target::Target;

/// After how many time-outs in a row a connection is replaced: its path may be gone, without an error.
const TIMEOUTS: u32 = 2;

/// The connection to a server. It is made when it is needed, by one command for all.
pub(super) struct Connection {
    target: Target,
    current: Mutex<Current>,
    connecting: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Current {
    connection: Option<MultiplexedConnection>,
    /// Counts the connections, which tells one that was replaced from the present one.
    number: u64,
    timeouts: u32,
}

impl Connection {
    pub(super) fn new(target: Target) -> Self {
        Self { target, current: Mutex::default(), connecting: tokio::sync::Mutex::new(()) }
    }

    pub(super) fn address(&self) -> &str {
        self.target.address()
    }

    /// Returns the connection and its number. Of several callers, one connects.
    pub(super) async fn get(&self) -> Result<(MultiplexedConnection, u64), LinkError> {
        if let Some(open) = self.open() {
            return Ok(open);
        }
        let _connecting = self.connecting.lock().await;
        if let Some(open) = self.open() {
            return Ok(open);
        }
        // A server that rejects the connection, as with a password that was changed, is as good as one that is away:
        // each command would connect otherwise.
        let connection = self.target.connect().await.map_err(LinkError::Broken)?;
        let mut current = self.current();
        let number = current.number + 1;
        *current = Current { connection: Some(connection.clone()), number, timeouts: 0 };
        Ok((connection, number))
    }

    /// Drops the connection of this number, unless it was replaced already.
    pub(super) fn discard(&self, number: u64) {
        let mut current = self.current();
        if current.number == number {
            current.connection = None;
        }
    }

    /// Notes a reply on the connection.
    pub(super) fn answered(&self) {
        let mut current = self.current();
        if current.timeouts != 0 {
            current.timeouts = 0;
        }
    }

    /// Notes that there was no reply in time.
    pub(super) fn timed_out(&self) {
        let mut current = self.current();
        current.timeouts += 1;
        if current.timeouts >= TIMEOUTS {
            current.connection = None;
        }
    }

    fn open(&self) -> Option<(MultiplexedConnection, u64)> {
        let current = self.current();
        Some((current.connection.clone()?, current.number))
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
