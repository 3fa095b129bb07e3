//! No secret appears in `Debug` output, errors or panic messages.

use std::panic::catch_unwind;

use mcp_auth_layer::auth::{AuthenticatorExt, Realm};
use mcp_auth_layer::{Basic, Bearer, HttpSignature, McpAuthLayer};
use tower::Layer;

use crate::support::known_secrets::{PASSWORD, TOKEN, assert_no_secret, both};

#[test]
fn debug_output_contains_no_secrets() {
    let layer = McpAuthLayer::new(both()).realm(Realm::from_static("tools"));
    let service = layer.layer(());
    let shown = format!("{:?} {layer:?} {service:?} {:?}", both(), both().boxed());
    assert!(shown.contains("1 credentials") && shown.contains("tools"), "{shown}");
    assert_no_secret(&shown);
    // Digests would be printed as arrays of numbers.
    assert!(!shown.contains(", 1"), "{shown}");
}

#[test]
fn errors_and_panics_contain_no_secrets() {
    let bad_password = format!("{PASSWORD}\n");
    let bad_token = format!("{TOKEN} ");
    let mut texts = vec![
        Basic::new([("alice", &bad_password)]).unwrap_err().to_string(),
        Basic::new([(format!("{PASSWORD}:"), "x")]).unwrap_err().to_string(),
        Basic::new([("alice", PASSWORD), ("alice", TOKEN)]).unwrap_err().to_string(),
        Bearer::new([("ci", &bad_token)]).unwrap_err().to_string(),
        Bearer::new([("ci", TOKEN), ("other", TOKEN)]).unwrap_err().to_string(),
    ];
    let panics: [Box<dyn FnOnce() + std::panic::UnwindSafe>; 3] = [
        Box::new(|| drop(McpAuthLayer::basic("alice", format!("{PASSWORD}\r")))),
        Box::new(|| drop(McpAuthLayer::basic(format!("{PASSWORD}:x"), "y"))),
        Box::new(|| drop(McpAuthLayer::bearer(format!("{TOKEN} x")))),
    ];
    for panic in panics {
        let payload = catch_unwind(panic).expect_err("a panic");
        texts.push(payload.downcast_ref::<String>().expect("a message").clone());
    }
    for text in &texts {
        assert!(text.contains("credential "), "the position of the credential is reported: {text}");
        assert_no_secret(text);
    }
}

#[test]
fn signature_keys_are_not_shown_in_debug_or_panics() {
    let secret = "correct horse battery staple, and more";
    let hmac = HttpSignature::new([("ci", secret)]).unwrap();
    let signer = mcp_auth_layer::schemes::Signer::new("ci", secret).unwrap();
    let shown = format!("{hmac:?} {signer:?} {:?}", McpAuthLayer::hmac("ci", secret));
    assert!(shown.contains("ci") && !shown.contains("horse"), "{shown}");
    let short = HttpSignature::new([("ci", "correct horse")]).unwrap_err();
    assert!(!format!("{short} {short:?}").contains("horse"));
    let panic = std::panic::catch_unwind(|| McpAuthLayer::hmac("ci", "correct horse"));
    let panic = panic.err().unwrap().downcast::<String>().unwrap();
    assert!(panic.contains("13 bytes") && !panic.contains("horse"), "{panic}");
}
