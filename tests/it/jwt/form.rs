//! The form of a token: cases 1 to 14 and 26.

use mcp_auth_layer::{Jwt, McpAuthLayer};

use super::{accepts, jwt, rejects, respond};
use crate::support::access_token::{
    ISSUER, K1, RESOURCE, base64url, claims, good, header, issuer_keys,
};
use crate::support::{get, protected, recorder, request, send, with_authorization};

#[tokio::test]
async fn a_good_token_is_accepted_in_any_spelling_of_bearer() {
    let (app, seen) = protected(jwt());
    for scheme in ["Bearer ", "bearer ", "BEARER ", "Bearer  "] {
        let response = send(app.clone(), with_authorization(&format!("{scheme}{}", good()))).await;
        assert_eq!(response.status, 200, "{scheme}");
        assert_eq!(seen.principal(), "alice");
    }
}

#[tokio::test]
async fn a_request_without_token_has_no_error_in_its_challenge() {
    let (app, _) = protected(jwt());
    for request in [get("/", &[]), with_authorization("Basic YTpi"), with_authorization("Bearer")] {
        let has_token =
            request.headers().get("authorization").is_some_and(|value| value == "Bearer");
        let response = send(app.clone(), request).await;
        assert_eq!(response.status, 401);
        let error = if has_token { r#", error="invalid_token""# } else { "" };
        assert_eq!(response.challenges(), [format!(r#"Bearer realm="mcp"{error}"#)]);
        assert_eq!(response.message().contains("empty"), has_token);
    }
}

#[tokio::test]
async fn tokens_are_read_from_one_authorization_header_alone() {
    let (app, seen) = protected(jwt());
    let token = good();
    let response = send(app.clone(), get(&format!("/?access_token={token}"), &[])).await;
    assert_eq!((response.status.as_u16(), seen.count()), (401, 0));
    let bearer = format!("Bearer {token}");
    let two = [("authorization", &*bearer), ("authorization", &*bearer)];
    let response = send(app, request(http::Method::POST, "/", &two)).await;
    assert_eq!((response.status.as_u16(), seen.count()), (400, 0));
}

#[tokio::test]
async fn tokens_over_16_kib_are_rejected() {
    let mut claims = claims();
    for (groups, is_accepted) in [(650, true), (700, false)] {
        let names: Vec<_> = (0..groups).map(|n| format!("group-{n:08}")).collect();
        claims["groups"] = serde_json::json!(names);
        let token = K1.token("RS256", &header().to_string(), &claims.to_string());
        assert_eq!(token.len() <= 16 * 1024, is_accepted, "{}", token.len());
        if is_accepted {
            accepts(&jwt(), &token, "16 KiB").await;
        } else {
            rejects(&jwt(), &token, "the token has more than 16384 bytes").await;
        }
    }
}

#[tokio::test]
async fn tokens_without_three_parts_are_rejected() {
    let token = good();
    let parts: Vec<_> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    for token in [
        "opaque-token".to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("{token}.x"),
        format!("{token}.{payload}.{signature}"),
        format!("{header}.key.iv.{payload}.{signature}"),
    ] {
        rejects(&jwt(), &token, "not a JWT: does the authorization server issue opaque").await;
    }
}

#[tokio::test]
async fn a_token_has_one_spelling() {
    let token = good();
    let last = token.pop_last();
    for other in [
        format!("{token}="),
        format!("{token}=="),
        token.replacen('.', "=.", 1),
        format!("{}{}", token.without_last(), with_stray_bits(last)),
        format!("{} {}", &token[..40], &token[40..]),
        format!("{}%{}", &token[..40], &token[41..]),
    ] {
        let (response, _) = respond(jwt(), &other).await;
        assert_eq!(response.status, 401, "{other}");
    }
    // The alphabet of base64 is another one.
    let standard = token.replace('-', "+").replace('_', "/");
    assert!(standard == token || respond(jwt(), &standard).await.0.status == 401);
}

trait Ends {
    fn pop_last(&self) -> char;
    fn without_last(&self) -> &str;
}

impl Ends for String {
    fn pop_last(&self) -> char {
        self.chars().last().unwrap()
    }

    fn without_last(&self) -> &str {
        &self[..self.len() - 1]
    }
}

/// The next character of the alphabet. 256 bytes leave four bits of the last character unused.
fn with_stray_bits(last: char) -> char {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = ALPHABET.find(last).unwrap();
    assert_eq!(at % 16, 0, "the unused bits are zero");
    ALPHABET[at + 1..].chars().next().unwrap()
}

#[tokio::test]
async fn header_and_payload_must_be_one_json_object() {
    let (header, payload) = (header().to_string(), claims().to_string());
    let not_objects = |json: &str| {
        [
            format!("[{json}]"),
            format!("{json} {json}"),
            format!("{json}x"),
            format!("\u{feff}{json}"),
            json.replace('{', ""),
            json.replacen(',', ",,", 1),
            json.replacen('"', "'", 2),
            format!("{{\"a\":{}1{},{}", "[".repeat(500), "]".repeat(500), &json[1..]),
            "null".to_owned(),
            "7".to_owned(),
            String::from("\"a\""),
        ]
    };
    for other in not_objects(&payload) {
        rejects(&jwt(), &K1.token("RS256", &header, &other), "the claims are refused").await;
    }
    for other in not_objects(&header) {
        rejects(&jwt(), &K1.token("RS256", &other, &payload), "the header is refused").await;
    }
    accepts(&jwt(), &K1.token("RS256", &header, &format!(" {payload} \n")), "white space").await;
}

#[tokio::test]
async fn claims_that_are_not_utf_8_are_rejected() {
    let mut payload = claims().to_string().into_bytes();
    let at = payload.len() - 1;
    payload.splice(at..at, *b",\"a\":\"\xff\"");
    let signed = format!("{}.{}", base64url(header().to_string()), base64url(payload));
    let token = format!("{signed}.{}", base64url(K1.sign("RS256", signed.as_bytes())));
    rejects(&jwt(), &token, "it is not UTF-8").await;
}

#[tokio::test]
async fn every_changed_byte_is_rejected() {
    let token = good();
    let (app, seen) = protected(jwt());
    for at in (0..token.len()).filter(|at| token.as_bytes()[*at] != b'.') {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'Q' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        let response = send(app.clone(), with_authorization(&format!("Bearer {changed}"))).await;
        assert_eq!((response.status.as_u16(), seen.count()), (401, 0), "byte {at}");
    }
}

#[tokio::test]
async fn the_inner_service_does_not_receive_the_token() {
    let (app, seen) = recorder();
    let token = with_authorization(&format!("Bearer {}", good()));
    let jwt = || Jwt::with_keys(ISSUER, RESOURCE, issuer_keys()).unwrap();
    send(app.clone().layer(McpAuthLayer::new(jwt())), token).await;
    assert!(!seen.only().headers.contains_key("authorization"));
    let token = with_authorization(&format!("Bearer {}", good()));
    send(app.layer(McpAuthLayer::new(jwt()).forward_authorization()), token).await;
    assert!(seen.only().headers["authorization"].is_sensitive());
}
