//! The events of a stream, beside an oracle that reads the stream as a whole.

use std::cell::Cell;
use std::collections::VecDeque;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::super::super::oracle::{Shown, filtered_stream, is_between_events};
use super::super::MAX_UNDECIDED;
use super::*;

const MAX_LIST: usize = 4 * 1024 * 1024;
const LIST: &str = r#"{"id":1,"result":{"tools":[{"name":"evil"},{"name":"search"}]}}"#;
const FILTERED: &str = r#"{"id":1,"result":{"tools":[{"name":"search"}]}}"#;
const NO_LIST: &str = r#"{"id":2,"result":{"content":[],"tools":[{"name":"evil"}]}}"#;

/// Returns what of a stream in these chunks is sent, and whether all of it is. After each chunk, the filter must know
/// whether the client is between two events.
fn streamed<'c>(max_list: usize, chunks: impl IntoIterator<Item = &'c [u8]>) -> (Vec<u8>, bool) {
    let mut filter = EventFilter::new(max_list);
    let (mut parts, mut out) = (VecDeque::new(), Vec::new());
    let mut passed = Vec::new(); // with lists as they were
    for chunk in chunks {
        let chunk = Bytes::copy_from_slice(chunk);
        let is_short = passed.len() < 1000; // the oracle reads all of it again
        let result = filter.push(chunk, &|| false, &mut parts);
        if !send(&mut parts, &mut out, &mut passed) || result.is_err() {
            return (out, false);
        }
        if is_short {
            let is_between = is_between_events(&passed);
            assert_eq!(filter.is_between_events(), is_between, "after {}", passed.escape_ascii());
        }
    }
    parts.extend(filter.finish());
    assert!(filter.finish().is_none(), "nothing is held any more");
    let is_all = send(&mut parts, &mut out, &mut passed);
    (out, is_all)
}

fn send(parts: &mut VecDeque<Part>, out: &mut Vec<u8>, passed: &mut Vec<u8>) -> bool {
    for part in parts.drain(..) {
        match part {
            Part::Passing(bytes) => {
                out.extend(&bytes);
                passed.extend(&bytes);
            }
            Part::Event(event) => {
                passed.extend(event.clone().unchanged());
                let Ok(data) = String::from_utf8(event.data()) else { return false };
                match filter(&data) {
                    Ok(filtered) if filtered == data => out.extend(event.unchanged()),
                    Ok(filtered) => out.extend(event.with_data(filtered.into_bytes())),
                    Err(_) => return false,
                }
            }
        }
    }
    true
}

/// Returns what the oracle sends of a stream.
fn expected(text: &[u8]) -> (Vec<u8>, bool) {
    let verdict = |data: &[u8]| Classifier::new().push(&data[..data.len().min(MAX_UNDECIDED)]);
    let is_decided = |data: &[u8]| verdict(data) != Verdict::Undecided;
    filtered_stream(text, is_decided, |data, is_whole| {
        match verdict(data) {
            Verdict::Undecided if is_whole || data.len() > MAX_UNDECIDED => {}
            Verdict::Undecided => return Shown::Unchanged,
            Verdict::Passing if !is_whole => return Shown::Unchanged,
            Verdict::Passing | Verdict::Whole => {}
        }
        let Ok(text) = str::from_utf8(data) else { return Shown::Nothing };
        if Lists::read(data).is_err() {
            return Shown::Nothing;
        }
        let filtered = filtered(text, &|_, name| is_visible(name)).expect("it is JSON");
        if filtered == text { Shown::Unchanged } else { Shown::Changed(filtered.into_bytes()) }
    })
}

fn shown((out, is_all): (Vec<u8>, bool)) -> String {
    let end = if is_all { "" } else { " and an error" };
    format!("{}{end}", out.escape_ascii())
}

/// Checks that a stream becomes this, wherever it is cut.
#[track_caller]
fn assert_sent(text: &str, sent: &str) {
    let sent = shown((sent.as_bytes().to_vec(), true));
    assert_eq!(shown(expected(text.as_bytes())), sent, "by the oracle");
    assert_eq!(shown(streamed(MAX_LIST, text.as_bytes().chunks(1))), sent, "byte by byte");
    for at in 0..=text.len() {
        let (first, second) = text.as_bytes().split_at(at);
        assert_eq!(shown(streamed(MAX_LIST, [first, second])), sent, "cut at {at}");
    }
}

#[test]
fn events_that_are_lists_are_filtered_and_all_else_passes() {
    for (before, after) in [
        (format!("data: {LIST}\n\n"), format!("data: {FILTERED}\n\n")),
        (format!("data:{LIST}\r\r"), format!("data: {FILTERED}\r\r")),
        (
            format!("id: 1\r\ndata: {LIST}\r\n: c\r\n\r\n"),
            format!("id: 1\r\ndata: {FILTERED}\r\n: c\r\n\r\n"),
        ),
        (format!("data: {LIST}\nevent: x\n\n"), format!("data: {FILTERED}\nevent: x\n\n")),
        (format!("data: {LIST}"), format!("data: {FILTERED}")),
        (format!("data: {LIST}\n"), format!("data: {FILTERED}\n")),
        (format!("\u{FEFF}data: {LIST}\n\n"), format!("\u{FEFF}data: {FILTERED}\n\n")),
        (format!("\u{FEFF}\u{FEFF}data: {LIST}\n\n"), format!("\u{FEFF}\u{FEFF}data: {LIST}\n\n")),
        (format!("data: [{LIST}]\n\n"), format!("data: [{FILTERED}]\n\n")),
        (
            format!("data: {NO_LIST}\n\ndata: {LIST}\n\n"),
            format!("data: {NO_LIST}\n\ndata: {FILTERED}\n\n"),
        ),
        (format!("data\ndata: {LIST}\n\n"), format!("data:  {FILTERED}\n\n")),
        (format!("database: {LIST}\n\n"), format!("database: {LIST}\n\n")),
        (format!(": {LIST}\ndat: {LIST}\n\n"), format!(": {LIST}\ndat: {LIST}\n\n")),
    ] {
        assert_sent(&before, &after);
    }
}

#[test]
fn several_lines_of_data_become_one() {
    let lines = LIST.replace(',', ",\ndata: ");
    let joined = FILTERED.replacen(',', ", ", 1);
    let text = format!("data: {lines}\nid: 1\n\n");
    assert_sent(&text, &format!("data: {joined}\nid: 1\n\n"));
    // A line end within a string is no JSON.
    let broken = LIST.replace("search", "sea\ndata: rch");
    let text = format!("data: {NO_LIST}\n\ndata: {broken}\n\n");
    let sent = shown((format!("data: {NO_LIST}\n\n").into_bytes(), false));
    assert_eq!(shown(expected(text.as_bytes())), sent);
    for chunks in [1, 7, 1000] {
        assert_eq!(shown(streamed(MAX_LIST, text.as_bytes().chunks(chunks))), sent);
    }
}

#[test]
fn a_list_may_have_as_many_bytes_as_the_limit() {
    let text = format!("id: 1\ndata: {LIST}\n\n");
    for chunks in [1, 10, 1000] {
        let chunks = || text.as_bytes().chunks(chunks);
        assert!(streamed(text.len(), chunks()).1);
        assert_eq!(streamed(text.len() - 1, chunks()), (Vec::new(), false));
        // All other events may be longer.
        let other = format!("id: 1\ndata: {NO_LIST}\n\n");
        assert!(streamed(20, other.as_bytes().chunks(1)).1);
    }
}

#[test]
fn an_event_that_stays_undecided_for_64_kib_is_read_whole() {
    let long =
        |length: usize| format!("data: {{\"x\":\"{}\",\"result\":{{}}}}\n\n", "x".repeat(length));
    let lines =
        |count: usize| format!("id: 1\n{}data: {LIST}\n\n", "retry: 1234567890\n".repeat(count));
    for (text, is_within) in [
        (long(65_000), true),
        (long(66_000), false),
        (lines(3000), true),
        (lines(4000), false),
        // What is no event is not held.
        (": comment\n".repeat(10_000), true),
    ] {
        for chunks in [1, 1000, text.len()] {
            let (out, all) = streamed(MAX_LIST, text.as_bytes().chunks(chunks));
            assert_eq!(
                out.escape_ascii().to_string(),
                text.replace(LIST, FILTERED).as_bytes().escape_ascii().to_string()
            );
            assert!(all);
            // Like a list, it is held within a limit.
            let (_, all) = streamed(65_900, text.as_bytes().chunks(chunks));
            assert_eq!(all, is_within);
        }
    }
}

/// It does not matter whether both came in one chunk.
#[test]
fn events_before_one_that_cannot_be_read_are_sent() {
    let first = format!("data: {NO_LIST}\n\ndata: {LIST}\n\n: c\n");
    let sent = format!("data: {NO_LIST}\n\ndata: {FILTERED}\n\n: c\n");
    let long = format!("id: 1\ndata: {{\"x\":\"{}\"}} x\n\n", "x".repeat(70_000));
    for bad in [&*long, "data: [{\"result\"\n\n", "data: {\"result\":{\"Tools\":[]}}\n\n"] {
        let text = [&first, bad, &first].concat();
        for chunks in [1, 1000, text.len()] {
            let out = streamed(MAX_LIST, text.as_bytes().chunks(chunks));
            assert_eq!(shown(out), shown((sent.clone().into_bytes(), false)));
        }
    }
}

#[test]
fn events_that_begin_while_the_filter_is_off_pass_as_they_come() {
    let is_off = Cell::new(true);
    let mut filter = EventFilter::new(MAX_LIST);
    let mut push = |chunk: &str| {
        let mut parts = VecDeque::new();
        filter.push(chunk.to_owned().into(), &|| is_off.get(), &mut parts).expect("it is short");
        let passed = parts.drain(..).map(|part| match part {
            Part::Passing(bytes) => String::from_utf8(bytes.to_vec()).expect("UTF-8"),
            Part::Event(event) => format!("a list of {} bytes", event.unchanged().len()),
        });
        passed.collect::<Vec<_>>().concat()
    };
    assert_eq!(push("d"), "d");
    is_off.set(false);
    assert_eq!(push("ata: {\"result\":{\"tools\":[]}}\n"), "ata: {\"result\":{\"tools\":[]}}\n");
    assert_eq!(push("\ndata: {\"result\":"), "\n");
    assert_eq!(push("{\"tools\":[]}}\n\n"), "a list of 31 bytes");
    // It is known by its first field which events began before.
    assert_eq!(push(": c\n"), ": c\n");
    assert_eq!(push("id: 1\n"), "");
    is_off.set(true);
    assert_eq!(push("data: {\"result\":{\"tools\":[]}}\n\n"), "a list of 37 bytes");
    assert_eq!(push("data: {\"result\":"), "data: {\"result\":");
}

const FRAGMENTS: &[&str] = &[
    "\n",
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "\n\n",
    "\r\r",
    "\r\n\r\n",
    "data",
    "data:",
    "data: ",
    "data: ",
    "data: ",
    "id: 1\n",
    "id",
    "event: endpoint\n",
    "event: x\n",
    "event",
    ": comment\n",
    "retry: 1\n",
    "\u{FEFF}",
    " ",
    ",",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "dat",
    "database: 1\n",
    LIST,
    NO_LIST,
    "data: {\"id\":1,\"result\":{\"tools\":[{\"name\":\"evil\"},{\"name\":\"search\"}]}}\n\n",
    "data: {\"id\":1,\"result\":{\"ttlMs\":1,\"tools\":[\ndata: {\"name\":\"evil\"}]}}\n\n",
    "data: {\"id\":1,\"method\":\"x\"}\n\n",
    "{\"result\":{",
    "\"tools\":[",
    "{\"name\":\"search\"}",
    "{\"name\":\"evil\"}",
    ",{\"name\":\"search2\"}",
    "\"result\":{\"nextCursor\":\"x\",",
    "]}}\n\n",
    "\"content\":[",
    "\"method\":",
];

fn stream() -> impl Strategy<Value = (String, Vec<Index>)> {
    let long =
        "data: {\"result\":{\"x\":\"".to_owned() + &"x".repeat(66_000) + "\",\"tools\":[]}}\n\n";
    let fragment = prop_oneof![
        60 => select(FRAGMENTS).prop_map(str::to_owned),
        1 => Just(long),
    ];
    (vec(fragment, 0..24).prop_map(|fragments| fragments.concat()), vec(any::<Index>(), 0..6))
}

proptest! {
    // Streams may be too long to be kept in a file of regressions.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn a_stream_is_filtered_as_by_the_oracle_wherever_it_is_cut((text, cuts) in stream()) {
        let text = text.as_bytes();
        let expected = shown(expected(text));
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]);
        prop_assert_eq!(&shown(streamed(MAX_LIST, chunks)), &expected);
        if text.len() < 1000 {
            prop_assert_eq!(&shown(streamed(MAX_LIST, text.chunks(1))), &expected);
        }
    }
}
