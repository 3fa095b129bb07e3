//! The values of a TOML document, with the lines where they are.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::credentials::{CredentialFileError, LineError};
use crate::text::Shortened;

/// A value and where it is.
pub(super) type Value<'t> = Spanned<DeValue<'t>>;
pub(super) type Error = CredentialFileError;

/// Where the lines of a text begin.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn new(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self([0].into_iter().chain(ends.map(|(at, _)| at + 1)).collect())
    }

    /// Returns the number of the line in which something begins, counted from 1.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.0.partition_point(|begin| *begin <= span.start)
    }

    /// Creates an error about something in the text.
    pub(super) fn error(&self, span: &Range<usize>, message: impl Into<String>) -> Error {
        LineError::from(message.into()).at_line(self.line(span))
    }

    /// Parses a text.
    pub(super) fn parse<'t>(&self, text: &'t str) -> Result<DeTable<'t>, Error> {
        DeTable::parse(text).map(Spanned::into_inner).map_err(|error| {
            // It is one line in each version of the crate that was looked at; this keeps it so.
            let message = error.message().replace(char::is_control, " ");
            self.error(&error.span().unwrap_or_default(), format!("not TOML: {message}"))
        })
    }

    /// Reads an array of strings that is not empty.
    pub(super) fn strings<'v>(
        &self,
        key: &str,
        value: &'v Value<'_>,
    ) -> Result<Vec<(&'v str, Range<usize>)>, Error> {
        let expected = || format!("`{key}` must be an array of strings, such as {key} = [\"…\"]");
        let DeValue::Array(array) = value.get_ref() else {
            return Err(self.error(&value.span(), expected()));
        };
        if array.is_empty() {
            return Err(
                self.error(&value.span(), format!("`{key}` is empty: add one, or remove it"))
            );
        }
        let strings = array.iter().map(|element| match element.get_ref() {
            DeValue::String(text) => Ok((&**text, element.span())),
            _ => Err(self.error(&element.span(), expected())),
        });
        strings.collect()
    }

    /// Reads names, which are not empty and have no character that cannot be seen.
    pub(super) fn names<'v>(&self, key: &str, value: &'v Value<'_>) -> Result<Vec<&'v str>, Error> {
        let strings = self.strings(key, value)?.into_iter();
        strings.map(|(text, span)| self.name(key, text, &span)).collect()
    }

    pub(super) fn name<'v>(
        &self,
        key: &str,
        text: &'v str,
        span: &Range<usize>,
    ) -> Result<&'v str, Error> {
        let problem = if text.is_empty() {
            "is empty"
        } else if text.contains(char::is_control) {
            "has a control character"
        } else if text.trim() != text {
            "begins or ends with white space"
        } else {
            return Ok(text);
        };
        Err(self.error(span, format!("a name in `{key}` {problem}")))
    }

    /// Reads a value that is `true`.
    pub(super) fn is_true(&self, key: &str, value: &Value<'_>) -> Result<(), Error> {
        match value.get_ref() {
            DeValue::Boolean(true) => Ok(()),
            _ => Err(self.error(&value.span(), format!("`{key}` must be true, or be removed"))),
        }
    }

    /// Creates the error for a key that there is not.
    pub(super) fn unknown_key(&self, key: &str, span: &Range<usize>, known: &[&str]) -> Error {
        let known = known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
        self.error(span, format!("unknown key {:?}: known are {known}", Shortened::new(key)))
    }
}
