//! The users of a password file, and the verification of their passwords.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use subtle::Choice;
use zeroize::Zeroizing;

use super::cache::CredentialKey;
use super::file::PasswordFile;
use super::hasher::{Claim, Hasher, Verdict, Verification};
use super::users::{User, UserTable};
use crate::auth::Rejection;
use crate::credentials::{
    Access, CredentialFile, CredentialFileError, Found, Grant, Snapshot, require_credentials,
};
use crate::crypto::Digest;
use crate::rate_limit::Requester;

/// The users of a password file, which can be replaced while requests are authenticated.
pub(crate) struct Passwords {
    key: Arc<CredentialKey>,
    users: Arc<Snapshot<Arc<UserTable>>>,
    file: Option<CredentialFile>,
    hasher: Hasher<Check>,
}

impl Passwords {
    /// Creates the users of a text.
    pub(crate) fn from_text(text: &str) -> Result<Self, CredentialFileError> {
        let file = PasswordFile::parse(text)?;
        require_credentials(file.lines.len())?;
        let passwords = Self::empty();
        replace(&passwords.users, &passwords.key, file);
        Ok(passwords)
    }

    /// Creates the users of a file, which is reloaded when it changes.
    pub(crate) fn from_file(path: &Path) -> Result<Self, CredentialFileError> {
        let mut passwords = Self::empty();
        let (users, key) = (passwords.users.clone(), passwords.key.clone());
        let file = CredentialFile::watch(path, Access::Public, move |text| {
            let file = PasswordFile::parse(text.unwrap_or_default())?;
            let credentials = file.lines.len();
            replace(&users, &key, file);
            Ok(credentials)
        });
        passwords.file = Some(file?);
        Ok(passwords)
    }

    fn empty() -> Self {
        let key = CredentialKey::new();
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            key: Arc::new(key),
            users: Arc::new(Snapshot::new(Arc::new(UserTable::empty()))),
            file: None,
            hasher: Hasher::new(cores / 2),
        }
    }

    /// Returns the file, if the users are from one.
    pub(crate) fn file(&self) -> Option<&CredentialFile> {
        self.file.as_ref()
    }

    /// Sets how many passwords are hashed at a time, instead of half as many as there are cores.
    pub(crate) fn max_concurrent_hashes(&mut self, max: NonZeroUsize) {
        self.hasher = Hasher::new(max.get());
    }

    /// Returns the user of a credential that was verified recently. It never waits.
    pub(crate) fn cached(&self, name: &str, password: &str) -> Option<Grant> {
        let users = self.users.load();
        // An unknown user takes the same way, with a stand-in whose password is of no avail.
        let Found { value: user, is_of_name } = users.find(name)?;
        let is_right = Choice::from(u8::from(user.cached.contains(user.key.credential(password))));
        bool::from(is_of_name & is_right).then(|| user.grant.clone())
    }

    /// Verifies a credential. Returns `None` if it is wrong.
    ///
    /// # Errors
    ///
    /// If too many verifications are waiting, or this one failed.
    pub(crate) async fn verify(
        &self,
        name: &str,
        password: &str,
        requester: Requester,
    ) -> Result<Option<Grant>, Rejection> {
        // One version of the file decides, and unknown users take the same way as known ones.
        let users = Arc::clone(&**self.users.load());
        let user = users.get(name).cloned();
        let dummy_key = self.key.line(name, "");
        let key = user.as_ref().map_or(&dummy_key, |user| &user.key);
        let (credential, name) = (key.credential(password), dummy_key.credential(""));
        let password = Zeroizing::new(Box::from(password));
        let check = Check { users, user: user.clone(), name, credential, password };
        match self.hasher.verify(credential, Claim { requester, user: name }, check).await? {
            Verdict::Correct => Ok(user.map(|user| user.grant.clone())),
            Verdict::Wrong => Ok(None),
            Verdict::Failed(why) => Err(Rejection::unavailable().caused_by(why)),
        }
    }
}

/// Replaces the users, and revokes those who are gone or have another line now.
///
/// Their cached credentials are dropped; the other users keep their principal and their cached
/// credential. A request that has begun is authenticated with the previous users.
fn replace(users: &Snapshot<Arc<UserTable>>, key: &CredentialKey, file: PasswordFile) {
    let removed = users.change(|users| {
        let before = users.clone();
        *users = Arc::new(UserTable::new(file, key, Some(&before)));
        before.removed_in(users)
    });
    removed.cancel();
}

/// A password, and the hash to verify it against.
pub(super) struct Check {
    pub(super) users: Arc<UserTable>,
    pub(super) user: Option<Arc<User>>,
    /// A digest of the name, which selects the dummy hash of an unknown user.
    pub(super) name: Digest,
    pub(super) credential: Digest,
    pub(super) password: Zeroizing<Box<str>>,
}

impl Verification for Check {
    fn verify(&self) -> Verdict {
        let hash = match &self.user {
            Some(user) => &user.hash,
            None => self.users.dummy(self.name),
        };
        match self.users.with_memory(|memory| hash.verify(self.password.as_bytes(), memory)) {
            Ok(true) if self.user.is_some() => Verdict::Correct,
            Ok(_) => Verdict::Wrong,
            Err(why) => Verdict::Failed(why),
        }
    }

    fn cache(&self) {
        if let Some(user) = &self.user {
            user.cached.store(self.credential);
        }
    }

    fn is_cached(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.cached.contains(self.credential))
    }
}

/// Shows how many users there are.
impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} users]", self.users.load().len())
    }
}

#[cfg(all(test, shuttle))]
mod interleavings;
#[cfg(test)]
pub(super) mod tests;
