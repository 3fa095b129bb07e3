//! Clients that sign their requests.
//!
//! It uses `wire`, and what client and server must agree on: `profile`, `keys`, `clock`, `errors`.

#[cfg(feature = "rmcp-client")]
mod rmcp_client;
mod sign_layer;
mod signer;

#[cfg(feature = "rmcp-client")]
pub use self::rmcp_client::SigningClient;
pub use self::sign_layer::{SignLayer, SignLayerError, SignService};
pub use self::signer::{SignError, Signer};
