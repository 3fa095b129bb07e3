//! Stands in for `file` if feature `files` is disabled.

/// There are no files of credentials.
#[derive(Clone, Debug)]
pub(crate) enum CredentialFile {}
