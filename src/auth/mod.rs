//! The vocabulary of every scheme and every other room: who asks ([`Principal`]), what an
//! [`Authenticator`] grants ([`Authenticated`]) or refuses ([`Rejection`], [`Challenge`]), and how
//! long a grant lasts.
//!
//! It uses `text`, and knows nothing of any scheme, of files, or of the layer.

mod any_of;
mod attempt;
mod authenticated;
mod authenticator;
mod boxed;
mod challenge;
mod context;
mod error;
mod ext;
mod function;
mod host;
mod issued_by;
mod lifetime;
mod original_uri;
mod principal;
mod realm;
mod rejection;
mod rejection_kind;
mod scope;
mod server_url;
mod significant_headers;
mod token;

pub use self::any_of::{AnyOf, Schemes, any_of};
pub use self::attempt::Attempt;
pub(crate) use self::attempt::Cost;
pub use self::authenticated::Authenticated;
pub use self::authenticator::Authenticator;
pub use self::boxed::BoxAuthenticator;
pub use self::challenge::Challenge;
pub use self::context::LayerContext;
pub use self::error::BoxError;
pub use self::ext::AuthenticatorExt;
pub use self::function::{AuthenticateFn, HeadFn, authenticate_fn};
pub use self::host::{Host, InvalidHost};
pub(crate) use self::host::{Hosts, SEC_FETCH_SITE, is_from_browser, is_local, named, split_port};
pub use self::issued_by::IssuedBy;
pub(crate) use self::lifetime::{CredentialExpired, Ended};
pub use self::lifetime::{Lifetime, Revocation};
pub(crate) use self::original_uri::original_uri;
pub use self::principal::Principal;
pub use self::realm::{InvalidRealm, Realm};
pub use self::rejection::Rejection;
pub use self::rejection_kind::RejectionKind;
pub use self::scope::{InvalidScope, Scope};
pub(crate) use self::server_url::parse_server_url;
pub(crate) use self::significant_headers::{
    LAST_EVENT_ID, SESSION_ID, SIGNATURE, SIGNATURE_INPUT, SignificantHeaders, is_spelling_of,
};
pub use self::token::{AuthParam, AuthScheme, InvalidToken};
