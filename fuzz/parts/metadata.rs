//! The reader of an authorization server's metadata, compiled once more: it is not
//! public. The crate that includes this file also includes `auth.rs` of this folder.

#![allow(dead_code, unreachable_pub)]

pub mod error {
    /// The errors of the reader, of those that fetching keys has.
    #[derive(Debug)]
    pub enum RemoteError {
        Metadata { url: String, problem: &'static str },
        OtherIssuer { url: String, found: String, configured: String },
        JwksUri { url: String, jwks_uri: String, problem: &'static str },
    }
}
#[path = "../../src/schemes/oauth/keys/remote/metadata.rs"]
mod reader;

/// Returns the `jwks_uri` of metadata that was found at this URL.
pub fn jwks_uri(issuer: &str, url: &str, json: &[u8]) -> Result<String, error::RemoteError> {
    reader::jwks_uri(issuer, url, json)
}
