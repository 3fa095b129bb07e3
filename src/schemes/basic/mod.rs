//! HTTP Basic authentication (RFC 7617): users in code (`static_users`) and users in a password
//! file (`htpasswd`).
//!
//! It uses `auth`, `credentials`, `crypto` and `rate_limit`.

#[cfg(feature = "htpasswd")]
mod htpasswd;
mod scheme;
mod static_users;

#[cfg(feature = "htpasswd")]
pub use self::htpasswd::{HtpasswdFile, HtpasswdFileHandle};
pub use self::static_users::Basic;
