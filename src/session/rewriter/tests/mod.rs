//! The rewriter against the oracle, which reads the stream as a whole, wherever the stream is cut.

mod binding;
mod memory;

use allocation_counter::measure;
use bytes::Bytes;
use proptest::prelude::*;

use super::oracle;
use super::{BindIds, LIMIT, Rewriter};

/// Marks what is bound: event IDs by `<…>`, endpoints by `{…}`.
struct Marked;

impl BindIds for Marked {
    fn bind_event_id(&self, id: &[u8], out: &mut Vec<u8>) {
        out.push(b'<');
        out.extend(id);
        out.push(b'>');
    }

    fn bind_endpoint(&self, url: &[u8], out: &mut Vec<u8>) {
        out.push(b'{');
        out.extend(url);
        out.push(b'}');
    }

    fn endpoint_not_bound(&self, _: &'static str) {}
}

/// Returns what the rewriter makes of a stream in these chunks.
fn streamed<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<u8> {
    let mut rewriter = Rewriter::new();
    let mut out = Vec::new();
    for chunk in chunks {
        out.extend(rewriter.push(Bytes::copy_from_slice(chunk), &Marked));
        assert!(rewriter.held.len() <= LIMIT + 2, "{} bytes held", rewriter.held.len());
    }
    out.extend(rewriter.finish(&Marked));
    out
}

/// Returns what the oracle makes of a stream.
fn expected(text: &[u8]) -> Vec<u8> {
    oracle::rewritten(text, |id| [b"<", id, b">"].concat(), |url| [b"{", url, b"}"].concat())
}

#[track_caller]
fn assert_rewritten(text: impl AsRef<[u8]>, rewritten: impl AsRef<[u8]>) {
    let (text, rewritten) = (text.as_ref(), rewritten.as_ref().escape_ascii().to_string());
    assert_eq!(expected(text).escape_ascii().to_string(), rewritten, "by the oracle");
    assert_eq!(streamed([text]).escape_ascii().to_string(), rewritten, "in one chunk");
    assert_eq!(streamed(text.chunks(1)).escape_ascii().to_string(), rewritten, "byte by byte");
}

/// Streams that differ from each other in something that matters.
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
    // The protocol does not say at which place of the stream `endpoint` comes.
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

/// Streams that are not UTF-8.
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
fn corpus_is_rewritten_as_expected_wherever_it_is_cut() {
    for text in corpus() {
        let (expected, shown) = (expected(text), text.escape_ascii());
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
    fn rewriter_matches_oracle_for_arbitrary_input(
        fragments in prop::collection::vec(fragment(), 0..24),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let text = fragments.concat();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]);
        prop_assert_eq!(streamed(chunks), expected(&text));
        if text.len() < 1_000 {
            prop_assert_eq!(streamed(text.chunks(1)), expected(&text));
        }
    }
}

fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let any_of = |fragments: &'static [&'static str]| {
        prop::sample::select(fragments).prop_map(|fragment| fragment.as_bytes().to_vec())
    };
    prop_oneof![
        4 => any_of(&["\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n"]),
        4 => any_of(&["id", "id:", "id: ", "id: 1\n", "id:2\r", "data", "data: ", "data: /m\n"]),
        4 => any_of(&["event", "event: ", "event: endpoint\n", "endpoint", "event: message\r\n"]),
        2 => any_of(&["i", "d", "e", ":", " ", ": ping\n", "retry: 1\n", "\0", "\u{FEFF}", "x"]),
        1 => prop::collection::vec(any::<u8>(), 0..4),
        1 => (LIMIT - 16..LIMIT + 4).prop_map(|length| vec![b'x'; length]),
    ]
}
