//! A file for parsers that read one.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of this process, in memory where the system has such a place.
pub struct TemporaryFile(PathBuf);

impl TemporaryFile {
    pub fn new() -> Self {
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
        Self(folder.join(format!("mcp-auth-layer-fuzz-{}", std::process::id())))
    }

    /// Replaces the content, which only this user may read.
    pub fn write(&self, content: &[u8]) -> &Path {
        if !self.0.exists() {
            fs::write(&self.0, "").unwrap();
            #[cfg(unix)]
            fs::set_permissions(&self.0, std::os::unix::fs::PermissionsExt::from_mode(0o600))
                .unwrap();
        }
        fs::write(&self.0, content).unwrap();
        &self.0
    }
}

impl Default for TemporaryFile {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.0);
    }
}
