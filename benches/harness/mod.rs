//! What the benchmarks share: contenders that take turns, a batch of calls at a time, and a table of
//! them. A time is the median over all rounds, a ratio the median of the rounds' ratios: what
//! disturbs the machine disturbs neighbors alike.

use std::fmt::Debug;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use tower::Service;

const BATCH: usize = 32;

/// Whether this is a measurement. As criterion and divan have it: `cargo bench` passes `--bench`,
/// and anything else is a test, which runs everything once.
pub fn measuring() -> bool {
    let passed = |flag| std::env::args().any(|argument| argument == flag);
    passed("--bench") && !passed("--test")
}

pub struct Contender<'a> {
    name: &'static str,
    /// Does a batch: nanoseconds and allocations per call.
    round: Box<dyn FnMut() -> [f64; 2] + 'a>,
}

/// Something that is done with what `prepare` makes. Preparing is not timed, dropping is.
pub fn contender<'a, I, O>(
    name: &'static str,
    mut prepare: impl FnMut() -> I + 'a,
    mut call: impl FnMut(I) -> O + 'a,
) -> Contender<'a>
where
    I: 'a,
{
    let mut batch = Vec::with_capacity(BATCH);
    let round = Box::new(move || {
        batch.extend((0..BATCH).map(|_| prepare()));
        let mut nanos = 0;
        let counted = allocation_counter::measure(|| {
            let start = Instant::now();
            for prepared in batch.drain(..) {
                black_box(call(prepared));
            }
            nanos = start.elapsed().as_nanos();
        });
        [nanos as f64, counted.count_total as f64].map(|sum| sum / BATCH as f64)
    });
    Contender { name, round }
}

/// A service that answers such requests with this status, which is checked once.
pub fn service<'a, S>(
    name: &'static str,
    status: StatusCode,
    mut service: S,
    mut request: impl FnMut() -> Request + 'a,
) -> Contender<'a>
where
    S: Service<Request, Response = Response, Error: Debug> + 'a,
{
    assert_eq!(answer(&mut service, request()).status(), status, "{name}");
    contender(name, request, move |request| answer(&mut service, request))
}

/// Drives a call without a runtime: nothing here has to wait.
pub fn answer<S>(service: &mut S, request: Request) -> Response
where
    S: Service<Request, Response = Response, Error: Debug>,
{
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready());
    now(service.call(request)).expect("nothing here fails")
}

/// The output of a future that need not wait.
pub fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing here has to wait"),
    }
}

/// Prints a table of the contenders; the first one is what the others are compared with. Returns
/// each round's nanoseconds per call.
pub fn measure(case: &str, rounds: usize, mut contenders: Vec<Contender>) -> Vec<Vec<f64>> {
    let rounds: Vec<Vec<_>> =
        (0..rounds).map(|_| contenders.iter_mut().map(|one| (one.round)()).collect()).collect();
    println!("\n| {case:<34} | ns/call |  ratio | allocations |");
    println!("| :{:-<33} | ------: | -----: | ----------: |", "");
    for (index, Contender { name, .. }) in contenders.iter().enumerate() {
        let over_rounds = |figure: &dyn Fn(&[[f64; 2]]) -> f64| {
            median(rounds.iter().map(|round| figure(round)).collect())
        };
        println!(
            "| {name:<34} | {:>7.0} | {:>6.2} | {:>11} |",
            over_rounds(&|round| round[index][0]),
            over_rounds(&|round| round[index][0] / round[0][0]),
            over_rounds(&|round| round[index][1]),
        );
    }
    rounds.iter().map(|round| round.iter().map(|[nanos, _]| *nanos).collect()).collect()
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
