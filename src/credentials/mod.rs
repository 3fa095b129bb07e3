//! Credentials at rest: tables of them (`table`), replaced atomically while requests read them
//! (`snapshot`), and files that fill them (`credential_file`, `lines`, `watch`).
//!
//! It uses `auth`, `crypto` and `telemetry`. The format of each file belongs to its scheme.
//!
//! # Wiped from memory after use
//!
//! * the content of credential files, and decoded secrets of key files;
//! * decoded Basic credentials, and passwords that wait to be hashed;
//! * the memory of argon2, and the copy of a password that bcrypt hashes;
//! * the states of HMAC and SHA-256, which absorb keys, passwords and tokens.
//!
//! Not wiped, as other crates own it: the header value in `http::HeaderMap` and the buffers it was
//! parsed from, the internal state of bcrypt, and strings that a caller passes to this crate. Hashes
//! of passwords and digests of tokens stay in memory: requests are compared with them.

#[cfg(feature = "files")]
mod credential_file;
mod error;
#[cfg(feature = "files")]
mod file_error;
mod grant;
#[cfg(feature = "files")]
mod lines;
mod revoked;
mod snapshot;
mod table;
#[cfg(feature = "files")]
mod watch;

#[cfg(feature = "files")]
pub(crate) use self::credential_file::CredentialFile;
pub use self::error::{CredentialError, CredentialErrorKind};
#[cfg(feature = "files")]
pub(crate) use self::file_error::LineError;
#[cfg(feature = "files")]
pub use self::file_error::{CredentialFileError, CredentialFileErrorKind};
pub(crate) use self::grant::Grant;
#[cfg(feature = "files")]
pub(crate) use self::lines::parse_lines;
#[cfg(feature = "htpasswd")]
pub(crate) use self::lines::require_credentials;
pub(crate) use self::revoked::Revoked;
pub(crate) use self::snapshot::Snapshot;
pub(crate) use self::table::CredentialTable;
#[cfg(feature = "files")]
pub(crate) use self::table::TokenDigest;
#[cfg(feature = "files")]
pub(crate) use self::watch::Access;
