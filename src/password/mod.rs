//! Users of a password file: hashed at rest, slow to guess, remembered once they are verified.

mod file;
mod hash;
mod remember;
mod users;
mod verifier;

use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use self::file::PasswordFile;
use self::remember::{CredentialKey, LineKey, Remembered};
use self::users::{User, Users};
use self::verifier::{Answer, Asker, Verification, Verifier};
use http::request::Parts;

use crate::client_address::Client;
use crate::live::Live;
use crate::reload::Reloading;
use crate::secret::Digest;
use crate::throttle::{GuessLimit, Guesses};
use crate::watch::Access;
use crate::{CredentialFileError, Principal, Rejection};

/// The users of a password file, which can be replaced while requests are judged.
pub(crate) struct Passwords {
    key: Arc<CredentialKey>,
    /// What unknown users go by, so that these go the same way; it remembers nothing.
    nobody: (LineKey, Remembered),
    users: Arc<Live<Arc<Users>>>,
    file: Option<Reloading>,
    guesses: Guesses,
    verifier: Verifier<Check>,
}

impl Passwords {
    /// The users of this text.
    pub(crate) fn of_text(text: &str) -> Result<Self, CredentialFileError> {
        let file = PasswordFile::parse(text)?;
        let passwords = Self::of_nobody()?;
        replace(&passwords.users, &passwords.key, file);
        Ok(passwords)
    }

    /// The users of this file, now and when it has changed.
    pub(crate) fn of_file(path: &Path) -> Result<Self, CredentialFileError> {
        let mut passwords = Self::of_nobody().map_err(|error| error.in_file(path))?;
        let (users, key) = (passwords.users.clone(), passwords.key.clone());
        let file = Reloading::start(path, Access::Any, move |text| {
            replace(&users, &key, PasswordFile::parse(text)?);
            Ok(())
        });
        passwords.file = Some(file?);
        Ok(passwords)
    }

    fn of_nobody() -> Result<Self, CredentialFileError> {
        let key = CredentialKey::new();
        let key = key.map_err(|error| CredentialFileError::file(error.to_string()))?;
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(Self {
            nobody: (key.line("", ""), Remembered::default()),
            key: Arc::new(key),
            users: Arc::new(Live::new(Arc::new(Users::none()))),
            file: None,
            guesses: Guesses::new(GuessLimit::default()),
            verifier: Verifier::new(cores / 2),
        })
    }

    /// What reads the file again, if there is one.
    pub(crate) fn file(&self) -> Option<&Reloading> {
        self.file.as_ref()
    }

    /// Limits guesses in another way.
    pub(crate) fn limit_guesses(&mut self, limit: GuessLimit) {
        self.guesses = Guesses::new(limit);
    }

    /// Whose guess a request is; see [`Guesses::client`].
    pub(crate) fn client(&self, head: &Parts) -> Result<Option<Client>, Rejection> {
        self.guesses.client(head)
    }

    /// Makes so many verifications at a time, instead of half as many as there are cores.
    pub(crate) fn verify_at_once(&mut self, at_most: NonZeroUsize) {
        self.verifier = Verifier::new(at_most.get());
    }

    /// Whose credential it is, if it is remembered, and this client verified it itself: throttled
    /// clients come this far. Where clients have no addresses, anybody may have. No request waits
    /// for this.
    pub(crate) fn remembered(
        &self,
        name: &str,
        password: &str,
        client: Option<Client>,
    ) -> Option<Principal> {
        let users = self.users.load();
        let user = users.get(name);
        let (nobodys, nothing) = &self.nobody;
        let (key, remembered) =
            user.map_or((nobodys, nothing), |user| (&user.key, &user.remembered));
        let address = client.map(|client| self.guesses.throttle().key_of(client));
        let hit = remembered.look_up(key.credential(password), address)?;
        let user = user.filter(|_| hit.by_this_address || address.is_none());
        user.map(|user| user.principal.clone())
    }

    /// Verifies a credential that this client has not verified; `None` is a wrong one. The order of
    /// steps is that of the [`throttle`](crate::throttle).
    ///
    /// # Errors
    ///
    /// If it cannot be said: the client has guessed too often, too many are waiting, or the
    /// verification failed.
    pub(crate) async fn verify(
        &self,
        name: &str,
        password: &str,
        client: Option<Client>,
    ) -> Result<Option<Principal>, Rejection> {
        // One reading of the file decides, and nobody and somebody go the same way.
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

        let throttle = self.guesses.throttle();
        let address = client.map(|client| throttle.key_of(client));
        let familiar = client.is_some_and(|client| throttle.knows(client, name.as_bytes()));
        let asker = Asker { address, familiar };
        let admit = |is_known: &dyn Fn() -> bool| match client {
            Some(client) => {
                let look = || is_known().then_some(());
                self.guesses.take_unless(client, name.as_bytes(), look).map(drop)
            }
            None => Ok(()),
        };
        let answer = self.verifier.verify(credential, asker, admit, check).await?;
        let user = match answer {
            Answer::Right => user,
            Answer::Wrong => None,
            Answer::Unable(why) => return Err(Rejection::unavailable().caused_by(why)),
        };
        let Some(user) = user else { return Ok(None) };
        if let Some(client) = client {
            throttle.remember(client, name.as_bytes());
        }
        if let Some(address) = address {
            user.remembered.vouch(credential, address);
        }
        Ok(Some(user.principal.clone()))
    }
}

/// Takes other users from now on, and ends the answers to those who are gone or whose line is
/// another one.
///
/// What was remembered of these is forgotten; the others stay the same principals, and remembered.
/// A request that has begun is judged by the users of before.
fn replace(users: &Live<Arc<Users>>, key: &CredentialKey, file: PasswordFile) {
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

    fn remember(&self, addresses: &[u128]) {
        if let Some(user) = &self.user {
            user.remembered.remember(self.credential, addresses);
        }
    }

    fn is_remembered(&self) -> bool {
        let hit = |user: &Arc<User>| user.remembered.look_up(self.credential, None);
        self.user.as_ref().and_then(hit).is_some()
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
