//! Detects unchanged files by their metadata, without reading them.

use std::fs::{self, Metadata};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// The coarsest resolution of file times: FAT counts in steps of two seconds.
const COARSEST_TIME: Duration = Duration::from_secs(2);

/// The metadata of a file that differ, sooner or later, after each change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileVersion {
    id: FileId,
    len: u64,
    modified: Option<SystemTime>,
    /// When anything changed, the permissions included. No program can set it back.
    #[cfg(unix)]
    changed: (i64, i64),
}

impl From<&Metadata> for FileVersion {
    fn from(file: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            id: FileId::from(file),
            len: file.len(),
            modified: file.modified().ok(),
            #[cfg(unix)]
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

impl FileVersion {
    /// Returns whether no program wrote to the file in between. A file that another one replaced is
    /// complete, though its metadata changed: it lost its name.
    pub(super) fn has_same_data(&self, later: &Self) -> bool {
        (&self.id, self.len, self.modified) == (&later.id, later.len, later.modified)
    }
}

/// Which file or directory it is, whatever its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    #[cfg(unix)]
    device_and_inode: (u64, u64),
    /// The inode of a removed file is soon reused. Not every system knows the time of creation.
    created: Option<SystemTime>,
}

impl From<&Metadata> for FileId {
    fn from(file: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            #[cfg(unix)]
            device_and_inode: (file.dev(), file.ino()),
            created: file.created().ok(),
        }
    }
}

/// A version of a file, and when its content was read.
///
/// Two changes in quick succession may leave the same times. So a file is read again until a read
/// began so long after its version was first seen that any later change has another version. No clock
/// is compared with the times of the file: a file server has a clock of its own.
#[derive(Clone, Debug)]
pub(super) struct Observation {
    pub(super) version: FileVersion,
    first_seen: Instant,
    read_at: Instant,
}

impl Observation {
    /// Creates the observation for a read that begins now.
    pub(super) fn begin(version: FileVersion) -> Self {
        let now = Instant::now();
        Self { version, first_seen: now, read_at: now }
    }

    /// Takes over the time at which an earlier observation first saw the same version.
    pub(super) fn continuing(mut self, earlier: Option<Self>) -> Self {
        if let Some(earlier) = earlier.filter(|earlier| earlier.version == self.version) {
            self.first_seen = earlier.first_seen;
        }
        self
    }

    /// Returns whether the file certainly has the content that was read.
    pub(super) fn is_current(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|file| self.covers(&FileVersion::from(&file)))
    }

    fn covers(&self, version: &FileVersion) -> bool {
        self.version == *version && self.read_at.duration_since(self.first_seen) >= COARSEST_TIME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version() -> FileVersion {
        FileVersion::from(&tempfile::tempfile().unwrap().metadata().unwrap())
    }

    #[test]
    fn observation_covers_its_version_once_old_enough() {
        let version = version();
        let first = Observation::begin(version.clone());
        let seen = first.first_seen;
        assert!(!first.covers(&version), "the version was seen for the first time");

        let early = seen + COARSEST_TIME - Duration::from_nanos(1);
        let early = Observation { read_at: early, ..first };
        assert!(!early.covers(&version));
        let late = Observation { read_at: seen + COARSEST_TIME, ..early };
        assert!(late.covers(&version));
    }

    #[test]
    fn age_counts_from_the_first_observation_of_a_version() {
        let version = version();
        let long_ago = Instant::now();
        let earlier = |version| Observation { version, first_seen: long_ago, read_at: long_ago };
        let recent = || Observation {
            version: version.clone(),
            first_seen: long_ago + Duration::from_nanos(1),
            read_at: long_ago + COARSEST_TIME,
        };
        assert!(!recent().continuing(None).covers(&version));
        assert!(recent().continuing(Some(earlier(version.clone()))).covers(&version));
        let other = FileVersion { len: version.len + 1, ..version.clone() };
        assert!(!recent().continuing(Some(earlier(other))).covers(&version));
    }

    #[test]
    fn every_part_of_a_version_is_compared() {
        let version = version();
        let old = Observation::begin(version.clone());
        let old = Observation { read_at: old.first_seen + COARSEST_TIME, ..old };
        let later = |time: Option<SystemTime>| match time {
            Some(time) => time + Duration::from_micros(1),
            None => SystemTime::now(),
        };
        let mut others = vec![version.clone(); 3];
        others[0].len += 1;
        others[1].modified = Some(later(version.modified));
        others[2].id.created = Some(later(version.id.created));
        #[cfg(unix)]
        {
            let at = others.len();
            others.extend(vec![version.clone(); 4]);
            others[at].id.device_and_inode.0 += 1;
            others[at + 1].id.device_and_inode.1 += 1;
            others[at + 2].changed.0 += 1;
            others[at + 3].changed.1 += 1;
        }
        assert!(old.covers(&version));
        for other in others {
            assert!(!old.covers(&other), "{other:?}");
        }
    }
}
