//! The rules for signed requests. Each has a request that is let in and one that differs in that
//! point alone and is refused.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::BoxError;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use common::forge::{Forged, SECRET, now, sha_256};
use common::{Answer, Seen, recorder, send};
use futures::StreamExt;
use http::Method;
use mcp_auth_layer::{
    Authenticated, Authenticator, AuthenticatorExt, Basic, Bearer, Challenge, HttpSignature,
    KeyError, McpAuthLayer, MemoryReplayStore, NonceClaim, NonceStatus, Principal, Rejection,
    RejectionKind, ReplayStore, any_of, authenticate_fn,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn hmac() -> HttpSignature {
    HttpSignature::new([("ci", SECRET), ("other", [7; 32])]).unwrap()
}

fn app(authenticator: impl Authenticator) -> (Router, Seen) {
    let (app, seen) = recorder();
    // What is covered is looked at here, not whose sessions they are.
    (app.layer(McpAuthLayer::new(authenticator).danger_disable_session_binding()), seen)
}

/// What a verifier says to one request, and whether it got through.
async fn ask(hmac: HttpSignature<impl ReplayStore>, request: Request) -> Answer {
    let (app, seen) = app(hmac);
    let answer = send(app, request).await;
    assert_eq!(seen.count(), usize::from(answer.status == 200), "{answer:?}");
    answer
}

async fn status(forged: Forged) -> u16 {
    ask(hmac(), forged.request()).await.status.as_u16()
}

#[tokio::test]
async fn a_signed_request_is_admitted_under_its_key_id() {
    let (app, seen) = app(hmac());
    let answer = send(app.clone(), Forged::post("{}").request()).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "{}"));
    assert_eq!(seen.principal(), "ci");
    assert_eq!(send(app, Forged::get().request()).await.status, 200);
}

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
async fn every_parameter_of_the_profile_is_needed_and_has_its_type() {
    for parameter in ["created", "expires", "nonce", "keyid"] {
        assert_eq!(status(Forged::get().without(parameter)).await, 401, "{parameter}");
        for wrong in ["", "?0", "tok", ":AAAA:", "1.5"] {
            assert_eq!(
                status(Forged::get().with(parameter, wrong)).await,
                401,
                "{parameter}={wrong}"
            );
        }
    }
    let text = format!("\"{}\"", now());
    assert_eq!(status(Forged::get().with("created", text)).await, 401);
    assert_eq!(status(Forged::get().with("nonce", 7)).await, 401);
}

#[tokio::test]
async fn other_components_may_be_covered_if_they_are_known_and_there() {
    let dated = || Forged::get().with_header("date", "Tue, 20 Apr 2021 02:07:55 GMT");
    assert_eq!(status(dated().covering(&["date", "@target-uri"])).await, 200);
    assert_eq!(status(Forged::get().covering(&["date"])).await, 400, "not there");
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
    let mut twice = dated().covering(&["date"]);
    assert_eq!(status(twice.clone()).await, 200);
    twice = dated().covering(&["date", "date"]);
    assert_eq!(status(twice).await, 400);
}

#[tokio::test]
async fn each_part_of_the_request_is_covered_by_what_covers_it() {
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
    assert_eq!(ask(hmac(), forged()).await.status, 200);
    for (what, change) in changes {
        let (mut head, body) = forged().into_parts();
        change(&mut head);
        let answer = ask(hmac(), Request::from_parts(head, body)).await;
        assert_eq!(answer.status, 401, "{what}");
    }
}

#[tokio::test]
async fn a_header_of_the_profile_stands_in_one_line() {
    // The base of both is the same; what a server reads of the first line is not.
    let one = || {
        Forged::get().with_header("mcp-param-path", "/reports, /etc").covering(&["mcp-param-path"])
    };
    assert_eq!(status(one()).await, 200);
    let mut split = one().request();
    split.headers_mut().insert("mcp-param-path", "/reports".parse().unwrap());
    split.headers_mut().append("mcp-param-path", "/etc".parse().unwrap());
    assert_eq!(ask(hmac(), split).await.status, 400);
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
async fn other_spellings_and_upgrades_must_be_covered_too() {
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

#[tokio::test]
async fn signatures_are_taken_off() {
    let (router, seen) = recorder();
    let app = router.layer(McpAuthLayer::new(hmac()).public_path("/health"));
    let public = Forged { target: "/health".into(), ..Forged::get() };
    for forged in [Forged::get(), public] {
        assert_eq!(send(app.clone(), forged.request()).await.status, 200);
        let head = seen.only();
        assert!(
            !head.headers.contains_key("signature")
                && !head.headers.contains_key("signature-input")
        );
    }
}

#[tokio::test]
async fn fields_that_do_not_parse_are_400() {
    let good = Forged::get();
    for (name, value) in [
        ("signature", "sig"),
        ("signature", "sig=\"text\""),
        ("signature", "sig=:not base64:"),
        ("signature", "other=:AAAA:"),
        ("signature", ""),
        ("signature-input", "sig=:AAAA:"),
        ("signature-input", "sig=("),
        ("signature-input", "sig=(@method)"),
        ("signature-input", ""),
        ("signature-input", "sig=(\"a\" 1)"),
        ("signature-input", "Sig=()"),
    ] {
        let mut request = good.request();
        request.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(ask(hmac(), request).await.status, 400, "{name}: {value}");
    }
    for missing in ["signature", "signature-input"] {
        let mut request = good.request();
        request.headers_mut().remove(missing);
        assert_eq!(ask(hmac(), request).await.status, 400, "no {missing}");
    }
    let odd = http::HeaderValue::from_bytes(b"x=\"\xe9\"").unwrap();
    let mut request = good.request();
    request.headers_mut().append("signature-input", odd);
    assert_eq!(ask(hmac(), request).await.status, 400, "no ASCII");
    let mut request = Forged::get().with_header("mcp-name", "x").covering(&["mcp-name"]).request();
    let odd = http::HeaderValue::from_bytes(b"\xe9").unwrap();
    request.headers_mut().insert("mcp-name", odd);
    assert_eq!(ask(hmac(), request).await.status, 400, "no ASCII in a covered field");
    assert_eq!(status(Forged::get()).await, 200);
}

#[tokio::test]
async fn doubled_labels_and_parameters_are_400() {
    let forged = Forged::get().at_last();
    let (input, signature) = (forged.input(), forged.signature());
    for (inputs, signatures) in [
        (vec![format!("sig={input}, sig={input}")], vec![format!("sig={signature}")]),
        (vec![format!("sig={input}"), format!("sig={input}")], vec![format!("sig={signature}")]),
        (vec![format!("sig={input}")], vec![format!("sig={signature}, sig={signature}")]),
        (
            vec![format!("sig={input}")],
            vec![format!("sig={signature}"), format!("sig={signature}")],
        ),
        (vec![format!("sig={input};created=1")], vec![format!("sig={signature}")]),
    ] {
        let mut request = forged.unsigned();
        for input in &inputs {
            request.headers_mut().append("signature-input", input.parse().unwrap());
        }
        for signature in &signatures {
            request.headers_mut().append("signature", signature.parse().unwrap());
        }
        assert_eq!(ask(hmac(), request).await.status, 400, "{inputs:?} {signatures:?}");
    }
}

/// One request with the signatures of all of these, in this order.
fn joined(all: &[Forged]) -> Request {
    let mut request = all[0].unsigned();
    for forged in all.iter().cloned().map(Forged::at_last) {
        let input = format!("{}={}", forged.label, forged.input()).parse().unwrap();
        request.headers_mut().append("signature-input", input);
        let signature = format!("{}={}", forged.label, forged.signature()).parse().unwrap();
        request.headers_mut().append("signature", signature);
    }
    request
}

fn labelled(label: &str, key_id: &str) -> Forged {
    Forged { label: label.into(), ..Forged::get().with("keyid", format!("\"{key_id}\"")) }
}

#[tokio::test]
async fn among_several_signatures_the_one_of_a_known_key_counts() {
    // What a gateway signs is none of our business, however odd it is.
    let foreign = |label: &str| labelled(label, "gateway").covering(&["x-gateway;sf", "@scheme"]);
    let ours = labelled("ours", "ci");
    for all in [
        vec![foreign("a"), ours.clone()],
        vec![ours.clone(), foreign("a")],
        vec![foreign("a"), foreign("b"), ours.clone(), foreign("c")],
    ] {
        assert_eq!(ask(hmac(), joined(&all)).await.status, 200);
    }
    let five = [foreign("a"), foreign("b"), foreign("c"), foreign("d"), ours.clone()];
    assert_eq!(ask(hmac(), joined(&five)).await.status, 400, "more than four");
    let two = [ours.clone(), labelled("again", "ci")];
    assert_eq!(ask(hmac(), joined(&two)).await.status, 401, "two of one key");
    let two = [ours, Forged { secret: vec![7; 32], ..labelled("other", "other") }];
    assert_eq!(ask(hmac(), joined(&two)).await.status, 401, "of two keys");
}

#[tokio::test]
async fn the_window_is_bounded() {
    let forged = |created: i64, expires: i64| {
        let now = now() as i64;
        let at = |offset: i64| (now + offset).to_string();
        Forged::get().with("created", at(created)).with("expires", at(expires))
    };
    for (created, expires, status) in [
        (0, 300, 200),
        (0, 301, 401),  // too long a window
        (0, 0, 401),    // none
        (0, -1, 401),   // ends before it begins
        (50, 100, 200), // a clock that is ahead
        (70, 100, 401),
        (-200, 90, 200),
        (-120, -50, 200), // one that is behind
        (-130, -70, 401),
        (-400, -100, 401),
        (i64::MIN / 2, i64::MAX / 20_000, 400), // not an integer of structured fields
    ] {
        let answer = ask(shared(), forged(created, expires).request()).await;
        assert_eq!(answer.status, status, "{created} {expires}");
    }
    let narrow = || shared().window(Duration::from_secs(30)).skew(Duration::from_secs(5));
    assert_eq!(ask(narrow(), forged(0, 30).request()).await.status, 200);
    assert_eq!(ask(narrow(), forged(0, 31).request()).await.status, 401);
    assert_eq!(ask(narrow(), forged(10, 20).request()).await.status, 401);
    for odd in ["-5", "999999999999999"] {
        let created = Forged::get().with("created", odd);
        assert_eq!(ask(shared(), created.request()).await.status, 401, "{odd}");
    }
}

#[tokio::test]
async fn what_was_signed_before_the_start_counts_in_a_shared_store_only() {
    let early = || Forged::get().with("created", now() - 30);
    assert_eq!(ask(hmac(), early().request()).await.status, 401);
    let unshared = hmac().replay_store(Scripted { shared: false, ..Scripted::default() });
    assert_eq!(ask(unshared, early().request()).await.status, 401);
    let shared = hmac().replay_store(Scripted::default());
    assert_eq!(ask(shared, early().request()).await.status, 200);
}

#[tokio::test]
async fn the_algorithm_and_the_tag_are_checked_where_they_are_given() {
    assert_eq!(status(Forged::get().with("alg", "\"hmac-sha256\"")).await, 200);
    for other in ["\"hmac-sha512\"", "hmac-sha256", "\"HMAC-SHA256\"", "\"\"", "?1"] {
        assert_eq!(status(Forged::get().with("alg", other)).await, 401, "{other}");
    }
    assert_eq!(status(Forged::get().with("tag", "\"mcp\"")).await, 200, "not asked for");
    let tagged = || hmac().tag("mcp");
    assert_eq!(ask(tagged(), Forged::get().with("tag", "\"mcp\"").request()).await.status, 200);
    assert_eq!(ask(tagged(), Forged::get().with("tag", "\"other\"").request()).await.status, 401);
    assert_eq!(ask(tagged(), Forged::get().request()).await.status, 401);
}

#[tokio::test]
async fn the_authority_is_the_requests_or_a_configured_one() {
    let host = |host: &str| Forged::get().without_header("host").with_header("host", host);
    let sent_to = |forged: Forged, host: &str| {
        let mut request = forged.request();
        request.headers_mut().insert("host", host.parse().unwrap());
        request
    };
    let local = |to: &str| sent_to(host("localhost"), to);
    assert_eq!(ask(hmac(), local("LocalHost:80")).await.status, 200);
    assert_eq!(ask(hmac(), local("localhost:443")).await.status, 401);
    assert_eq!(ask(hmac(), local("evil.example")).await.status, 401);
    let tls = hmac().https();
    assert_eq!(ask(tls, local("localhost:443")).await.status, 200);

    let known_as = || hmac().authority("b.example").authority("Tools.Example");
    assert_eq!(ask(known_as(), sent_to(host("tools.example"), "10.0.0.7:8000")).await.status, 200);
    assert_eq!(ask(known_as(), sent_to(host("b.example"), "10.0.0.7:8000")).await.status, 200);
    let other = sent_to(host("10.0.0.7:8000"), "10.0.0.7:8000");
    assert_eq!(ask(known_as(), other).await.status, 401);

    // Where `Host` is one of the names, it is the one that counts.
    assert_eq!(ask(known_as(), sent_to(host("b.example"), "b.example")).await.status, 200);
    assert_eq!(ask(known_as(), sent_to(host("b.example"), "tools.example")).await.status, 401);
    let mut two = sent_to(host("b.example"), "10.0.0.7:8000");
    two.headers_mut().append("host", "10.0.0.8:8000".parse().unwrap());
    assert_eq!(ask(known_as(), two).await.status, 400);

    let mut forwarded = sent_to(host("tools.example"), "10.0.0.7:8000");
    forwarded.headers_mut().insert("x-forwarded-host", "tools.example".parse().unwrap());
    assert_eq!(ask(hmac(), forwarded).await.status, 401);

    let mut absolute = host("localhost").request();
    *absolute.uri_mut() = "http://localhost/mcp?a=1".parse().unwrap();
    assert_eq!(ask(hmac(), absolute).await.status, 200);
    // Another scheme in the request line does not make another port the default one.
    let mut other_port = local("localhost:443");
    *other_port.uri_mut() = "https://localhost:443/mcp?a=1".parse().unwrap();
    assert_eq!(ask(hmac(), other_port).await.status, 401);
    let mut differing = host("tools.example").request();
    *differing.uri_mut() = "http://evil.example/mcp?a=1".parse().unwrap();
    assert_eq!(ask(hmac(), differing).await.status, 400);
    let mut nowhere = host("tools.example").request();
    nowhere.headers_mut().remove("host");
    assert_eq!(ask(hmac(), nowhere).await.status, 400);
}

/// The kind: what is compared with what the request itself says. Servers may share a key.
#[tokio::test]
async fn a_signature_for_another_server_is_refused() {
    let host = |host: &str| Forged::get().without_header("host").with_header("host", host);
    for (name, expected) in [
        ("another-server.example", 401),
        ("localhost.evil.example", 401),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("localhost", 200),
    ] {
        assert_eq!(ask(hmac(), host(name).request()).await.status, expected, "{name}");
    }
    // The cause is logged, and not sent.
    let refused = ask(hmac(), host("another-server.example").request()).await;
    let rejection = format!("{:?}", refused.extensions.get::<Rejection>().unwrap());
    assert!(rejection.contains("HttpSignature::authority") && !refused.body.contains("authority"));
    // The names of the layer are the server's, too.
    let named = async |name: &str| {
        let layer = McpAuthLayer::new(any_of(hmac(), Bearer::new([("a", "b")]).unwrap()).boxed());
        let app = recorder().0.layer(layer.host("tools.example.com"));
        send(app, host(name).request()).await.status.as_u16()
    };
    assert_eq!(named("tools.example.com").await, 200);
    assert_eq!(named("tools.example.com:8443").await, 200);
    assert_eq!(named("other.example.com").await, 401);
    // A name with the default port is the same without.
    let with_port = McpAuthLayer::new(hmac().https()).host("tls.example.com:443");
    let signed = host("tls.example.com");
    assert_eq!(send(recorder().0.layer(with_port), signed.request()).await.status, 200);
    let known = || hmac().authority("tools.example.com");
    assert_eq!(ask(known(), host("tools.example.com").request()).await.status, 200);
    assert_eq!(ask(known(), host("other.example.com").request()).await.status, 401);
}

/// The kind: two lists of what is "the session", two notions of the same header.
#[tokio::test]
async fn what_decides_the_meaning_is_covered_in_every_spelling() {
    let api_keys = || {
        authenticate_fn(|_: &http::request::Parts| async {
            Err::<Principal, _>(Rejection::missing(Challenge::new("ApiKey")))
        })
        .credential_header(http::HeaderName::from_static("x-api-key"))
    };
    let app = |hmac: HttpSignature| {
        let layer = McpAuthLayer::new(any_of(hmac, api_keys()).boxed());
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
        ("content-type", 200, 200), // without a body
        ("last.event.id", 401, 401),
        ("x-api-key", 401, 401),
        ("x_api_key", 401, 401),
        ("idempotency-key", 200, 401),
        ("idempotency_key", 200, 401),
        ("x-other", 200, 200),
    ] {
        for (hmac, expected) in [(plain(), by_default), (covering(), with_cover)] {
            // Put on after signing, as somebody in between would.
            let mut request = Forged::get().request();
            request.headers_mut().insert(name, "1".parse().unwrap());
            assert_eq!(send(app(hmac), request).await.status, expected, "{name}");
        }
        let signed = Forged::get().with_header(name, "1").covering(&[name]);
        assert_eq!(send(app(covering()), signed.request()).await.status, 200, "{name}, covered");
    }
}

#[tokio::test]
async fn what_any_of_its_layers_reads_must_be_covered() {
    let shared = hmac().boxed();
    let name = http::HeaderName::from_static("x-session");
    let named = McpAuthLayer::new(shared.clone()).session_header(name).host("a.example");
    let plain = McpAuthLayer::new(shared).danger_disable_session_binding();
    let (named, plain) = (recorder().0.layer(named), recorder().0.layer(plain));
    let carries = || Forged::get().with_header("x-session", "1");
    // The router puts the layer around its fallback when the first request comes.
    assert_eq!(send(plain.clone(), carries().request()).await.status, 200);
    assert_eq!(send(named, Forged::get().request()).await.status, 200);
    assert_eq!(send(plain.clone(), carries().request()).await.status, 401);
    let covered = carries().covering(&["x-session"]);
    assert_eq!(send(plain, covered.request()).await.status, 200);
}

/// The kind: coverage is judged by names, not by what they cover (RFC 9421 §2.2).
#[tokio::test]
async fn the_target_is_covered_by_any_component_that_has_all_of_it() {
    let covering = |components: &[&str]| Forged {
        components: components.iter().map(ToString::to_string).collect(),
        ..Forged::get()
    };
    for (components, expected) in [
        (&["@method", "@authority", "@path", "@query"][..], 200),
        // As the two signing libraries on PyPI do by default.
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
    // Behind TLS the client's scheme is another one.
    let over_tls = ask(hmac().https(), covering(&["@method", "@target-uri"]).request()).await;
    assert_eq!(over_tls.status, 401);
}

#[tokio::test]
async fn one_head_has_its_body_collected_once_at_a_time() {
    let (app, seen) = app(hmac());
    let captured = Forged::post("{}").at_last();
    let stalled = || {
        let request = captured.request();
        request.map(|_| Body::from_stream(futures::stream::pending::<Result<&str, BoxError>>()))
    };
    let mut first = Box::pin(send(app.clone(), stalled()));
    assert!(futures::poll!(first.as_mut()).is_pending());
    for _ in 0..16 {
        let mut copy = stalled();
        *copy.version_mut() = http::Version::HTTP_2;
        assert_eq!(send(app.clone(), copy).await.status, 401);
    }
    assert_eq!(send(app.clone(), captured.request()).await.status, 401, "the whole one, too");
    assert_eq!(send(app.clone(), Forged::post("{}").request()).await.status, 200, "another one");
    drop(first);
    assert_eq!(send(app.clone(), captured.request()).await.status, 200, "released");
    assert_eq!(seen.count(), 2);
}

/// The kind: what the layer may ask any number of times changed something, or could not answer.
#[tokio::test]
async fn the_head_is_decided_at_once_and_without_side_effects() {
    let head = |request: Request| request.into_parts().0;
    let captured = Forged::post("{}").at_last();
    let store = Scripted::default();
    let claims = store.claims.clone();
    let keys = hmac().replay_store(store);
    for _ in 0..3 {
        let decided = keys.authenticate_now(&head(captured.request()));
        assert_eq!(decided.unwrap().unwrap().principal().name(), "ci");
    }
    let mut malformed = Forged::get().request();
    malformed.headers_mut().insert("signature", "?".parse().unwrap());
    let wrong = Forged { secret: vec![9; 32], ..Forged::get() }.request();
    for (request, status) in [(malformed, 400), (wrong, 401), (Forged::get().unsigned(), 401)] {
        let decided = keys.authenticate_now(&head(request));
        assert_eq!(decided.unwrap().unwrap_err().status(), status);
    }
    assert_eq!(claims.load(Ordering::SeqCst), 0);
    // Neither reserves the nonce, or claims it.
    let held = [
        keys.authenticate_now(&head(captured.request())).unwrap().unwrap(),
        keys.authenticate(&head(captured.request())).await.unwrap(),
    ];
    let (app, seen) = app(keys);
    assert_eq!(send(app, captured.request()).await.status, 200);
    assert_eq!((seen.count(), claims.load(Ordering::SeqCst)), (1, 1));
    drop(held);
}

/// The kind: everybody is refused, and nothing says why.
#[tokio::test]
async fn a_refusal_of_a_proven_signature_is_explained_in_the_log() {
    let cause = |answer: &Answer| format!("{:?}", answer.extensions.get::<Rejection>().unwrap());
    let stale = |forged: Forged| forged.with("created", now() - 900).with("expires", now() - 800);
    let refused = ask(shared(), stale(Forged::get()).request()).await;
    assert!(cause(&refused).contains("this server's clock says"), "{}", cause(&refused));
    assert!(!refused.body.contains("clock"), "{}", refused.body);
    // Who has no key is told nothing, in the log neither: anybody could write it full.
    let wrong = Forged { secret: vec![9; 32], ..Forged::get() };
    let refused = ask(shared(), stale(wrong).request()).await;
    assert!(!cause(&refused).contains("clock"), "{}", cause(&refused));

    let (app, _) = app(hmac());
    let captured = Forged::post("{}").at_last();
    let wrong_body = captured.request().map(|_| Body::from("{ }"));
    assert!(cause(&send(app.clone(), wrong_body).await).contains("the body is not"));
    let stalled = Body::from_stream(futures::stream::pending::<Result<&str, BoxError>>());
    let mut first = Box::pin(send(app.clone(), captured.request().map(|_| stalled)));
    assert!(futures::poll!(first.as_mut()).is_pending());
    let reserved = send(app.clone(), captured.request()).await;
    assert!(cause(&reserved).contains("is being verified"), "{}", cause(&reserved));
    drop(first);
    assert_eq!(send(app.clone(), captured.request()).await.status, 200);
    let replayed = send(app, captured.request()).await;
    assert!(cause(&replayed).contains("used before"), "{}", cause(&replayed));
    assert_eq!(
        (reserved.status, reserved.headers, reserved.body),
        (replayed.status, replayed.headers, replayed.body),
        "one answer"
    );
}

/// The finding's own attack: the head is captured, and its body never comes.
#[tokio::test]
async fn a_captured_head_is_open_once_over_real_sockets() {
    let (app, seen) = app(hmac());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    let captured = Forged::post("{}").at_last();
    let request = captured.request();
    // The server answers `100 Continue` once it wants the body.
    let mut head = String::from("POST /mcp?a=1 HTTP/1.1\r\nexpect: 100-continue\r\n");
    assert_eq!(request.uri(), "/mcp?a=1");
    for (name, value) in request.headers() {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    head += "\r\n";
    let open = async || {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        (String::from_utf8(status.to_vec()).unwrap(), stream)
    };

    let (status, mut first) = open().await;
    assert_eq!(status, "HTTP/1.1 100");
    for _ in 0..15 {
        assert_eq!(open().await.0, "HTTP/1.1 401");
    }
    first.write_all(b"{}").await.unwrap();
    let mut answer = [0; 25];
    first.read_exact(&mut answer).await.unwrap();
    assert!(String::from_utf8_lossy(&answer).contains("HTTP/1.1 200"));
    assert_eq!(seen.count(), 1);
    assert_eq!(open().await.0, "HTTP/1.1 401", "it is a replay now");
}

#[tokio::test]
async fn the_original_uri_is_what_is_signed() {
    let inner = Router::new().route("/mcp", axum::routing::get(|| async { "ok" }));
    let guarded = inner.layer(McpAuthLayer::new(hmac()));
    let nested = Router::new().nest("/a", Router::new().nest("/b", guarded));
    let to = |target: &str| Forged { target: target.into(), ..Forged::get() };
    assert_eq!(send(nested.clone(), to("/a/b/mcp?x").request()).await.status, 200);
    let stripped = Forged { signed_target: Some("/mcp?x".into()), ..to("/a/b/mcp?x") };
    assert_eq!(send(nested, stripped.request()).await.status, 401);

    let behind = || hmac().path_prefix("/tools");
    let signed = Forged { signed_target: Some("/tools/mcp?x".into()), ..to("/mcp?x") };
    assert_eq!(ask(behind(), signed.request()).await.status, 200);
    assert_eq!(ask(behind(), to("/mcp?x").request()).await.status, 401);
}

#[tokio::test]
async fn a_nonce_counts_once() {
    let (app, seen) = app(hmac());
    let captured = Forged::post("{}").at_last();
    assert_eq!(send(app.clone(), captured.request()).await.status, 200);
    assert_eq!(send(app.clone(), captured.request()).await.status, 401);
    assert_eq!(seen.count(), 1);
    // Another key may have used the same.
    let nonce = captured.parameters.iter().find(|(key, _)| key == "nonce").unwrap().1.clone();
    let other = Forged { secret: vec![7; 32], ..Forged::get() };
    let other = other.with("keyid", "\"other\"").with("nonce", nonce);
    assert_eq!(send(app, other.request()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_copies_at_once_one_is_served() {
    let (app, seen) = app(hmac());
    let captured = Forged::post("{}").at_last();
    let copies = (0..64).map(|_| tokio::spawn(send(app.clone(), captured.request())));
    let answers = futures::future::join_all(copies).await;
    let served = answers.iter().filter(|answer| answer.as_ref().unwrap().status == 200).count();
    let refused = answers.iter().filter(|answer| answer.as_ref().unwrap().status == 401).count();
    assert_eq!((served, refused, seen.count()), (1, 63, 1));
}

#[tokio::test]
async fn a_replay_is_refused_before_its_body_is_read() {
    let (app, _) = app(hmac());
    let captured = Forged::post("{}").at_last();
    assert_eq!(send(app.clone(), captured.request()).await.status, 200);
    let unread = Body::from_stream(futures::stream::poll_fn(
        |_| -> std::task::Poll<Option<Result<&str, BoxError>>> { panic!("it was read") },
    ));
    let mut replay = captured.request().map(|_| unread);
    // Over HTTP/1 the body of a refused request is read to the end, and dropped.
    *replay.version_mut() = http::Version::HTTP_2;
    assert_eq!(send(app, replay).await.status, 401);
}

#[tokio::test]
async fn a_wrong_body_does_not_use_up_the_nonce() {
    let (app, seen) = app(hmac());
    let signed = Forged::post("{}").at_last();
    for wrong in ["{ }", "", "{}\n"] {
        let request = signed.request().map(|_| Body::from(wrong));
        assert_eq!(send(app.clone(), request).await.status, 401, "{wrong:?}");
    }
    assert_eq!(seen.count(), 0);
    assert_eq!(send(app, signed.request()).await.status, 200);
}

/// The kind: a parameter that is there and cannot do what it is for.
#[tokio::test]
async fn a_nonce_of_less_than_16_characters_is_refused() {
    for (nonce, expected) in [
        (r#""0123456789abcdef""#, 200),
        (r#""0123456789abcde""#, 401),
        (r#""""#, 401),
        (r#"" ""#, 401),
        (r#""\\\\\\\\\\\\\\\\""#, 401),      // eight backslashes
        (":MDEyMzQ1Njc4OWFiY2RlZg==:", 401), // no string
    ] {
        assert_eq!(status(Forged::get().with("nonce", nonce)).await, expected, "{nonce}");
    }
}

#[tokio::test]
async fn a_nonce_is_its_value_whatever_it_looks_like() {
    let odd = r#""a\"b\\c;keyid=\"other\";created=1, x=()""#;
    let (app, seen) = app(hmac());
    let forged = || Forged::get().with("nonce", odd);
    assert_eq!(send(app.clone(), forged().request()).await.status, 200);
    assert_eq!(seen.principal(), "ci");
    assert_eq!(send(app.clone(), forged().request()).await.status, 401);
    // What would be the same if the escapes were lost.
    for other in [
        r#""0123456789-a\\\"b\\\\c""#,
        r#""0123456789-a\"b\\c""#,
        r#""0123456789-ab-a\\b""#,
        r#""0123456789-ab-ab""#,
    ] {
        assert_eq!(
            send(app.clone(), Forged::get().with("nonce", other).request()).await.status,
            200
        );
        assert_eq!(
            send(app.clone(), Forged::get().with("nonce", other).request()).await.status,
            401
        );
    }
}

#[tokio::test]
async fn order_and_legal_white_space_do_not_matter() {
    let mut reordered = Forged::post("{}");
    reordered.parameters.reverse();
    reordered.components.reverse();
    assert_eq!(status(reordered).await, 200);

    let forged = Forged::get().with("created", now() + 5).with("expires", now() + 60);
    let loose = forged.input().replace("(", "(  ").replace(")", " )").replace(" \"", "   \"");
    let loose = loose.replace(";", ";  ");
    assert_ne!(loose, forged.input());
    assert_eq!(status(Forged { sent_input: Some(loose), ..forged }).await, 200);

    let unknown = Forged::get().with("created", now() + 5).with("expires", now() + 60);
    let unknown = unknown.with("x", "?1").with("y", "1.50").with("z", "tok");
    let strict = unknown.input().replace("x=?1", "x").replace("1.50", "1.5");
    // Signed as it is serialized strictly, sent in another spelling.
    let mut signed = unknown.clone().with("x", "").with("y", "1.5");
    assert_eq!(signed.input(), strict);
    signed.sent_input = Some(unknown.input());
    assert_eq!(status(signed.clone()).await, 200);
    signed.sent_input = Some(strict.replace("tok", "tik"));
    assert_eq!(status(signed).await, 401, "an unknown parameter is covered, too");
}

/// What is signed is the strict form (RFC 9421 §2.3), however the value was spelled.
#[tokio::test]
async fn every_kind_of_value_is_signed_in_its_strict_form() {
    for (sent, strict) in [
        ("007", "7"),
        ("-0", "0"),
        ("-05", "-5"),
        ("1.50", "1.5"),
        ("-0.0", "0.0"),
        ("@01", "@1"),
        ("%\"%61%c3%a9\"", "%\"a%c3%a9\""),
        ("?1", ""),
    ] {
        let signed = |spelling: &str| Forged::get().with("x", spelling).at_last();
        let sends = |signed: Forged| {
            let sent_input = Some(signed.clone().with("x", sent).input());
            ask(shared(), Forged { sent_input, ..signed }.request())
        };
        assert_eq!(sends(signed(strict)).await.status, 200, "{sent}");
        assert_eq!(sends(signed(sent)).await.status, 401, "{sent} is not strict");
    }
    // These have one spelling, and another one is another value.
    for (value, other) in [
        ("999999999999999", "999999999999998"),
        ("-999999999999999", "999999999999999"),
        ("999999999999.999", "999999999999.998"),
        (":aGk=:", "\"aGk=\""),
        ("tok", "\"tok\""),
        ("tok", "Tok"),
        ("*t/o:k", "*t/o"),
        (r#""a\"b\\""#, r#""a\"b""#),
        (r#""\"""#, r#""\\""#),
        ("\"a  b\"", "\"a b\""),
        ("%\"a\"", "\"a\""),
        ("@1", "1"),
        ("1.0", "1"),
        ("?0", "0"),
        ("?0", "?1"),
    ] {
        let signed = Forged::get().with("x", value).at_last();
        assert_eq!(ask(shared(), signed.request()).await.status, 200, "{value}");
        let sent_input = Some(signed.clone().with("x", other).input());
        let changed = Forged { sent_input, ..signed };
        assert_eq!(ask(shared(), changed.request()).await.status, 401, "{value} as {other}");
    }
}

/// As if it outlived the process, so that what was signed before its start counts.
fn shared() -> HttpSignature<Scripted> {
    hmac().replay_store(Scripted::default())
}

#[tokio::test]
async fn what_is_in_a_string_stays_in_it() {
    // Sent as a value, or as what the value would look like if its escapes were lost.
    let hides = r#""0123456789abcdef\";keyid=\"other""#;
    let shows = r#""0123456789abcdef";keyid="other""#;
    let signed = Forged::get().without("keyid").with("nonce", hides).with("keyid", "\"ci\"");
    assert_eq!(ask(shared(), signed.request()).await.status, 200);
    let bare = signed.clone().at_last().with("nonce", shows);
    let sent_input = Some(bare.input());
    let sent = Forged { sent_input, ..signed.clone().at_last() };
    assert_eq!(ask(shared(), sent.request()).await.status, 400, "keyid stands there twice");
    let bare = signed.at_last().without("keyid").with("nonce", shows).with("x", "\"ci\"");
    let other = Forged { secret: vec![7; 32], ..bare.clone() };
    assert_eq!(ask(shared(), other.request()).await.status, 200, "of the other key, then");
    assert_eq!(ask(shared(), bare.request()).await.status, 401);
}

#[tokio::test]
async fn a_component_is_a_string_without_escapes_in_lower_case() {
    let input = |component: &str| {
        let dated = Forged::get().with_header("date", "today").covering(&["date"]).at_last();
        let sent_input = Some(dated.input().replace("\"date\"", component));
        ask(shared(), Forged { sent_input, ..dated }.request())
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

#[tokio::test]
async fn bytes_without_a_covered_digest_are_refused_under_any_method() {
    for method in [Method::GET, Method::DELETE, Method::POST, Method::OPTIONS] {
        for announced in [true, false] {
            let with = |body: &str| Forged {
                method: method.clone(),
                body: body.into(),
                announced,
                ..Forged::get()
            };
            assert_eq!(status(with("")).await, 200, "{method}");
            assert_eq!(status(with("x")).await, 401, "{method} {announced}");
            // There is a digest, and the signature says nothing of it.
            let uncovered = with("x")
                .with_header("content-type", "text/plain")
                .with_header("content-digest", &sha_256(b"x"));
            assert_eq!(status(uncovered.clone()).await, 401, "{method} {announced}");
            assert_eq!(status(uncovered.clone().covering(&["content-digest"])).await, 401);
            let covered = uncovered.covering(&["content-digest", "content-type"]);
            assert_eq!(status(covered).await, 200, "{method} {announced}");
        }
    }
}

#[tokio::test]
async fn every_known_digest_must_be_right() {
    let digested = |digest: &str| {
        Forged::post("{}").without_header("content-digest").with_header("content-digest", digest)
    };
    let good = sha_256(b"{}");
    let empty = sha_256(b"");
    let wrong_512 = "sha-512=:AAAA:";
    assert_eq!(status(digested(&format!("md5=:AAAA:, {good}"))).await, 200);
    for wrong in [&*empty, &format!("{good}, {wrong_512}"), "md5=:AAAA:", "sha-256=\"x\""] {
        assert_eq!(status(digested(wrong)).await, 401, "{wrong}");
    }
    for broken in ["sha-256", "", "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg==:", "="] {
        let answer = status(digested(broken)).await;
        assert!(answer == 400 || answer == 401, "{broken}: {answer}");
    }
    assert_eq!(status(digested("sha-256=:RK/0:, sha-256=:RK/0:")).await, 400, "doubled");
    let two_lines = digested(&good).with_header("content-digest", "md5=:AAAA:");
    assert_eq!(status(two_lines).await, 400, "one line each");
}

#[tokio::test]
async fn a_body_is_bounded_in_size_and_all_bodies_together() {
    let limited = |layer: McpAuthLayer<HttpSignature>| recorder().0.layer(layer);
    let small = limited(McpAuthLayer::new(hmac()).body_limit(10));
    assert_eq!(send(small.clone(), Forged::post("0123456789").request()).await.status, 200);
    assert_eq!(send(small, Forged::post("0123456789a").request()).await.status, 413);

    let app = limited(McpAuthLayer::new(hmac()).body_total_limit(10));
    let stalled = |forged: Forged| {
        let frames = futures::stream::iter([Ok::<_, BoxError>(forged.body.clone())]);
        let endless = frames.chain(futures::stream::pending());
        forged.request().map(|_| Body::from_stream(endless))
    };
    let mut held = Box::pin(send(app.clone(), stalled(Forged::post("01234567"))));
    assert!(futures::poll!(held.as_mut()).is_pending());
    assert_eq!(send(app.clone(), Forged::post("012").request()).await.status, 503);
    assert_eq!(send(app.clone(), Forged::post("01").request()).await.status, 200);
    drop(held);
    assert_eq!(send(app, Forged::post("012").request()).await.status, 200, "it was given back");
}

#[tokio::test]
async fn trailers_are_dropped() {
    use http_body_util::{BodyExt, Full};
    let forged = Forged::post("{}");
    let mut trailers = http::HeaderMap::new();
    trailers.insert("mcp-session-id", "somebody-elses".parse().unwrap());
    let body = Full::from("{}").with_trailers(async { Some(Ok(trailers)) });
    let (head, _) = forged.request().into_parts();
    let trailing = |request: Request| async {
        let frames = request.into_body().collect().await.unwrap();
        axum::response::IntoResponse::into_response(frames.trailers().is_some().to_string())
    };
    let app = Router::new().fallback(trailing).layer(McpAuthLayer::new(hmac()));
    let answer = send(app, Request::from_parts(head, Body::new(body))).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "false"));
}

#[tokio::test]
async fn two_secrets_of_a_key_are_good_and_a_third_is_an_error() {
    let rotating = || HttpSignature::new([("ci", [1; 32]), ("ci", SECRET)]).unwrap();
    let by = |secret: [u8; 32]| Forged { secret: secret.into(), ..Forged::get() };
    assert_eq!(ask(rotating(), by([1; 32]).request()).await.status, 200);
    assert_eq!(ask(rotating(), by(SECRET).request()).await.status, 200);
    assert_eq!(ask(rotating(), by([2; 32]).request()).await.status, 401);

    let error = |keys: &[(&str, &[u8])]| HttpSignature::new(keys.iter().copied()).unwrap_err();
    let (a, b, c) = (&[1; 32][..], &[2; 32][..], &[3; 40][..]);
    let position = 3;
    assert_eq!(error(&[("ci", a), ("ci", b), ("ci", c)]), KeyError::Rotation { position });
    assert_eq!(error(&[("ci", a), ("x", b), ("ci", a)]), KeyError::Rotation { position });
    let (position, length) = (1, 31);
    assert_eq!(error(&[("ci", &a[..31])]), KeyError::ShortSecret { position, length });
    for key_id in ["", "é", "a\n", &"x".repeat(257)] {
        assert_eq!(error(&[(key_id, a)]), KeyError::KeyId { position }, "{key_id}");
    }
    assert_eq!(error(&[]), KeyError::NoKeys);
}

#[tokio::test]
async fn unknown_keys_and_wrong_secrets_get_the_same_answer() {
    let wrong = || Forged { secret: vec![9; 32], ..Forged::get() };
    let unknown = || Forged::get().with("keyid", "\"nobody\"");
    let either = |forged: Forged| async move {
        let (app, _) = app(any_of(hmac(), Bearer::new([("b", "tok")]).unwrap()));
        let answer = send(app, forged.request()).await;
        (answer.status, answer.headers, answer.body)
    };
    for broken in [
        |forged: Forged| forged,
        |forged: Forged| forged.covering(&["date"]),
        |forged: Forged| forged.covering(&["@path"]),
        |forged: Forged| forged.not_covering("@path"),
        |forged: Forged| forged.without("nonce"),
    ] {
        assert_eq!(either(broken(wrong())).await, either(broken(unknown())).await);
    }

    // Two signatures of one key, and beside a scheme that has had enough.
    let twice = |forged: Forged| {
        let again = Forged { label: "again".into(), ..forged.clone() };
        joined(&[forged, again])
    };
    let busy = || {
        let wait = Duration::from_secs(1);
        mcp_auth_layer::authenticate_fn(move |_: &http::request::Parts| async move {
            Err::<mcp_auth_layer::Principal, _>(Rejection::too_many_requests(wait))
        })
    };
    let mut answers = Vec::new();
    for forged in [wrong(), unknown()] {
        let both = ask(hmac(), twice(forged.clone())).await;
        let (app, _) = app(any_of(hmac(), busy()));
        let limited = send(app, forged.request()).await;
        answers.push((both.status, both.headers, both.body, limited.status, limited.body));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!((answers[0].0.as_u16(), answers[0].3.as_u16()), (401, 429));
}

#[tokio::test]
async fn a_refusal_tells_what_to_sign() {
    let unsigned = Forged::post("{}").with_header("mcp-session-id", "s").unsigned();
    let answer = ask(hmac().tag("a\"b"), unsigned).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.challenges(), [r#"Signature realm="mcp""#]);
    assert_eq!(
        answer.headers["accept-signature"],
        r#"sig=("@method" "@authority" "@path" "@query" "content-digest" "content-type" "mcp-session-id");created;expires;nonce;keyid;alg="hmac-sha256";tag="a\"b""#
    );
    let wrong = Forged { secret: vec![9; 32], ..Forged::get() };
    let answer = ask(hmac(), wrong.request()).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.challenges(), [r#"Signature realm="mcp""#]);
    assert_eq!(
        answer.headers["accept-signature"],
        r#"sig=("@method" "@authority" "@path" "@query");created;expires;nonce;keyid;alg="hmac-sha256""#
    );
}

#[tokio::test]
async fn a_replay_and_a_wrong_body_are_told_to_sign_again_what_they_signed() {
    let wanted = r#"sig=("@method" "@authority" "@path" "@query" "content-type" "content-digest" "date");created;expires;nonce;keyid;alg="hmac-sha256";tag="a\"b""#;
    let (app, _) = app(hmac().tag("a\"b"));
    let dated = Forged::post("{}").with_header("date", "\"x\": y").covering(&["date"]);
    let signed = dated.with("tag", r#""a\"b""#).at_last();
    let wrong = signed.request().map(|_| Body::from("{ }"));
    let refused = send(app.clone(), wrong).await;
    assert_eq!(send(app.clone(), signed.request()).await.status, 200);
    for refused in [refused, send(app, signed.request()).await] {
        assert_eq!(refused.status, 401);
        assert_eq!(refused.challenges(), [r#"Signature realm="mcp""#]);
        assert_eq!(refused.headers["accept-signature"], wanted);
    }
}

#[tokio::test]
async fn a_broken_signature_is_not_made_up_for_and_a_strangers_is_no_matter() {
    let bearer = || Bearer::new([("b", "tok")]).unwrap();
    let basic = || Basic::new([("u", "p")]).unwrap();
    let signed = |forged: Forged| {
        let credential = [("authorization", "Bearer tok")];
        credential.iter().fold(forged, |f, (n, v)| f.with_header(n, v)).covering(&["authorization"])
    };
    let says = |forged: Forged| async move {
        let (app, seen) = app(any_of(any_of(hmac(), basic()).boxed(), bearer()));
        let answer = send(app, forged.request()).await;
        let who = if answer.status == 200 { seen.principal() } else { String::new() };
        (answer.status.as_u16(), who)
    };
    let admitted = |who: &str| (200, who.to_owned());
    assert_eq!(says(signed(Forged::get())).await, admitted("ci"));
    let broken = Forged { secret: vec![9; 32], ..signed(Forged::get()) };
    assert_eq!(says(broken).await.0, 401);
    assert_eq!(says(signed(Forged::get().not_covering("@path"))).await.0, 401);
    assert_eq!(says(signed(Forged::get()).covering(&["x-not-there"])).await.0, 400);

    let strangers = signed(Forged::get().with("keyid", "\"gateway\""));
    assert_eq!(says(strangers.clone()).await, admitted("b"));
    assert_eq!(says(strangers.covering(&["x-not-there"])).await, admitted("b"));
    let mut garbage = signed(Forged::get()).request();
    garbage.headers_mut().insert("signature", "?".parse().unwrap());
    let (app, _) = app(any_of(hmac(), bearer()));
    assert_eq!(send(app, garbage).await.status, 400);
}

/// A store that does as it is told.
struct Scripted {
    shared: bool,
    fails_to_tell: bool,
    fails_to_claim: bool,
    claims: Arc<AtomicUsize>,
    kept: Arc<Mutex<Duration>>,
}

impl Default for Scripted {
    fn default() -> Self {
        Self {
            shared: true,
            fails_to_tell: false,
            fails_to_claim: false,
            claims: Arc::default(),
            kept: Arc::default(),
        }
    }
}

impl ReplayStore for Scripted {
    async fn claim(&self, claim: &NonceClaim<'_>) -> Result<NonceStatus, BoxError> {
        *self.kept.lock().unwrap() = claim.keep;
        self.claims.fetch_add(1, Ordering::SeqCst);
        match self.fails_to_claim {
            true => Err("connection refused".into()),
            false => Ok(NonceStatus::Fresh),
        }
    }

    async fn is_claimed(&self, _: &str, _: &str) -> Result<bool, BoxError> {
        match self.fails_to_tell {
            true => Err("connection refused".into()),
            false => Ok(false),
        }
    }

    fn is_shared(&self) -> bool {
        self.shared
    }
}

#[tokio::test]
async fn a_store_that_fails_or_is_full_is_503() {
    let scripted = |tell, claim| Scripted {
        fails_to_tell: tell,
        fails_to_claim: claim,
        ..Scripted::default()
    };
    for (store, status) in
        [(scripted(false, false), 200), (scripted(true, false), 503), (scripted(false, true), 503)]
    {
        let answer = ask(hmac().replay_store(store), Forged::post("{}").request()).await;
        assert_eq!(answer.status, status);
        assert!(!answer.body.contains("connection"));
    }
    let full = MemoryReplayStore::with_capacity(2, 1);
    let (app, seen) = app(hmac().replay_store(full));
    assert_eq!(send(app.clone(), Forged::get().request()).await.status, 200);
    assert_eq!(send(app.clone(), Forged::get().request()).await.status, 503);
    let other = Forged { secret: vec![7; 32], ..Forged::get().with("keyid", "\"other\"") };
    assert_eq!(send(app, other.request()).await.status, 200);
    assert_eq!(seen.count(), 2);
}

#[tokio::test]
async fn a_nonce_is_kept_longer_than_its_signature_is_good() {
    let store = Scripted::default();
    let kept = store.kept.clone();
    let hmac =
        hmac().window(Duration::from_secs(5)).skew(Duration::from_secs(3)).replay_store(store);
    let forged = Forged::get().with("expires", now() + 5).with("created", now());
    assert_eq!(ask(hmac, forged.request()).await.status, 200);
    // From `created` a skew ahead to `expires` a skew ago, in whole seconds at both ends, by a clock
    // that moves by a second either way.
    assert!(*kept.lock().unwrap() >= Duration::from_secs(5 + 3 + 3 + 2 + 2));
}

#[tokio::test]
async fn a_mapped_admission_still_owes_what_it_owed() {
    struct Tenants(HttpSignature);
    impl Authenticator for Tenants {
        async fn authenticate(
            &self,
            head: &http::request::Parts,
        ) -> Result<Authenticated, Rejection> {
            let admission = self.0.authenticate(head).await?;
            assert_eq!(admission.principal().name(), "ci");
            Ok(admission.map_principal(|who| who.issued_by("tenant-7")))
        }
    }
    let (app, seen) = app(Tenants(hmac()));
    let signed = Forged::post("{}").at_last();
    let wrong = signed.request().map(|_| Body::from("rm"));
    assert_eq!(send(app.clone(), wrong).await.status, 401);
    assert_eq!(send(app.clone(), signed.request()).await.status, 200);
    let head = seen.only();
    let who = head.extensions.get::<mcp_auth_layer::Principal>().unwrap();
    assert_eq!((who.name(), who.issuer()), ("ci", Some("tenant-7")));
    assert_eq!(send(app, signed.request()).await.status, 401);
}

#[test]
fn an_authority_is_a_host() {
    let panics = |authority: &str| {
        let authority = authority.to_owned();
        std::panic::catch_unwind(|| hmac().authority(authority)).is_err()
    };
    assert!(!panics("tools.example:8443") && !panics("[::1]:80"));
    for wrong in ["", "https://tools.example", "tools.example/", "a@b", "a b", "ä.example"] {
        assert!(panics(wrong), "{wrong}");
    }
}

#[tokio::test]
async fn nothing_is_claimed_for_a_request_that_is_refused() {
    let store = Scripted::default();
    let claims = store.claims.clone();
    let (app, _) = app(hmac().replay_store(store));
    for refused in [
        Forged { secret: vec![9; 32], ..Forged::get() },
        Forged::get().not_covering("@path"),
        Forged::get().with("expires", 1),
    ] {
        assert_eq!(send(app.clone(), refused.request()).await.status, 401);
    }
    let wrong_body = Forged::post("{}").request().map(|_| Body::from("{ }"));
    assert_eq!(send(app.clone(), wrong_body).await.status, 401);
    assert_eq!(claims.load(Ordering::SeqCst), 0);
    assert_eq!(send(app, Forged::post("{}").request()).await.status, 200);
    assert_eq!(claims.load(Ordering::SeqCst), 1);
}

#[test]
fn no_secret_is_shown() {
    let secret = "correct horse battery staple, and more";
    let hmac = HttpSignature::new([("ci", secret)]).unwrap();
    let signer = mcp_auth_layer::Signer::new("ci", secret).unwrap();
    let shown = format!("{hmac:?} {signer:?} {:?}", McpAuthLayer::hmac("ci", secret));
    assert!(shown.contains("ci") && !shown.contains("horse"), "{shown}");
    let short = HttpSignature::new([("ci", "correct horse")]).unwrap_err();
    assert!(!format!("{short} {short:?}").contains("horse"));
    let panic = std::panic::catch_unwind(|| McpAuthLayer::hmac("ci", "correct horse"));
    let panic = panic.err().unwrap().downcast::<String>().unwrap();
    assert!(panic.contains("13 bytes") && !panic.contains("horse"), "{panic}");
}

#[tokio::test]
async fn reasons_are_told_apart_in_the_log_only() {
    let invalid = ask(hmac(), Forged { secret: vec![9; 32], ..Forged::get() }.request()).await;
    let uncovered = ask(hmac(), Forged::get().not_covering("@path").request()).await;
    let stale = ask(hmac(), Forged::get().with("created", 1).request()).await;
    assert_eq!(invalid.body, uncovered.body);
    assert_eq!(invalid.body, stale.body);
    assert_eq!(invalid.extensions.get::<Rejection>().unwrap().kind(), RejectionKind::Invalid);
    let missing = ask(hmac(), Forged::get().unsigned()).await;
    assert_eq!(missing.extensions.get::<Rejection>().unwrap().kind(), RejectionKind::Missing);
}
