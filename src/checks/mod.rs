//! Checks around authentication: requests that need no credential, the `Origin` that browsers send,
//! and the scopes that a principal needs.
//!
//! `Resources` responds to requests for the metadata of the server. [`Exemptions`] combines public
//! paths, CORS preflights and OAuth discovery. [`Origins`] rejects requests of foreign web pages.
//! [`ScopeRules`] rejects credentials without the required scopes. Each option is a type that is valid once it exists. This folder
//! uses `auth` and `text`, and nothing of the layer.

mod discovery;
mod duplicate_credentials;
mod exact_path;
mod exemptions;
mod origin;
mod origin_scheme;
mod origins;
mod preflight;
mod resource;
mod scopes;

pub use self::discovery::Discovery;
pub(crate) use self::discovery::{NO_OAUTH, is_registration};
pub(crate) use self::duplicate_credentials::check_duplicate_credentials;
pub use self::exact_path::{ExactPath, InvalidExactPath};
pub(crate) use self::exemptions::{Exempt, Exemptions};
pub use self::origin::{InvalidOrigin, Origin};
pub use self::origin_scheme::{InvalidOriginScheme, OriginScheme};
pub(crate) use self::origins::Origins;
pub(crate) use self::resource::Published;
pub use self::resource::{InvalidResource, Resource, ResourceService};
pub(crate) use self::scopes::ScopeRules;
