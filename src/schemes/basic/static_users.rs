//! Users in code.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;

use super::scheme::BASIC;
use crate::auth::{Attempt, Authenticated, Authenticator, Challenge, Principal, Rejection};
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
/// Passwords are stored as keyed digests. A request takes one or two hashes of its credential, whatever the number of
/// users, and the same for a wrong password as for an unknown user. For users in a file of password hashes see
/// `HtpasswdFile` (feature `htpasswd`).
///
/// Basic sends the password with every request: use it over TLS, or on one machine.
#[derive(Debug)]
pub struct Basic {
    /// By the credential as it is sent: the base64 of `user:password`. That encoding is canonical:
    /// equal text means equal credentials, and nothing need be decoded.
    users: CredentialTable,
}

impl Basic {
    /// Creates an authenticator for these users, as pairs of name and password. The name becomes
    /// that of the principal.
    ///
    /// # Errors
    ///
    /// If there is no user; if a name is empty, has a colon or a control character, begins or ends
    /// with white space, or appears twice; if a password is empty or has a control character.
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
                return Err(CredentialError::duplicate(position, "user"));
            }
            let sent = STANDARD.encode(format!("{name}:{password}"));
            table.insert_permanent(sent.as_bytes(), Principal::new(name));
        }
        if table.is_empty() {
            return Err(CredentialError::no_credentials());
        }
        Ok(Self { users: table })
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
    Err(CredentialError::invalid_name(position, problem))
}

fn check_password(position: usize, password: &str) -> Result<(), CredentialError> {
    let problem = match password {
        "" => "is empty",
        _ if password.contains(char::is_control) => "has a control character",
        _ => return Ok(()),
    };
    Err(CredentialError::invalid_secret(position, "password", problem))
}

impl Authenticator for Basic {
    async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
        BASIC.authenticate(head, &self.users)
    }

    fn authenticate_now(&self, head: &Parts) -> Option<Result<Authenticated, Rejection>> {
        Some(BASIC.authenticate(head, &self.users))
    }

    fn challenges(&self) -> Vec<Challenge> {
        vec![(BASIC.challenge)(false)]
    }

    fn attempt(&self, head: &Parts) -> Option<Attempt> {
        BASIC.attempt(head)
    }
}
