//! A bearer token and the time at which it expires.

use std::fmt;
use std::time::SystemTime;

use zeroize::Zeroizing;

use crate::auth::Principal;
use crate::credentials::{CredentialError, CredentialTable, Grant};

/// A bearer token (RFC 6750) for [`Bearer`](super::Bearer), that may expire.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use mcp_auth_layer::Bearer;
/// use mcp_auth_layer::schemes::BearerToken;
///
/// # fn main() -> Result<(), mcp_auth_layer::CredentialError> {
/// let tomorrow = SystemTime::now() + Duration::from_secs(24 * 3600);
/// let token = BearerToken::new("rD3m0NfE5Yc0mKq1bWv7Xw").expires_at(tomorrow);
/// let tokens = Bearer::new([("ci", token)])?;
/// # Ok(())
/// # }
/// ```
///
/// It is wiped when it is dropped, and never shown by `Debug`.
#[derive(Clone)]
#[must_use]
pub struct BearerToken {
    token: Zeroizing<String>,
    expires_at: Option<SystemTime>,
}

impl BearerToken {
    /// Creates a token that does not expire. Its form is checked where it is used.
    pub fn new(token: impl Into<String>) -> Self {
        Self { token: Zeroizing::new(token.into()), expires_at: None }
    }

    /// Sets the time at which it expires.
    pub fn expires_at(mut self, time: SystemTime) -> Self {
        self.expires_at = Some(time);
        self
    }

    /// Adds a token that is never removed to a table.
    pub(super) fn insert_permanent(
        &self,
        table: &mut CredentialTable,
        principal: Principal,
    ) -> Result<(), CredentialError> {
        check_token(1, &self.token)?;
        table.insert_permanent(self.token.as_bytes(), principal);
        Ok(())
    }

    /// Adds the token to a table.
    pub(super) fn insert(
        &self,
        table: &mut CredentialTable,
        position: usize,
        principal: Principal,
    ) -> Result<(), CredentialError> {
        check_name(position, principal.name())?;
        check_token(position, &self.token)?;
        let grant = Grant::new(principal).expires_at(self.expires_at);
        if table.insert(self.token.as_bytes(), grant) {
            Ok(())
        } else {
            Err(CredentialError::duplicate(position, "token"))
        }
    }
}

fn check_name(position: usize, name: &str) -> Result<(), CredentialError> {
    let problem = match name {
        "" => "is empty",
        _ if name.contains(char::is_control) => "has a control character",
        _ if name.trim() != name => "begins or ends with white space",
        _ => return Ok(()),
    };
    Err(CredentialError::invalid_name(position, problem))
}

fn check_token(position: usize, token: &str) -> Result<(), CredentialError> {
    let problem = match token {
        "" => "is empty",
        _ if !is_b64token(token) => {
            "may have letters, digits, `-._~+/` and trailing `=` only (RFC 6750)"
        }
        _ => return Ok(()),
    };
    Err(CredentialError::invalid_secret(position, "token", problem))
}

/// `b64token` of RFC 6750 §2.1: `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
pub(super) fn is_b64token(text: &str) -> bool {
    let is_char = |byte: u8| {
        byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
    };
    let body = text.trim_end_matches('=');
    // All bytes are looked at, which the compiler does several at a time.
    !body.is_empty() && body.bytes().fold(true, |all, byte| all & is_char(byte))
}

impl From<&str> for BearerToken {
    fn from(token: &str) -> Self {
        Self::new(token)
    }
}

impl From<&String> for BearerToken {
    fn from(token: &String) -> Self {
        Self::new(token)
    }
}

impl From<String> for BearerToken {
    fn from(token: String) -> Self {
        Self::new(token)
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::is_b64token;

    #[test]
    fn a_b64token_has_the_characters_of_rfc_6750() {
        for byte in 0..=127_u8 {
            let character = char::from(byte);
            let is_allowed = character.is_ascii_alphanumeric() || "-._~+/".contains(character);
            assert_eq!(is_b64token(&format!("a{character}b")), is_allowed, "{character:?}");
        }
        assert!(is_b64token("a==") && is_b64token("/"));
        for malformed in ["", "=", "==", "a=b", "=a", "é", "a b"] {
            assert!(!is_b64token(malformed), "{malformed:?}");
        }
    }
}
