//! One event that is read whole.

use bytes::Bytes;

use super::edits::one_line;
use crate::event_stream::{Field, LineReader, data_values};

/// A whole event, whose data may be a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WholeEvent(Bytes);

impl WholeEvent {
    pub(super) fn new(text: Bytes) -> Self {
        Self(text)
    }

    /// Returns its data, as a client joins the lines.
    pub(crate) fn data(&self) -> Vec<u8> {
        let mut data = Vec::with_capacity(self.0.len());
        for (index, value) in data_values(&self.0).enumerate() {
            if index > 0 {
                data.push(b'\n');
            }
            data.extend_from_slice(value);
        }
        data
    }

    /// Returns the event as it came.
    pub(crate) fn unchanged(self) -> Bytes {
        self.0
    }

    /// Returns the event with other data, in one line in place of the first one. Its other lines stay as they are.
    pub(crate) fn with_data(&self, json: Vec<u8>) -> Bytes {
        let text = &self.0;
        let mut out = Vec::with_capacity(json.len() + text.len().min(1024));
        let mut json = Some(one_line(json));
        let mut reader = LineReader::within_stream();
        let Some(mut lines) = reader.lines(text, 0, 0) else { return Bytes::new() };
        let mut copied = 0;
        while let Some(line) = lines.next() {
            if let Field::Data(_) = Field::parse(line.content) {
                out.extend_from_slice(&text[copied..line.start]);
                copied = if line.is_complete { lines.current_start() } else { text.len() };
                if let Some(json) = json.take() {
                    out.extend_from_slice(b"data: ");
                    out.extend_from_slice(&json);
                    out.extend_from_slice(&text[line.end()..copied]);
                }
            }
        }
        out.extend_from_slice(&text[copied..]);
        out.into()
    }
}
