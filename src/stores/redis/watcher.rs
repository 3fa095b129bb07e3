//! Looks at the server every ten seconds while it is used: its settings may be changed.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tracing::{error, warn};

use super::link::{Link, LinkError};
use super::server::ServerInfo;
use super::store::Inner;
use crate::telemetry::TARGET;

const INTERVAL: Duration = Duration::from_secs(10);

/// Asks the server about itself.
pub(super) async fn server_info(link: &Link) -> Result<ServerInfo, LinkError> {
    let text: String = redis::from_redis_value(link.run(&redis::cmd("INFO")).await?)?;
    Ok(ServerInfo::parse(&text))
}

/// Starts the task, which ends with the store. Without a skew, the store is not for nonces.
pub(super) fn start(inner: &Arc<Inner>, skew: Option<Duration>) {
    let inner = Arc::downgrade(inner);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(INTERVAL).await;
            let Some(inner) = Weak::upgrade(&inner) else { return };
            look(&inner, skew).await;
        }
    });
}

/// Looks once. A server that is away is reported by what needs it.
async fn look(inner: &Inner, skew: Option<Duration>) {
    let Ok(info) = server_info(&inner.link).await else { return };
    let address = inner.link.address();
    let has_evicted = inner.watch.note(&info, address);
    let Some(skew) = skew else { return };
    if has_evicted {
        error!(
            target: TARGET,
            address,
            "Redis evicted keys: signed requests are rejected until none of those before can be used again"
        );
    }
    if !inner.watch.has_evicted() {
        return;
    }
    match inner.nonces.begin_epochs(&inner.link, &inner.keys, skew, true).await {
        Ok(true) => inner.watch.epochs_began(),
        // It is tried again the next time.
        Ok(false) => {
            warn!(target: TARGET, address, "cannot begin a new epoch of nonces: the clocks differ");
        }
        Err(error) => warn!(target: TARGET, address, %error, "cannot begin a new epoch of nonces"),
    }
}
