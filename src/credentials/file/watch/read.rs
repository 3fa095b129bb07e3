//! Reads a file whole, as it was at one time.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use super::file_version::{FileVersion, Observation};
use super::permissions::{self, Access};
use crate::credentials::file::error::{CredentialFileError, CredentialFileErrorKind};
use crate::credentials::file::lines::{MAX_FILE, is_blank, too_large};

/// How often a file is read that changes meanwhile.
const ATTEMPTS: u32 = 5;
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// A whole content, and the version of the file that has it.
pub(super) struct Content {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) observation: Observation,
}

impl Content {
    pub(super) fn is_blank(&self) -> bool {
        is_blank(&self.bytes)
    }
}

/// Checks the file and reads it whole.
pub(super) fn read(path: &Path, access: Access) -> Result<Content, CredentialFileError> {
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            thread::sleep(PAUSE);
        }
        let file = open(path)?;
        check(&file.metadata()?, access)?;
        if let Some(content) = read_whole(&file, &file)? {
            return Ok(content);
        }
    }
    let message = "the file changes while it is read: replace it by rename";
    Err(CredentialFileError::new(CredentialFileErrorKind::ChangedWhileRead, message))
}

fn check(file: &Metadata, access: Access) -> Result<(), CredentialFileError> {
    if !file.is_file() {
        let kind = CredentialFileErrorKind::NotRegularFile;
        return Err(CredentialFileError::new(kind, "not a regular file"));
    }
    permissions::check(file, access)?;
    if file.len() > MAX_FILE as u64 { Err(too_large()) } else { Ok(()) }
}

/// Opens a file without blocking, as the open of a pipe would until something writes to it.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    options.open(path)
}

/// Reads all of a file, or returns `None` if another program wrote to it meanwhile.
fn read_whole(file: &File, reader: impl io::Read) -> Result<Option<Content>, CredentialFileError> {
    let metadata = file.metadata()?;
    let observation = Observation::begin(FileVersion::from(&metadata));
    // One byte more than the file has, so that the end is seen without growing: what a vector leaves
    // behind when it grows is not wiped.
    let length = metadata.len().min(MAX_FILE as u64) as usize;
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
    // A file may be longer than its metadata say.
    reader.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_FILE {
        return Err(too_large());
    }
    let is_whole = observation.version.has_same_data(&FileVersion::from(&file.metadata()?));
    Ok(is_whole.then_some(Content { bytes, observation }))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::*;

    /// Runs a function once before the first read of a file.
    struct RunFirst<'a, F>(Option<F>, &'a File);

    impl<F: FnOnce()> io::Read for RunFirst<'_, F> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if let Some(run) = self.0.take() {
                run();
            }
            self.1.read(buffer)
        }
    }

    fn is_whole(meanwhile: impl FnOnce(&Path)) -> bool {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("users");
        fs::write(&path, "a").unwrap();
        let file = File::open(&path).unwrap();
        let reader = RunFirst(Some(|| meanwhile(&path)), &file);
        read_whole(&file, reader).unwrap().is_some()
    }

    #[test]
    fn file_written_while_read_is_not_whole() {
        assert!(is_whole(|_| {}));
        assert!(!is_whole(|path| {
            File::options().append(true).open(path).unwrap().write_all(b"b").unwrap();
        }));
        // The same length as before.
        assert!(!is_whole(|path| {
            let mut file = File::options().write(true).open(path).unwrap();
            file.write_all(b"b").unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        }));
    }

    #[test]
    fn file_replaced_while_read_is_whole() {
        assert!(is_whole(|path| {
            let next = path.with_extension("new");
            fs::write(&next, "bb").unwrap();
            fs::rename(&next, path).unwrap();
        }));
    }

    /// Files in `/proc` are: their metadata say that they are empty.
    #[test]
    fn file_longer_than_its_metadata_is_bounded() {
        let file = tempfile::tempfile().unwrap();
        let read = |len| read_whole(&file, io::repeat(0).take(len));
        assert!(matches!(read(MAX_FILE as u64), Ok(Some(_))));
        let error = read(MAX_FILE as u64 + 1).err().expect("it is too large");
        assert_eq!(error.kind(), CredentialFileErrorKind::TooLarge);
    }
}
