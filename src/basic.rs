//! HTTP Basic authentication (RFC 7617).

use std::collections::HashSet;
#[cfg(feature = "password")]
use std::{num::NonZeroUsize, path::Path};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;

#[cfg(feature = "password")]
use crate::CredentialFileError;
use crate::authorization::{Limited, Scheme};
#[cfg(feature = "password")]
use crate::password::Passwords;
use crate::secret::CredentialTable;
#[cfg(feature = "throttle")]
use crate::throttle::{GuessLimit, Guesses};
use crate::{Admission, Authenticator, Challenge, CredentialError, Principal, Rejection};

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
    Static(CredentialTable, Limited),
    /// Those of a password file.
    #[cfg(feature = "password")]
    Hashed(Box<Passwords>),
}

const SCHEME: Scheme = Scheme {
    name: "Basic",
    challenge: |_| Challenge::new("Basic").param("charset", "UTF-8"),
    well_formed,
};

impl Basic {
    /// These users, as pairs of name and password. The name becomes the principal's.
    ///
    /// # Errors
    ///
    /// If there is none; if a name is empty, has a colon or a control character, or stands
    /// twice; if a password is empty or has a control character.
    pub fn new<N, P>(users: impl IntoIterator<Item = (N, P)>) -> Result<Self, CredentialError>
    where
        N: AsRef<str>,
        P: AsRef<str>,
    {
        let mut table = CredentialTable::new()?;
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
            false => Ok(Self { users: Users::Static(table, Limited::default()) }),
        }
    }
}

#[cfg(feature = "throttle")]
impl Basic {
    /// Limits how often a client may guess. Users of a password file are limited by
    /// [`GuessLimit::default`] unless there is another one; those who were given to
    /// [`new`](Self::new) are not limited.
    ///
    /// # Panics
    ///
    /// If the operating system gives no random bytes.
    pub fn limit_guesses(mut self, limit: GuessLimit) -> Self {
        match &mut self.users {
            Users::Static(_, limited) => limited.guesses = Some(Box::new(Guesses::new(limit))),
            #[cfg(feature = "password")]
            Users::Hashed(passwords) => passwords.limit_guesses(limit),
        }
        self
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
/// # Guessing
///
/// is limited by [`GuessLimit::default`], or by what was given to
/// [`limit_guesses`](Self::limit_guesses). It goes by the client's address: serve the app with
/// `into_make_service_with_connect_info::<SocketAddr>()`, or every request is answered with 503.
#[cfg(feature = "password")]
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
    /// [handle](Self::handle)'s request. A file that is refused then, or vanishes, leaves those of
    /// before in force, and is logged. Replace it by rename: where it is written in place, half of
    /// it may look like a whole.
    ///
    /// Removing or changing a user's line ends what was opened with it, within a second; the user
    /// keeps the sessions.
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
            Users::Static(..) => BasicHandle { file: None },
        }
    }

    fn hashed(passwords: Passwords) -> Self {
        Self { users: Users::Hashed(Box::new(passwords)) }
    }
}

/// Reads the password file of a [`Basic`] again.
#[cfg(feature = "password")]
#[derive(Clone, Debug)]
pub struct BasicHandle {
    file: Option<crate::reload::Reloading>,
}

#[cfg(feature = "password")]
impl BasicHandle {
    /// Reads the file now, and returns whether there was something new in it; never, where there is
    /// no file. It blocks while it reads.
    ///
    /// # Errors
    ///
    /// As [`Basic::from_htpasswd_file`]. The users of before stay in force then.
    pub fn reload(&self) -> Result<bool, CredentialFileError> {
        self.file.as_ref().map_or(Ok(false), crate::reload::Reloading::reload)
    }
}

fn check_name(position: usize, name: &str) -> Result<(), CredentialError> {
    let problem = match name {
        "" => "is empty",
        _ if name.contains(':') => "has a colon, where its password would begin (RFC 7617 §2)",
        _ if name.contains(char::is_control) => "has a control character",
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

impl Authenticator for Basic {
    async fn authenticate(&self, head: &Parts) -> Result<Admission, Rejection> {
        match &self.users {
            Users::Static(users, limited) => SCHEME.judge(head, users, limited),
            #[cfg(feature = "password")]
            Users::Hashed(passwords) => hashed::judge(passwords, head).await,
        }
    }

    fn authenticate_now(&self, head: &Parts) -> Option<Result<Admission, Rejection>> {
        match &self.users {
            Users::Static(users, limited) => Some(SCHEME.judge(head, users, limited)),
            #[cfg(feature = "password")]
            Users::Hashed(passwords) => hashed::judge_now(passwords, head),
        }
    }
}

/// Judging by a password file.
#[cfg(feature = "password")]
mod hashed {
    use super::*;

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
    ) -> Option<Result<Admission, Rejection>> {
        let mut pair = Pair::new();
        let known = pair.read(head).and_then(|(name, password)| {
            let client = passwords.client(head)?;
            Ok(passwords.remembered(name, password, client))
        });
        known.map(|principal| principal.map(admitted)).transpose()
    }

    pub(super) async fn judge(passwords: &Passwords, head: &Parts) -> Result<Admission, Rejection> {
        let mut pair = Pair::new();
        let (name, password) = pair.read(head)?;
        let client = passwords.client(head)?;
        if let Some(principal) = passwords.remembered(name, password, client) {
            return Ok(admitted(principal));
        }
        match passwords.verify(name, password, client).await? {
            Some(principal) => Ok(admitted(principal)),
            None => Err(Rejection::invalid((SCHEME.challenge)(true))),
        }
    }

    fn admitted(principal: Principal) -> Admission {
        Admission::new(principal).scheme(SCHEME.name)
    }
}
