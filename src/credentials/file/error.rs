//! Why a credential file is rejected.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a file of credentials cannot be used: which file, which line, and what is wrong with it.
///
/// It never quotes the file. `Display` is one line, such as
/// `users.htpasswd:3: duplicate user (first on line 1)`.
///
/// ```
/// # {
/// use mcp_auth_layer::Bearer;
///
/// let error = Bearer::from_file("no/such/file").unwrap_err();
/// assert!(error.to_string().starts_with("no/such/file: the file cannot be read: "));
/// assert_eq!(error.line(), None);
/// assert!(std::error::Error::source(&error).is_some()); // the `std::io::Error`
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
pub struct CredentialFileError {
    kind: CredentialFileErrorKind,
    path: Option<PathBuf>,
    line: Option<usize>,
    message: Cow<'static, str>,
    #[source]
    source: Option<io::Error>,
}

/// The kind of a [`CredentialFileError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialFileErrorKind {
    /// The operating system reports an error, which is the `source()`: the file does not exist, for
    /// example.
    Io,
    /// The path leads to a directory, a pipe or a device.
    NotRegularFile,
    /// On Unix: the owner or the mode of the file lets other users change or read it.
    Permissions,
    /// The file, or one of its lines, is longer than the limit.
    TooLarge,
    /// The file changed each time it was read. Replace it by rename.
    ChangedWhileRead,
    /// The file could not be read in time. Its file system may be unavailable.
    TimedOut,
    /// The file is not UTF-8.
    NotUtf8,
    /// The file contains no credentials.
    NoCredentials,
    /// A line does not have the format of the file.
    InvalidLine,
    /// A user, token or secret appears twice.
    Duplicate,
    /// The file is not a JWK set, or none of its keys can be used.
    InvalidKeySet,
    /// A password hash has an algorithm or parameters that are not accepted.
    UnsupportedHash,
    /// A bug of this crate: the code that loads the file panicked.
    Internal,
}

impl CredentialFileError {
    /// Returns what is wrong, for code that decides by it.
    pub fn kind(&self) -> CredentialFileErrorKind {
        self.kind
    }

    /// Returns the path of the file, if the credentials were read from a file.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Returns the number of the line, counted from 1, unless the error concerns the whole file.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// Creates an error that concerns the whole file.
    pub(crate) fn new(
        kind: CredentialFileErrorKind,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { kind, path: None, line: None, message: message.into(), source: None }
    }

    pub(crate) fn at_line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    pub(crate) fn in_file(mut self, path: &Path) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// Returns whether the file, or a directory on the way to it, does not exist.
    pub(super) fn is_missing(&self) -> bool {
        self.source.as_ref().is_some_and(|error| {
            matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        })
    }
}

impl From<io::Error> for CredentialFileError {
    fn from(error: io::Error) -> Self {
        let message = "the file cannot be read";
        Self { source: Some(error), ..Self::new(CredentialFileErrorKind::Io, message) }
    }
}

impl fmt::Display for CredentialFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            // A line break in the path must not start a second line.
            let name = path.display().to_string().replace(char::is_control, "\u{fffd}");
            f.write_str(&name)?;
        }
        match (&self.path, self.line) {
            (Some(_), Some(line)) => write!(f, ":{line}: ")?,
            (Some(_), None) => f.write_str(": ")?,
            (None, Some(line)) => write!(f, "line {line}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.message)?;
        self.source.as_ref().map_or(Ok(()), |error| write!(f, ": {error}"))
    }
}

/// What is wrong with one line. It becomes a [`CredentialFileError`] with the number of the line.
#[derive(Debug)]
pub(crate) struct LineError {
    kind: CredentialFileErrorKind,
    message: Cow<'static, str>,
}

impl LineError {
    pub(crate) fn new(
        kind: CredentialFileErrorKind,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { kind, message: message.into() }
    }

    /// Creates the error for what already appears on another line.
    pub(crate) fn duplicate(what: &str, first_line: usize) -> Self {
        let message = format!("duplicate {what} (first on line {first_line})");
        Self::new(CredentialFileErrorKind::Duplicate, message)
    }

    pub(crate) fn at_line(self, line: usize) -> CredentialFileError {
        CredentialFileError::new(self.kind, self.message).at_line(line)
    }
}

/// A line that does not have the format of the file.
impl From<&'static str> for LineError {
    fn from(message: &'static str) -> Self {
        Self::new(CredentialFileErrorKind::InvalidLine, message)
    }
}

/// A line that does not have the format of the file.
impl From<String> for LineError {
    fn from(message: String) -> Self {
        Self::new(CredentialFileErrorKind::InvalidLine, message)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn errors_name_file_and_line_in_one_line() {
        let error = || LineError::from("it is bad").at_line(3);
        assert_eq!(error().to_string(), "line 3: it is bad");
        let named = error().in_file(Path::new("a/b"));
        assert_eq!(named.to_string(), "a/b:3: it is bad");
        assert_eq!((named.path(), named.line()), (Some(Path::new("a/b")), Some(3)));
        assert_eq!(named.kind(), CredentialFileErrorKind::InvalidLine);
        let whole = CredentialFileError::new(CredentialFileErrorKind::TooLarge, "it is bad");
        let hostile = whole.in_file(Path::new("a\nb"));
        assert_eq!(hostile.to_string(), "a\u{fffd}b: it is bad");
    }

    #[test]
    fn io_errors_are_sources() {
        let error = CredentialFileError::from(io::Error::from(io::ErrorKind::NotFound));
        let source = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
        assert_eq!(source.kind(), io::ErrorKind::NotFound);
        assert!(error.kind() == CredentialFileErrorKind::Io && error.is_missing());
        assert!(LineError::from("it is bad").at_line(1).source().is_none());
    }
}
