//! Restarts of Redis: once with its data, and once without.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::redis::RedisServer;
use super::run::Run;

/// For how long Redis is away.
const AWAY: Duration = Duration::from_secs(3);
/// For how long signed requests may be refused after that: the skew of the server's signatures and a second, in which
/// signatures from before can still be used, and the time in which the server connects again.
const RECOVERY: Duration = Duration::from_secs(5 + 1 + 4);
/// When in a minute it happens. At its beginning files are reloaded.
const IN_THE_MINUTE: Duration = Duration::from_secs(25);

/// Starts Redis. It ends with this process.
pub async fn start() -> RedisServer {
    let until_parent_ends = &["setpriv", "--pdeathsig", "KILL"];
    // Revocations outlive a restart, as the guide recommends.
    RedisServer::start_by(until_parent_ends, &[("appendonly", "yes")]).await
}

/// Restarts Redis after a third and two thirds of the run.
pub async fn restart_twice(run: Arc<Run>, redis: Arc<RedisServer>) {
    let opened = run.now();
    for third in [1, 2] {
        let at = opened + Duration::from_secs(60 * (run.minutes * third / 3)) + IN_THE_MINUTE;
        if run.stop.run_until_cancelled(sleep(at.saturating_sub(run.now()))).await.is_none() {
            return;
        }
        let _calm = run.calm.lock().await;
        run.record().outages.begin(run.now());
        redis.kill();
        run.record().outages.killed(run.now());
        sleep(AWAY).await;
        run.record().outages.started(run.now());
        if third == 1 {
            redis.restart().await;
        } else {
            redis.restart_empty().await;
        }
        sleep(RECOVERY).await;
        run.record().outages.recovered(run.now());
    }
}
