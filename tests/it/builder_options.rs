//! Invalid arguments of the layer's builder panic when the layer is built.

use mcp_auth_layer::{Authority, McpAuthLayer};

fn layer() -> McpAuthLayer<mcp_auth_layer::Bearer> {
    McpAuthLayer::bearer("tok").public_path("/health").public_path("/")
}

#[test]
fn invalid_paths_origins_and_realms_panic() {
    let panics = |build: fn() -> McpAuthLayer<mcp_auth_layer::Bearer>| {
        std::panic::catch_unwind(build).is_err()
    };
    assert!(!panics(|| layer().public_path("/a/b-c.d~e").allow_origin("vscode-webview://x")));
    assert!(panics(|| layer().public_path("")));
    assert!(panics(|| layer().public_path("health")));
    assert!(panics(|| layer().public_path("/a*")));
    assert!(panics(|| layer().public_path("/{id}")));
    assert!(panics(|| layer().public_path("/a?b")));
    assert!(panics(|| layer().public_path("/a#b")));
    assert!(panics(|| layer().public_path("/a b")));
    assert!(panics(|| layer().public_path("/ä")));
    assert!(panics(|| layer().allow_origin("*")));
    assert!(panics(|| layer().allow_origin("null")));
    assert!(panics(|| layer().allow_origin("example.com")));
    assert!(panics(|| layer().allow_origin("https://example.com/")));
    assert!(panics(|| layer().allow_origin("https://*.example.com")));
    assert!(panics(|| layer().allow_origin("https://")));
    assert!(panics(|| layer().realm("a\nb")));
    assert!(panics(|| layer().realm("a\r")));
    assert!(panics(|| layer().realm("ä")));
    assert!(!panics(|| layer().realm("a \"b\" \\c")));
}

#[test]
fn invalid_hosts_panic() {
    for host in ["", "https://tools.example.com", "tools.example.com/mcp", "*", "a b", "::1"] {
        assert!(std::panic::catch_unwind(|| layer().host(host)).is_err(), "{host}");
    }
}

#[test]
fn short_and_third_session_keys_panic() {
    let panics = |layer: fn() -> McpAuthLayer<mcp_auth_layer::Bearer>| {
        std::panic::catch_unwind(layer).is_err()
    };
    assert!(!panics(|| McpAuthLayer::bearer("tok").session_key([1; 32]).session_key([2; 33])));
    assert!(panics(|| McpAuthLayer::bearer("tok").session_key([1; 31])));
    assert!(panics(|| {
        McpAuthLayer::bearer("tok").session_key([1; 32]).session_key([2; 32]).session_key([3; 32])
    }));
    assert!(panics(|| McpAuthLayer::bearer("tok").session_parameter("_")));
}

#[test]
fn invalid_signature_authorities_are_errors() {
    let is_invalid = |authority: &str| authority.parse::<Authority>().is_err();
    assert!(!is_invalid("tools.example:8443") && !is_invalid("[::1]:80"));
    for wrong in ["", "https://tools.example", "tools.example/", "a@b", "a b", "ä.example"] {
        assert!(is_invalid(wrong), "{wrong}");
    }
}
