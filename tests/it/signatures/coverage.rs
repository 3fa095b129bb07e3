//! Which components a signature must cover, and that covered components cannot be changed.

use axum::extract::Request;
use http::Method;
use mcp_auth_layer::auth::{AuthScheme, Host};
use mcp_auth_layer::auth::{AuthenticatorExt, Challenge, authenticate_fn};
use mcp_auth_layer::{HttpSignature, McpAuthLayer, Principal, Rejection, any_of};

use super::{hmac, shared, status, verify};
use crate::support::forged_request::Forged;
use crate::support::{recorder, send};

#[tokio::test]
async fn every_component_of_the_profile_must_be_covered() {
    let full = || {
        Forged::post("{}")
            .with_header("authorization", "Custom x")
            .with_header("content-encoding", "identity")
            .with_header("last-event-id", "1")
            .with_header("mcp-session-id", "s")
            .with_header("mcp-protocol-version", "2025-06-18")
            .with_header("mcp-whatever", "y")
            .covering(&["authorization", "content-encoding", "last-event-id"])
            .covering(&["mcp-session-id", "mcp-protocol-version", "mcp-whatever"])
    };
    assert_eq!(status(full()).await, 200);
    for component in full().components {
        assert_eq!(status(full().not_covering(&component)).await, 401, "{component}");
    }
}

#[tokio::test]
async fn additional_components_must_be_known_and_present() {
    let dated = || Forged::get().with_header("date", "Tue, 20 Apr 2021 02:07:55 GMT");
    assert_eq!(status(dated().covering(&["date", "@target-uri"])).await, 200);
    assert_eq!(status(Forged::get().covering(&["date"])).await, 400, "the header is missing");
    for unknown in [
        "@status",
        "@query-param;name=\"a\"",
        "@signature-params",
        "date;req",
        "date;sf",
        "date;bs",
        "date;key=\"a\"",
        "date;tr",
        "@method;req",
        "Date",
        "@",
    ] {
        assert_eq!(status(dated().covering(&[unknown])).await, 400, "{unknown}");
    }
    let mut repeated = dated().covering(&["date"]);
    assert_eq!(status(repeated.clone()).await, 200);
    repeated = dated().covering(&["date", "date"]);
    assert_eq!(status(repeated).await, 400);
}

#[tokio::test]
async fn changing_a_covered_component_is_rejected() {
    type Change = fn(&mut http::request::Parts);
    let changes: [(&str, Change); 8] = [
        ("method", |head| head.method = Method::DELETE),
        ("path", |head| head.uri = "/mcP?a=1".parse().unwrap()),
        ("path", |head| head.uri = "/mcp/?a=1".parse().unwrap()),
        ("query", |head| head.uri = "/mcp?a=2".parse().unwrap()),
        ("query", |head| head.uri = "/mcp".parse().unwrap()),
        ("host", |head| _ = head.headers.insert("host", "localhost:8001".parse().unwrap())),
        ("session", |head| _ = head.headers.insert("mcp-session-id", "t".parse().unwrap())),
        ("session", |head| _ = head.headers.insert("mcp-name", "added".parse().unwrap())),
    ];
    let forged =
        || Forged::get().with_header("mcp-session-id", "s").covering(&["mcp-session-id"]).request();
    assert_eq!(verify(hmac(), forged()).await.status, 200);
    for (what, change) in changes {
        let (mut head, body) = forged().into_parts();
        change(&mut head);
        let response = verify(hmac(), Request::from_parts(head, body)).await;
        assert_eq!(response.status, 401, "{what}");
    }
}

#[tokio::test]
async fn headers_of_the_profile_must_not_be_repeated() {
    // Both requests have the same signature base, but a server may read only the first line.
    let one = || {
        Forged::get().with_header("mcp-param-path", "/reports, /etc").covering(&["mcp-param-path"])
    };
    assert_eq!(status(one()).await, 200);
    let mut split = one().request();
    split.headers_mut().insert("mcp-param-path", "/reports".parse().unwrap());
    split.headers_mut().append("mcp-param-path", "/etc".parse().unwrap());
    assert_eq!(verify(hmac(), split).await.status, 400);
    for name in ["content-encoding", "last-event-id", "mcp-session-id", "accept"] {
        let lines = |count| {
            let forged = (0..count).fold(Forged::get(), |forged, _| forged.with_header(name, "x"));
            forged.covering(&[name])
        };
        assert_eq!(status(lines(1)).await, 200, "{name}");
        assert_eq!(status(lines(2)).await, 400, "{name}");
    }
}

#[tokio::test]
async fn aliases_of_covered_headers_and_upgrade_must_be_covered() {
    for name in ["mcp_session_id", "last_event_id", "content_encoding", "mcp_name", "upgrade"] {
        let carried = || Forged::get().with_header(name, "x");
        assert_eq!(status(carried()).await, 401, "{name}");
        assert_eq!(status(carried().covering(&[name])).await, 200, "{name}");
    }
    for name in ["x_other", "mcp", "mcps-a", "x-mcp-a", "upgrade-a", "last-event-ids"] {
        assert_eq!(status(Forged::get().with_header(name, "x")).await, 200, "{name}");
    }
    for name in ["last_event-id", "last-event_id", "mcp-", "mcp_"] {
        assert_eq!(status(Forged::get().with_header(name, "x")).await, 401, "{name}");
    }
}

/// Verifier and session binding must agree on which headers identify the session.
#[tokio::test]
async fn configured_headers_must_be_covered_in_every_spelling() {
    let api_keys = || {
        authenticate_fn(|_: &http::request::Parts| async {
            Err::<Principal, _>(Rejection::missing(Challenge::new(AuthScheme::from_static(
                "ApiKey",
            ))))
        })
        .credential_header(http::HeaderName::from_static("x-api-key"))
    };
    let app = |hmac: HttpSignature| {
        let layer = McpAuthLayer::new(any_of((hmac, api_keys())).boxed());
        let layer = layer.session_header(http::HeaderName::from_static("x-session"));
        recorder().0.layer(layer.danger_disable_session_binding())
    };
    let plain = hmac;
    let covering = || hmac().cover(http::HeaderName::from_static("idempotency-key"));
    for (name, by_default, with_cover) in [
        ("x-session", 401, 401),
        ("x_session", 401, 401),
        ("mcp-session-id", 401, 401),
        ("mcp.session.id", 401, 401),
        ("mcp.x", 401, 401),
        ("content.encoding", 401, 401),
        ("content_type", 401, 401),
        ("content-type", 200, 200), // content-type counts only with a body
        ("last.event.id", 401, 401),
        ("x-api-key", 401, 401),
        ("x_api_key", 401, 401),
        ("idempotency-key", 200, 401),
        ("idempotency_key", 200, 401),
        ("x-other", 200, 200),
    ] {
        for (hmac, expected) in [(plain(), by_default), (covering(), with_cover)] {
            // The header is added after signing, as an attacker on the path would do.
            let mut request = Forged::get().request();
            request.headers_mut().insert(name, "1".parse().unwrap());
            assert_eq!(send(app(hmac), request).await.status, expected, "{name}");
        }
        let signed = Forged::get().with_header(name, "1").covering(&[name]);
        assert_eq!(send(app(covering()), signed.request()).await.status, 200, "{name}, covered");
    }
}

#[tokio::test]
async fn headers_read_by_any_layer_must_be_covered() {
    let shared = hmac().boxed();
    let name = http::HeaderName::from_static("x-session");
    let named =
        McpAuthLayer::new(shared.clone()).session_header(name).host(Host::from_static("a.example"));
    let plain = McpAuthLayer::new(shared).danger_disable_session_binding();
    let (named, plain) = (recorder().0.layer(named), recorder().0.layer(plain));
    let carries = || Forged::get().with_header("x-session", "1");
    // The router applies the layer to its fallback with the first request.
    assert_eq!(send(plain.clone(), carries().request()).await.status, 200);
    assert_eq!(send(named, Forged::get().request()).await.status, 200);
    assert_eq!(send(plain.clone(), carries().request()).await.status, 401);
    let covered = carries().covering(&["x-session"]);
    assert_eq!(send(plain, covered.request()).await.status, 200);
}

/// Coverage depends on what the components contain, not on their names (RFC 9421 §2.2).
#[tokio::test]
async fn target_can_be_covered_by_any_complete_component() {
    let covering = |components: &[&str]| Forged {
        components: components.iter().map(ToString::to_string).collect(),
        ..Forged::get()
    };
    for (components, expected) in [
        (&["@method", "@authority", "@path", "@query"][..], 200),
        // The default of two signing libraries on PyPI.
        (&["@method", "@authority", "@target-uri"], 200),
        (&["@method", "@target-uri"], 200),
        (&["@method", "@authority", "@request-target"], 200),
        (&["@method", "@scheme", "@authority", "@path", "@query"], 200),
        (&["@method", "@request-target", "@target-uri"], 200),
        (&["@method", "@request-target"], 401),
        (&["@target-uri"], 401),
        (&["@method", "@scheme", "@path", "@query"], 401),
        (&["@method", "@authority", "@path"], 401),
        (&["@method", "@authority", "@status"], 400),
        (&["@method", "@target-uri;req"], 400),
    ] {
        assert_eq!(status(covering(components)).await, expected, "{components:?}");
    }
    for component in ["@target-uri", "@request-target"] {
        let signed = covering(&["@method", "@authority", component]);
        for target in ["/mcp?a=2", "/mcq?a=1", "/mcp", "/mcp?a=1&b"] {
            let moved = Forged { signed_target: Some(signed.target.clone()), ..signed.clone() };
            let moved = Forged { target: target.into(), ..moved };
            assert_eq!(status(moved).await, 401, "{component} {target}");
        }
    }
    // Behind TLS the client signs another scheme.
    let over_tls = verify(hmac().https(), covering(&["@method", "@target-uri"]).request()).await;
    assert_eq!(over_tls.status, 401);
}

#[tokio::test]
async fn component_names_are_lowercase_strings_without_escapes() {
    let input = |component: &str| {
        let dated =
            Forged::get().with_header("date", "today").covering(&["date"]).with_current_time();
        let sent_input = Some(dated.input().replace("\"date\"", component));
        verify(shared(), Forged { sent_input, ..dated }.request())
    };
    assert_eq!(input("\"date\"").await.status, 200);
    for other in [
        "date",
        ":ZGF0ZQ==:",
        "%\"date\"",
        "\"Date\"",
        "\"DATE\"",
        "\"date \"",
        "\" date\"",
        "\"date:\"",
        r#""da\"te""#,
        r#""date\\""#,
        r#""date\": today""#,
        "\"date\";sf",
        "\"date\";x=?0",
        "\"date\" \"date\"",
        "1",
        "?1",
        "\"\"",
    ] {
        assert_eq!(input(other).await.status, 400, "{other}");
    }
}
