//! Credentials at rest: tables of them (`table`, whose entries are in `holders`), and tables by name whose look-ups do not
//! tell which names they have (`by_name`), replaced atomically while requests read them (`snapshot`), and files that
//! fill them (`file`).
//!
//! It uses `auth`, `crypto` and `telemetry`. The format of each file belongs to its scheme.
//!
//! # Wiped from memory after use
//!
//! * the content of credential files, and decoded secrets of key files;
//! * decoded Basic credentials, and passwords that wait to be hashed;
//! * introspected tokens and their forms, after the call and the last open stream, and the secret of the client;
//! * the memory of argon2, and the copy of a password that bcrypt hashes;
//! * the states of HMAC and SHA-256, which absorb keys, passwords and tokens.
//!
//! Not wiped, as other crates own it: the header value in `http::HeaderMap` and the buffers it was
//! parsed from, the buffers of the HTTP client, the internal state of bcrypt, and strings that a caller passes to this crate. Nor are the few
//! bytes in the state of SipHash, and the short texts that are joined for it. Hashes
//! of passwords, and digests and keyed hashes of tokens stay in memory: requests are compared with them.

mod by_name;
mod error;
#[cfg_attr(not(feature = "files"), path = "no_file.rs")]
mod file;
mod grant;
mod holders;
mod revoked;
mod snapshot;
mod table;

pub(crate) use self::by_name::{ByName, Found};
pub use self::error::{CredentialError, CredentialErrorKind};
pub use self::file::*;
pub(crate) use self::grant::Grant;
pub(crate) use self::revoked::Revoked;
pub(crate) use self::snapshot::Snapshot;
pub(crate) use self::table::{CredentialTable, TokenDigest};
