//! The record as a table, and as JSON.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Expected, Scheme};
use super::minute::Minute;
use super::record::Record;
use super::rule::Rule;
use super::sample::{Sample, baseline, highest};

/// Returns the totals of a run as a table in Markdown.
pub fn table(record: &Record) -> String {
    let mut rows =
        vec![row("minutes", record.plan.minutes), row("streams open", fewest_streams(record))];
    for scheme in Scheme::ALL {
        let served = total(record, |of, _, status| of == scheme && status == 200);
        rows.push(row(&format!("served: {}", scheme.name()), served));
    }
    let unavailable = |_: Scheme, expected, status| expected == Expected::Served && status == 503;
    let invalid = |_, expected, status| expected == Expected::Refused && status == 401;
    rows.push(row("valid, and 503 while Redis was away or recovered", total(record, unavailable)));
    rows.push(row("refused: invalid", total(record, invalid)));
    for status in [401, 429, 503] {
        let flood = total(record, |_, expected, of| expected == Expected::Flood && of == status);
        rows.push(row(&format!("refused: flood, {status}"), flood));
    }
    rows.push(row("restarts of Redis", record.outages.ended()));
    rows.extend(record.counts.iter().map(|(what, count)| row(what, count)));
    for (how, (count, slowest)) in &record.revocations {
        rows.push(row(
            &format!("revoked by {how}; the slowest"),
            format!("{count}; {}", millis(*slowest)),
        ));
    }
    let warm = record.warm();
    let (first, most) = (baseline(&record.samples, warm), highest(&record.samples, warm));
    let most = most.map(|sample| sample.resident);
    rows.push(row("resident memory after the warm-up; its peak", memory(first, most)));
    for (what, figure) in [
        ("file descriptors", (|sample| sample.descriptors) as fn(Sample) -> u64),
        ("tasks", |sample| sample.tasks),
    ] {
        let [start, end] = [record.start, record.end].map(|sample| or_dash(sample.map(figure)));
        rows.push(row(&format!("{what} at the start; at the end"), format!("{start}; {end}")));
    }
    let broken = record.broken();
    for rule in Rule::ALL {
        let count = broken.iter().filter(|broken| broken.rule == rule).count();
        rows.push(row(rule.text(), if count == 0 { "yes" } else { "**no**" }));
    }
    format!("| what | figure |\n| --- | ---: |\n{}", rows.concat())
}

fn row(what: &str, figure: impl ToString) -> String {
    format!("| {what} | {} |\n", figure.to_string())
}

fn memory(first: Option<u64>, most: Option<u64>) -> String {
    let mib = |kib: u64| format!("{:.1} MiB", kib as f64 / 1024.0);
    let mut text = or_dash(first.map(mib));
    let _ = write!(text, "; {}", or_dash(most.map(mib)));
    if let (Some(first), Some(most)) = (first, most) {
        let _ = write!(text, " ({:+.1} %)", (most as f64 / first as f64 - 1.0) * 100.0);
    }
    text
}

fn or_dash(figure: Option<impl ToString>) -> String {
    figure.map_or("–".into(), |figure| figure.to_string())
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn total(record: &Record, is_meant: impl Fn(Scheme, Expected, u16) -> bool) -> u64 {
    record.minutes.iter().map(|minute| minute.count(&is_meant)).sum()
}

fn fewest_streams(record: &Record) -> u64 {
    let minutes = record.minutes.iter().skip(1).take(record.plan.minutes as usize);
    minutes.filter_map(|minute| minute.fewest_streams).min().unwrap_or(0)
}

/// Returns the figures of each minute, and the broken rules. Minute 0 is the time in which the streams were opened.
pub fn json(record: &Record) -> Value {
    let minutes: Vec<_> = record.minutes.iter().enumerate().map(minute).collect();
    let revocations = record.revocations.iter().map(|(how, (count, slowest))| {
        json!({ "by": how, "count": count, "slowest_ms": slowest.as_secs_f64() * 1000.0 })
    });
    let broken = record.broken();
    let broken =
        broken.iter().map(|broken| json!({ "rule": broken.rule.text(), "how": broken.how }));
    json!({
        "minutes": minutes,
        "revocations": revocations.collect::<Vec<_>>(),
        "counts": record.counts,
        "restarts": record.outages.ended(),
        "warm_up_minutes": record.plan.warm_up().as_secs() / 60,
        "start": record.start.map(sample),
        "end": record.end.map(sample),
        "broken": broken.collect::<Vec<_>>(),
    })
}

fn minute((number, minute): (usize, &Minute)) -> Value {
    let mut requests = json!({});
    for ((scheme, expected, status), count) in &minute.answers {
        requests[scheme.name()][expected.name()][status.to_string()] = json!(count);
    }
    json!({
        "minute": number,
        "requests": requests,
        "open_streams": minute.fewest_streams,
        "resident_kib": minute.resident,
        "descriptors": minute.descriptors,
        "tasks": minute.tasks,
        "revocations": minute.revocations,
        "slowest_revocation_ms": minute.slowest_revocation.as_secs_f64() * 1000.0,
    })
}

fn sample(sample: Sample) -> Value {
    let Sample { resident, descriptors, tasks, .. } = sample;
    json!({ "resident_kib": resident, "descriptors": descriptors, "tasks": tasks })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Answer, Plan, Revocation};

    fn record() -> Record {
        let mut record = Record::new(Plan { minutes: 1, streams: 1 });
        record.opened(Duration::ZERO);
        record.answer(&Answer {
            what: "a request",
            scheme: Scheme::Token,
            expected: Expected::Served,
            sent: Duration::from_secs(1),
            answered: Duration::from_secs(2),
            status: Some(401),
            is_of_another: false,
        });
        let took = Some(Duration::from_millis(7));
        let limit = Duration::from_secs(1);
        let at = Duration::from_secs(2);
        record.revocation(&Revocation { how: "a handle", at, took, limit });
        record
    }

    #[test]
    fn table_says_which_rules_hold() {
        let table = table(&record());
        let has = |line: &str| table.lines().any(|of| of == line);
        assert!(has("| every request with a valid credential is served | **no** |"), "{table}");
        assert!(has("| every request without a valid credential is refused | yes |"), "{table}");
        assert!(has("| revoked by a handle; the slowest | 1; 7.0 ms |"), "{table}");
    }

    #[test]
    fn json_has_requests_by_minute_scheme_and_status() {
        let json = json(&record());
        assert_eq!(json["minutes"][1]["requests"]["token"]["valid"]["401"], 1);
        assert_eq!(json["minutes"][1]["slowest_revocation_ms"], 7.0);
        assert_eq!(json["broken"][0]["rule"], Rule::ValidIsServed.text());
    }
}
