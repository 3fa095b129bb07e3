//! The one place that reads and rewrites event streams (WHATWG HTML, section 9.2): what a client
//! could come back with is sealed on its way out.
//!
//! That is every `id` of an event and, until the first message, the `data` of every `endpoint` event
//! (HTTP+SSE). The protocol does not say that `endpoint` is the first event: servers send pings
//! before it, and clients take it whenever it comes. After the first message nothing but IDs is
//! bound: an `endpoint` that comes then opens no session. Nor does one with several lines of data:
//! clients join them, and what stands in one URL is judged as one.
//!
//! All else goes through as it came and when it came, in whatever way the bytes are cut into chunks.
//! Only these wait for what follows: a line that may be `id`, for its end; before the first message
//! also one that may be `event` or `data`, and each event from its first `data` line on, as an
//! `event` line may still come.

use std::mem;
use std::ops::Range;

use bytes::Bytes;
use memchr::{memchr, memchr2};

use super::binding::SEAL_ADDS;

/// The most that waits: of an event, or of a line.
const LIMIT: usize = 8 * 1024;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// What stands in an event stream and must be sealed on its way out.
pub(crate) trait Seals {
    /// Appends the sealed form of an event id.
    fn seal_event(&self, id: &[u8], out: &mut Vec<u8>);

    /// Appends the data of an `endpoint` event (a URL, absolute or relative), its session id sealed.
    fn seal_endpoint(&self, url: &[u8], out: &mut Vec<u8>);

    /// Says that an `endpoint` event is not bound, and why.
    fn not_bound(&self, why: &'static str);
}

/// One event stream on its way out.
pub(crate) struct Rewriter {
    phase: Phase,
    /// What waits: the beginning of a line and, in [`Phase::Event`], the lines before it.
    held: Vec<u8>,
    /// Where in `held` that line begins.
    line: usize,
    /// The beginning of the line has gone out, and the rest of it follows.
    passing: bool,
    /// A CR was the last byte: an LF that comes next is of the same line end.
    after_cr: bool,
}

/// How far the stream is.
#[derive(Clone, Copy)]
enum Phase {
    /// A byte order mark may come.
    Start,
    /// There was no message yet; an event that has no data yet is of this type.
    Before(Kind),
    /// An event has data, and waits for its end and its last type.
    Event(Kind),
    /// An event is whole and an endpoint: this is it.
    Endpoint,
    /// An event is whole and neither an endpoint nor a message: this is it.
    Other,
    /// Ids are all that is sealed from here on.
    Rest,
}

/// The type of an event.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// The default, if no type is given.
    Message,
    Endpoint,
    Other,
}

/// What became of a text: `out` stands for the text before `done`, what follows up to `keep` goes
/// out as it is, and the rest waits.
#[derive(Default)]
struct Rewritten {
    out: Vec<u8>,
    done: usize,
    keep: usize,
}

impl Rewriter {
    pub(crate) fn new() -> Self {
        let (held, line) = (Vec::new(), 0);
        Self { phase: Phase::Start, held, line, passing: false, after_cr: false }
    }

    /// The bytes that can go out now. The same `Bytes`, not copied, where nothing in it changes.
    pub(crate) fn push(&mut self, chunk: Bytes, seals: &impl Seals) -> Bytes {
        if chunk.is_empty() {
            return chunk;
        }
        let mut text = mem::take(&mut self.held);
        if text.is_empty() {
            let rewritten = self.rewrite(&chunk, 0, seals);
            self.held = chunk[rewritten.keep..].to_vec();
            return rewritten.into_bytes(chunk);
        }
        let scanned = text.len();
        text.extend_from_slice(&chunk);
        let rewritten = self.rewrite(&text, scanned, seals);
        if rewritten.keep == 0 {
            self.held = text; // not copied: it may have come byte by byte
            return Bytes::new();
        }
        self.held = text[rewritten.keep..].to_vec();
        rewritten.into_bytes(text.into())
    }

    /// What was still held, at the end of the stream. Clients drop an event that has no end, so
    /// this only decides what they would see who do not.
    pub(crate) fn finish(&mut self, seals: &impl Seals) -> Bytes {
        let text = mem::take(&mut self.held);
        let mut rewritten = Rewritten::default();
        if let Phase::Event(kind) = self.phase {
            self.phase = Phase::of_whole(kind, &text[..self.line], seals);
            self.line = 0;
            rewritten = self.rewrite(&text, 0, seals);
        }
        rewritten.keep = text.len();
        rewritten.into_bytes(text.into())
    }

    /// Reads a text that begins with what was held, of which so much was looked through before.
    fn rewrite(&mut self, text: &[u8], scanned: usize, seals: &impl Seals) -> Rewritten {
        let mut rewritten = Rewritten::default();
        let (mut at, mut start) = (scanned, self.line);
        let mut first = 0; // where the event's data begins

        if let Phase::Start = self.phase {
            if text.len() < BOM.len() && BOM.starts_with(text) {
                return rewritten;
            }
            if text.starts_with(BOM) {
                (at, start) = (BOM.len(), BOM.len());
            }
            self.phase = Phase::Before(Kind::Message);
        }
        if self.after_cr && text.get(at) == Some(&b'\n') {
            at += 1;
            start = at;
        }
        self.after_cr = text.ends_with(b"\r");

        // A line, or what there is of it, at a time.
        while at < text.len() {
            let end = memchr2(b'\n', b'\r', &text[at..]).map_or(text.len(), |n| at + n);
            let ended = end < text.len();
            let line = &text[start..end];
            if self.passing {
                self.passing = !ended;
            } else if let Phase::Event(kind) = self.phase {
                let too_long = end - first > LIMIT;
                if too_long || ended && line.is_empty() {
                    // It is known what it is. From its beginning, once more:
                    self.phase = match too_long {
                        true => Phase::Rest,
                        false => Phase::of_whole(kind, &text[first..start], seals),
                    };
                    (at, start) = (first, first);
                    continue;
                }
                if ended {
                    self.phase = Phase::Event(kind_of(line).unwrap_or(kind));
                }
            } else if line.len() > LIMIT && self.watches(line) {
                // Out as it came. An id that is not sealed opens nothing; nor does an endpoint's.
                self.phase = Phase::Rest;
                self.passing = !ended;
            } else if !ended {
                self.passing = !self.watches(line);
            } else {
                if let Phase::Before(kind) = self.phase
                    && value(line, b"data").is_some()
                {
                    self.phase = Phase::Event(kind);
                    first = start;
                }
                self.line_ended(text, start..end, seals, &mut rewritten);
            }
            at = end;
            if ended {
                at += if text[end..].starts_with(b"\r\n") { 2 } else { 1 };
                start = at;
            }
        }

        rewritten.keep = match self.phase {
            Phase::Event(_) => first,
            _ if self.passing => text.len(),
            _ => start,
        };
        self.line = start.saturating_sub(rewritten.keep);
        rewritten
    }

    /// A whole line that need not wait, or no longer.
    fn line_ended(
        &mut self,
        text: &[u8],
        line: Range<usize>,
        seals: &impl Seals,
        rewritten: &mut Rewritten,
    ) {
        let (line, end) = (&text[line.clone()], line.end);
        let value_of = |name| value(line, name).filter(|value| !value.is_empty());
        // An empty id resets the client's last one. One with a NUL is ignored.
        if let Some(id) = value_of(b"id").filter(|id| memchr(0, id).is_none()) {
            rewritten.replace(text, end - id.len()..end, |out| seals.seal_event(id, out));
            return;
        }
        match self.phase {
            // Without data it is no event, and its type is forgotten.
            Phase::Before(_) if line.is_empty() => self.phase = Phase::Before(Kind::Message),
            Phase::Before(kind) => self.phase = Phase::Before(kind_of(line).unwrap_or(kind)),
            Phase::Endpoint | Phase::Other if line.is_empty() => {
                self.phase = Phase::Before(Kind::Message);
            }
            Phase::Endpoint => {
                if let Some(url) = value_of(b"data") {
                    rewritten.replace(text, end - url.len()..end, |out| {
                        seals.seal_endpoint(url, out);
                    });
                }
            }
            Phase::Start | Phase::Event(_) | Phase::Other | Phase::Rest => {}
        }
    }

    /// Whether it matters how this line goes on.
    fn watches(&self, line: &[u8]) -> bool {
        let may_be = |name: &[u8]| name.starts_with(line) || value(line, name).is_some();
        let before = matches!(self.phase, Phase::Before(_));
        may_be(b"id") || before && (may_be(b"event") || may_be(b"data"))
    }
}

impl Phase {
    /// That of an event which is whole, and has these lines from its first data on.
    fn of_whole(kind: Kind, lines: &[u8], seals: &impl Seals) -> Self {
        match kind {
            Kind::Message => Self::Rest,
            Kind::Endpoint if has_several_data(lines) => {
                seals.not_bound("its data has several lines");
                Self::Other
            }
            Kind::Endpoint => Self::Endpoint,
            Kind::Other => Self::Other,
        }
    }
}

impl Rewritten {
    fn replace(&mut self, text: &[u8], value: Range<usize>, by: impl FnOnce(&mut Vec<u8>)) {
        if self.done == 0 {
            self.out.reserve_exact(text.len() + SEAL_ADDS); // just right for one id
        }
        self.out.extend_from_slice(&text[self.done..value.start]);
        by(&mut self.out);
        self.done = value.end;
    }

    fn into_bytes(mut self, mut text: Bytes) -> Bytes {
        if self.done == 0 {
            text.truncate(self.keep);
            return text;
        }
        self.out.extend_from_slice(&text[self.done..self.keep]);
        self.out.into()
    }
}

/// The value of the field of that name, if this line is one.
fn value<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    match line.strip_prefix(name)? {
        [b':', b' ', value @ ..] | [b':', value @ ..] | value @ [] => Some(value),
        _ => None,
    }
}

/// Whether more than one of these lines is data, and not blank.
fn has_several_data(lines: &[u8]) -> bool {
    let lines = lines.split(|byte| matches!(byte, b'\n' | b'\r'));
    let data = lines.filter_map(|line| value(line, b"data"));
    data.filter(|data| !data.trim_ascii().is_empty()).nth(1).is_some()
}

/// The type that this line gives its event, if it gives one.
fn kind_of(line: &[u8]) -> Option<Kind> {
    value(line, b"event").map(|kind| match kind {
        b"endpoint" => Kind::Endpoint,
        b"" | b"message" => Kind::Message,
        _ => Kind::Other,
    })
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
