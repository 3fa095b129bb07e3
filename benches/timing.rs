//! Tests whether the time of a decision tells something about secrets: a statistical test in the manner of dudect.
//!
//! ```sh
//! cargo bench --bench timing                              # all cases, about an hour
//! cargo bench --bench timing -- session password          # those whose names contain one of these words
//! cargo bench --bench timing -- --measurements 100000     # so many times of each case
//! ```
//!
//! Each case has two classes of inputs that are refused: a secret that is right in its first half, and one that is right
//! in its second half; or a name that is known, and one that is not. The wrong halves are random, and so is the order of the
//! classes. A time is that of one decision, by the clock of `std::time::Instant`. |t| of 4.5 or more shows that the times
//! of the two classes differ. A leak is seeded, so that the test is seen to find one. Without `--bench`, as in
//! `cargo test`, few times are taken, the leak has to be found all the same, and nothing is said about the other cases.

#[path = "timing/case.rs"]
mod case;
#[allow(dead_code, reason = "other benchmarks have contenders")]
mod harness;
#[path = "timing/macs.rs"]
mod macs;
#[path = "timing/measure.rs"]
mod measure;
#[path = "timing/password_files.rs"]
mod password_files;
#[path = "harness/request.rs"]
mod request;
#[path = "timing/statistics.rs"]
mod statistics;
#[path = "timing/tokens.rs"]
mod tokens;

use std::process::ExitCode;

use case::Case;
use statistics::Finding;

/// Beyond this, dudect says that an implementation is not constant time: one that is gets there in seven of a million
/// tests.
const THRESHOLD: f64 = 4.5;
/// How many times are taken of the leak, and of each case if this is no measurement.
const LEAK: u64 = 100_000;
const FEW: u64 = 200;

fn main() -> ExitCode {
    let measures = harness::measuring();
    let Options { words, measurements } = Options::from_arguments();
    let cases = [tokens::cases(), macs::cases(), password_files::cases()].into_iter().flatten();
    let is_asked_for =
        |case: &Case| words.is_empty() || words.iter().any(|word| case.name.contains(&**word));

    println!("| {:<42} | measurements | ns | difference, ns |    t | t/√n |", "case");
    println!("| :{:-<41} | ---: | ---: | ---: | ---: | ---: |", "");
    let leaks = run(tokens::leak(), LEAK);
    let mut differing = Vec::new();
    for case in cases.filter(is_asked_for) {
        let count = measurements.unwrap_or(if measures { case.count } else { FEW });
        let name = case.name;
        if run(case, count) {
            differing.push(name);
        }
    }
    if !leaks {
        println!("\nThe seeded leak was not found.");
    }
    if measures && !differing.is_empty() {
        println!("\nThe times of both classes differ: {}.", differing.join("; "));
    }
    if leaks && (differing.is_empty() || !measures) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the row of a case, and returns whether the times of its classes differ.
fn run(case: Case, count: u64) -> bool {
    let name = case.name;
    let comparison = case.run(count);
    let (mean, difference) = comparison.mean_and_difference();
    let Finding { t, count: compared } = comparison.finding();
    let effect = if compared == 0 { 0.0 } else { t / (compared as f64).sqrt() };
    println!("| {name:<42} | {count} | {mean:.0} | {difference:+.2} | {t:+.1} | {effect:+.5} |");
    t.abs() >= THRESHOLD
}

/// What the arguments ask for.
#[derive(Default)]
struct Options {
    words: Vec<String>,
    measurements: Option<u64>,
}

impl Options {
    fn from_arguments() -> Self {
        let mut options = Self::default();
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match &*argument {
                "--measurements" => {
                    let count = arguments.next().and_then(|count| count.parse().ok());
                    options.measurements = Some(count.expect("--measurements needs a number"));
                }
                flag if flag.starts_with("--") => {} // of cargo
                _ => options.words.push(argument),
            }
        }
        options
    }
}
