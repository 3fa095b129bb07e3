//! Clients that vanish, and connections that never get as far as a request.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::credential::Addresses;
use super::http::{Events, connect};
use super::request::post;
use super::run::Run;
use super::ticks::Ticks;

/// How many clients vanish, and how many connections are opened, in each second.
const EACH_SECOND: usize = 10;
/// After how many seconds a stream's client vanishes.
const STREAM_SECONDS: usize = 10;
/// After how many seconds a half-open connection is closed: later than the server should.
const HALF_OPEN_SECONDS: usize = 20;

/// Opens streams whose clients vanish, and sends requests whose clients do not wait for the answer.
pub async fn vanish(run: Arc<Run>) {
    let mut open: VecDeque<Events> = VecDeque::new();
    let mut number = 0;
    let mut ticks = Ticks::of(&run, Duration::from_secs(1));
    while ticks.next().await {
        for _ in 0..EACH_SECOND {
            number += 1;
            let client = &run.population[number * 41 % run.population.len()];
            open.extend(run.open("a stream of a client that vanishes", client).await);
            if let Ok(mut stream) = connect(client.address, run.server).await {
                let _ = stream.write_all(&post(client)).await;
                let _ = stream.set_zero_linger();
            }
            while open.len() > EACH_SECOND * STREAM_SECONDS {
                let Some(events) = open.pop_front() else { break };
                events.vanish(number % 2 == 0);
                run.record().count("vanished clients");
            }
        }
    }
}

/// Opens connections, and sends nothing on them, half of a head, or half of a body.
pub async fn half_open(run: Arc<Run>) {
    static ADDRESSES: Addresses = Addresses::of(4);
    let mut open: VecDeque<TcpStream> = VecDeque::new();
    let mut number = 0;
    let mut ticks = Ticks::of(&run, Duration::from_secs(1));
    while ticks.next().await {
        for _ in 0..EACH_SECOND {
            number += 1;
            let client = &run.population[number * 43 % run.population.len()];
            let Ok(mut stream) = connect(ADDRESSES.next(), run.server).await else { continue };
            let request = post(client);
            let sent = match number % 3 {
                0 => 0,
                1 => request.len() / 2,
                _ => request.len() - 10,
            };
            let _ = stream.write_all(&request[..sent]).await;
            open.push_back(stream);
            run.record().count("half-open connections");
            while open.len() > EACH_SECOND * HALF_OPEN_SECONDS {
                open.pop_front();
            }
        }
    }
}
