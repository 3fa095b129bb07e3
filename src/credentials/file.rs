//! Files of credentials: how they are read, what every line of them has in common, and why one is
//! refused.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The most that a file may have, in bytes.
const MAX_FILE: usize = 16 << 20;
/// The most that a line may have, in bytes.
const MAX_LINE: usize = 4 << 10;

/// Some editors put it in front of a file, and whoever joins files has it in the middle.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Why a file of credentials cannot be used: which file, which line, and what is wrong with it.
///
/// It never quotes the file. `Display` is one line, such as
/// `users.htpasswd:3: the user stands in line 1 already`.
#[derive(Debug, thiserror::Error)]
pub struct CredentialFileError {
    path: Option<PathBuf>,
    line: Option<usize>,
    reason: Cow<'static, str>,
    #[source]
    io: Option<io::Error>,
}

impl CredentialFileError {
    /// The file, if it was read from one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The line, counted from 1, unless it is the file as a whole.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// About the file as a whole.
    pub(crate) fn file(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { path: None, line: None, reason: reason.into(), io: None }
    }

    pub(crate) fn in_line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    pub(crate) fn in_file(mut self, path: &Path) -> Self {
        self.path = Some(path.to_owned());
        self
    }
}

impl From<io::Error> for CredentialFileError {
    fn from(error: io::Error) -> Self {
        Self { io: Some(error), ..Self::file("it cannot be read") }
    }
}

impl fmt::Display for CredentialFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            // A name with a line break in it makes no second line.
            let name = path.display().to_string().replace(char::is_control, "\u{fffd}");
            f.write_str(&name)?;
        }
        match (&self.path, self.line) {
            (Some(_), Some(line)) => write!(f, ":{line}: ")?,
            (Some(_), None) => f.write_str(": ")?,
            (None, Some(line)) => write!(f, "line {line}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.reason)?;
        self.io.as_ref().map_or(Ok(()), |error| write!(f, ": {error}"))
    }
}

/// The text of a file.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, CredentialFileError> {
    str::from_utf8(bytes).map_err(|error| {
        let valid = &bytes[..error.valid_up_to()];
        let line = 1 + valid.iter().filter(|&&byte| byte == b'\n').count();
        CredentialFileError::file("it is not UTF-8").in_line(line)
    })
}

fn check_size(bytes: usize) -> Result<(), CredentialFileError> {
    match bytes > MAX_FILE {
        true => Err(CredentialFileError::file("it has more than 16 MiB")),
        false => Ok(()),
    }
}

/// Whether a line says nothing: blank lines and comments do. What stands in front of the `#` of a
/// comment can only be white space; to read the line all the same would be to keep a credential that
/// somebody has taken out.
fn says_nothing(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    line.is_empty() || line.starts_with(b"#")
}

/// Whether a file names no credential: blank lines and comments alone.
pub(crate) fn is_blank(content: &[u8]) -> bool {
    let content = content.strip_prefix(BYTE_ORDER_MARK.as_bytes()).unwrap_or(content);
    content.split(|byte| *byte == b'\n').all(says_nothing)
}

/// What `parse` makes of every line that says something, which it is given with its number. Blank
/// lines and those that begin with `#` or with white space and `#` say nothing.
///
/// A byte order mark in front and `\r` at the end of a line are no part of it.
pub(crate) fn parse_lines<T>(
    text: &str,
    mut parse: impl FnMut(usize, &str) -> Result<T, Cow<'static, str>>,
) -> Result<Vec<T>, CredentialFileError> {
    check_size(text.len())?;
    let mut parsed = Vec::new();
    for (index, line) in text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text).split('\n').enumerate()
    {
        let (number, line) = (index + 1, line.strip_suffix('\r').unwrap_or(line));
        let refused = |reason: Cow<'static, str>| CredentialFileError::file(reason).in_line(number);
        if line.len() > MAX_LINE {
            return Err(refused("it has more than 4096 bytes".into()));
        }
        if says_nothing(line.as_bytes()) {
            continue;
        }
        if line.contains(BYTE_ORDER_MARK) {
            return Err(refused(
                "there is a byte order mark (U+FEFF) in the line, which is not seen: remove it"
                    .into(),
            ));
        }
        parsed.push(parse(number, line).map_err(refused)?);
    }
    Ok(parsed)
}

/// Refuses to start without a credential.
pub(crate) fn some(credentials: usize) -> Result<usize, CredentialFileError> {
    match credentials {
        0 => Err(CredentialFileError::file("there is no credential in it: add at least one")),
        some => Ok(some),
    }
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
    fn comments_blank_lines_crlf_and_a_byte_order_mark_are_no_part_of_lines() {
        let text = "\u{feff}one\r\n\r\n# bad\n \t \n#bad\n\ntwo\nthree";
        assert_eq!(words(text).unwrap(), ["one", "two", "three"]);
        assert_eq!(words(" one ").unwrap(), [" one "], "white space is");
        assert_eq!(words("o\rne").unwrap(), ["o\rne"], "and so is this");
    }

    /// The kind: a credential that somebody has taken out stays in force, as the line is read
    /// otherwise than it looks.
    #[test]
    fn a_comment_is_one_however_it_is_indented() {
        for comment in ["#bad", " #bad", "\t# bad", " \t #", " \r\n  #bad\r"] {
            assert_eq!(words(&format!("one\n{comment}\ntwo")).unwrap(), ["one", "two"]);
            assert!(is_blank(comment.as_bytes()), "{comment:?}");
        }
        assert_eq!(words("one #bad").unwrap(), ["one #bad"], "not behind something");
        assert!(is_blank(b"\xEF\xBB\xBF\n") && !is_blank(b"#\none"));
        // As files that were joined have it, where it hides a comment or is part of a name.
        for hidden in ["one\n\u{feff}#bad", "one\n\u{feff}two", "one\ntw\u{feff}o"] {
            let error = words(hidden).unwrap_err();
            assert!(error.starts_with("line 2: there is a byte order mark"), "{error}");
            assert!(!is_blank(hidden.as_bytes()));
        }
    }

    #[test]
    fn the_line_is_named() {
        assert_eq!(words("\u{feff}# one\r\n\r\nbad\n").unwrap_err(), "line 3: it is bad");
        let named = CredentialFileError::file("it is bad").in_line(3).in_file(Path::new("a/b"));
        assert_eq!(named.to_string(), "a/b:3: it is bad");
        assert_eq!((named.path(), named.line()), (Some(Path::new("a/b")), Some(3)));
        let hostile = CredentialFileError::file("it is bad").in_file(Path::new("a\nb"));
        assert_eq!(hostile.to_string(), "a\u{fffd}b: it is bad");
    }

    #[test]
    fn lines_and_files_are_bounded() {
        let long = |length| format!("\n{}\r\n", "x".repeat(length));
        assert!(words(&long(4096)).is_ok());
        assert_eq!(words(&long(4097)).unwrap_err(), "line 2: it has more than 4096 bytes");
        assert!(words(&format!("#{}", "x".repeat(4096))).is_err(), "a comment, too");

        let large = |length: usize| format!("one{}", "\n".repeat(length - 3));
        assert!(words(&large(16 << 20)).is_ok());
        assert_eq!(words(&large((16 << 20) + 1)).unwrap_err(), "it has more than 16 MiB");
    }

    #[test]
    fn a_text_may_have_no_credential_and_a_first_one_must() {
        for nothing in ["", "\n\n", "# one\n", "\u{feff}"] {
            assert!(words(nothing).unwrap().is_empty());
        }
        let error = some(0).unwrap_err().to_string();
        assert_eq!(error, "there is no credential in it: add at least one");
        assert_eq!(some(1).unwrap(), 1);
    }

    #[test]
    fn a_text_is_utf8() {
        assert_eq!(text("# é\nalice\n".as_bytes()).unwrap(), "# é\nalice\n");
        assert_eq!(text(b"# \xe9\nalice\n").unwrap_err().line(), Some(1));
        assert_eq!(text(b"# e\nalic\xe9\n").unwrap_err().line(), Some(2));
    }
}
