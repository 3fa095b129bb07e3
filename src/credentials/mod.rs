//! Credentials at rest: tables of them (`table`), replaced as a whole while requests read them
//! (`snapshot`), and files that fill them (`file`, `reload`, `watch`).
//!
//! It uses `auth`, `crypto`, `telemetry` and `text`. The form of each file belongs to its scheme.

#[cfg(feature = "files")]
mod file;
#[cfg(feature = "files")]
mod reload;
mod snapshot;
mod table;
#[cfg(feature = "files")]
mod watch;

#[cfg(feature = "files")]
pub use self::file::CredentialFileError;
#[cfg(feature = "files")]
pub(crate) use self::file::parse_lines;
#[cfg(feature = "htpasswd")]
pub(crate) use self::file::some;
#[cfg(feature = "files")]
pub(crate) use self::reload::Reloading;
pub(crate) use self::snapshot::Snapshot;
pub use self::table::CredentialError;
pub(crate) use self::table::{CredentialTable, Revoked};
#[cfg(feature = "files")]
pub(crate) use self::watch::Access;
