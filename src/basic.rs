//! HTTP Basic authentication (RFC 7617).

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;

use crate::authorization::Scheme;
use crate::secret::CredentialTable;
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
/// and takes the same way for a wrong password as for an unknown user.
///
/// Basic sends the password with every request: use it over TLS, or on one machine.
#[derive(Debug)]
pub struct Basic {
    /// By the credential as it is sent: the base64 of `user:password`. Its encoding is
    /// canonical, so equal text means equal credentials, and nothing need be decoded.
    users: CredentialTable,
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
            false => Ok(Self { users: table }),
        }
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
        SCHEME.judge(head, &self.users)
    }

    fn authenticate_now(&self, head: &Parts) -> Option<Result<Admission, Rejection>> {
        Some(SCHEME.judge(head, &self.users))
    }
}
