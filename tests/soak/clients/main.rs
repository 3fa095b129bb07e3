//! The clients of the soak, which also start the server and Redis, and say at the end which rules were kept.
//!
//!     soak --minutes N [--json FILE]

#[allow(dead_code)]
#[path = "../../it/support/access_token.rs"]
mod access_token;
mod credential;
mod files;
#[allow(dead_code)]
#[path = "../../it/support/forged_request.rs"]
mod forged_request;
mod http;
mod redis;
mod request;
mod restarts;
mod revoking;
mod run;
mod server;
mod streams;
mod ticks;
mod traffic;
mod vanishing;
mod watched;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::{ExitCode, exit};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use soak_rules::{Broken, Plan, Record, Rule, Sample, json, table};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use self::files::{Files, population};
use self::http::exchange;
use self::request::post;
use self::run::Run;
use self::server::Server;

/// How long everything may take besides the minutes: opening the streams, and closing them.
const BESIDES: Duration = Duration::from_secs(600);
/// How long the server may take until it is as at the start.
const PATIENCE: Duration = Duration::from_secs(120);
/// The time between two measurements of the server.
const PAUSE: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let result = match parse(&arguments) {
        Some((minutes, json)) => soak(minutes, json).await,
        None => Err("usage: soak --minutes N [--json FILE], of three minutes or more".into()),
    };
    result.unwrap_or_else(|error| {
        eprintln!("soak: {error}");
        ExitCode::FAILURE
    })
}

fn parse(arguments: &[String]) -> Option<(u64, Option<PathBuf>)> {
    let (mut minutes, mut json) = (None, None);
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--minutes" => minutes = value.parse().ok(),
            [name, value] if name == "--json" => json = Some(value.into()),
            _ => return None,
        }
    }
    let minutes = minutes.filter(|minutes| (3..=600).contains(minutes))?;
    Some((minutes, json))
}

/// Runs, reports, and returns whether all rules were kept.
async fn soak(minutes: u64, to: Option<PathBuf>) -> Result<ExitCode, Box<dyn Error>> {
    let longest = Duration::from_secs(60 * minutes) + BESIDES;
    end_after(longest);
    let directory = tempfile::Builder::new().prefix("soak").tempdir()?;
    let (population, issuer) = population();
    let files = Files::new(directory.path(), &population, &issuer);
    let batch = revoking::batch(&files, 0);
    files.write(&batch)?;
    let redis = Arc::new(restarts::start().await);
    let server = Server::start(directory.path(), &redis.url(), longest)?;
    let plan = Plan { minutes, streams: streams::count(&population) };
    let ports = (server.address, server.private);
    let run = Arc::new(Run::new(Record::new(plan), minutes, ports, (population, issuer)));

    begin(&run).await?;
    let mut clients = streams::open_all(&run).await;
    eprintln!("{} streams are open after {:.0?}", run.open_streams.load(Relaxed), run.now());
    run.record().opened(run.now());
    clients.spawn(traffic::valid(run.clone()));
    clients.spawn(traffic::invalid(run.clone()));
    clients.spawn(traffic::revoked(run.clone()));
    clients.spawn(traffic::flood(run.clone()));
    clients.spawn(vanishing::vanish(run.clone()));
    clients.spawn(vanishing::half_open(run.clone()));
    clients.spawn(restarts::restart_twice(run.clone(), redis.clone()));
    clients.spawn(watch(run.clone()));
    let revoking = revoking::start(run.clone(), files, batch);

    sleep(Duration::from_secs(60 * minutes)).await;
    run.stop.cancel();
    join(clients).await?;
    tokio::task::spawn_blocking(|| revoking.join())
        .await?
        .map_err(|_| "the thread of revocations panicked")?;
    end(&run).await;

    let record = run.record();
    println!("{}", table(&record));
    if let Some(file) = to {
        fs::write(file, format!("{:#}\n", json(&record)))?;
    }
    let broken = record.broken();
    broken.iter().for_each(|broken| eprintln!("{broken}"));
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Ends the process, and so the server and Redis, if it hangs.
fn end_after(time: Duration) {
    thread::spawn(move || {
        thread::sleep(time);
        eprintln!("soak: not finished after {time:?}");
        exit(1);
    });
}

async fn join(mut clients: JoinSet<()>) -> Result<(), Box<dyn Error>> {
    while let Some(ended) = clients.join_next().await {
        ended?;
    }
    Ok(())
}

/// Waits until a request of each scheme is served, and measures the server. At its very first start Redis has no nonces, so
/// signed requests are refused for a while.
async fn begin(run: &Run) -> Result<(), Box<dyn Error>> {
    let deadline = Instant::now() + PATIENCE;
    for client in &run.population[..soak_rules::Scheme::ALL.len()] {
        while exchange(client.address, run.server, &post(client)).await.status != Some(200) {
            if Instant::now() > deadline {
                return Err(format!("no request of {} is served", client.name).into());
            }
            sleep(PAUSE).await;
        }
    }
    // The connections of these requests have ended once nothing changes any more.
    let mut before = None;
    loop {
        let sample = run.private.sample(run.now(), 0).await.ok_or("the server does not answer")?;
        let figures = Some((sample.descriptors, sample.tasks));
        if figures == before {
            run.record().start = Some(sample);
            return Ok(());
        }
        before = figures;
        sleep(PAUSE).await;
    }
}

/// Measures the server, and says each minute that it goes on.
async fn watch(run: Arc<Run>) {
    let mut next = run.now();
    let mut minutes = 0;
    while run.stop.run_until_cancelled(sleep(PAUSE)).await.is_some() {
        let streams = run.open_streams.load(Relaxed);
        let Some(sample) = run.private.sample(run.now(), streams).await else {
            let text = "the server did not say how many tasks it has";
            run.record().break_rule(Broken::new(Rule::RunIsComplete, text));
            continue;
        };
        run.record().sample(sample);
        if run.now() >= next {
            let Sample { resident, descriptors, tasks, .. } = sample;
            eprintln!("minute {minutes}: {resident} KiB, {descriptors} descriptors, {tasks} tasks");
            minutes += 1;
            next += Duration::from_secs(60);
        }
    }
}

/// Waits until the server is as at the start, and measures it.
async fn end(run: &Run) {
    let start = run.record().start.unwrap_or_default();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let sample = run.private.sample(run.now(), 0).await;
        let is_as_before = sample.is_some_and(|sample| {
            sample.descriptors <= start.descriptors && sample.tasks <= start.tasks
        });
        if is_as_before || Instant::now() > deadline {
            run.record().end = sample;
            return;
        }
        sleep(PAUSE).await;
    }
}
