//! Whatever the fields of a signature contain, nothing panics and no request is authenticated: the
//! fuzzer does not have the secret.

#![no_main]

use std::sync::LazyLock;

use http::{HeaderName, HeaderValue, Request};
use libfuzzer_sys::fuzz_target;
use mcp_auth_layer::{Authenticator, HttpSignature};
use mcp_auth_layer_fuzz::runtime::block_on;

static AUTHENTICATOR: LazyLock<HttpSignature> =
    LazyLock::new(|| HttpSignature::new([("ci", [7; 32])]).unwrap());

fuzz_target!(|data: &[u8]| {
    let mut request = Request::get("/mcp?a=1").body(()).unwrap();
    request.headers_mut().insert("host", HeaderValue::from_static("localhost"));
    // Each line is a field, and its first byte selects the name.
    let names = ["signature-input", "signature", "content-digest", "mcp-name", "host"];
    for line in data.split(|&byte| byte == b'\n') {
        let Some((&which, value)) = line.split_first() else { continue };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            let name = HeaderName::from_static(names[usize::from(which) % names.len()]);
            request.headers_mut().append(name, value);
        }
    }
    let (head, ()) = request.into_parts();
    assert!(block_on(AUTHENTICATOR.authenticate(&head)).is_err());
});
