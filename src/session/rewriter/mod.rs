//! Binds the IDs in an event stream: whatever a client could come back with.
//!
//! That is every `id` of an event and, until the first message, the `data` of every `endpoint` event
//! (HTTP+SSE). The protocol does not say that `endpoint` is the first event: servers send pings
//! before it, and clients accept it at any time. After the first message nothing but IDs is bound:
//! an `endpoint` that comes then opens no session. Nor is an endpoint bound that has several lines of
//! data: clients join the lines, while the checks of a URL see one line.
//!
//! All else is passed on unchanged and at once, in whatever way the bytes are cut into chunks. Only
//! these are held until more has come: a line that may be `id`, until its end; before the first
//! message also one that may be `event` or `data`, and each event from its first `data` line on,
//! because an `event` line may still come.
//!
//! What it should do is written down once more, as plainly as possible, in `oracle`, which tests and the fuzzer
//! compare it with.

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

use std::mem;
use std::ops::Range;

use bytes::Bytes;
use memchr::memchr;

use super::binding::ADDED_LEN;
use crate::event_stream::{EventType, Field, Line, LineReader, data_values, may_be_field};

/// The maximum of what is held, in bytes: of an event, or of a line.
pub(super) const LIMIT: usize = 8 * 1024;

/// Binds the values that the rewriter finds. The tests have an implementation that marks them.
pub(crate) trait BindIds {
    /// Appends the bound form of an event ID.
    fn bind_event_id(&self, id: &[u8], out: &mut Vec<u8>);

    /// Appends the data of an `endpoint` event (a URL, absolute or relative) with its session ID
    /// bound.
    fn bind_endpoint(&self, url: &[u8], out: &mut Vec<u8>);

    /// Reports that an `endpoint` event is not bound, and why.
    fn endpoint_not_bound(&self, reason: &'static str);
}

/// Rewrites one event stream.
pub(crate) struct Rewriter {
    phase: Phase,
    /// What is held: the beginning of a line and, in [`Phase::Event`], the lines before it.
    pub(super) held: Vec<u8>,
    /// Where in `held` that line begins.
    line: usize,
    /// The beginning of the line was passed on, and the rest of it follows.
    is_passing_line: bool,
    reader: LineReader,
}

/// How far the stream is.
#[derive(Clone, Copy)]
enum Phase {
    /// There was no message yet; an event that has no data yet is of this type.
    BeforeData(EventType),
    /// An event has data, and is held until its end, when its type is known.
    Event(EventType),
    /// An event is complete and is an endpoint: these are its lines.
    Endpoint,
    /// An event is complete and is neither an endpoint nor a message: these are its lines.
    Other,
    /// From here on, only event IDs are bound.
    OnlyIds,
}

/// The result for a text: `out` replaces the text before `done`, the text from there up to `keep` is
/// passed on as it is, and the rest is held.
#[derive(Default)]
struct Rewritten {
    out: Vec<u8>,
    done: usize,
    keep: usize,
}

impl Rewriter {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::BeforeData(EventType::default()),
            held: Vec::new(),
            line: 0,
            is_passing_line: false,
            reader: LineReader::default(),
        }
    }

    /// Returns the bytes that can be passed on now. They are the same `Bytes`, not copied, if nothing
    /// in them changes.
    pub(crate) fn push(&mut self, chunk: Bytes, binding: &impl BindIds) -> Bytes {
        if chunk.is_empty() {
            return chunk;
        }
        let mut text = mem::take(&mut self.held);
        if text.is_empty() {
            let rewritten = self.rewrite(&chunk, 0, binding);
            self.held = chunk[rewritten.keep..].to_vec();
            return rewritten.into_bytes(chunk);
        }
        let searched = text.len();
        text.extend_from_slice(&chunk);
        let rewritten = self.rewrite(&text, searched, binding);
        if rewritten.keep == 0 {
            self.held = text; // not copied: it may have come byte by byte
            return Bytes::new();
        }
        self.held = text[rewritten.keep..].to_vec();
        rewritten.into_bytes(text.into())
    }

    /// Returns what was still held, at the end of the stream. Clients drop an event that has no end,
    /// so this only matters for clients that do not.
    pub(crate) fn finish(&mut self, binding: &impl BindIds) -> Bytes {
        let text = mem::take(&mut self.held);
        let mut rewritten = Rewritten::default();
        if let Phase::Event(event_type) = self.phase {
            self.phase = Phase::of_complete_event(event_type, &text[..self.line], binding);
            self.line = 0;
            rewritten = self.rewrite(&text, 0, binding);
        }
        rewritten.keep = text.len();
        rewritten.into_bytes(text.into())
    }

    /// Rewrites a text that begins with what was held, of which so much was searched before.
    fn rewrite(&mut self, text: &[u8], searched: usize, binding: &impl BindIds) -> Rewritten {
        let mut rewritten = Rewritten::default();
        let Some(mut lines) = self.reader.lines(text, self.line, searched) else {
            return rewritten;
        };
        let mut event = 0; // where the event's first data line begins
        while let Some(line) = lines.next() {
            if self.is_passing_line {
                self.is_passing_line = !line.is_complete;
            } else if let Phase::Event(event_type) = self.phase {
                let is_too_long = line.end() - event > LIMIT;
                if is_too_long || line.ends_event() {
                    self.phase = if is_too_long {
                        Phase::OnlyIds
                    } else {
                        Phase::of_complete_event(event_type, &text[event..line.start], binding)
                    };
                    // Its type is known now, so it is read once more from its first data.
                    lines.rewind_to(event);
                } else if line.is_complete {
                    self.phase = Phase::Event(event_type.after(line.content));
                }
            } else if line.content.len() > LIMIT && self.holds(line.content) {
                // Passed on as it came. An ID that is not bound opens no session, nor does an
                // endpoint's.
                self.phase = Phase::OnlyIds;
                self.is_passing_line = !line.is_complete;
            } else if line.is_complete {
                if let Phase::BeforeData(event_type) = self.phase
                    && let Field::Data(_) = Field::parse(line.content)
                {
                    self.phase = Phase::Event(event_type);
                    event = line.start;
                }
                self.complete_line(text, &line, binding, &mut rewritten);
            } else {
                self.is_passing_line = !self.holds(line.content);
            }
        }

        let start = lines.current_start();
        rewritten.keep = match self.phase {
            Phase::Event(_) => event,
            _ if self.is_passing_line => text.len(),
            _ => start,
        };
        self.line = start.saturating_sub(rewritten.keep);
        rewritten
    }

    /// Rewrites a complete line that need not be held, or no longer.
    fn complete_line(
        &mut self,
        text: &[u8],
        line: &Line<'_>,
        binding: &impl BindIds,
        rewritten: &mut Rewritten,
    ) {
        let end = line.end();
        match (self.phase, Field::parse(line.content)) {
            // An empty ID resets the client's last one, and one with a NUL is ignored. Both stay.
            (_, Field::Id(id)) if !id.is_empty() && memchr(0, id).is_none() => {
                rewritten.replace(text, end - id.len()..end, |out| binding.bind_event_id(id, out));
            }
            // An event without data is dropped, and its type with it.
            (Phase::BeforeData(_) | Phase::Endpoint | Phase::Other, _) if line.ends_event() => {
                self.phase = Phase::BeforeData(EventType::default());
            }
            (Phase::BeforeData(_), Field::Event(event_type)) => {
                self.phase = Phase::BeforeData(EventType::parse(event_type));
            }
            (Phase::Endpoint, Field::Data(url)) if !url.is_empty() => {
                rewritten
                    .replace(text, end - url.len()..end, |out| binding.bind_endpoint(url, out));
            }
            _ => {}
        }
    }

    /// Returns whether a line with this beginning is held until its end.
    fn holds(&self, beginning: &[u8]) -> bool {
        let before_data = matches!(self.phase, Phase::BeforeData(_));
        may_be_field(beginning, b"id")
            || before_data && may_be_field(beginning, b"event")
            || before_data && may_be_field(beginning, b"data")
    }
}

impl Phase {
    /// Returns the phase for the lines of a complete event, which are these from its first data on.
    fn of_complete_event(event_type: EventType, lines: &[u8], binding: &impl BindIds) -> Self {
        match event_type {
            EventType::Message => Self::OnlyIds,
            EventType::Endpoint if has_several_data(lines) => {
                binding.endpoint_not_bound("its data has several lines");
                Self::Other
            }
            EventType::Endpoint => Self::Endpoint,
            EventType::Other => Self::Other,
        }
    }
}

impl Rewritten {
    fn replace(&mut self, text: &[u8], value: Range<usize>, by: impl FnOnce(&mut Vec<u8>)) {
        if self.done == 0 {
            self.out.reserve_exact(text.len() + ADDED_LEN); // just right for one ID
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

/// Returns whether more than one of these lines is data that is not blank.
fn has_several_data(lines: &[u8]) -> bool {
    data_values(lines).filter(|data| !data.trim_ascii().is_empty()).nth(1).is_some()
}
