//! Who may own, read and write a credential file and its directory.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use super::file_version::FileId;
use crate::credentials::file::error::{CredentialFileError, CredentialFileErrorKind};

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// No secrets: other users may read the file. Write access still decides which clients authenticate.
    Public,
    /// Secrets: see [`check`].
    Private,
    /// A policy: other users may read it. It is no credential, so it stays active while it is missing.
    Policy,
}

/// Checks the permissions of a file, where the system has any.
///
/// The file must belong to root or to the user of this process, and no other user may write it. If it
/// holds secrets, other users may read it only if it belongs to root: this is how Kubernetes
/// (`fsGroup`, 0440), systemd (`LoadCredential=`) and Docker provide secrets to a process that is not
/// root. PostgreSQL has the same rule.
#[cfg(unix)]
pub(super) fn check(file: &Metadata, access: Access) -> Result<(), CredentialFileError> {
    use std::os::unix::fs::MetadataExt as _;
    let user = rustix::process::geteuid().as_raw();
    check_as(access, file.mode() & 0o777, file.uid(), user)
        .map_err(|problem| CredentialFileError::new(CredentialFileErrorKind::Permissions, problem))
}

#[cfg(not(unix))]
pub(super) fn check(_: &Metadata, _: Access) -> Result<(), CredentialFileError> {
    Ok(())
}

#[cfg_attr(not(unix), allow(dead_code))]
fn check_as(access: Access, mode: u32, owner: u32, user: u32) -> Result<(), String> {
    const ROOT: u32 = 0;
    if owner != ROOT && owner != user {
        return Err(format!(
            "the file belongs to user {owner}: it must belong to the user of this process ({user}) \
             or to root"
        ));
    }
    if mode & 0o022 != 0 {
        return Err(format!(
            "users other than its owner may write the file (mode {mode:03o}): `chmod go-w` it"
        ));
    }
    if access == Access::Private && owner != ROOT && mode & 0o077 != 0 {
        return Err(format!(
            "users other than its owner may read the file (mode {mode:03o}): `chmod 600` it"
        ));
    }
    Ok(())
}

/// Returns the directories in which users other than the owner can replace the file: the one in its
/// path and, if that is a link, the one that contains the file.
pub(super) fn open_directories(file: &Path) -> Vec<PathBuf> {
    let real = file.canonicalize().ok();
    let mut seen = Vec::new();
    let mut open = Vec::new();
    for directory in [Some(file), real.as_deref()].into_iter().flatten().filter_map(Path::parent) {
        let Ok(metadata) = fs::metadata(directory) else { continue };
        let id = FileId::from(&metadata);
        if is_open(&metadata) && !seen.contains(&id) {
            seen.push(id);
            open.push(directory.to_owned());
        }
    }
    open
}

/// Returns whether users other than the owner can replace files in this directory.
#[cfg(unix)]
fn is_open(directory: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    directory.mode() & 0o022 != 0 && directory.mode() & 0o1000 == 0
}

#[cfg(not(unix))]
fn is_open(_: &Metadata) -> bool {
    false
}

/// The kind of fault: the mode is checked for readers, and not for writers.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_files_must_be_writable_by_their_owner_only() {
        for (mode, owner, user, is_allowed) in [
            (0o644, 0, 1000, true),
            (0o644, 1000, 1000, true),
            (0o444, 1000, 1000, true),
            (0o600, 0, 0, true),
            (0o666, 1000, 1000, false),
            (0o664, 1000, 1000, false),
            (0o646, 0, 1000, false),
            (0o620, 0, 0, false),
            (0o600, 1001, 1000, false),
            (0o600, 1000, 0, false),
        ] {
            let checked = check_as(Access::Public, mode, owner, user);
            assert_eq!(checked.is_ok(), is_allowed, "{mode:o} {owner} {user}");
        }
    }

    #[test]
    fn private_files_may_be_readable_by_others_if_owned_by_root() {
        for (mode, owner, user, is_allowed) in [
            (0o600, 1000, 1000, true),
            (0o400, 1000, 1000, true),
            (0o440, 0, 1000, true), // Kubernetes with `fsGroup`, systemd
            (0o444, 0, 1000, true), // Docker
            (0o640, 0, 1000, true),
            (0o440, 0, 0, true),
            (0o600, 0, 0, true),
            (0o640, 1000, 1000, false),
            (0o440, 1000, 1000, false),
            (0o604, 1000, 1000, false),
            (0o660, 0, 1000, false),
            (0o442, 0, 1000, false),
            (0o777, 0, 0, false),
            (0o400, 1001, 1000, false),
            (0o400, 1000, 0, false),
        ] {
            let checked = check_as(Access::Private, mode, owner, user);
            assert_eq!(checked.is_ok(), is_allowed, "{mode:o} {owner} {user}");
        }
    }
}
