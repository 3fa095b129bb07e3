//! The other side: clients that sign their requests.
//!
//! It uses `wire`, and of the verifying side what both must agree on: `profile`, `keys`, `clock`.

#[cfg(feature = "rmcp-client")]
mod rmcp_client;
mod sign_layer;
mod signer;

#[cfg(feature = "rmcp-client")]
pub use self::rmcp_client::SigningClient;
pub use self::sign_layer::{SignLayer, SignService};
pub use self::signer::{SignError, Signer};
