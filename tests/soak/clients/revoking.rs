//! Revocations every second, reloads every minute, and how long each takes to be effective. They have a thread of their own,
//! so that other clients do not delay what is measured.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use futures::future::join_all;
use soak_rules::{Broken, Revocation, Rule, Scheme};
use tokio::runtime::Builder;

use super::credential::{Client, Credential};
use super::files::{Batch, Files};
use super::run::Run;
use super::ticks::Ticks;
use super::watched::Watched;

/// How long a revoked credential may last.
const LIMIT: Duration = Duration::from_secs(1);
/// The same, from the change of a file which the server notices by itself: it looks twice a second, and waits until the file
/// stays the same.
const WATCHED_LIMIT: Duration = Duration::from_secs(2);
/// How many credentials a batch has that are revoked one by one.
const EACH_MINUTE: usize = 60;

/// A way to revoke: the scheme, at what, what, and what the report says.
struct Way(Scheme, &'static str, &'static str, &'static str);

const WAYS: [Way; 10] = [
    Way(Scheme::Token, "handle", "token", "a handle"),
    Way(Scheme::Signature, "handle", "key", "a handle"),
    Way(Scheme::Jwt, "replica", "jti", "another replica"),
    Way(Scheme::Password, "replica", "principal", "another replica"),
    Way(Scheme::Token, "own", "token", "this replica"),
    Way(Scheme::Token, "replica", "token", "another replica"),
    Way(Scheme::Signature, "replica", "principal", "another replica"),
    Way(Scheme::Jwt, "own", "jti", "this replica"),
    Way(Scheme::Jwt, "replica", "subject", "another replica"),
    Way(Scheme::Password, "own", "principal", "this replica"),
];

impl Way {
    /// Returns whether it works while Redis is away, and can be seen then.
    fn needs_redis(&self) -> bool {
        self.1 == "replica" || self.0 == Scheme::Signature
    }
}

/// Makes a batch whose clients are revoked in all ways in turn.
pub fn batch(files: &Files, number: u64) -> Batch {
    files.batch(number, WAYS.iter().cycle().map(|way| way.0).take(EACH_MINUTE))
}

/// Starts the thread. It ends when the run stops.
pub fn start(run: Arc<Run>, files: Files, first: Batch) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(revoke_and_reload(&run, &files, first));
    })
}

async fn revoke_and_reload(run: &Run, files: &Files, mut batch: Batch) {
    let opened = run.now();
    let mut minute = 1;
    let mut ways = WAYS.iter().cycle().take(EACH_MINUTE).collect::<Vec<_>>();
    ways.reverse();
    let all_ways = ways.clone();
    let mut ticks = Ticks::of(run, Duration::from_secs(1));
    while ticks.next().await {
        let calm = run.calm.try_lock().ok();
        let is_due = run.now() >= opened + Duration::from_secs(60 * minute);
        if is_due && minute < run.minutes && calm.is_some() {
            let next = self::batch(files, minute);
            reload(run, files, &batch, &next, minute % 2 == 1).await;
            (batch, ways) = (next, all_ways.clone());
            minute += 1;
            continue;
        }
        let is_possible = |way: &&Way| calm.is_some() || !way.needs_redis();
        if let Some(at) = ways.iter().rposition(is_possible) {
            let (way, client) = (ways.remove(at), batch.to_revoke.remove(at));
            revoke(run, way, client, calm.is_some()).await;
        }
    }
}

/// Revokes a credential that has open streams, and measures from the answer on.
async fn revoke(run: &Run, way: &Way, client: Client, is_calm: bool) {
    let Some(watched) = Watched::start(run, client).await else { return };
    let value = value(way.2, watched.client());
    let at = run.now();
    let reply = run.private.revoke(way.1, way.2, &value).await;
    let revoked = Instant::now();
    // Without Redis it is revoked all the same, at this replica.
    if reply.status != Some(200) && (is_calm || reply.status != Some(202)) {
        let text = format!("revoking by {} was answered {:?} {}", way.3, reply.status, reply.body);
        run.record().break_rule(Broken::new(Rule::RunIsComplete, text));
    }
    let took = watched.ended(run, revoked).await;
    run.record().revocation(&Revocation { how: way.3, at, took, limit: LIMIT });
}

fn value(what: &str, client: &Client) -> String {
    match (what, &client.credential) {
        ("token", Credential::Token(token)) => token.clone(),
        ("jti", Credential::Jwt { id, .. }) => id.clone(),
        _ => client.name.clone(),
    }
}

/// Replaces the files. The batch before ends, and the next one is accepted. The server is told to read them, or notices.
async fn reload(run: &Run, files: &Files, before: &Batch, next: &Batch, is_told: bool) {
    let watched = before.to_remove.iter().map(|client| Watched::start(run, client.clone()));
    let watched: Vec<_> = join_all(watched).await.into_iter().flatten().collect();
    let at = run.now();
    if let Err(error) = files.write(next) {
        let text = format!("the files could not be written: {error}");
        return run.record().break_rule(Broken::new(Rule::RunIsComplete, text));
    }
    let (how, limit) = if is_told {
        let reply = run.private.reload().await;
        if reply.status != Some(200) {
            let text = format!("a reload was answered {:?} {}", reply.status, reply.body);
            run.record().break_rule(Broken::new(Rule::RunIsComplete, text));
        }
        ("a reload", LIMIT)
    } else {
        ("a changed file", WATCHED_LIMIT)
    };
    let changed = Instant::now();
    let ended = join_all(watched.into_iter().map(|watched| watched.ended(run, changed))).await;
    // All of them, or not at all.
    let took = ended.into_iter().try_fold(Duration::ZERO, |slowest, took| Some(slowest.max(took?)));
    run.record().revocation(&Revocation { how, at, took, limit });
    // What was removed is refused by now, so what was added is accepted if the four files are read within the limit.
    if !is_told {
        tokio::time::sleep((changed + limit).saturating_duration_since(Instant::now())).await;
    }
    for client in &next.to_remove {
        run.send_valid("a request with an added credential", client).await;
    }
    run.record().count("reloads");
}
