//! The rewriter, however the stream is cut, against what the stream as a whole should come to.

use allocation_counter::measure;
use bytes::Bytes;
use proptest::prelude::*;

use super::{LIMIT, Rewriter, Seals, oracle};

/// Shows what was sealed, and as what.
struct Shown;

impl Seals for Shown {
    fn seal_event(&self, id: &[u8], out: &mut Vec<u8>) {
        out.push(b'<');
        out.extend(id);
        out.push(b'>');
    }

    fn seal_endpoint(&self, url: &[u8], out: &mut Vec<u8>) {
        out.push(b'{');
        out.extend(url);
        out.push(b'}');
    }

    fn not_bound(&self, _: &'static str) {}
}

/// What a stream in these chunks comes to.
fn streamed<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<u8> {
    let mut rewriter = Rewriter::new();
    let mut out = Vec::new();
    for chunk in chunks {
        out.extend(rewriter.push(Bytes::copy_from_slice(chunk), &Shown));
        assert!(rewriter.held.len() <= LIMIT + 2, "{} bytes wait", rewriter.held.len());
    }
    out.extend(rewriter.finish(&Shown));
    out
}

fn whole(text: &[u8]) -> Vec<u8> {
    let shown = |open: &[u8], value: &[u8], close: &[u8]| [open, value, close].concat();
    oracle::rewritten(text, |id| shown(b"<", id, b">"), |url| shown(b"{", url, b"}"))
}

#[track_caller]
fn comes_to(text: impl AsRef<[u8]>, expected: impl AsRef<[u8]>) {
    let (text, expected) = (text.as_ref(), expected.as_ref());
    let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
    assert_eq!(shown(&whole(text)), shown(expected), "the oracle");
    assert_eq!(shown(&streamed([text])), shown(expected), "in one piece");
    assert_eq!(shown(&streamed(text.chunks(1))), shown(expected), "byte by byte");
}

/// Streams that differ from each other in what counts.
const CORPUS: &[&str] = &[
    "",
    "\n",
    "id",
    "id: 1",
    "id: 1\n",
    "id: 1\n\n",
    "id: 1\ndata: a\n\nid: 2\ndata: b\n\n",
    "id:1\r\ndata:a\r\n\r\nid:2\r\ndata:b\r\n\r\n",
    "id:1\rdata:a\r\rid:2\rdata:b\r\r",
    "id:1\r\n\rid:2\n\rid:3\r\r\nid:4\n\n\rid:5\r\n\n",
    "id:  spaces \n\nid:\ttab\n\n",
    "id\n\nid:\n\nid: \n\nid:  \n\n",
    "id: a:b:c\n\nid::\n\nid: :\n\n",
    "id: a\0b\n\nid: \0\nid: c\n\n",
    "id: 1\nid: 2\ndata: twice\nid: 3\n\n",
    "ID: 1\nidle: 2\nid : 3\n id: 4\nidx\nI\ni\nid2: 5\ni: 6\n\n",
    ": id: 1\n:\n:id\nid: 2\n\n",
    "data: id: 1\ndata:id: 2\n\ndata: x\n\nid: 3\n\n",
    "retry: 10\n\nretry: 5\nid: 1\n\n",
    "\u{FEFF}id: 1\n\u{FEFF}id: 2\n\n",
    "\u{FEFF}\u{FEFF}id: 1\nid: 2\n\n",
    "\u{FEFF}data: /m\nevent: endpoint\n\n",
    "\u{FEFF}\nevent: endpoint\ndata: /m\n\n",
    "\u{FEFF}",
    "\u{FEFF}\r\nid: 1\r\n",
    "event: endpoint\ndata: /m?session_id=1\n\nevent: message\nid: 1\ndata: {}\n\n",
    "event: endpoint\r\ndata: http://h/m?session_id=1\r\n\r\nevent: message\r\ndata: {}\r\n\r\n",
    "event:endpoint\rdata:/m\r\revent:message\rdata:{}\r\r",
    "data: /m\nevent: endpoint\n\ndata: /m\n\n",
    "data: /m\nid: 1\nevent: endpoint\nid: 2\n\nid: 3\ndata: 4\n\n",
    "id: 1\ndata: /m\n: comment\nretry: 5\nevent: endpoint\ndata: /n\n\n",
    "event: endpoint\ndata: /a\ndata: /b\ndata\ndata:\ndata: \ndata:  /c \n\n",
    "event: endpoint\nevent: message\ndata: /m\n\n",
    "event: message\nevent: endpoint\ndata: /m\n\n",
    "event: endpoint\ndata: /m\nevent: message\n\n",
    "event: endpoint\ndata: /m\nevent\n\n",
    "event: endpoint\ndata: /m\nevents: message\n\n",
    "event: endpoint \ndata: /m\n\n",
    "event:  endpoint\ndata: /m\n\n",
    "Event: endpoint\ndata: /m\n\n",
    "event: Endpoint\ndata: /m\n\n",
    "event: endpoints\ndata: /m\n\n",
    "event: endpoint\nDATA: /m\ndata : /n\n\ndata: /o\n\n",
    "event: message\ndata: {}\n\nevent: endpoint\ndata: /m\n\n",
    // The kind: a place in the stream is relied on that the protocol does not promise.
    "event: ping\ndata: 1\n\nevent: endpoint\ndata: /m\n\nevent: message\ndata: {}\n\n",
    "event: ping\ndata: 1\nid: 1\n\nevent: ping\ndata: 2\n\nevent: endpoint\ndata: /m\nid: 2\n\n",
    "event: endpoint\ndata: /m\n\nevent: ping\ndata\n\nevent: endpoint\ndata: /n\n\ndata: {}\n\nevent: endpoint\ndata: /o\n\n",
    "data: 1\nevent: ping\n\ndata: /m\nevent: endpoint\n\n",
    "event: ping\ndata: 1\nevent:\n\nevent: endpoint\ndata: /m\n\n",
    "event: ping\r\ndata: 1\r\n\r\nevent: endpoint\r\ndata: /m\r\n\r\n",
    "event: ping\rdata: 1\r\revent: endpoint\rdata: /m\r\r",
    "event: ping\ndata: 1\nevent: endpoint\n\nevent: ping\ndata: 2",
    "event: messages\ndata: 1\n\nevent: Message\ndata: 2\n\nevent: endpoint\ndata: /m\n\n",
    "data\n\nevent: endpoint\ndata: /m\n\n",
    ": ping\n\n: ping\n\nevent: endpoint\ndata: /m\n\n: ping\n\n",
    "retry: 1\n\nid: 0\n\nevent: endpoint\ndata: /m\n\n",
    "event: endpoint\n\ndata: /m\n\n",
    "event: endpoint\n\nevent: endpoint\n\nevent: endpoint\ndata: /m\n\n",
    "event: message\n\nevent: endpoint\ndata: /m\n\n",
    "event: endpoint\ndata: /m\n",
    "event: endpoint\ndata: /m\r",
    "event: endpoint\ndata: /m",
    "event: endpoint\nid: 1\ndata: /m\nid: 2\ndata: /n",
    "data: /m\nid: 1\nevent: endpoint",
    "data: /m\nid: 1\nevent: mess",
    "data: {}\n\nid: 9",
    "event: endpoint\ndatabase: x\nda\ndata: /m\n\n",
    "eve\neventual: endpoint\ne\nd\nevent: endpoint\ndata:/m\n\ne\nd\ni\nid:1\n",
];

/// Bytes that are no UTF-8.
const BINARY: &[&[u8]] = &[
    b"\xEF\xBBid: 1\nid: 2\n\n",
    b"\xEFid: 1\nid: 2\n\n",
    b"\xEF",
    b"\xEF\xBB\r\nid: 2\n\n",
    b"id: \xFF\nid\xFF: 1\n\xFFid: 2\n\n",
    b"event: endpoint\ndata: \xFF\n\n",
];

fn corpus() -> impl Iterator<Item = &'static [u8]> {
    CORPUS.iter().map(|text| text.as_bytes()).chain(BINARY.iter().copied())
}

#[test]
fn it_does_not_matter_how_a_stream_is_cut() {
    for text in corpus() {
        let (expected, shown) = (whole(text), text.escape_ascii());
        assert_eq!(streamed(text.chunks(1)), expected, "{shown}, byte by byte");
        for first in 0..=text.len() {
            let (one, two) = text.split_at(first);
            assert_eq!(streamed([one, two]), expected, "{shown} at {first}");
            for second in first..=text.len() {
                let (two, three) = text[first..].split_at(second - first);
                assert_eq!(streamed([one, two, three]), expected, "{shown} at {first}, {second}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nor_what_it_is_made_of(
        fragments in prop::collection::vec(fragment(), 0..24),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let text = fragments.concat();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]);
        prop_assert_eq!(streamed(chunks), whole(&text));
        if text.len() < 1_000 {
            prop_assert_eq!(streamed(text.chunks(1)), whole(&text));
        }
    }
}

fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let of = |fragments: &'static [&'static str]| {
        prop::sample::select(fragments).prop_map(|fragment| fragment.as_bytes().to_vec())
    };
    prop_oneof![
        4 => of(&["\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n"]),
        4 => of(&["id", "id:", "id: ", "id: 1\n", "id:2\r", "data", "data: ", "data: /m\n"]),
        4 => of(&["event", "event: ", "event: endpoint\n", "endpoint", "event: message\r\n"]),
        2 => of(&["i", "d", "e", ":", " ", ": ping\n", "retry: 1\n", "\0", "\u{FEFF}", "x"]),
        1 => prop::collection::vec(any::<u8>(), 0..4),
        1 => (LIMIT - 16..LIMIT + 4).prop_map(|length| vec![b'x'; length]),
    ]
}

#[test]
fn an_id_is_sealed_whatever_ends_its_line() {
    comes_to("id: 1\nid:2\r\nid: 3\r\ndata: x\n", "id: <1>\nid:<2>\r\nid: <3>\r\ndata: x\n");
    comes_to("id: 1", "id: 1"); // it has no end, and is never an id
}

#[test]
fn an_id_keeps_all_but_one_space() {
    comes_to("id:  a:b \n", "id: < a:b >\n");
    comes_to("id:\ta\n", "id:<\ta>\n");
}

#[test]
fn an_empty_id_stays_one() {
    comes_to("id\nid:\nid: \n", "id\nid:\nid: \n");
    comes_to("id:  \n", "id: < >\n");
}

#[test]
fn an_id_with_a_nul_is_none() {
    comes_to("id: a\0b\n", "id: a\0b\n");
    comes_to("id: a0b\n", "id: <a0b>\n");
}

#[test]
fn names_are_compared_exactly() {
    comes_to("id: 1\n", "id: <1>\n");
    for line in ["ID: 1\n", "idle: 1\n", "id : 1\n", " id: 1\n", ":id: 1\n", "i: 1\n"] {
        comes_to(line, line);
    }
}

#[test]
fn one_byte_order_mark_is_none_of_the_first_line() {
    comes_to("\u{FEFF}id: 1\n", "\u{FEFF}id: <1>\n");
    comes_to("\u{FEFF}\u{FEFF}id: 1\n", "\u{FEFF}\u{FEFF}id: 1\n");
    comes_to("\n\u{FEFF}id: 1\n", "\n\u{FEFF}id: 1\n");
    comes_to(b"\xEF\xBBid: 1\n", b"\xEF\xBBid: 1\n");
}

#[test]
fn an_endpoint_is_bound_until_the_first_message() {
    let endpoint = "event: endpoint\ndata: /m\n\n";
    let sealed = "event: endpoint\ndata: {/m}\n\n";
    comes_to(endpoint, sealed);
    comes_to(endpoint.repeat(2), sealed.repeat(2));
    let message = "event: message\ndata: {}\n\n";
    comes_to([endpoint, message, endpoint].concat(), [sealed, message, endpoint].concat());
    for before in ["event: ping\ndata: 1\n\n", "data\nevent: x\n\n", "event: x\ndata:\rdata\r\r"] {
        comes_to(
            [before, endpoint, before, endpoint].concat(),
            [before, sealed, before, sealed].concat(),
        );
    }
    comes_to("event: message\ndata: /m\n\n", "event: message\ndata: /m\n\n");
    // Without data it is no event, and the next one is the first.
    for none in [": ping\n\n", "retry: 1\n\n", "event: message\n\n", "\n\n"] {
        comes_to([none, endpoint].concat(), [none, sealed].concat());
    }
    for event in ["data\n\n", "data:\n\n", "data: x\r\r"] {
        comes_to([event, endpoint].concat(), [event, endpoint].concat());
    }
}

#[test]
fn the_last_type_of_an_event_counts() {
    comes_to("data: /m\nevent: endpoint\n\n", "data: {/m}\nevent: endpoint\n\n");
    comes_to(
        "event: x\nevent: endpoint\ndata: /m\n\n",
        "event: x\nevent: endpoint\ndata: {/m}\n\n",
    );
    for other in [
        "event: endpoint\nevent: x\ndata: /m\n\n",
        "event: endpoint\ndata: /m\nevent: x\n\n",
        "event: endpoint\ndata: /m\nevent\n\n",
        "event: endpoint\n\ndata: /m\n\n", // another event's
    ] {
        comes_to(other, other);
    }
}

#[test]
fn an_endpoint_and_its_ids_are_bound() {
    comes_to(
        "id: 1\nevent: endpoint\ndata: /m\ndata:\nid: 2\n:x\n\nid: 3\ndata: /o\n\n",
        "id: <1>\nevent: endpoint\ndata: {/m}\ndata:\nid: <2>\n:x\n\nid: <3>\ndata: /o\n\n",
    );
}

/// The kind: parts that a client reads as one are judged one by one.
#[test]
fn an_endpoint_of_several_lines_is_not_bound() {
    for ends in ["\n", "\r", "\r\n"] {
        for (data, expected) in [
            ("data: /m|data: /n|", "data: /m|data: /n|"),
            ("data:/m|data: |data|data: x|", "data:/m|data: |data|data: x|"),
            ("data|data: /m|id: 1|data:/n|", "data|data: /m|id: <1>|data:/n|"),
            ("data: |data: /m|data|", "data: |data: {/m}|data|"),
        ] {
            let event = |data: &str| format!("event: endpoint|{data}|").replace('|', ends);
            // It is no message either: another endpoint may follow.
            let next = event("data: /o|");
            let bound = event("data: {/o}|");
            comes_to(event(data) + &next, event(expected) + &bound);
        }
    }
    let unfinished = "event: endpoint\ndata: /m\ndata: /n\n";
    comes_to(unfinished, unfinished);
    comes_to("event: endpoint\ndata: /m\ndata: /n", "event: endpoint\ndata: {/m}\ndata: /n");
}

#[test]
fn what_has_no_end_is_sealed_as_far_as_its_lines_have() {
    comes_to("event: endpoint\nid: 1\ndata: /m\n", "event: endpoint\nid: <1>\ndata: {/m}\n");
    comes_to("event: endpoint\nid: 1\ndata: /m", "event: endpoint\nid: <1>\ndata: /m");
}

#[test]
fn a_first_event_waits_up_to_its_limit() {
    // From its first data up to its blank line.
    let event = |ends: &str, length: usize| {
        let start = format!("data: /m{ends}id: 1{ends}event: endpoint{ends}:");
        format!("{start:x<width$}{ends}{ends}", width = length - ends.len())
    };
    for ends in ["\n", "\r", "\r\n"] {
        let sealed = event(ends, LIMIT).replace("/m", "{/m}").replace("id: 1", "id: <1>");
        comes_to(event(ends, LIMIT), sealed);
        let too_long = event(ends, LIMIT + 1);
        comes_to(&too_long, too_long.replace("id: 1", "id: <1>"));
        for text in [event(ends, LIMIT), too_long] {
            for cut in LIMIT - 3..=text.len() {
                let (one, two) = text.as_bytes().split_at(cut);
                assert_eq!(streamed([one, two]), whole(text.as_bytes()), "{ends:?} at {cut}");
            }
        }
    }
}

#[test]
fn a_line_waits_up_to_its_limit() {
    let line = |start: &str, length: usize| format!("{start:x<length$}\n");
    let id = line("id: ", LIMIT);
    for before in ["", "data: x\n\n", "data: x\n"] {
        let sealed = format!("{before}id: <{}>\n", "x".repeat(LIMIT - 4));
        comes_to([before, &id].concat(), sealed);
        let too_long = [before, &line("id: ", LIMIT + 1)].concat();
        comes_to(&too_long, &too_long);
        // What is behind it is as before.
        comes_to(too_long.clone() + "id: 1\n", too_long.clone() + "id: <1>\n");
    }
    // Before the first event it is the end of looking for an endpoint.
    let endpoint = "\n\nevent: endpoint\ndata: /m\n\n";
    for start in ["id:", "event:", "data:"] {
        let text = line(start, LIMIT + 1) + endpoint;
        comes_to(&text, &text);
    }
    for start in ["id:\0", "event:", ":", "idle:"] {
        let length = if [":", "idle:"].contains(&start) { 3 * LIMIT } else { LIMIT };
        comes_to(
            line(start, length) + endpoint,
            line(start, length) + &endpoint.replace("/m", "{/m}"),
        );
    }
}

/// What has gone out after this much of a stream.
fn out_after(text: &str) -> String {
    let mut rewriter = Rewriter::new();
    let out = rewriter.push(Bytes::copy_from_slice(text.as_bytes()), &Shown);
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn nothing_waits_but_what_must() {
    // (what has come, what of it waits)
    for (text, waits) in [
        // Before the first event,
        ("", ""),
        (": ping\n", ""),
        (": pi", ""),
        ("retry: 5", ""),
        ("retry: 5\n\n", ""),
        ("idle", ""),
        ("id: 1", "id: 1"),
        ("event: endpoint\n", ""),
        ("event: end", "event: end"),
        ("eventual", ""),
        ("data", "data"),
        ("database", ""),
        ("\n\n: ping\nev", "ev"),
        // in it,
        ("event: endpoint\ndata: /m\n", "data: /m\n"),
        ("event: message\ndata: 1\r\ndata: 2\r", "data: 1\r\ndata: 2\r"),
        ("data: 1\n: ping\n", "data: 1\n: ping\n"),
        ("data: 1\n\n", ""),
        ("data: 1\r\r", ""),
        // and after it.
        ("data: 1\n\ndata: 2", ""),
        ("data: 1\n\ndata: 2\n", ""),
        ("data: 1\n\nevent: endp", ""),
        ("data: 1\n\nd", ""),
        ("data: 1\n\ni", "i"),
        ("data: 1\n\nid", "id"),
        ("data: 1\n\nidl", ""),
        ("data: 1\n\nid:", "id:"),
        ("data: 1\n\nid: 7", "id: 7"),
        ("data: 1\n\n i", ""),
        ("data: 1\n\nxi", ""),
    ] {
        let out = text.strip_suffix(waits).unwrap();
        assert_eq!(out_after(text), out, "{text:?}");
    }
    assert_eq!(out_after("id: 7\n"), "id: <7>\n");
    assert_eq!(out_after("data: 1\n\nid: 7\r"), "data: 1\n\nid: <7>\r");
}

#[test]
fn a_cr_is_an_end_although_an_lf_may_follow() {
    let mut rewriter = Rewriter::new();
    let mut push = |text: &'static str| rewriter.push(Bytes::from_static(text.as_bytes()), &Shown);
    assert_eq!(push("data: /m\revent: endpoint\r\r"), "data: {/m}\revent: endpoint\r\r");
    assert_eq!(push("\nid: 1\r"), "\nid: <1>\r");
    assert_eq!(push("\n"), "\n");
    assert_eq!(push("id: 2\r\n"), "id: <2>\r\n");
}

#[test]
fn what_does_not_change_is_not_copied() {
    let mut rewriter = Rewriter::new();
    for text in [
        "event: message\ndata: a first event\n\n",
        ": ping\n\n",
        "event: message\r\ndata: another\r\n\r\n",
        "data: the beginning of a line, ",
        "id: 1 in the midst of it",
        " and its end\n",
        "id\nid:\n\n",
        "event: endpoint\ndata: /m\n\n",
        "\n",
    ] {
        let chunk = Bytes::from(text.as_bytes().to_vec());
        let (start, mut out) = (chunk.as_ptr(), Bytes::new());
        let counted = measure(|| out = rewriter.push(chunk, &Shown));
        assert_eq!((out.as_ptr(), &out[..]), (start, text.as_bytes()));
        assert_eq!(counted.count_total, 0, "{text:?}");
    }
    // What waits of a chunk is all that is copied of it.
    let chunk = Bytes::from_static(b"data: x\n\nid: 1");
    let start = chunk.as_ptr();
    let out = rewriter.push(chunk, &Shown);
    assert_eq!((out.as_ptr(), &out[..]), (start, &b"data: x\n\n"[..]));
    assert_eq!(rewriter.held, b"id: 1");
}

#[test]
fn an_id_takes_one_buffer_and_many_hardly_more() {
    /// As long as a MAC.
    struct Long;
    impl Seals for Long {
        fn seal_event(&self, id: &[u8], out: &mut Vec<u8>) {
            out.extend(id);
            out.extend([b'x'; 23]);
        }
        fn seal_endpoint(&self, _: &[u8], _: &mut Vec<u8>) {}
        fn not_bound(&self, _: &'static str) {}
    }
    let event = "id: 1\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{}}\n\n";
    for text in ["id: 1\n".to_owned(), event.to_owned(), event.repeat(50)] {
        let mut rewriter = Rewriter::new();
        rewriter.push(Bytes::from_static(b"data: a first event\n\n"), &Long);
        let chunk = Bytes::from(text);
        let (given, mut out) = (chunk.clone(), Bytes::new());
        let counted = measure(|| out = rewriter.push(given, &Long));
        assert_eq!(
            out.len() - chunk.len(),
            23 * chunk.iter().filter(|byte| **byte == b'1').count()
        );
        match out.len() - chunk.len() {
            23 => assert_eq!(counted.count_total, 1, "the buffer, just right"),
            _ => assert!(counted.count_total <= 3, "grown once, and what `Bytes` keeps about it"),
        }
    }
}

#[test]
fn what_comes_byte_by_byte_is_not_copied_each_time() {
    let text = Bytes::from(format!("event: endpoint\ndata: {:x<width$}", "", width = LIMIT - 6));
    let mut rewriter = Rewriter::new();
    let counted = measure(|| {
        for at in 0..text.len() {
            rewriter.push(text.slice(at..=at), &Shown);
        }
    });
    assert_eq!(rewriter.held.len(), LIMIT);
    assert!(counted.bytes_total <= 4 * LIMIT as u64, "{counted:?}");
}

#[test]
fn no_buffer_stays() {
    let mut rewriter = Rewriter::new();
    for text in ["data: /m\n", "id", ": 1\nevent", ": endpoint", "\n"] {
        let out = rewriter.push(Bytes::from_static(text.as_bytes()), &Shown);
        assert!(out.is_empty() && rewriter.held.capacity() > 0, "{text:?}");
    }
    assert_eq!(rewriter.push(Bytes::from_static(b"\n"), &Shown).len(), 36);
    assert_eq!(rewriter.held.capacity(), 0);
    rewriter.push(Bytes::from_static(b"id: 1"), &Shown);
    assert!(rewriter.held.capacity() > 0);
    assert_eq!(rewriter.push(Bytes::from_static(b"\n"), &Shown), "id: <1>\n");
    assert_eq!(rewriter.held.capacity(), 0);
    assert!(size_of::<Rewriter>() <= 48);
}

#[test]
fn the_end_comes_once() {
    let mut rewriter = Rewriter::new();
    rewriter.push(Bytes::from_static(b"event: endpoint\ndata: /m\n"), &Shown);
    assert_eq!(rewriter.finish(&Shown), "data: {/m}\n");
    assert_eq!(rewriter.finish(&Shown), "");
}
