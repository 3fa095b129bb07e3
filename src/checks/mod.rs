//! Checks before authentication: requests that need no credential, and the `Host` and `Origin` that
//! browsers send.
//!
//! Each check owns its configuration as a type. This folder uses `auth` types and nothing of the
//! layer.

mod discovery;
mod exempt;
mod origin;

pub(crate) use self::discovery::is_registration;
pub(crate) use self::exempt::{Exempt, Exemptions, NO_OAUTH};
pub(crate) use self::origin::{Origins, is_origin};
