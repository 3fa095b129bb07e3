//! Why a credential given in code is rejected.

use std::fmt;

/// Why a credential cannot be configured.
///
/// It gives the position of the credential and never quotes it.
///
/// ```
/// use mcp_auth_layer::Basic;
/// use mcp_auth_layer::credentials::CredentialErrorKind;
///
/// let error = Basic::new([("alice", "secret"), ("bob", "")]).unwrap_err();
/// assert_eq!(error.to_string(), "credential 2: the password is empty");
/// assert_eq!(error.kind(), CredentialErrorKind::InvalidSecret);
/// assert_eq!(error.position(), Some(2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialError {
    kind: CredentialErrorKind,
    position: Option<usize>,
    /// What the problem is with: `"name"`, `"user"`, `"password"` or `"token"`.
    subject: &'static str,
    problem: &'static str,
}

/// The kind of a [`CredentialError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialErrorKind {
    /// There are no credentials, so that no client could authenticate.
    NoCredentials,
    /// A name is empty, has a control character or white space around it or, for Basic, has a colon
    /// (RFC 7617 §2).
    InvalidName,
    /// A password or token does not have the form of its scheme.
    InvalidSecret,
    /// A Basic user appears twice, or two names share one token.
    Duplicate,
}

impl CredentialError {
    /// Returns what is wrong, for code that decides by it.
    pub fn kind(&self) -> CredentialErrorKind {
        self.kind
    }

    /// Returns which credential is wrong, counted from 1, unless there are none.
    pub fn position(&self) -> Option<usize> {
        self.position
    }

    pub(crate) fn no_credentials() -> Self {
        let kind = CredentialErrorKind::NoCredentials;
        Self { kind, position: None, subject: "", problem: "" }
    }

    /// Creates the error for a name: `problem` completes the sentence "the name …".
    pub(crate) fn invalid_name(position: usize, problem: &'static str) -> Self {
        let kind = CredentialErrorKind::InvalidName;
        Self { kind, position: Some(position), subject: "name", problem }
    }

    /// Creates the error for a `"password"` or `"token"`, as above.
    pub(crate) fn invalid_secret(
        position: usize,
        subject: &'static str,
        problem: &'static str,
    ) -> Self {
        Self {
            kind: CredentialErrorKind::InvalidSecret,
            position: Some(position),
            subject,
            problem,
        }
    }

    /// Creates the error for a second `"user"` or `"token"`.
    pub(crate) fn duplicate(position: usize, subject: &'static str) -> Self {
        let kind = CredentialErrorKind::Duplicate;
        Self { kind, position: Some(position), subject, problem: "" }
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, position, subject, problem } = self;
        let Some(position) = position else {
            return f.write_str("no credentials were given: add at least one");
        };
        match kind {
            CredentialErrorKind::Duplicate => {
                write!(f, "credential {position}: duplicate {subject}")
            }
            _ => write!(f, "credential {position}: the {subject} {problem}"),
        }
    }
}

impl std::error::Error for CredentialError {}
