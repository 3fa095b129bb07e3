//! HTTP Basic authentication (RFC 7617).

#[cfg(feature = "htpasswd")]
mod htpasswd;

use std::collections::HashSet;
#[cfg(feature = "htpasswd")]
use std::{num::NonZeroUsize, path::Path};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;

#[cfg(feature = "htpasswd")]
use self::htpasswd::Passwords;
use super::authorization_header::Scheme;
use crate::auth::{Attempt, Authenticated, Authenticator, Challenge, Principal, Rejection};
#[cfg(feature = "htpasswd")]
use crate::credentials::CredentialFileError;
use crate::credentials::{CredentialError, CredentialTable};

/// HTTP Basic authentication (RFC 7617) for any number of users, in UTF-8.
///
/// ```
/// use mcp_auth_layer::{Basic, McpAuthLayer};
///
/// # fn main() -> Result<(), mcp_auth_layer::CredentialError> {
/// let users = Basic::new([("alice", "correct horse"), ("bob", "battery staple")])?;
/// let layer = McpAuthLayer::new(users);
/// # Ok(())
/// # }
/// ```
///
/// Passwords are held as keyed digests. A request costs the same however many users there are,
/// and takes the same way for a wrong password as for an unknown user. With feature `password`
/// users may come from a file of hashes.
///
/// Basic sends the password with every request: use it over TLS, or on one machine.
#[derive(Debug)]
pub struct Basic {
    users: Users,
}

#[derive(Debug)]
enum Users {
    /// By the credential as it is sent: the base64 of `user:password`. Its encoding is
    /// canonical, so equal text means equal credentials, and nothing need be decoded.
    Static(CredentialTable),
    /// Those of a password file.
    #[cfg(feature = "htpasswd")]
    Hashed(Box<Passwords>),
}

const SCHEME: Scheme = Scheme {
    name: "Basic",
    challenge: |_| Challenge::new("Basic").param("charset", "UTF-8"),
    well_formed,
    claimed,
};

impl Basic {
    /// These users, as pairs of name and password. The name becomes the principal's.
    ///
    /// # Errors
    ///
    /// If there is none; if a name is empty, has a colon or a control character, begins or ends with
    /// white space, or stands twice; if a password is empty or has a control character.
    pub fn new<N, P>(users: impl IntoIterator<Item = (N, P)>) -> Result<Self, CredentialError>
    where
        N: AsRef<str>,
        P: AsRef<str>,
    {
        let mut table = CredentialTable::new();
        let mut names = HashSet::new();
        for (index, (name, password)) in users.into_iter().enumerate() {
            let (position, name, password) = (index + 1, name.as_ref(), password.as_ref());
            check_name(position, name)?;
            check_password(position, password)?;
            if !names.insert(name.to_owned()) {
                let kind = "user";
                return Err(CredentialError::Duplicate { position, kind });
            }
            let sent = STANDARD.encode(format!("{name}:{password}"));
            table.insert(sent.as_bytes(), Principal::new(name));
        }
        match table.is_empty() {
            true => Err(CredentialError::NoCredentials),
            false => Ok(Self { users: Users::Static(table) }),
        }
    }
}

/// Users of a password file, with feature `password`.
///
/// # The file
///
/// A line `user:hash` for each user, as `htpasswd -B` writes it (bcrypt: `$2y$`, `$2b$`, `$2a$`) or
/// with an argon2id hash in the PHC string format (`$argon2id$v=19$…`). Lines that begin with `#`
/// and blank ones are skipped. Every other kind of hash is refused, as are users that stand twice
/// and parameters that would take more than 1 GiB or several seconds.
///
/// bcrypt hashes no more than 72 bytes of a password: longer ones are always wrong.
///
/// # What a request costs
///
/// A password is hashed once and then remembered for 300 seconds, as a keyed digest. Hashing is
/// done on tokio's blocking threads: by default half as many at a time as there are cores, with a
/// short queue, and 503 where that is full. An unknown user takes as long as one of the file. In
/// [`any_of`](crate::any_of) put it last: what another `Basic` knows need not be hashed.
///
/// # Rate limit
///
/// Failed attempts are limited by [`RateLimit::default`](crate::RateLimit), or by the layer's
/// [`rate_limit`](crate::McpAuthLayer::rate_limit). Both go by the client's address: serve the app
/// with `into_make_service_with_connect_info::<SocketAddr>()`, or every attempt is answered with 503.
#[cfg(feature = "htpasswd")]
impl Basic {
    /// The users of this text.
    ///
    /// ```
    /// use mcp_auth_layer::{Basic, McpAuthLayer};
    ///
    /// # fn main() -> Result<(), mcp_auth_layer::CredentialFileError> {
    /// // htpasswd -nB alice
    /// let users = "alice:$2y$05$LvvsnvRpmrwNkcIEOLmOGOaTLcgqv4zIHAR1/65GL8r6wk75ZHg7K";
    /// let layer = McpAuthLayer::new(Basic::from_htpasswd(users)?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A line that is refused, by its number; no user at all; more than 16 MiB.
    pub fn from_htpasswd(text: &str) -> Result<Self, CredentialFileError> {
        Ok(Self::hashed(Passwords::of_text(text)?))
    }

    /// The users of this file, which is read again when it changes, and on a
    /// [handle](Self::handle)'s request. A file that is refused then leaves those of before in force,
    /// one that vanishes leaves them for a minute, and both are logged. Replace it by rename: where it
    /// is written in place, half of it may look like a whole.
    ///
    /// Removing or changing a user's line ends what was opened with it, within a second; so does
    /// removing the last one. The user keeps the sessions. On Unix, the file must belong to root or to
    /// the user of this process, and nobody else may write it.
    ///
    /// # Errors
    ///
    /// As [`from_htpasswd`](Self::from_htpasswd), and if the file cannot be read.
    pub fn from_htpasswd_file(path: impl AsRef<Path>) -> Result<Self, CredentialFileError> {
        Ok(Self::hashed(Passwords::of_file(path.as_ref())?))
    }

    /// How many passwords may be hashed at a time, instead of half as many as there are cores.
    /// Users who were given to [`new`](Self::new) need no hashing.
    pub fn verify_at_once(mut self, at_most: NonZeroUsize) -> Self {
        if let Users::Hashed(passwords) = &mut self.users {
            passwords.verify_at_once(at_most);
        }
        self
    }

    /// What reads the file again, without waiting for it to change.
    pub fn handle(&self) -> BasicHandle {
        match &self.users {
            Users::Hashed(passwords) => BasicHandle { file: passwords.file().cloned() },
            Users::Static(_) => BasicHandle { file: None },
        }
    }

    fn hashed(passwords: Passwords) -> Self {
        Self { users: Users::Hashed(Box::new(passwords)) }
    }
}

/// Reads the password file of a [`Basic`] again.
#[cfg(feature = "htpasswd")]
#[derive(Clone, Debug)]
pub struct BasicHandle {
    file: Option<crate::credentials::Reloading>,
}

#[cfg(feature = "htpasswd")]
impl BasicHandle {
    /// Reads the file now, and returns whether there was something new in it; never, where there is
    /// no file. It blocks while it reads, for ten seconds at most. A file without a user revokes all of
    /// them.
    ///
    /// # Errors
    ///
    /// As [`Basic::from_htpasswd_file`]. The users of before stay in force then.
    pub fn reload(&self) -> Result<bool, CredentialFileError> {
        self.file.as_ref().map_or(Ok(false), crate::credentials::Reloading::reload)
    }
}

fn check_name(position: usize, name: &str) -> Result<(), CredentialError> {
    let problem = match name {
        "" => "is empty",
        _ if name.contains(':') => "has a colon, where its password would begin (RFC 7617 §2)",
        _ if name.contains(char::is_control) => "has a control character",
        _ if name.trim() != name => "begins or ends with white space",
        _ => return Ok(()),
    };
    Err(CredentialError::Name { position, problem })
}

fn check_password(position: usize, password: &str) -> Result<(), CredentialError> {
    let kind = "password";
    let problem = match password {
        "" => "is empty",
        _ if password.contains(char::is_control) => "has a control character",
        _ => return Ok(()),
    };
    Err(CredentialError::Secret { position, kind, problem })
}

/// Base64 of UTF-8 with a colon and without control characters.
fn well_formed(credential: &str) -> bool {
    STANDARD
        .decode(credential)
        .ok()
        .and_then(|decoded| String::from_utf8(decoded).ok())
        .is_some_and(|pair| pair.contains(':') && !pair.contains(char::is_control))
}

/// The claimed user's name, if there is one.
fn claimed(credential: &[u8]) -> Option<Vec<u8>> {
    let mut pair = STANDARD.decode(credential).ok()?;
    pair.truncate(pair.iter().position(|&byte| byte == b':')?);
    Some(pair)
}

impl Authenticator for Basic {
    async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
        match &self.users {
            Users::Static(users) => SCHEME.judge(head, users),
            #[cfg(feature = "htpasswd")]
            Users::Hashed(passwords) => hashed::judge(passwords, head).await,
        }
    }

    fn authenticate_now(&self, head: &Parts) -> Option<Result<Authenticated, Rejection>> {
        match &self.users {
            Users::Static(users) => Some(SCHEME.judge(head, users)),
            #[cfg(feature = "htpasswd")]
            Users::Hashed(passwords) => hashed::judge_now(passwords, head),
        }
    }

    fn attempt(&self, head: &Parts) -> Option<Attempt> {
        let attempt = SCHEME.attempt(head)?;
        Some(if self.needs_rate_limit() { attempt.expensive() } else { attempt })
    }

    fn needs_rate_limit(&self) -> bool {
        !matches!(self.users, Users::Static(_))
    }
}

/// Judging by a password file.
#[cfg(feature = "htpasswd")]
mod hashed {
    use super::*;
    use crate::rate_limit::Requester;

    /// The most that a name and a password have together, in bytes, with the colon.
    const MAX_PAIR: usize = 1024;

    /// What a request brings; wiping it is left to whoever holds the request.
    struct Pair {
        decoded: [u8; MAX_PAIR],
    }

    impl Pair {
        fn new() -> Self {
            Self { decoded: [0; MAX_PAIR] }
        }

        /// Name and password, if they can be those of anybody.
        fn read(&mut self, head: &Parts) -> Result<(&str, &str), Rejection> {
            let credential = SCHEME.presented(head)?;
            let length = STANDARD.decode_slice(credential, &mut self.decoded).ok();
            let decoded = length.and_then(|length| str::from_utf8(&self.decoded[..length]).ok());
            decoded
                .filter(|pair| !pair.contains(char::is_control))
                .and_then(|pair| pair.split_once(':'))
                .filter(|(_, password)| !password.is_empty())
                .ok_or_else(|| SCHEME.refusal(credential))
        }
    }

    pub(super) fn judge_now(
        passwords: &Passwords,
        head: &Parts,
    ) -> Option<Result<Authenticated, Rejection>> {
        match Pair::new().read(head) {
            Ok((name, password)) => Some(Ok(admitted(passwords.remembered(name, password)?))),
            Err(rejection) => Some(Err(rejection)),
        }
    }

    pub(super) async fn judge(
        passwords: &Passwords,
        head: &Parts,
    ) -> Result<Authenticated, Rejection> {
        let mut pair = Pair::new();
        let (name, password) = pair.read(head)?;
        if let Some(principal) = passwords.remembered(name, password) {
            return Ok(admitted(principal));
        }
        let asker = head.extensions.get::<Requester>().copied().unwrap_or_default();
        match passwords.verify(name, password, asker).await? {
            Some(principal) => Ok(admitted(principal)),
            None => Err(Rejection::invalid((SCHEME.challenge)(true))),
        }
    }

    fn admitted(principal: Principal) -> Authenticated {
        Authenticated::new(principal).scheme(SCHEME.name)
    }
}
