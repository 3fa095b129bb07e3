//! Users of a password file: hashed at rest, slow to guess, remembered once they are verified.

mod cache;
mod file;
mod hash;
mod hasher;
mod users;

use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use self::cache::{CachedCredential, CredentialKey, LineKey};
use self::file::PasswordFile;
use self::hasher::{Answer, Claim, Hasher, Verification};
use self::users::{User, Users};
use crate::auth::{Principal, Rejection};
use crate::credentials::{Access, CredentialFileError, Reloading, Snapshot, some};
use crate::crypto::Digest;
use crate::rate_limit::Requester;

/// The users of a password file, which can be replaced while requests are judged.
pub(crate) struct Passwords {
    key: Arc<CredentialKey>,
    /// What unknown users go by, so that these go the same way; it remembers nothing.
    nobody: (LineKey, CachedCredential),
    users: Arc<Snapshot<Arc<Users>>>,
    file: Option<Reloading>,
    verifier: Hasher<Check>,
}

impl Passwords {
    /// The users of this text.
    pub(crate) fn of_text(text: &str) -> Result<Self, CredentialFileError> {
        let file = PasswordFile::parse(text)?;
        some(file.lines.len())?;
        let passwords = Self::of_nobody();
        replace(&passwords.users, &passwords.key, file);
        Ok(passwords)
    }

    /// The users of this file, now and when it has changed.
    pub(crate) fn of_file(path: &Path) -> Result<Self, CredentialFileError> {
        let mut passwords = Self::of_nobody();
        let (users, key) = (passwords.users.clone(), passwords.key.clone());
        let file = Reloading::start(path, Access::Public, move |text| {
            let file = PasswordFile::parse(text.unwrap_or_default())?;
            let credentials = file.lines.len();
            replace(&users, &key, file);
            Ok(credentials)
        });
        passwords.file = Some(file?);
        Ok(passwords)
    }

    fn of_nobody() -> Self {
        let key = CredentialKey::new();
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            nobody: (key.line("", ""), CachedCredential::default()),
            key: Arc::new(key),
            users: Arc::new(Snapshot::new(Arc::new(Users::none()))),
            file: None,
            verifier: Hasher::new(cores / 2),
        }
    }

    /// What reads the file again, if there is one.
    pub(crate) fn file(&self) -> Option<&Reloading> {
        self.file.as_ref()
    }

    /// Makes so many verifications at a time, instead of half as many as there are cores.
    pub(crate) fn verify_at_once(&mut self, at_most: NonZeroUsize) {
        self.verifier = Hasher::new(at_most.get());
    }

    /// Returns the user whose credential this is, if it was verified of late. It never waits.
    pub(crate) fn remembered(&self, name: &str, password: &str) -> Option<Principal> {
        let users = self.users.load();
        let user = users.get(name);
        let (nobodys, nothing) = &self.nobody;
        let (key, remembered) =
            user.map_or((nobodys, nothing), |user| (&user.key, &user.remembered));
        let is_right = remembered.has(key.credential(password));
        user.filter(|_| is_right).map(|user| user.principal.clone())
    }

    /// Verifies a credential; `None` is a wrong one.
    ///
    /// # Errors
    ///
    /// If too many verifications are waiting, or this one failed.
    pub(crate) async fn verify(
        &self,
        name: &str,
        password: &str,
        asker: Requester,
    ) -> Result<Option<Principal>, Rejection> {
        // One reading of the file decides, and unknown users go the same way as known ones.
        let users = Arc::clone(&**self.users.load());
        let user = users.get(name).cloned();
        let nobody = self.key.line(name, "");
        let key = user.as_ref().map_or(&nobody, |user| &user.key);
        let (credential, digest) = (key.credential(password), nobody.credential(""));
        let check = Check {
            users,
            user: user.clone(),
            name: digest,
            credential,
            password: password.into(),
        };
        let claim = Claim { asker, user: digest };
        match self.verifier.verify(credential, claim, check).await? {
            Answer::Right => Ok(user.map(|user| user.principal.clone())),
            Answer::Wrong => Ok(None),
            Answer::Unable(why) => Err(Rejection::unavailable().caused_by(why)),
        }
    }
}

/// Takes other users from now on, and ends the answers to those who are gone or whose line is
/// another one.
///
/// What was remembered of these is forgotten; the others stay the same principals, and remembered.
/// A request that has begun is judged by the users of before.
fn replace(users: &Snapshot<Arc<Users>>, key: &CredentialKey, file: PasswordFile) {
    let gone = users.change(|users| {
        let before = users.clone();
        *users = Arc::new(Users::new(file, key, Some(&before)));
        before.not_in(users)
    });
    gone.end();
}

/// A password, and what it is verified against.
struct Check {
    users: Arc<Users>,
    user: Option<Arc<User>>,
    /// A digest of the name, which chooses the dummy where there is no such user.
    name: Digest,
    credential: Digest,
    password: Box<str>,
}

impl Verification for Check {
    fn verify(&self) -> Answer {
        let (hash, exists) = match &self.user {
            Some(user) => (&user.hash, true),
            None => (self.users.dummy(self.name), false),
        };
        match self.users.with_memory(|memory| hash.verify(self.password.as_bytes(), memory)) {
            Ok(true) if exists => Answer::Right,
            Ok(_) => Answer::Wrong,
            Err(why) => Answer::Unable(why),
        }
    }

    fn remember(&self) {
        if let Some(user) = &self.user {
            user.remembered.remember(self.credential);
        }
    }

    fn is_remembered(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.remembered.has(self.credential))
    }
}

/// Shows how many users there are.
impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} users]", self.users.load().len())
    }
}

#[cfg(test)]
mod tests;
