//! HTTP Basic authentication (RFC 7617): users in code (`static_users`) and users in a password
//! file (`htpasswd`).
//!
//! It uses `auth`, `credentials`, `crypto` and `rate_limit`.

#[cfg(feature = "htpasswd")]
mod htpasswd;
#[cfg(feature = "htpasswd")]
mod htpasswd_file;
mod scheme;
mod static_users;

#[cfg(feature = "htpasswd")]
pub use self::htpasswd_file::{HtpasswdFile, HtpasswdFileHandle};
pub use self::static_users::Basic;
