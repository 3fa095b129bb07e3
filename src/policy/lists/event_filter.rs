//! Finds the events of one stream that must be read whole: lists above all.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::classifier::{Classifier, MAX_UNDECIDED, Verdict};
use super::error::ListError;
use super::whole_event::WholeEvent;
use crate::event_stream::{Field, Line, LineReader, may_be_field};

const DATA: &[u8] = b"data";
const FIELDS: [&[u8]; 3] = [DATA, b"event", b"id"];

/// Divides an event stream into what is passed on as it is, and events that must be read whole, as lists must.
///
/// An event is held from its first line on until it is known whether it must be read whole, and if it must, until its
/// end. All else passes at once, wherever the bytes are cut into chunks: comments between events, and the rest of an
/// event that need not be read.
pub(crate) struct EventFilter {
    reader: LineReader,
    event: Event,
    /// The state of the event while it is undecided.
    undecided: Undecided,
    /// The bytes that are held: lines of the event, and the beginning of one.
    held: BytesMut,
    /// Where in `held` that line begins.
    line: usize,
    /// Whether the beginning of the line was passed on, and the rest of it follows.
    is_passing_line: bool,
    max_event: usize,
}

/// What is known of the current event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Event {
    Undecided,
    Passing,
    Whole,
}

#[derive(Default)]
struct Undecided {
    has_lines: bool,
    classifier: Classifier,
    /// How much data was read, and how much of the value of the current line.
    data: usize,
    value: usize,
    /// The length of the lines that are no data.
    others: usize,
}

/// A part of a stream.
#[derive(Debug, PartialEq)]
pub(crate) enum Part {
    /// It is passed on as it is.
    Passing(Bytes),
    /// It is a whole event, which may be a list.
    Event(WholeEvent),
}

impl EventFilter {
    /// Creates a filter that holds events of this many bytes at most.
    pub(crate) fn new(max_event: usize) -> Self {
        Self {
            reader: LineReader::default(),
            event: Event::Undecided,
            undecided: Undecided::default(),
            held: BytesMut::new(),
            line: 0,
            is_passing_line: false,
            max_event,
        }
    }

    /// Returns whether an event of the layer can be sent now, as no event was passed on in part.
    pub(crate) fn is_between_events(&self) -> bool {
        !self.is_passing_line && self.event != Event::Passing
    }

    /// Reads a chunk, and appends what it completes. Events that begin while `is_off` are passed on, whatever they are.
    ///
    /// # Errors
    ///
    /// If an event is too long to be held. What was appended may still be passed on, and nothing more of the stream.
    pub(crate) fn push(
        &mut self,
        chunk: Bytes,
        is_off: &impl Fn() -> bool,
        out: &mut VecDeque<Part>,
    ) -> Result<(), ListError> {
        let mut searched = self.held.len();
        let mut text = if self.held.is_empty() {
            chunk
        } else {
            self.held.extend_from_slice(&chunk);
            self.held.split().freeze()
        };
        loop {
            let mut passing = 0;
            let event = self.find(&text, searched, is_off, &mut passing);
            if passing == text.len() {
                // All of it, as it nearly always is: nothing is divided, and nothing held.
                if passing > 0 {
                    out.push_back(Part::Passing(text));
                }
                return event.map(|_| ());
            }
            if passing > 0 {
                out.push_back(Part::Passing(text.split_to(passing)));
            }
            let event = match event {
                Ok(event) => event,
                Err(error) => {
                    self.hold(text);
                    return Err(error);
                }
            };
            let Some(event) = event else { break };
            out.push_back(Part::Event(WholeEvent::new(text.split_to(event - passing))));
            (self.line, searched) = (0, 0);
        }
        self.hold(text);
        Ok(())
    }

    fn hold(&mut self, text: Bytes) {
        self.held = match text.try_into_mut() {
            Ok(text) => text, // not copied: it may come byte by byte
            Err(text) => BytesMut::from(&text[..]),
        };
    }

    /// Gives the current event up after an error: returns what was held, and passes the rest of the event on.
    pub(crate) fn give_up(&mut self) -> Part {
        self.event = Event::Passing;
        self.is_passing_line = !matches!(self.held.last(), Some(b'\n' | b'\r'));
        self.line = 0;
        Part::Passing(self.held.split().freeze())
    }

    /// Returns the bytes that are still held at the end of the stream. Some clients take them for an event.
    pub(crate) fn finish(&mut self) -> Option<Part> {
        let text = self.held.split().freeze();
        let is_whole = self.event == Event::Whole;
        self.event = Event::Passing;
        match text.is_empty() {
            true => None,
            false if is_whole => Some(Part::Event(WholeEvent::new(text))),
            false => Some(Part::Passing(text)),
        }
    }

    /// Reads a text that begins with what was held, the first `searched` bytes of which were read before. The bytes
    /// before `passing` are passed on, also if there is an error. The whole event, if one is returned, is between
    /// `passing` and the returned position.
    fn find(
        &mut self,
        text: &[u8],
        searched: usize,
        is_off: &impl Fn() -> bool,
        passing: &mut usize,
    ) -> Result<Option<usize>, ListError> {
        let Some(mut lines) = self.reader.lines(text, self.line, searched) else {
            return Ok(None);
        };
        if self.line == 0 {
            *passing = lines.current_start(); // a byte order mark, or the rest of a line end
        }
        while let Some(line) = lines.next() {
            let end = lines.current_start();
            let is_complete = line.is_complete;
            if self.is_passing_line {
                self.is_passing_line = !is_complete;
                *passing = if is_complete { end } else { text.len() };
                continue;
            }
            let passes = match self.event {
                Event::Passing => true,
                Event::Whole if line.ends_event() => {
                    self.check_length(end - *passing)?;
                    self.begin_event();
                    return Ok(Some(end));
                }
                Event::Whole => false,
                Event::Undecided => {
                    let has_lines = self.undecided.has_lines;
                    let is_comment = !has_lines && !may_begin_event(&line);
                    let is_off = || !has_lines && !line.ends_event() && is_off();
                    self.event = match () {
                        () if is_comment => Event::Undecided,
                        () if is_off() => Event::Passing,
                        () => match self.undecided.read(&line) {
                            Verdict::Undecided => Event::Undecided,
                            Verdict::Passing => Event::Passing,
                            Verdict::Whole => Event::Whole,
                        },
                    };
                    match self.event {
                        Event::Undecided => is_comment || line.ends_event(),
                        Event::Passing => true,
                        Event::Whole => false,
                    }
                }
            };
            if passes {
                *passing = if is_complete { end } else { text.len() };
                self.is_passing_line = !is_complete;
            }
            if line.ends_event() {
                self.begin_event();
            }
        }
        if self.event == Event::Whole {
            self.check_length(text.len() - *passing)?;
        }
        self.line = lines.current_start().saturating_sub(*passing);
        Ok(None)
    }

    fn begin_event(&mut self) {
        self.event = Event::Undecided;
        self.undecided.reset();
    }

    fn check_length(&self, event: usize) -> Result<(), ListError> {
        if event > self.max_event { Err(ListError::TooLong) } else { Ok(()) }
    }
}

impl Undecided {
    fn reset(&mut self) {
        self.classifier.reset();
        (self.has_lines, self.data, self.value, self.others) = (false, 0, 0, 0);
    }

    /// Reads a line, or more of a line that was incomplete before. An event that stays undecided for too long is read
    /// whole.
    fn read(&mut self, line: &Line<'_>) -> Verdict {
        let value = match (Field::parse(line.content), line.content) {
            (Field::Data(value), _) if line.is_complete => value,
            // The next byte may be a space, which is not part of the value.
            (_, b"data" | b"data:") => &[],
            (Field::Data(value), _) => value,
            // It may become data.
            (_, beginning) if !line.is_complete && DATA.starts_with(beginning) => {
                return Verdict::Undecided;
            }
            _ => {
                let others = self.others + line.content.len();
                if others > MAX_UNDECIDED {
                    return Verdict::Whole;
                }
                if line.is_complete {
                    (self.others, self.has_lines) = (others, true);
                }
                return Verdict::Undecided;
            }
        };
        if self.value == 0 && self.data > 0 && (line.is_complete || !value.is_empty()) {
            let verdict = self.classify(b"\n"); // as a client joins several lines
            if verdict != Verdict::Undecided {
                return verdict;
            }
        }
        let verdict = self.classify(&value[self.value..]);
        self.value = value.len();
        if line.is_complete {
            (self.value, self.has_lines) = (0, true);
        }
        verdict
    }

    fn classify(&mut self, data: &[u8]) -> Verdict {
        let allowed = data.len().min(MAX_UNDECIDED - self.data);
        let verdict = self.classifier.push(&data[..allowed]);
        self.data += allowed;
        if allowed < data.len() && verdict == Verdict::Undecided { Verdict::Whole } else { verdict }
    }
}

/// Returns whether a line may be one that clients read.
fn may_begin_event(line: &Line<'_>) -> bool {
    match Field::parse(line.content) {
        Field::Other if line.is_complete => line.content.is_empty(),
        _ => FIELDS.iter().any(|name| may_be_field(line.content, name)),
    }
}
