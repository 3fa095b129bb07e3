//! Keys that come and go while the server runs.

use std::fmt;
use std::sync::Arc;

use super::keys::{KeyError, Keys};
use crate::credentials::Snapshot;

/// Adds and revokes the keys of an [`HttpSignature`](crate::HttpSignature) while the server runs.
///
/// Requests are judged without a lock.
#[derive(Clone)]
pub struct HttpSignatureHandle {
    pub(super) keys: Arc<Snapshot<Keys>>,
    #[cfg(feature = "files")]
    pub(super) file: Option<crate::credentials::CredentialFile>,
}

impl HttpSignatureHandle {
    /// Lets in what is signed with this secret, from now on.
    ///
    /// # Errors
    ///
    /// As for [`HttpSignature::new`](crate::HttpSignature::new), with 1 as the position. Nothing has changed then.
    pub fn add(&self, key_id: impl Into<String>, secret: impl AsRef<[u8]>) -> Result<(), KeyError> {
        self.keys.update(|keys| keys.add(1, key_id.into(), secret.as_ref()))
    }

    /// Refuses this secret of this key id from now on, and ends what was opened with it, as
    /// [`Principal::revoked_by`](crate::Principal::revoked_by) says; what was opened with the other
    /// one goes on. Returns whether it was there.
    ///
    /// A secret of a file stays revoked until the file no longer has its line, or it is
    /// [added](Self::add).
    pub fn revoke(&self, key_id: impl AsRef<str>, secret: impl AsRef<[u8]>) -> bool {
        self.take_out(key_id.as_ref(), Some(secret.as_ref())) > 0
    }

    /// [Revokes](Self::revoke) every secret of this key id, and returns how many there were.
    pub fn revoke_all(&self, key_id: impl AsRef<str>) -> usize {
        self.take_out(key_id.as_ref(), None)
    }

    /// Reads the file of [`HttpSignature::from_file`](crate::HttpSignature::from_file) now, and returns whether there
    /// was something new in it; never, where there is no file. It blocks while it reads, for ten seconds
    /// at most.
    ///
    /// With something new, keys that were added by hand are gone, and those that were revoked by hand
    /// stay revoked. A file without a key revokes all of them.
    ///
    /// # Errors
    ///
    /// As for reading it first. The keys of before stay in force then.
    #[cfg(feature = "files")]
    pub fn reload(&self) -> Result<bool, crate::credentials::CredentialFileError> {
        self.file.as_ref().map_or(Ok(false), crate::credentials::CredentialFile::reload)
    }

    fn take_out(&self, key_id: &str, secret: Option<&[u8]>) -> usize {
        self.keys.change(|keys| keys.remove(key_id, secret)).cancel()
    }
}

/// Shows the key ids.
impl fmt::Debug for HttpSignatureHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSignatureHandle").field("key_ids", &**self.keys.load()).finish()
    }
}
