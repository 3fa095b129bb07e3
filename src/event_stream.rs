//! The syntax of event streams (WHATWG HTML, section 9.2): lines, the fields in them, and the types of events.
//!
//! Whatever reads an event stream builds on it: the filter of lists, and the rewriter that binds IDs. It holds no
//! bytes. A caller keeps what it needs of a chunk, and presents it again together with the next one. It uses
//! nothing of this crate.

use memchr::memchr2;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// What must be remembered between two chunks to find the lines of a stream.
#[derive(Default)]
pub(crate) struct LineReader {
    /// The stream has begun: a byte order mark can no longer come.
    has_begun: bool,
    /// The last byte was a CR: an LF that comes next is part of the same line end.
    after_cr: bool,
}

/// The lines of one text, which begins with what the caller kept of earlier chunks.
pub(crate) struct Lines<'t> {
    text: &'t [u8],
    /// Where the current line begins.
    start: usize,
    /// Up to where it was searched for its end.
    searched: usize,
}

/// A line, or the beginning of one whose end has not come yet.
pub(crate) struct Line<'t> {
    /// Where it begins in the text.
    pub(crate) start: usize,
    /// Without its end, which is LF, CR or CR LF.
    pub(crate) content: &'t [u8],
    pub(crate) is_complete: bool,
}

impl LineReader {
    /// Creates a reader for a text from within a stream, where a byte order mark is one no longer.
    pub(crate) fn within_stream() -> Self {
        Self { has_begun: true, after_cr: false }
    }

    /// Returns the lines of a text whose current line begins at `start`, and of which everything up
    /// to `searched` was presented before. `None` if the text is too short to tell whether it is a
    /// byte order mark: it must be presented again, together with more.
    pub(crate) fn lines<'t>(
        &mut self,
        text: &'t [u8],
        start: usize,
        searched: usize,
    ) -> Option<Lines<'t>> {
        let mut lines = Lines { text, start, searched };
        if !self.has_begun {
            if text.len() < BOM.len() && BOM.starts_with(text) {
                return None;
            }
            if text.starts_with(BOM) {
                lines.rewind_to(BOM.len());
            }
            self.has_begun = true;
        }
        if self.after_cr && text.get(lines.searched) == Some(&b'\n') {
            lines.rewind_to(lines.searched + 1);
        }
        self.after_cr = text.ends_with(b"\r");
        Some(lines)
    }
}

impl<'t> Lines<'t> {
    /// Returns the next line; `None` at the end of the text. The last line may be incomplete.
    pub(crate) fn next(&mut self) -> Option<Line<'t>> {
        let unsearched = &self.text[self.searched..];
        if unsearched.is_empty() {
            return None;
        }
        let start = self.start;
        let end = memchr2(b'\n', b'\r', unsearched).map(|at| self.searched + at);
        let Some(end) = end else {
            self.searched = self.text.len();
            return Some(Line { start, content: &self.text[start..], is_complete: false });
        };
        self.rewind_to(end + if self.text[end..].starts_with(b"\r\n") { 2 } else { 1 });
        Some(Line { start, content: &self.text[start..end], is_complete: true })
    }

    /// Returns where the current line begins: the incomplete one, if the last one was.
    pub(crate) fn current_start(&self) -> usize {
        self.start
    }

    /// Reads from this beginning of a line again.
    pub(crate) fn rewind_to(&mut self, start: usize) {
        (self.start, self.searched) = (start, start);
    }
}

impl Line<'_> {
    /// Returns where its content ends in the text.
    pub(crate) fn end(&self) -> usize {
        self.start + self.content.len()
    }

    /// Returns whether it ends an event.
    pub(crate) fn ends_event(&self) -> bool {
        self.is_complete && self.content.is_empty()
    }
}

/// A field that decides what an event is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Field<'l> {
    Id(&'l [u8]),
    Event(&'l [u8]),
    Data(&'l [u8]),
    /// A comment, `retry`, or a field that is not known.
    Other,
}

impl<'l> Field<'l> {
    /// Parses a complete line.
    pub(crate) fn parse(line: &'l [u8]) -> Self {
        let field = match line.first() {
            Some(b'i') => value_of(line, b"id").map(Self::Id),
            Some(b'e') => value_of(line, b"event").map(Self::Event),
            Some(b'd') => value_of(line, b"data").map(Self::Data),
            _ => None,
        };
        field.unwrap_or(Self::Other)
    }
}

/// Returns whether a line that begins with these bytes is the field of this name, or may become it.
pub(crate) fn may_be_field(beginning: &[u8], name: &[u8]) -> bool {
    name.starts_with(beginning) || value_of(beginning, name).is_some()
}

/// Returns the value of the field of this name, if the line is one. One space after the colon is not
/// part of it.
fn value_of<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    match line.strip_prefix(name)? {
        [b':', b' ', value @ ..] | [b':', value @ ..] | value @ [] => Some(value),
        _ => None,
    }
}

/// Returns the values of `data` in these lines of an event. A client joins them by LF.
pub(crate) fn data_values(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = lines.split(|byte| matches!(byte, b'\n' | b'\r'));
    lines.filter_map(|line| value_of(line, b"data"))
}

/// The type of an event, which its last `event` field decides.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum EventType {
    /// A JSON-RPC message: the default.
    #[default]
    Message,
    /// The URL that a client of HTTP+SSE sends its messages to.
    Endpoint,
    Other,
}

impl EventType {
    /// Parses the value of an `event` field.
    pub(crate) fn parse(value: &[u8]) -> Self {
        match value {
            b"" | b"message" => Self::Message,
            b"endpoint" => Self::Endpoint,
            _ => Self::Other,
        }
    }

    /// Returns the type of the event after this line of it.
    pub(crate) fn after(self, line: &[u8]) -> Self {
        match Field::parse(line) {
            Field::Event(value) => Self::parse(value),
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a stream in these chunks, keeping what is incomplete, and returns its complete lines.
    fn complete_lines<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<Vec<u8>> {
        let mut reader = LineReader::default();
        let (mut text, mut found) = (Vec::new(), Vec::new());
        for chunk in chunks {
            let searched = text.len();
            text.extend_from_slice(chunk);
            let Some(mut lines) = reader.lines(&text, 0, searched) else { continue };
            while let Some(line) = lines.next() {
                assert_eq!(line.content, &text[line.start..line.end()]);
                if line.is_complete {
                    found.push(line.content.to_vec());
                }
            }
            let rest = lines.current_start();
            text.drain(..rest);
        }
        found
    }

    #[test]
    fn lines_are_found_wherever_the_stream_is_cut() {
        for (stream, expected) in [
            ("a\nb\rc\r\nd", &["a", "b", "c"][..]),
            ("\n\r\r\n\n", &["", "", "", ""]),
            ("\u{FEFF}a\n\u{FEFF}b\n", &["a", "\u{FEFF}b"]),
            ("\u{FEFF}\u{FEFF}a\n", &["\u{FEFF}a"]),
            ("\u{FEFF}\r\n\na\r", &["", "", "a"]),
            ("", &[]),
        ] {
            let stream = stream.as_bytes();
            for at in 0..=stream.len() {
                let (first, second) = stream.split_at(at);
                let found = complete_lines([first, second]);
                assert!(found.iter().eq(expected.iter().map(|line| line.as_bytes())), "{at}");
            }
            assert_eq!(complete_lines(stream.chunks(1)).len(), expected.len());
        }
    }

    #[test]
    fn field_names_are_exact_and_one_space_is_ignored() {
        for (line, expected) in [
            ("id: 1", Field::Id(b"1")),
            ("id:1", Field::Id(b"1")),
            ("id:  1 ", Field::Id(b" 1 ")),
            ("id", Field::Id(b"")),
            ("event: endpoint", Field::Event(b"endpoint")),
            ("data::", Field::Data(b":")),
            ("data", Field::Data(b"")),
            ("ID: 1", Field::Other),
            ("id : 1", Field::Other),
            ("idle: 1", Field::Other),
            (":id", Field::Other),
            ("retry: 1", Field::Other),
        ] {
            assert_eq!(Field::parse(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn last_event_field_decides_the_type() {
        let type_of = |lines: &[&str]| {
            lines.iter().fold(EventType::default(), |event, line| event.after(line.as_bytes()))
        };
        assert_eq!(type_of(&["data: x"]), EventType::Message);
        assert_eq!(type_of(&["event: endpoint", "data: x"]), EventType::Endpoint);
        assert_eq!(type_of(&["event: endpoint", "event"]), EventType::Message);
        assert_eq!(type_of(&["event: message", "event: Message"]), EventType::Other);
    }

    #[test]
    fn data_values_are_found_between_all_line_ends() {
        let event = b"event: x\ndata: 1\rdata\r\ndata:2\nid: 3";
        assert!(data_values(event).eq([&b"1"[..], b"", b"2"]));
    }
}
