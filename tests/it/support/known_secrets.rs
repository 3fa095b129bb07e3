//! A password and a token that no output may contain.

use mcp_auth_layer::{Authenticator, Basic, Bearer, any_of};

use super::basic;

pub const PASSWORD: &str = "correct-horse-battery";
pub const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7Xw";

/// The secrets, plain and as they are sent.
pub fn secrets() -> Vec<String> {
    let sent = basic("alice", PASSWORD);
    vec![PASSWORD.into(), TOKEN.into(), sent.strip_prefix("Basic ").unwrap().into()]
}

/// Asserts that none of the secrets is in a text.
pub fn assert_no_secret(text: &str) {
    for secret in secrets() {
        assert!(!text.contains(&secret), "{secret} found in {text}");
    }
}

/// An authenticator with both secrets.
pub fn both() -> impl Authenticator + std::fmt::Debug {
    any_of((Basic::new([("alice", PASSWORD)]).unwrap(), Bearer::new([("ci", TOKEN)]).unwrap()))
}
