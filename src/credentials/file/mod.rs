//! Files of credentials: read and reloaded (`credential_file`), watched for changes (`watch`), and
//! parsed line by line (`lines`).
//!
//! It uses `auth`, `crypto` and `telemetry`.

mod credential_file;
mod error;
mod lines;
mod watch;

pub(crate) use self::credential_file::CredentialFile;
pub(crate) use self::error::LineError;
pub use self::error::{CredentialFileError, CredentialFileErrorKind};
pub(crate) use self::lines::{parse_lines, require_credentials};
pub(crate) use self::watch::Access;
