//! Why a policy file is rejected.

use std::fmt;
use std::path::Path;

use crate::credentials::CredentialFileError;

/// Why a policy file cannot be used: which file, which line, and what is wrong with it.
///
/// `Display` is one line, such as `policy.toml:3: unknown key "tool"`.
#[derive(Debug)]
pub struct PolicyFileError(CredentialFileError);

impl PolicyFileError {
    /// Returns the path of the file, if the policy was read from a file.
    pub fn path(&self) -> Option<&Path> {
        self.0.path()
    }

    /// Returns the number of the line, counted from 1, unless the error concerns the whole file.
    pub fn line(&self) -> Option<usize> {
        self.0.line()
    }
}

impl From<CredentialFileError> for PolicyFileError {
    fn from(error: CredentialFileError) -> Self {
        Self(error)
    }
}

impl fmt::Display for PolicyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for PolicyFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
