//! Users of a password file: `file` parses it, `hash` verifies bcrypt and argon2id, `hasher` runs
//! verifications on blocking threads, `cache` keeps verified credentials for a while, and `users` is
//! the table of one version of the file.
//!
//! It uses `auth`, `credentials`, `crypto` and `rate_limit`.

mod authenticator;
mod cache;
mod file;
mod hash;
mod hasher;
mod passwords;
mod users;

pub use self::authenticator::{HtpasswdFile, HtpasswdFileHandle};
