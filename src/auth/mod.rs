//! What every scheme and every other room speaks of: who asks (`principal`), what an authenticator
//! grants (`authenticated`) or refuses (`rejection`, `challenge`), and how long it lasts (`lifetime`).
//!
//! It uses `text` alone, and knows nothing of any scheme, of files, or of the layer.

mod attempt;
mod authenticated;
mod authenticator;
mod challenge;
mod combinators;
mod context;
mod host;
mod lifetime;
mod principal;
mod rejection;
mod significant_headers;

pub use self::attempt::Attempt;
pub(crate) use self::attempt::Cost;
pub use self::authenticated::Authenticated;
pub use self::authenticator::Authenticator;
pub use self::challenge::Challenge;
pub use self::combinators::{
    AnyOf, AuthenticateFn, AuthenticatorExt, BoxAuthenticator, IssuedBy, any_of, authenticate_fn,
};
pub use self::context::LayerContext;
pub(crate) use self::host::{Host, Hosts, SEC_FETCH_SITE, is_local, named, split_port};
pub(crate) use self::lifetime::{CredentialExpired, Ending};
pub use self::principal::Principal;
pub(crate) use self::rejection::DEFAULT_REALM;
pub use self::rejection::{Rejection, RejectionKind};
pub(crate) use self::significant_headers::{
    LAST_EVENT_ID, SESSION_ID, SIGNATURE, SIGNATURE_INPUT, SignificantHeaders, is_spelling_of,
};
