//! Replaces a file as a whole: a program that reads it meanwhile sees the old text or the new one.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use zeroize::Zeroizing;

/// A text file that no other program of this kind changes meanwhile.
pub struct LockedFile {
    /// Without symbolic links: the file is replaced, not a link to it.
    path: PathBuf,
    metadata: Metadata,
    text: Zeroizing<String>,
    /// Holds the lock.
    _file: File,
}

impl LockedFile {
    /// Opens, locks and reads a file.
    pub fn open(path: &Path) -> io::Result<Self> {
        for _ in 0..50 {
            let path = fs::canonicalize(path)?;
            if !fs::metadata(&path)?.is_file() {
                return Err(io::Error::other("not a regular file"));
            }
            let mut file = File::open(&path)?;
            if !lock(&file) {
                sleep(Duration::from_millis(100));
                continue;
            }
            let metadata = file.metadata()?;
            let mut text = Zeroizing::new(String::new());
            file.read_to_string(&mut text)?;
            // It may have been replaced before it was locked.
            if is_same(&metadata, &fs::metadata(&path)?) {
                return Ok(Self { path, metadata, text, _file: file });
            }
        }
        Err(io::Error::other("another program has locked it"))
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Replaces the file by one with another text and the same permissions, owner and group. If an error is
    /// returned, the file is as it was, or its new text might not survive a power failure.
    pub fn replace(self, text: &str) -> io::Result<()> {
        let folder = self.path.parent().ok_or_else(|| io::Error::other("not a regular file"))?;
        // Only this user can read it at first, and it is removed if anything fails.
        let mut next = tempfile::Builder::new().prefix(".credentials").tempfile_in(folder)?;
        next.write_all(text.as_bytes())?;
        copy_owner(&self.metadata, next.as_file())?;
        next.as_file().set_permissions(self.metadata.permissions())?;
        next.as_file().sync_all()?;
        // An editor takes no lock.
        if !is_same(&self.metadata, &fs::metadata(&self.path)?) {
            return Err(io::Error::other("another program changes it at this moment: try again"));
        }
        next.persist(&self.path).map_err(|error| error.error)?;
        sync_folder(folder)
    }
}

/// Locks a file until it is closed. Returns false if another program has locked it. Not every file system has
/// locks: without one, [`is_same`] is left.
#[cfg(unix)]
fn lock(file: &File) -> bool {
    use rustix::fs::{FlockOperation, flock};
    flock(file, FlockOperation::NonBlockingLockExclusive) != Err(rustix::io::Errno::WOULDBLOCK)
}

#[cfg(not(unix))]
fn lock(_: &File) -> bool {
    true
}

/// A server accepts a file of its own user or of root only: with another owner, the new file would be rejected, and
/// the old credentials stay active.
#[cfg(unix)]
fn copy_owner(of: &Metadata, to: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let own = to.metadata()?;
    let owner = Some(of.uid()).filter(|owner| *owner != own.uid());
    let group = Some(of.gid()).filter(|group| *group != own.gid());
    if owner.is_none() && group.is_none() {
        return Ok(());
    }
    fchown(to, owner, group).map_err(|error| {
        let problem = format!("its owner cannot be kept ({error}): run this as its owner or root");
        io::Error::other(problem)
    })
}

#[cfg(not(unix))]
fn copy_owner(_: &Metadata, _: &File) -> io::Result<()> {
    Ok(())
}

/// Writes the new name of the file to the disk.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns whether no program replaced the file or wrote to it in between.
fn is_same(before: &Metadata, now: &Metadata) -> bool {
    #[cfg(unix)]
    let same_file = {
        use std::os::unix::fs::MetadataExt;
        (before.dev(), before.ino()) == (now.dev(), now.ino())
    };
    #[cfg(not(unix))]
    let same_file = true;
    same_file && before.len() == now.len() && before.modified().ok() == now.modified().ok()
}
