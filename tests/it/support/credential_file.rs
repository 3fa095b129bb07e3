//! Credential files, each in a temporary directory of its own.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

/// A credential file that only its owner can read. It is removed when dropped.
pub struct CredentialFile {
    directory: TempDir,
    pub path: PathBuf,
}

impl CredentialFile {
    pub fn new(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("credentials");
        let file = Self { directory, path };
        file.replace(text);
        file
    }

    /// Replaces the file by rename, like editors and Kubernetes do it.
    pub fn replace(&self, text: &str) {
        self.replace_with_mode(text, 0o600);
    }

    pub fn replace_with_mode(&self, text: &str, mode: u32) {
        let next = self.directory.path().join("next");
        fs::write(&next, text).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&next, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        let _ = mode;
        fs::rename(next, &self.path).unwrap();
    }

    #[cfg(unix)]
    pub fn set_mode(&self, mode: u32) {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(&self.path, permissions).unwrap();
    }
}
