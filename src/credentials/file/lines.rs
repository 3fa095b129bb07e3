//! What the lines of every credential file have in common.

use super::error::CredentialFileErrorKind::{NoCredentials, NotUtf8, TooLarge};
use super::error::{CredentialFileError, LineError};

/// The maximum size of a file, in bytes. Real sets of credentials are smaller.
pub(super) const MAX_FILE: usize = 16 << 20;
/// The maximum length of a line, in bytes.
const MAX_LINE: usize = 4 << 10;

/// Some editors write it at the start of a file, and concatenated files have it in the middle.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Decodes the content of a file.
pub(super) fn text(bytes: &[u8]) -> Result<&str, CredentialFileError> {
    str::from_utf8(bytes).map_err(|error| {
        let valid = &bytes[..error.valid_up_to()];
        let line = 1 + valid.iter().filter(|&&byte| byte == b'\n').count();
        CredentialFileError::new(NotUtf8, "the file is not UTF-8").at_line(line)
    })
}

/// Returns the error for a file above [`MAX_FILE`].
pub(super) fn too_large() -> CredentialFileError {
    CredentialFileError::new(TooLarge, "the file is larger than 16 MiB")
}

/// Returns whether a line is blank or a comment. A comment may be indented: to read it all the same
/// would keep a credential that was commented out.
fn is_ignored(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    line.is_empty() || line.starts_with(b"#")
}

/// Returns whether a file has blank lines and comments only, and hence no credentials.
pub(super) fn is_blank(content: &[u8]) -> bool {
    let content = content.strip_prefix(BYTE_ORDER_MARK.as_bytes()).unwrap_or(content);
    content.split(|byte| *byte == b'\n').all(is_ignored)
}

/// Parses every line but blank ones and comments with `parse`, which takes the number of the line,
/// counted from 1, and its text.
///
/// A byte order mark at the start and `\r` at the end of a line are removed first.
pub(crate) fn parse_lines<T>(
    text: &str,
    mut parse: impl FnMut(usize, &str) -> Result<T, LineError>,
) -> Result<Vec<T>, CredentialFileError> {
    if text.len() > MAX_FILE {
        return Err(too_large());
    }
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut parsed = Vec::new();
    for (number, line) in (1..).zip(text.split('\n')) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.len() > MAX_LINE {
            let error = LineError::new(TooLarge, "the line has more than 4096 bytes");
            return Err(error.at_line(number));
        }
        if is_ignored(line.as_bytes()) {
            continue;
        }
        if line.contains(BYTE_ORDER_MARK) {
            let problem = "the line contains an invisible byte order mark (U+FEFF): remove it";
            return Err(LineError::from(problem).at_line(number));
        }
        parsed.push(parse(number, line).map_err(|error| error.at_line(number))?);
    }
    Ok(parsed)
}

/// Rejects a file without credentials, which no server may start with.
pub(crate) fn require_credentials(count: usize) -> Result<usize, CredentialFileError> {
    if count == 0 {
        let message = "the file contains no credentials: add at least one";
        return Err(CredentialFileError::new(NoCredentials, message));
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Result<Vec<String>, String> {
        let parsed = parse_lines(text, |_, line| match line {
            "bad" => Err("it is bad".into()),
            _ => Ok(line.to_owned()),
        });
        parsed.map_err(|error| error.to_string())
    }

    #[test]
    fn comments_blank_lines_crlf_and_byte_order_mark_are_skipped() {
        let text = "\u{feff}one\r\n\r\n# bad\n \t \n#bad\n\ntwo\nthree";
        assert_eq!(words(text).unwrap(), ["one", "two", "three"]);
        assert_eq!(words(" one ").unwrap(), [" one "], "white space is part of the line");
        assert_eq!(words("o\rne").unwrap(), ["o\rne"], "and so is `\\r` in the middle");
    }

    /// The kind of fault: a credential that was commented out stays active, because the line is read
    /// in another way than it looks.
    #[test]
    fn comments_may_be_indented() {
        for comment in ["#bad", " #bad", "\t# bad", " \t #", " \r\n  #bad\r"] {
            assert_eq!(words(&format!("one\n{comment}\ntwo")).unwrap(), ["one", "two"]);
            assert!(is_blank(comment.as_bytes()), "{comment:?}");
        }
        assert_eq!(words("one #bad").unwrap(), ["one #bad"], "not after other text");
        assert!(is_blank(b"\xEF\xBB\xBF\n") && !is_blank(b"#\none"));
    }

    /// Concatenated files have one, where it hides a comment or becomes part of a name.
    #[test]
    fn byte_order_marks_inside_a_file_are_rejected() {
        for hidden in ["one\n\u{feff}#bad", "one\n\u{feff}two", "one\ntw\u{feff}o"] {
            let error = words(hidden).unwrap_err();
            assert!(error.starts_with("line 2: the line contains an invisible byte"), "{error}");
            assert!(!is_blank(hidden.as_bytes()));
        }
    }

    #[test]
    fn errors_have_the_line_number() {
        assert_eq!(words("\u{feff}# one\r\n\r\nbad\n").unwrap_err(), "line 3: it is bad");
    }

    #[test]
    fn lines_and_files_are_bounded() {
        let long = |length| format!("\n{}\r\n", "x".repeat(length));
        assert!(words(&long(4096)).is_ok());
        assert_eq!(words(&long(4097)).unwrap_err(), "line 2: the line has more than 4096 bytes");
        assert!(words(&format!("#{}", "x".repeat(4096))).is_err(), "comments are bounded, too");

        let large = |length: usize| format!("one{}", "\n".repeat(length - 3));
        assert!(words(&large(MAX_FILE)).is_ok());
        assert_eq!(words(&large(MAX_FILE + 1)).unwrap_err(), "the file is larger than 16 MiB");
    }

    #[test]
    fn empty_files_parse_but_credentials_can_be_required() {
        for nothing in ["", "\n\n", "# one\n", "\u{feff}"] {
            assert!(words(nothing).unwrap().is_empty());
        }
        assert_eq!(require_credentials(0).unwrap_err().kind(), NoCredentials);
        assert_eq!(require_credentials(1).unwrap(), 1);
    }

    #[test]
    fn files_must_be_utf8() {
        assert_eq!(text("# é\nalice\n".as_bytes()).unwrap(), "# é\nalice\n");
        for (bytes, line) in [(&b"# \xe9\nalice\n"[..], 1), (b"# e\nalic\xe9\n", 2)] {
            let error = text(bytes).unwrap_err();
            assert_eq!((error.kind(), error.line()), (NotUtf8, Some(line)));
        }
    }
}
