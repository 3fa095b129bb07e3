//! Changes of a text: everything that is not changed stays as it is, byte for byte.

use std::ops::Range;

/// Parts of a text that are replaced. They do not overlap.
#[derive(Debug, Default)]
pub(super) struct Edits(Vec<(Range<usize>, &'static str)>);

impl Edits {
    pub(super) fn cut(&mut self, part: Range<usize>) {
        self.replace(part, "");
    }

    pub(super) fn replace(&mut self, part: Range<usize>, by: &'static str) {
        self.0.push((part, by));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the text with all changes.
    pub(super) fn apply(mut self, text: &str) -> Vec<u8> {
        self.0.sort_unstable_by_key(|(part, _)| part.start);
        let text = text.as_bytes();
        let mut out = Vec::with_capacity(text.len() + 32);
        let mut done = 0;
        for (part, by) in self.0 {
            out.extend_from_slice(&text[done..part.start]);
            out.extend_from_slice(by.as_bytes());
            done = part.end;
        }
        out.extend_from_slice(&text[done..]);
        out
    }
}

/// Makes one line of a JSON text, so that it can be one `data` line of an event. Line ends in JSON are white space
/// between its tokens.
pub(crate) fn one_line(mut json: Vec<u8>) -> Vec<u8> {
    for byte in &mut json {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    json
}
