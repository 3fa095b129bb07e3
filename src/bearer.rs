//! Static bearer tokens (RFC 6750).

use http::request::Parts;

use crate::authorization::Scheme;
use crate::secret::CredentialTable;
use crate::{Admission, Authenticator, Challenge, CredentialError, Principal, Rejection};

/// Static bearer tokens (RFC 6750), each with the name of its owner.
///
/// ```
/// use mcp_auth_layer::{Bearer, McpAuthLayer};
///
/// # fn main() -> Result<(), mcp_auth_layer::CredentialError> {
/// let tokens = Bearer::new([
///     ("ci", "rD3m0NfE5Yc0mKq1bWv7Xw"),
///     ("ci", "Zb9tQ0sJw2uLx4hVn6pRaA"), // rotation: both of them are ci's
///     ("alice", "Hk7yGd1oTf8eMi5zCs3jUQ"),
/// ])?;
/// let layer = McpAuthLayer::new(tokens);
/// # Ok(())
/// # }
/// ```
///
/// Tokens are held as keyed digests, and a request costs the same however many there are. They
/// are taken from `Authorization` only, never from the query.
///
/// Make tokens of random bytes, at least 128 bits of them: nothing here slows a guesser down.
#[derive(Debug)]
pub struct Bearer {
    tokens: CredentialTable,
}

const SCHEME: Scheme = Scheme {
    name: "Bearer",
    // RFC 6750 §3.1: no error to a request that brought no token.
    challenge: |brought| match brought {
        true => Challenge::new("Bearer").param("error", "invalid_token"),
        false => Challenge::new("Bearer"),
    },
    well_formed: is_b64token,
};

impl Bearer {
    /// These tokens, as pairs of name and token. The name becomes the principal's; one name may
    /// have several tokens.
    ///
    /// # Errors
    ///
    /// If there is none; if a name is empty or has a control character; if a token is empty, is
    /// no `b64token` (RFC 6750 §2.1) or stands twice.
    pub fn new<N, T>(tokens: impl IntoIterator<Item = (N, T)>) -> Result<Self, CredentialError>
    where
        N: AsRef<str>,
        T: AsRef<str>,
    {
        let mut table = CredentialTable::new()?;
        for (index, (name, token)) in tokens.into_iter().enumerate() {
            let (position, name, token) = (index + 1, name.as_ref(), token.as_ref());
            let kind = "token";
            let name_error = |problem| Err(CredentialError::Name { position, problem });
            match (name, token) {
                ("", _) => return name_error("is empty"),
                _ if name.contains(char::is_control) => {
                    return name_error("has a control character");
                }
                _ if !is_b64token(token) => {
                    let problem = match token {
                        "" => "is empty",
                        _ => "may have letters, digits, `-._~+/` and trailing `=` only (RFC 6750)",
                    };
                    return Err(CredentialError::Secret { position, kind, problem });
                }
                _ if !table.insert(token.as_bytes(), Principal::new(name)) => {
                    return Err(CredentialError::Duplicate { position, kind });
                }
                _ => {}
            }
        }
        match table.is_empty() {
            true => Err(CredentialError::NoCredentials),
            false => Ok(Self { tokens: table }),
        }
    }
}

/// `b64token` of RFC 6750 §2.1: `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && body.bytes().all(allowed)
}

impl Authenticator for Bearer {
    async fn authenticate(&self, head: &Parts) -> Result<Admission, Rejection> {
        SCHEME.judge(head, &self.tokens)
    }

    fn authenticate_now(&self, head: &Parts) -> Option<Result<Admission, Rejection>> {
        Some(SCHEME.judge(head, &self.tokens))
    }
}
