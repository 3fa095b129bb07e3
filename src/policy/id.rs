//! The ID of a request, as text.

/// What of an ID is echoed in an error. Clients use numbers and UUIDs.
const MAX_LEN: usize = 1024;

/// The ID of a request: the text of a JSON value. It is kept as it was sent, as numbers have many forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id<'b>(&'b str);

impl<'b> Id<'b> {
    pub(crate) const NULL: Id<'static> = Id("null");

    /// Makes an ID of the text of a JSON value.
    pub(crate) fn new(json: &'b str) -> Self {
        Self(json)
    }

    /// Returns the ID of a response to the request: its own text if that is a string or a number of reasonable
    /// length, and `null` if it is anything else.
    pub(crate) fn echoed(self) -> &'b str {
        let is_id = matches!(self.0.as_bytes(), [b'"' | b'-' | b'0'..=b'9', ..]);
        if is_id && self.0.len() <= MAX_LEN { self.0 } else { Id::NULL.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_numbers_are_echoed_as_they_were_sent() {
        for id in ["7", "-1", "1e999", "1.50", r#""a\u0062\ud800""#, r#""""#] {
            assert_eq!(Id::new(id).echoed(), id);
        }
        for id in ["null", "true", "{\"a\":1}", "[1]"] {
            assert_eq!(Id::new(id).echoed(), "null");
        }
    }

    #[test]
    fn long_ids_are_not_echoed() {
        let long = "1".repeat(MAX_LEN);
        assert_eq!(Id::new(&long).echoed(), long);
        assert_eq!(Id::new(&"1".repeat(MAX_LEN + 1)).echoed(), "null");
    }
}
