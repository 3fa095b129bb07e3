//! Text from clients, made safe for a log line or a response.

use std::fmt;

/// How many characters of a client's text are shown.
const MAX_CHARS: usize = 256;

/// Shows the beginning of a text and, if there is more, its length. `Debug` and `Display` escape it.
///
/// A request of 60 kB would otherwise write three times as much to the log.
pub(crate) struct Shortened<'t>(&'t [u8]);

impl<'t> Shortened<'t> {
    pub(crate) fn new(text: &'t (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self(text.as_ref())
    }

    /// Returns the part that is shown, and whether there is more.
    fn shown(&self) -> (String, bool) {
        // A character has up to four bytes.
        let head = &self.0[..self.0.len().min(4 * MAX_CHARS)];
        let text = String::from_utf8_lossy(head);
        let shown: String = text.chars().take(MAX_CHARS).collect();
        let is_cut = shown.len() < text.len() || head.len() < self.0.len();
        (shown, is_cut)
    }

    fn write_length(&self, f: &mut fmt::Formatter<'_>, is_cut: bool) -> fmt::Result {
        if is_cut { write!(f, "… ({} bytes)", self.0.len()) } else { Ok(()) }
    }
}

impl fmt::Debug for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, is_cut) = self.shown();
        write!(f, "{shown:?}")?;
        self.write_length(f, is_cut)
    }
}

/// As [`Debug`](fmt::Debug), without quotes.
impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, is_cut) = self.shown();
        write!(f, "{}", shown.escape_debug())?;
        self.write_length(f, is_cut)
    }
}

/// Leaves the user information out of a URL, which may be a password.
pub(crate) fn without_user_info(url: impl Into<String>) -> String {
    let mut url = url.into();
    if let Some(at) = url.rfind('@') {
        url.replace_range(..at, "…");
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: impl AsRef<[u8]>) -> String {
        format!("{:?}", Shortened::new(&text))
    }

    #[test]
    fn short_text_is_shown_whole() {
        assert_eq!(shown("/mcp"), "\"/mcp\"");
        assert_eq!(shown(""), "\"\"");
        assert_eq!(shown("é".repeat(256)), format!("{:?}", "é".repeat(256)));
    }

    #[test]
    fn long_text_is_cut_and_its_length_is_shown() {
        assert_eq!(shown("a".repeat(257)), format!("\"{}\"… (257 bytes)", "a".repeat(256)));
        let escaped = shown("\u{85}".repeat(30_000));
        assert!(escaped.len() < 2_000 && escaped.ends_with("… (60000 bytes)"), "{escaped}");
        assert!(shown([0xff; 60_000]).len() < 2_000);
    }

    #[test]
    fn control_characters_do_not_break_a_line() {
        assert_eq!(shown("a\r\nb\u{202e}"), "\"a\\r\\nb\\u{202e}\"");
    }
}
