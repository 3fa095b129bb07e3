//! The log: adding to it, and reading it.

use std::collections::HashMap;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{cmd, pipe};
use tracing::error;

use super::encoding::{Fields, arguments, entry};
use super::place::Place;
use super::readers::Readers;
use crate::auth::BoxError;
use crate::crypto::random;
use crate::stores::redis::keys::Keys;
use crate::stores::redis::link::{Link, Script};
use crate::stores::redis::server::ServerInfo;
use crate::stores::redis::target::Target;
use crate::stores::{PublishError, RevocationCursor, RevocationEntry, RevocationPage};
use crate::telemetry::TARGET;

/// How many entries a page has at most, and how many are added at a time.
const PAGE: usize = 1_000;

/// A reply to `XREAD`: streams by their keys, with fields by the IDs of entries.
type Streams = Vec<HashMap<Vec<u8>, Vec<HashMap<String, Fields>>>>;

/// The log of revocations of a server.
pub(in crate::stores::redis) struct Log {
    script: Script,
    readers: Readers,
}

impl Log {
    pub(in crate::stores::redis) fn new(target: Target) -> Self {
        Self { script: Script::new(include_str!("publish.lua")), readers: Readers::new(target) }
    }

    /// Adds entries.
    ///
    /// # Errors
    ///
    /// If they are not added, or may be or not.
    pub(in crate::stores::redis) async fn publish(
        &self,
        link: &Link,
        keys: &Keys,
        entries: &[RevocationEntry],
        keep: Duration,
    ) -> Result<(), PublishError> {
        let keys = [keys.revocations(), keys.revocations_name()];
        let keep = keep.as_millis().to_string().into_bytes();
        for entries in entries.chunks(PAGE) {
            let name = u64::from_ne_bytes(random());
            let mut call = vec![keep.clone(), format!("{name:016x}").into_bytes()];
            call.extend(entries.iter().flat_map(arguments));
            link.call(&self.script, &keys, &call).await.map_err(|error| {
                if error.is_unsure() {
                    PublishError::Unsure(error.into())
                } else {
                    PublishError::Failed(error.into())
                }
            })?;
        }
        Ok(())
    }

    /// Returns what was added after a cursor, and waits for it if there is nothing.
    ///
    /// # Errors
    ///
    /// If the server does not answer, or is not a master.
    pub(in crate::stores::redis) async fn read(
        &self,
        keys: &Keys,
        after: &RevocationCursor,
        wait: Duration,
    ) -> Result<RevocationPage, BoxError> {
        let mut connection = self.readers.take().await?;
        match read(&mut connection, keys, after, wait).await {
            Ok(page) => {
                self.readers.give_back(connection);
                Ok(page)
            }
            Err(error) => {
                self.readers.close();
                Err(error)
            }
        }
    }
}

async fn read(
    connection: &mut MultiplexedConnection,
    keys: &Keys,
    after: &RevocationCursor,
    wait: Duration,
) -> Result<RevocationPage, BoxError> {
    let (log, name) = (keys.revocations(), keys.revocations_name());
    let (info, exists, log_name): (String, bool, Option<String>) = pipe()
        .cmd("INFO")
        .arg("replication")
        .cmd("EXISTS")
        .arg(&log)
        .cmd("GET")
        .arg(&name)
        .query_async(connection)
        .await?;
    let info = ServerInfo::parse(&info);
    let history = info.replication_id().filter(|_| info.is_master());
    let history = history.ok_or("the server is not a master, or hides master_replid")?;
    let log_name = log_name.filter(|_| exists);
    let (mut place, lost_history) = Place::after(after, history.to_owned(), log_name);

    let mut command = cmd("XREAD");
    command.arg("COUNT").arg(PAGE);
    // 0 would be a wait without end. What was lost need not be waited for.
    if let Some(millis) = block(wait).filter(|_| !lost_history) {
        command.arg("BLOCK").arg(millis);
    }
    command.arg("STREAMS").arg(&log).arg(&place.last);
    // A log that began to exist meanwhile has a name by then.
    let (streams, log_name): (Option<Streams>, Option<String>) =
        pipe().add_command(command).cmd("GET").arg(&name).query_async(connection).await?;
    let read = streams.into_iter().flatten().flatten().flat_map(|(_, entries)| entries).flatten();
    let read: Vec<_> = read.collect();
    if let Some((last, _)) = read.last() {
        place.last.clone_from(last);
        place.log = place.log.or(log_name);
    }
    let entries: Vec<_> = read.iter().filter_map(|(_, fields)| entry(fields)).collect();
    if entries.len() < read.len() {
        let count = read.len() - entries.len();
        error!(target: TARGET, count, "Redis has revocations that cannot be read: is their writer a later version?");
    }
    Ok(RevocationPage::new(entries, place.cursor())
        .with_more(read.len() == PAGE)
        .with_lost_history(lost_history))
}

/// Returns for how many milliseconds the server may wait, if it may.
fn block(wait: Duration) -> Option<u64> {
    u64::try_from(wait.as_millis()).ok().filter(|millis| *millis > 0)
}
