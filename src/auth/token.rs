//! Names in `WWW-Authenticate`: schemes and parameters, both of them tokens (RFC 9110 §5.6.2).

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// An error that says that a name is not a token (RFC 9110 §5.6.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a token: use letters, digits and !#$%&'*+-.^_`|~")]
pub struct InvalidToken {
    name: String,
}

const fn is_token(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let is_allowed = bytes[at].is_ascii_alphanumeric()
            || matches!(
                bytes[at],
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        if !is_allowed {
            return false;
        }
        at += 1;
    }
    !bytes.is_empty()
}

macro_rules! token {
    ($(#[$doc:meta])* $name:ident { $($(#[$const_doc:meta])* $constant:ident = $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            $($(#[$const_doc])* pub const $constant: Self = Self(Cow::Borrowed($text));)*

            /// Creates one from a literal.
            ///
            /// # Panics
            ///
            /// If it is not a token. In a `const` that is an error of the compiler.
            pub const fn from_static(name: &'static str) -> Self {
                assert!(is_token(name), "not a token (RFC 9110 §5.6.2)");
                Self(Cow::Borrowed(name))
            }

            /// Returns the name for a metric's label.
            #[allow(dead_code, reason = "parameters are not counted")]
            pub(crate) fn to_cow(&self) -> Cow<'static, str> {
                self.0.clone()
            }

            /// Returns the name as it is sent.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidToken;

            fn from_str(name: &str) -> Result<Self, InvalidToken> {
                if is_token(name) {
                    Ok(Self(Cow::Owned(name.to_owned())))
                } else {
                    Err(InvalidToken { name: name.to_owned() })
                }
            }
        }

        /// Names are compared without regard to case.
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.eq_ignore_ascii_case(&other.0)
            }
        }

        impl Eq for $name {}

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                for byte in self.0.bytes() {
                    state.write_u8(byte.to_ascii_lowercase());
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

token! {
    /// The name of an authentication scheme (RFC 9110 §11.1), such as `Bearer`.
    ///
    /// ```
    /// use mcp_auth_layer::auth::AuthScheme;
    ///
    /// const API_KEY: AuthScheme = AuthScheme::from_static("ApiKey");
    /// let configured: AuthScheme = "apikey".parse()?;
    /// assert_eq!(configured, API_KEY);
    /// # Ok::<(), mcp_auth_layer::auth::InvalidToken>(())
    /// ```
    AuthScheme {
        /// Basic authentication (RFC 7617).
        BASIC = "Basic";
        /// Bearer tokens (RFC 6750).
        BEARER = "Bearer";
        /// HTTP message signatures (RFC 9421).
        SIGNATURE = "Signature";
        /// The scheme of an [`Authenticated`](super::Authenticated) that names no other.
        CUSTOM = "Custom";
    }
}

token! {
    /// The name of a parameter of a [`Challenge`](super::Challenge) (RFC 9110 §11.2).
    AuthParam {
        /// The encoding of user names and passwords (RFC 7617 §2.1).
        CHARSET = "charset";
        /// Why a token was rejected (RFC 6750 §3.1).
        ERROR = "error";
        /// An explanation for the developer of the client (RFC 6750 §3).
        ERROR_DESCRIPTION = "error_description";
        /// The URL of the protected resource's metadata (RFC 9728 §5.1).
        RESOURCE_METADATA = "resource_metadata";
        /// The scopes that are required, separated by spaces (RFC 6750 §3).
        SCOPE = "scope";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_tokens_are_errors() {
        for name in ["", "Api Key", "a=b", "a\r\nb", "schéma", "\"a\"", "a,b"] {
            assert!(name.parse::<AuthScheme>().is_err(), "{name:?}");
            assert!(name.parse::<AuthParam>().is_err(), "{name:?}");
        }
        assert_eq!("Api-Key".parse::<AuthScheme>().unwrap().as_str(), "Api-Key");
    }

    #[test]
    #[should_panic(expected = "not a token")]
    fn a_literal_that_is_not_a_token_panics() {
        let _ = AuthScheme::from_static("Api Key");
    }

    #[test]
    fn names_are_compared_without_regard_to_case() {
        let bearer: AuthScheme = "bEARER".parse().unwrap();
        assert_eq!(bearer, AuthScheme::BEARER);
        assert_ne!(bearer, AuthScheme::BASIC);
        let set = std::collections::HashSet::from([bearer]);
        assert!(set.contains(&AuthScheme::BEARER));
    }
}
