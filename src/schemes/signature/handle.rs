//! Adds and revokes keys at runtime.

use std::fmt;
use std::sync::Arc;

use super::errors::KeyError;
use super::keys::Keys;
use crate::credentials::Snapshot;

/// Adds and revokes the keys of an [`HttpSignature`](crate::HttpSignature) at runtime.
///
/// A change applies at once. Requests are authenticated without a lock.
#[derive(Clone)]
pub struct HttpSignatureHandle {
    pub(super) keys: Arc<Snapshot<Keys>>,
    pub(super) file: Option<crate::credentials::CredentialFile>,
}

impl HttpSignatureHandle {
    /// Adds a secret: requests that are signed with it are authenticated from now on.
    ///
    /// # Errors
    ///
    /// As for [`HttpSignature::new`](crate::HttpSignature::new), with 1 as the position. Nothing has
    /// changed then.
    pub fn add(&self, key_id: impl Into<String>, secret: impl AsRef<[u8]>) -> Result<(), KeyError> {
        self.keys.update(|keys| keys.add(1, key_id.into(), secret.as_ref()))
    }

    /// Revokes this secret of this key ID, and returns whether it was present. Responses to requests
    /// that were signed with it end, as [`Authenticated::revoked_by`](crate::auth::Authenticated::revoked_by)
    /// describes; those of the ID's other secret go on.
    ///
    /// A secret of a file stays revoked until the file no longer has its line, or it is
    /// [added](Self::add) again.
    pub fn revoke(&self, key_id: impl AsRef<str>, secret: impl AsRef<[u8]>) -> bool {
        self.remove(key_id.as_ref(), Some(secret.as_ref())) > 0
    }

    /// [Revokes](Self::revoke) every secret of this key ID, and returns their number.
    pub fn revoke_all(&self, key_id: impl AsRef<str>) -> usize {
        self.remove(key_id.as_ref(), None)
    }

    fn remove(&self, key_id: &str, secret: Option<&[u8]>) -> usize {
        self.keys.change(|keys| keys.remove(key_id, secret)).cancel()
    }
}

/// Shows the key IDs.
impl fmt::Debug for HttpSignatureHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSignatureHandle").field("key_ids", &**self.keys.load()).finish()
    }
}
