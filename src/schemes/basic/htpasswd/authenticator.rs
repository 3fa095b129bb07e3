//! The authenticator of a password file.

use std::num::NonZeroUsize;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use zeroize::Zeroize;

use super::passwords::Passwords;
use crate::auth::{Attempt, AuthScheme, Authenticated, Authenticator, Challenge, Rejection};
use crate::credentials::{CredentialFile, CredentialFileError};
use crate::rate_limit::Requester;
use crate::schemes::basic::scheme::BASIC;

/// HTTP Basic authentication (RFC 7617) for the users of a password file.
///
/// ```no_run
/// use mcp_auth_layer::McpAuthLayer;
/// use mcp_auth_layer::schemes::HtpasswdFile;
///
/// # fn main() -> Result<(), mcp_auth_layer::CredentialFileError> {
/// // htpasswd -B -c users.htpasswd alice
/// let layer = McpAuthLayer::new(HtpasswdFile::open("users.htpasswd")?);
/// # Ok(())
/// # }
/// ```
///
/// # The file
///
/// The file has a line `user:hash` for each user, as `htpasswd -B` writes it (bcrypt: `$2y$`,
/// `$2b$`, `$2a$`), or with an argon2id hash in the PHC string format (`$argon2id$v=19$…`). Blank
/// lines and lines that begin with `#` are skipped. Every other kind of hash is rejected, and so are
/// duplicate users and parameters that would take more than 1 GiB or several seconds.
///
/// bcrypt uses only the first 72 bytes of a password: longer passwords are always wrong.
///
/// # CredentialFile
///
/// The file is read again when it changes, and on request of a [handle](Self::handle). If it is
/// invalid, the previous users stay active; if it disappears, they do for a minute. Both are logged.
/// Replace the file by a rename: while it is written in place, a part of it may look complete.
///
/// When a user's line is removed or changed, the responses to requests with the old password end
/// within about a second. That includes the last line of the file. Sessions stay bound to the user.
/// On Unix, the file must belong to root or to the user of this process, and no other user may be
/// able to write it.
///
/// # Cost
///
/// A password is hashed once and then cached for 300 seconds, as a keyed digest. Hashing runs on
/// Tokio's blocking threads: by default half as many hashes at a time as there are cores, with a
/// short queue, and 503 if the queue is full. An unknown user costs as much as a known one. In
/// [`any_of`](crate::auth::any_of) put it last: a credential of another scheme need not be hashed.
///
/// # Rate limit
///
/// Failed attempts are limited by [`RateLimit::default`](crate::rate_limit::RateLimit), or by the
/// layer's [`rate_limit`](crate::McpAuthLayer::rate_limit). Both count by the client's address: serve
/// the app with `into_make_service_with_connect_info::<SocketAddr>()`, or every attempt is rejected
/// with 503.
#[derive(Debug)]
pub struct HtpasswdFile {
    passwords: Passwords,
}

impl HtpasswdFile {
    /// Opens a password file, and watches it.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not a regular file, has other permissions than described
    /// above, has more than 16 MiB, no user, or an invalid line.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CredentialFileError> {
        Ok(Self { passwords: Passwords::from_file(path.as_ref())? })
    }

    /// Takes the users from a text, as a file would have it. They do not change.
    ///
    /// ```
    /// use mcp_auth_layer::McpAuthLayer;
    /// use mcp_auth_layer::schemes::HtpasswdFile;
    ///
    /// # fn main() -> Result<(), mcp_auth_layer::CredentialFileError> {
    /// // htpasswd -nB alice
    /// let users = "alice:$2y$05$LvvsnvRpmrwNkcIEOLmOGOaTLcgqv4zIHAR1/65GL8r6wk75ZHg7K";
    /// let layer = McpAuthLayer::new(HtpasswdFile::from_text(users)?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If there are more than 16 MiB, no user, or an invalid line.
    pub fn from_text(text: &str) -> Result<Self, CredentialFileError> {
        Ok(Self { passwords: Passwords::from_text(text)? })
    }

    /// Sets how many passwords are hashed at a time: by default half as many as there are cores.
    #[must_use]
    pub fn max_concurrent_hashes(mut self, max: NonZeroUsize) -> Self {
        self.passwords.max_concurrent_hashes(max);
        self
    }

    /// Returns a handle that reads the file again without waiting for a change.
    pub fn handle(&self) -> HtpasswdFileHandle {
        HtpasswdFileHandle { file: self.passwords.file().cloned() }
    }
}

/// Reads the file of an [`HtpasswdFile`] again.
#[derive(Clone, Debug)]
pub struct HtpasswdFileHandle {
    file: Option<CredentialFile>,
}

impl HtpasswdFileHandle {
    /// Reads the file now. Returns whether it has changed: never, for users from a text.
    ///
    /// It blocks while it reads, for ten seconds at most. A file without users revokes all of them.
    ///
    /// # Errors
    ///
    /// Those of [`HtpasswdFile::open`]. The previous users then stay active.
    pub fn reload(&self) -> Result<bool, CredentialFileError> {
        self.file.as_ref().map_or(Ok(false), CredentialFile::reload)
    }
}

/// The maximum of a name and a password together, in bytes, with the colon.
const MAX_PAIR: usize = 1024;

/// A decoded credential, wiped when it is dropped.
struct Pair {
    decoded: [u8; MAX_PAIR],
}

impl Pair {
    fn new() -> Self {
        Self { decoded: [0; MAX_PAIR] }
    }

    /// Decodes name and password.
    fn decode(&mut self, head: &Parts) -> Result<(&str, &str), Rejection> {
        let credential = BASIC.presented(head)?;
        let length = STANDARD.decode_slice(credential, &mut self.decoded).ok();
        let decoded = length.and_then(|length| str::from_utf8(&self.decoded[..length]).ok());
        decoded
            .filter(|pair| !pair.chars().any(char::is_control))
            .and_then(|pair| pair.split_once(':'))
            .filter(|(_, password)| !password.is_empty())
            .ok_or_else(|| BASIC.rejection(credential))
    }
}

/// Wipes the array as a slice: `Zeroizing` of an array wipes byte by byte, which took a quarter of the time that the
/// scheme needs for a cached password.
impl Drop for Pair {
    fn drop(&mut self) {
        self.decoded.as_mut_slice().zeroize();
    }
}

impl Authenticator for HtpasswdFile {
    async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
        let mut pair = Pair::new();
        let (name, password) = pair.decode(head)?;
        if let Some(grant) = self.passwords.cached(name, password) {
            return Ok(grant.authenticated(AuthScheme::BASIC));
        }
        let requester = head.extensions.get::<Requester>().copied().unwrap_or_default();
        match self.passwords.verify(name, password, requester).await? {
            Some(grant) => Ok(grant.authenticated(AuthScheme::BASIC)),
            None => Err(Rejection::invalid((BASIC.challenge)(true))),
        }
    }

    /// Decides if the password is cached, or the credential is malformed.
    fn authenticate_now(&self, head: &Parts) -> Option<Result<Authenticated, Rejection>> {
        match Pair::new().decode(head) {
            Ok((name, password)) => {
                let grant = self.passwords.cached(name, password)?;
                Some(Ok(grant.authenticated(AuthScheme::BASIC)))
            }
            Err(rejection) => Some(Err(rejection)),
        }
    }

    fn challenges(&self) -> Vec<Challenge> {
        vec![(BASIC.challenge)(false)]
    }

    fn attempt(&self, head: &Parts) -> Option<Attempt> {
        BASIC.attempt(head).map(Attempt::expensive)
    }

    fn needs_rate_limit(&self) -> bool {
        true
    }
}
