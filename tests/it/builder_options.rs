//! Options that can fail are typed: an invalid value is an error before the layer is built, and a
//! panic only where it is a literal of the program.

use std::panic::catch_unwind;

use mcp_auth_layer::auth::{Host, Realm};
use mcp_auth_layer::layer::{Discovery, ExactPath, Origin, SessionKey, SessionParameter};
use mcp_auth_layer::schemes::Authority;
use mcp_auth_layer::{Bearer, McpAuthLayer};
use proptest::prelude::*;

#[test]
fn invalid_public_paths_are_errors() {
    assert!("/a/b-c.d~e".parse::<ExactPath>().is_ok());
    for path in ["", "health", "/a*", "/{id}", "/a?b", "/a#b", "/a b", "/ä"] {
        assert!(path.parse::<ExactPath>().is_err(), "{path:?}");
        assert!(catch_unwind(|| ExactPath::from_static(path)).is_err(), "{path:?}");
    }
}

#[test]
fn invalid_origins_are_errors() {
    assert!("vscode-webview://x".parse::<Origin>().is_ok());
    let wrong = ["*", "null", "example.com", "https://example.com/", "https://*.example.com"];
    for origin in wrong.into_iter().chain(["https://"]) {
        assert!(origin.parse::<Origin>().is_err(), "{origin:?}");
        assert!(catch_unwind(|| Origin::from_static(origin)).is_err(), "{origin:?}");
    }
}

#[test]
fn invalid_realms_are_errors() {
    assert!("a \"b\" \\c".parse::<Realm>().is_ok());
    for realm in ["a\nb", "a\r", "ä"] {
        assert!(realm.parse::<Realm>().is_err(), "{realm:?}");
        assert!(catch_unwind(|| Realm::from_static(realm)).is_err(), "{realm:?}");
    }
}

#[test]
fn invalid_hosts_are_errors() {
    assert!("tools.example.com:8443".parse::<Host>().is_ok());
    for host in ["", "https://tools.example.com", "tools.example.com/mcp", "*", "a b", "::1"] {
        assert!(host.parse::<Host>().is_err(), "{host:?}");
        assert!(catch_unwind(|| Host::from_static(host)).is_err(), "{host:?}");
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

/// Options by which the order of calls could matter.
const OPTIONS: [fn(McpAuthLayer<Bearer>) -> McpAuthLayer<Bearer>; 9] = [
    |layer| layer.danger_disable_session_binding(),
    |layer| layer.session_key(SessionKey::from_static(&[1; 32])),
    |layer| layer.previous_session_key(SessionKey::from_static(&[2; 32])),
    |layer| layer.session_parameter(SessionParameter::from_static("sid")),
    |layer| layer.realm(Realm::from_static("tools")),
    |layer| layer.host(Host::from_static("tools.example.com")),
    |layer| layer.public_path(ExactPath::from_static("/health")),
    |layer| layer.max_verified_body(1024).max_verified_bodies_total(2048),
    |layer| layer.forward_authorization().discovery(Discovery::Forward),
];

proptest! {
    #[test]
    fn options_do_not_depend_on_the_order_of_calls(
        order in Just((0..OPTIONS.len()).collect::<Vec<_>>()).prop_shuffle(),
        count in 0..=OPTIONS.len(),
    ) {
        let layer = || McpAuthLayer::bearer("tok");
        let shuffled = order[..count].iter().fold(layer(), |layer, &at| OPTIONS[at](layer));
        let mut sorted = order[..count].to_vec();
        sorted.sort_unstable();
        let in_order = sorted.iter().fold(layer(), |layer, &at| OPTIONS[at](layer));
        prop_assert_eq!(format!("{shuffled:?}"), format!("{in_order:?}"));
        let is_disabled = order[..count].contains(&0);
        prop_assert_eq!(format!("{shuffled:?}").contains("is_disabled: true"), is_disabled);
    }
}
