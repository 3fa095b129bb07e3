//! Sends commands, each within one deadline.

use std::time::Duration;

use redis::{Cmd, Value};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::breaker::Breaker;
use super::connection::Connection;
use super::error::LinkError;
use super::script::{Script, is_unknown};
use crate::stores::redis::target::Target;

/// How many commands may wait for a reply. Beyond it, a stall would queue requests without end.
const MAX_IN_FLIGHT: usize = 1024;

/// The way to a server.
///
/// One deadline covers everything that a command waits for. If the connection turns out to be broken, the command is
/// sent once more on a new one; it may then be executed twice, but for [`call_once`](Link::call_once).
pub(in crate::stores::redis) struct Link {
    connection: Connection,
    deadline: Duration,
    in_flight: Semaphore,
    breaker: Breaker,
}

impl Link {
    pub(in crate::stores::redis) fn new(target: Target, deadline: Duration) -> Self {
        Self {
            connection: Connection::new(target),
            deadline,
            in_flight: Semaphore::new(MAX_IN_FLIGHT),
            breaker: Breaker::new(),
        }
    }

    /// Returns the host and port of the server, or the path of its socket.
    pub(in crate::stores::redis) fn address(&self) -> &str {
        self.connection.address()
    }

    /// Calls a script, and returns its reply.
    pub(in crate::stores::redis) async fn call(
        &self,
        script: &Script,
        keys: &[Vec<u8>],
        arguments: &[Vec<u8>],
    ) -> Result<Value, LinkError> {
        self.call_script(script, keys, arguments, true).await
    }

    /// Calls a script that must not be executed twice, and returns its reply. A broken connection is an error.
    pub(in crate::stores::redis) async fn call_once(
        &self,
        script: &Script,
        keys: &[Vec<u8>],
        arguments: &[Vec<u8>],
    ) -> Result<Value, LinkError> {
        self.call_script(script, keys, arguments, false).await
    }

    /// Calls a script by its name, and in full if the server does not know it: it was not executed then.
    async fn call_script(
        &self,
        script: &Script,
        keys: &[Vec<u8>],
        arguments: &[Vec<u8>],
        is_repeatable: bool,
    ) -> Result<Value, LinkError> {
        self.within_limits(async {
            match self.send(&script.by_name(keys, arguments), is_repeatable).await {
                Err(LinkError::Reply(error)) if is_unknown(&error) => {
                    self.send(&script.in_full(keys, arguments), is_repeatable).await
                }
                reply => reply,
            }
        })
        .await
    }

    /// Sends a command, and returns its reply.
    pub(in crate::stores::redis) async fn run(&self, command: &Cmd) -> Result<Value, LinkError> {
        self.within_limits(self.send(command, true)).await
    }

    async fn within_limits(
        &self,
        replied: impl Future<Output = Result<Value, LinkError>>,
    ) -> Result<Value, LinkError> {
        let _place = self.in_flight.try_acquire().map_err(|_| LinkError::Overloaded)?;
        if !self.breaker.permits() {
            return Err(LinkError::Away);
        }
        let replied = timeout(self.deadline, replied).await;
        match &replied {
            Ok(Err(error)) if !error.is_reply() => self.breaker.failed(),
            Ok(_) => {
                self.breaker.succeeded();
                self.connection.answered();
            }
            Err(_) => {
                self.breaker.failed();
                self.connection.timed_out();
            }
        }
        replied.unwrap_or(Err(LinkError::TimedOut(self.deadline)))
    }

    /// Sends a command, once more if the connection is broken and the command may be executed twice.
    async fn send(&self, command: &Cmd, is_repeatable: bool) -> Result<Value, LinkError> {
        match self.send_once(command).await {
            Err(LinkError::Broken(_)) if is_repeatable => self.send_once(command).await,
            reply => reply,
        }
    }

    async fn send_once(&self, command: &Cmd) -> Result<Value, LinkError> {
        let (mut connection, number) = self.connection.get().await?;
        let replied = connection.send_packed_command(command).await;
        let replied = replied.and_then(Value::extract_error).map_err(LinkError::from_redis);
        if let Err(error) = &replied
            && (!error.is_reply() || error.is_demoted())
        {
            self.connection.discard(number);
        }
        replied
    }
}
