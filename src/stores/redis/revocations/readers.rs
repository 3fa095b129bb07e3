//! The connections on which the log is read.

use std::sync::{Mutex, MutexGuard, PoisonError};

use redis::aio::MultiplexedConnection;

use crate::stores::redis::target::Target;

/// Connections that are not in use. A reader takes one, and gives it back once it has its reply: a connection on which
/// a command still waits is closed instead.
pub(super) struct Readers {
    target: Target,
    idle: Mutex<Vec<MultiplexedConnection>>,
}

impl Readers {
    pub(super) fn new(target: Target) -> Self {
        Self { target, idle: Mutex::default() }
    }

    /// Returns a connection for one reader.
    pub(super) async fn take(&self) -> redis::RedisResult<MultiplexedConnection> {
        let idle = self.idle().pop();
        match idle {
            Some(connection) => Ok(connection),
            None => self.target.connect().await,
        }
    }

    /// Takes a connection back that is in order.
    pub(super) fn give_back(&self, connection: MultiplexedConnection) {
        self.idle().push(connection);
    }

    /// Closes the connections, after one of them has failed.
    pub(super) fn close(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<MultiplexedConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
