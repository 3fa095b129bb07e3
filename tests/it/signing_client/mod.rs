//! The client side of signed requests.

mod rmcp_client;
mod sign_layer;
mod signer;

use mcp_auth_layer::Signer;

use crate::support::forged_request::SECRET;

fn signer() -> Signer {
    Signer::new("ci", SECRET).unwrap()
}
