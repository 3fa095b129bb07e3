//! Who may own, read and write a file that says who has access.

use std::fs::Metadata;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// No secrets: others may read it. Who may write it, decides who is authenticated.
    Public,
    /// Secrets: see [`check`].
    Private,
}

/// What is wrong with the permissions of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PermissionError {
    #[error("users other than its owner may write it (mode {mode:03o}): `chmod go-w` it")]
    Writable { mode: u32 },
    #[error("users other than its owner may read it (mode {mode:03o}): `chmod 600` it")]
    Readable { mode: u32 },
    #[error(
        "it belongs to user {owner}: it must belong to this process's user ({user}) or to root"
    )]
    Owner { owner: u32, user: u32 },
}

/// Checks the permissions of a file, where there are any.
///
/// It must belong to root or to the user of this process, and nobody else may write it. If it has
/// secrets, others may read it only if it belongs to root: so Kubernetes (`fsGroup`, 0440), systemd
/// (`LoadCredential=`) and Docker provide secrets to a process that is not root. PostgreSQL has the
/// same rule.
#[cfg(unix)]
pub(super) fn check(file: &Metadata, access: Access) -> Result<(), PermissionError> {
    use std::os::unix::fs::MetadataExt as _;
    let user = rustix::process::geteuid().as_raw();
    check_as(access, file.mode() & 0o777, file.uid(), user)
}

#[cfg(not(unix))]
pub(super) fn check(_: &Metadata, _: Access) -> Result<(), PermissionError> {
    Ok(())
}

#[cfg_attr(not(unix), allow(dead_code))]
fn check_as(access: Access, mode: u32, owner: u32, user: u32) -> Result<(), PermissionError> {
    const ROOT: u32 = 0;
    if owner != ROOT && owner != user {
        return Err(PermissionError::Owner { owner, user });
    }
    if mode & 0o022 != 0 {
        return Err(PermissionError::Writable { mode });
    }
    if access == Access::Private && owner != ROOT && mode & 0o077 != 0 {
        return Err(PermissionError::Readable { mode });
    }
    Ok(())
}

/// Whether users other than the owner can replace files in this directory.
#[cfg(unix)]
pub(super) fn is_open_directory(directory: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    directory.mode() & 0o022 != 0 && directory.mode() & 0o1000 == 0
}

#[cfg(not(unix))]
pub(super) fn is_open_directory(_: &Metadata) -> bool {
    false
}

/// The kind of fault: mode bits are taken for who can read, and nobody asks who can write.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_secrets_is_written_by_its_owner_alone() {
        for (mode, owner, user, is_good) in [
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
            assert_eq!(checked.is_ok(), is_good, "{mode:o} {owner} {user}");
        }
    }

    #[test]
    fn a_file_of_secrets_is_read_by_others_only_if_it_is_roots() {
        for (mode, owner, user, is_good) in [
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
            assert_eq!(checked.is_ok(), is_good, "{mode:o} {owner} {user}");
        }
    }
}
