//! Tokens of an issuer beside other credentials: cases 74, 89 and 91, and secrets.

use mcp_auth_layer::{Basic, Bearer, Jwt, any_of};

use super::jwt;
use crate::support::access_token::{
    ISSUER, K1, OTHER, RESOURCE, good, issuer_keys, jwks, with_claims,
};
use crate::support::log::Log;
use crate::support::{basic, protected, send, with_authorization};
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

#[tokio::test]
async fn static_tokens_and_passwords_work_beside_an_issuer() {
    let tokens = Bearer::new([("ci", "rD3m0NfE5Yc0mKq1bWv7Xw")]).unwrap();
    let people = Basic::new([("bob", "correct horse")]).unwrap();
    let (app, seen) = protected(any_of((tokens, jwt(), people)));
    for (authorization, name) in [
        ("Bearer rD3m0NfE5Yc0mKq1bWv7Xw".to_owned(), "ci"),
        (format!("Bearer {}", good()), "alice"),
        (basic("bob", "correct horse"), "bob"),
    ] {
        assert_eq!(send(app.clone(), with_authorization(&authorization)).await.status, 200);
        assert_eq!(seen.principal(), name);
    }
    let wrong = send(app.clone(), with_authorization("Bearer wrong")).await;
    let challenges = wrong.challenges();
    assert_eq!(challenges[0], r#"Bearer realm="mcp", error="invalid_token""#);
    assert_eq!(challenges.len(), 2, "{challenges:?}");
    let missing = send(app, crate::support::get("/", &[])).await;
    assert_eq!(missing.challenges()[0], r#"Bearer realm="mcp""#);
}

#[tokio::test]
async fn the_reason_is_logged_whichever_scheme_comes_first() {
    let expired = with_claims(|claims| claims["exp"] = json!(1_000_000));
    let tokens = || Bearer::new([("ci", "rD3m0NfE5Yc0mKq1bWv7Xw")]).unwrap();
    let (log, _guard) = Log::start(LevelFilter::INFO);
    let request = || with_authorization(&format!("Bearer {expired}"));
    assert_eq!(send(protected(any_of((tokens(), jwt()))).0, request()).await.status, 401);
    assert_eq!(send(protected(any_of((jwt(), tokens()))).0, request()).await.status, 401);
    let lines = log.lines();
    assert_eq!(
        lines.iter().filter(|line| line.contains("the token expired")).count(),
        2,
        "{lines:?}"
    );
}

/// A verifier of another issuer only knows that the token is not its own.
#[tokio::test]
async fn the_reason_of_the_tokens_issuer_is_logged() {
    const OTHER_ISSUER: &str = "https://b.example";
    let ours = || jwt();
    let theirs = || Jwt::with_keys(OTHER_ISSUER, RESOURCE, jwks([K1.jwk("k1")])).unwrap();
    let expired = |issuer: &str| {
        with_claims(|claims| {
            claims["iss"] = json!(issuer);
            claims["exp"] = json!(1_000_000);
        })
    };
    let (log, _guard) = Log::start(LevelFilter::INFO);
    for (issuer, reason) in [
        (ISSUER, "the token expired"),
        (OTHER_ISSUER, "the token expired"),
        ("https://c.example", "`iss` is \\\"https://c.example\\\""),
    ] {
        let token = format!("Bearer {}", expired(issuer));
        for (app, _) in
            [protected(any_of((ours(), theirs()))), protected(any_of((theirs(), ours())))]
        {
            let response = send(app, with_authorization(&token)).await;
            assert_eq!(response.status, 401);
            assert_eq!(response.challenges(), [r#"Bearer realm="mcp", error="invalid_token""#]);
            let lines = log.lines();
            assert!(lines.len() == 1 && lines[0].contains(reason), "{issuer}: {lines:?}");
        }
    }
}

/// The client does not learn which check refused a token.
#[tokio::test]
async fn a_token_of_another_issuer_is_answered_as_a_wrong_one() {
    let mut wrong = good();
    wrong.replace_range(wrong.len() - 20..wrong.len() - 10, "AAAAAAAAAA");
    let other = with_claims(|claims| claims["iss"] = json!("https://c.example"));
    let mut answers = Vec::new();
    for token in [wrong, other, "opaque".to_owned()] {
        let response =
            send(protected(jwt()).0, with_authorization(&format!("Bearer {token}"))).await;
        answers.push((response.status, response.body, response.headers));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}

#[tokio::test]
async fn the_key_of_one_issuer_never_verifies_for_another() {
    let ours = Jwt::with_keys(ISSUER, RESOURCE, jwks([K1.jwk("k1")])).unwrap();
    let theirs = Jwt::with_keys("https://b.example", RESOURCE, jwks([OTHER.jwk("k1")])).unwrap();
    let (app, seen) = protected(any_of((ours, theirs)));
    let claims = |issuer: &str| {
        let mut claims = crate::support::access_token::claims();
        claims["iss"] = json!(issuer);
        claims.to_string()
    };
    let header = crate::support::access_token::header().to_string();
    for (key, issuer, status) in [
        (&K1, ISSUER, 200),
        (&OTHER, "https://b.example", 200),
        (&K1, "https://b.example", 401),
        (&OTHER, ISSUER, 401),
        (&K1, "https://c.example", 401),
    ] {
        let token = key.token("RS256", &header, &claims(issuer));
        let response = send(app.clone(), with_authorization(&format!("Bearer {token}"))).await;
        assert_eq!(response.status.as_u16(), status, "{issuer}");
        if status == 200 {
            assert_eq!(
                seen.only().extensions.get::<mcp_auth_layer::Principal>().unwrap().issuer(),
                Some(issuer)
            );
        }
    }
}

/// Every way in which a token is refused, at the most talkative level.
#[tokio::test]
async fn no_part_of_a_token_is_logged_or_sent() {
    let (log, _guard) = Log::start(LevelFilter::TRACE);
    let mut wrong = good();
    wrong.replace_range(wrong.len() - 20..wrong.len() - 10, "AAAAAAAAAA");
    let tokens = [
        good(),
        wrong,
        with_claims(|claims| claims["aud"] = json!("x")),
        with_claims(|claims| claims["exp"] = json!(1)),
        with_claims(|claims| claims["cnf"] = json!({})),
        "rD3m0NfE5Yc0mKq1bWv7Xw-opaque".to_owned(),
    ];
    let jwt = Jwt::with_keys(ISSUER, RESOURCE, issuer_keys()).unwrap();
    let shown = format!("{jwt:?} {:?}", jwt.handle());
    let (app, seen) = protected(jwt);
    let mut outputs = vec![shown];
    for token in &tokens {
        let response = send(app.clone(), with_authorization(&format!("Bearer {token}"))).await;
        outputs.push(format!("{} {:?} {:?}", response.body, response.headers, response.extensions));
    }
    outputs.push(format!("{:?}", seen.only().extensions.get::<mcp_auth_layer::Principal>()));
    outputs.extend(log.lines());
    for token in &tokens {
        // The log cuts what is long, so that a part may be there without its end.
        for piece in token.split('.').flat_map(|part| part.as_bytes().chunks(24)) {
            let piece = str::from_utf8(piece).unwrap();
            let is_found = piece.len() > 8 && outputs.iter().any(|output| output.contains(piece));
            assert!(!is_found, "{piece}");
        }
    }
}
