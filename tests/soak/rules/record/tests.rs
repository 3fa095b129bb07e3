use super::*;

const PLAN: Plan = Plan { minutes: 3, streams: 100 };

fn seconds(at: u64) -> Duration {
    Duration::from_secs(at)
}

fn answer(scheme: Scheme, expected: Expected, at: u64, status: u16) -> Answer {
    let (sent, answered) = (seconds(at), seconds(at) + Duration::from_millis(1));
    let (what, status, is_of_another) = ("a request", Some(status), false);
    Answer { what, scheme, expected, sent, answered, status, is_of_another }
}

fn revocation(at: u64, took: impl Into<Option<Duration>>) -> Revocation {
    Revocation { how: "a handle", at: seconds(at), took: took.into(), limit: seconds(1) }
}

fn sample(at: u64) -> Sample {
    Sample { at: seconds(at), resident: 1000, descriptors: 120, tasks: 110, streams: 100 }
}

/// The record of a run that keeps every rule.
fn good() -> Record {
    let mut record = Record::new(PLAN);
    record.opened(seconds(0));
    for restart in [70, 130] {
        record.outages.begin(seconds(restart));
        record.outages.killed(seconds(restart));
        record.outages.started(seconds(restart + 3));
        record.outages.recovered(seconds(restart + 10));
        record.answer(&answer(Scheme::Signature, Expected::Served, restart + 1, 503));
    }
    for at in 0..180 {
        for scheme in Scheme::ALL {
            if scheme != Scheme::Signature || !(70..=140).contains(&at) || at == 100 {
                record.answer(&answer(scheme, Expected::Served, at, 200));
            }
            record.answer(&answer(scheme, Expected::Refused, at, 401));
        }
        record.answer(&answer(Scheme::Token, Expected::Flood, at, 429));
        record.revocation(&revocation(at, Duration::from_millis(at)));
        record.sample(sample(at));
        record.count("vanished clients");
        record.count("half-open connections");
        record.count("revoked credentials tried again");
    }
    record.count("reloads");
    record.count("reloads");
    record.start = Some(Sample { descriptors: 20, tasks: 10, ..Sample::default() });
    record.end = record.start;
    record
}

fn rules(record: &Record) -> Vec<Rule> {
    let mut rules: Vec<_> = record.broken().into_iter().map(|broken| broken.rule).collect();
    rules.dedup();
    rules
}

/// The rules that a change of the good record breaks.
fn broken_by(change: impl FnOnce(&mut Record)) -> Vec<Rule> {
    let mut record = good();
    change(&mut record);
    rules(&record)
}

#[test]
fn good_record_breaks_no_rule() {
    assert_eq!(good().broken(), []);
}

#[test]
fn refused_valid_request_is_reported() {
    let refused = answer(Scheme::Jwt, Expected::Served, 90, 401);
    assert_eq!(broken_by(|record| record.answer(&refused)), [Rule::ValidIsServed]);
}

#[test]
fn served_invalid_request_is_reported() {
    let served = answer(Scheme::Jwt, Expected::Refused, 90, 200);
    assert_eq!(broken_by(|record| record.answer(&served)), [Rule::InvalidIsRefused]);
}

#[test]
fn ended_stream_is_reported() {
    let broken = broken_by(|record| record.stream_ended(Scheme::Token, "ended", seconds(90)));
    assert_eq!(broken, [Rule::StreamsStayOpen]);
}

#[test]
fn late_revocation_is_reported() {
    for took in [Some(Duration::from_millis(1001)), None] {
        let broken = broken_by(|record| record.revocation(&revocation(90, took)));
        assert_eq!(broken, [Rule::RevokedInTime]);
    }
}

#[test]
fn leaks_are_reported() {
    let large = Sample { resident: 1100, ..sample(170) };
    assert_eq!(broken_by(|record| record.sample(large)), [Rule::MemoryIsFlat]);
    let descriptors = |record: &mut Record| record.end.as_mut().unwrap().descriptors += 1;
    assert_eq!(broken_by(descriptors), [Rule::DescriptorsReturn]);
    let tasks = |record: &mut Record| record.end.as_mut().unwrap().tasks += 1;
    assert_eq!(broken_by(tasks), [Rule::TasksReturn]);
}

#[test]
fn what_was_not_tested_is_reported() {
    let changes: [fn(&mut Record); 10] = [
        |record| record.outages = Outages::default(),
        |record| record.counts.clear(),
        |record| _ = record.counts.remove("reloads"),
        |record| record.minutes.truncate(3),
        |record| record.end = None,
        |record| record.minutes.iter_mut().skip(1).for_each(|minute| minute.revocations = 39),
        |record| record.minutes[2].fewest_streams = Some(99),
        |record| record.minutes[2].answers.retain(|(scheme, ..), _| *scheme != Scheme::Jwt),
        |record| {
            let is_throttled = |status: u16| status == 429;
            let minutes = record.minutes.iter_mut();
            minutes.for_each(|minute| minute.answers.retain(|(_, _, of), _| !is_throttled(*of)));
        },
        |record| {
            let is_refused =
                |scheme, expected| (scheme, expected) == (Scheme::Jwt, Expected::Refused);
            let minutes = record.minutes.iter_mut();
            minutes.for_each(|minute| minute.answers.retain(|(a, b, _), _| !is_refused(*a, *b)));
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        assert_eq!(broken_by(change), [Rule::RunIsComplete], "change {number}");
    }
}

#[test]
fn many_cases_of_a_rule_are_summarized() {
    let mut record = good();
    for at in 0..100 {
        record.stream_ended(Scheme::Token, "ended", seconds(at));
    }
    let broken = record.broken();
    assert_eq!(broken.len(), REPORTED + 1);
    assert_eq!(broken[REPORTED].how, "and 95 more of 100");
}

#[test]
fn warm_up_is_a_quarter_and_five_minutes_at_most() {
    let minutes = |minutes| Plan { minutes, streams: 1 }.warm_up().as_secs() / 60;
    assert_eq!([3, 5, 8, 20, 60].map(minutes), [1, 1, 2, 5, 5]);
}
