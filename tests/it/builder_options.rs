//! Invalid arguments of the layer's builder panic when the layer is built.

use mcp_auth_layer::McpAuthLayer;
use mcp_auth_layer::auth::Realm;
use mcp_auth_layer::layer::Origin;
use mcp_auth_layer::layer::PublicPath;
use mcp_auth_layer::layer::SessionKey;
use mcp_auth_layer::layer::SessionParameter;
use mcp_auth_layer::schemes::Authority;

fn layer() -> McpAuthLayer<mcp_auth_layer::Bearer> {
    McpAuthLayer::bearer("tok")
        .public_path(PublicPath::from_static("/health"))
        .public_path(PublicPath::from_static("/"))
}

#[test]
fn invalid_paths_origins_and_realms_panic() {
    let panics = |build: fn() -> McpAuthLayer<mcp_auth_layer::Bearer>| {
        std::panic::catch_unwind(build).is_err()
    };
    assert!(!panics(|| layer()
        .public_path(PublicPath::from_static("/a/b-c.d~e"))
        .allow_origin(Origin::from_static("vscode-webview://x"))));
    assert!(panics(|| layer().public_path(PublicPath::from_static(""))));
    assert!(panics(|| layer().public_path(PublicPath::from_static("health"))));
    assert!(panics(|| layer().public_path(PublicPath::from_static("/a*"))));
    assert!(panics(|| layer().public_path(PublicPath::from_static("/{id}"))));
    assert!(panics(|| layer().public_path(PublicPath::from_static("/a?b"))));
    assert!(panics(|| layer().public_path(PublicPath::from_static("/a#b"))));
    assert!(panics(|| layer().public_path(PublicPath::from_static("/a b"))));
    assert!(panics(|| layer().public_path(PublicPath::from_static("/ä"))));
    assert!(panics(|| layer().allow_origin(Origin::from_static("*"))));
    assert!(panics(|| layer().allow_origin(Origin::from_static("null"))));
    assert!(panics(|| layer().allow_origin(Origin::from_static("example.com"))));
    assert!(panics(|| layer().allow_origin(Origin::from_static("https://example.com/"))));
    assert!(panics(|| layer().allow_origin(Origin::from_static("https://*.example.com"))));
    assert!(panics(|| layer().allow_origin(Origin::from_static("https://"))));
    assert!(panics(|| layer().realm(Realm::from_static("a\nb"))));
    assert!(panics(|| layer().realm(Realm::from_static("a\r"))));
    assert!(panics(|| layer().realm(Realm::from_static("ä"))));
    assert!(!panics(|| layer().realm("a \"b\" \\c".parse().unwrap())));
}

#[test]
fn invalid_hosts_panic() {
    for host in ["", "https://tools.example.com", "tools.example.com/mcp", "*", "a b", "::1"] {
        assert!(
            std::panic::catch_unwind(|| layer().host(host.parse().unwrap())).is_err(),
            "{host}"
        );
    }
}

#[test]
fn short_session_keys_and_empty_parameters_are_errors() {
    assert!(SessionKey::try_from(&[1; 31][..]).is_err());
    assert!(SessionKey::try_from(&[1; 32][..]).is_ok());
    assert!("_".parse::<SessionParameter>().is_err());
    assert!("sid".parse::<SessionParameter>().is_ok());
}

#[test]
fn invalid_signature_authorities_are_errors() {
    for right in ["tools.example:8443", "[::1]:80"] {
        assert!(right.parse::<Authority>().is_ok(), "{right}");
    }
    for wrong in ["", "https://tools.example", "tools.example/", "a@b", "a b", "ä.example"] {
        assert!(wrong.parse::<Authority>().is_err(), "{wrong}");
    }
}
