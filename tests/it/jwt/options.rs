//! The options of a verifier: cases 37, 40, 42, 43, 48, 55 and 72, and errors of the configuration.

use std::time::Duration;

use mcp_auth_layer::Jwt;
use mcp_auth_layer::schemes::{Audience, TokenClaims};
use serde_json::{Value, json};

use super::{accepts, jwt, rejects};
use crate::support::access_token::{ISSUER, RESOURCE, good, issuer_keys, now, with_claims};

fn with(name: &str, value: Value) -> String {
    with_claims(|claims| claims[name] = value)
}

fn without(name: &str) -> String {
    with_claims(|claims| drop(claims.as_object_mut().unwrap().remove(name)))
}

#[tokio::test]
async fn several_audiences_may_be_accepted() {
    let jwt = jwt().audience("api://8f3c");
    accepts(&jwt, &with("aud", json!("api://8f3c")), "the second").await;
    accepts(&jwt, &good(), "the first").await;
    rejects(&jwt, &with("aud", json!("api://8f3d")), "`aud` is").await;
    rejects(&jwt.audience(""), &with("aud", json!("")), "`aud` is").await;
}

#[tokio::test]
async fn a_sole_audience_refuses_further_ones() {
    let sole = || jwt().sole_audience();
    accepts(&sole(), &with("aud", json!([RESOURCE])), "ours alone").await;
    rejects(&sole(), &with("aud", json!([RESOURCE, "https://x.example"])), "further audiences")
        .await;
    let both = sole().audience("https://x.example");
    accepts(&both, &with("aud", json!([RESOURCE, "https://x.example"])), "both are ours").await;
}

#[tokio::test]
async fn a_resource_without_path_has_two_spellings() {
    for configured in ["https://mcp.example.com", "https://mcp.example.com/"] {
        let jwt = Jwt::with_keys(ISSUER, configured, issuer_keys()).unwrap();
        for same in
            ["https://mcp.example.com", "https://mcp.example.com/", "https://MCP.example.com"]
        {
            accepts(&jwt, &with("aud", json!(same)), same).await;
        }
        rejects(&jwt, &with("aud", json!("https://mcp.example.com/x")), "`aud` is").await;
    }
}

#[tokio::test]
async fn clients_may_stand_for_a_missing_audience() {
    let clients = || Audience::danger_clients_instead(["cli", "web"]);
    let jwt = Jwt::with_keys(ISSUER, clients(), issuer_keys()).unwrap();
    accepts(&jwt, &without("aud"), "a named client").await;
    rejects(&jwt, &good(), "`aud` is").await;
    let other = with_claims(|claims| {
        claims.as_object_mut().unwrap().remove("aud");
        claims["client_id"] = json!("evil");
    });
    rejects(&jwt, &other, "`aud` is missing").await;
}

#[tokio::test]
async fn only_named_clients_may_be_accepted() {
    let jwt = || jwt().clients(["cli", "web"]);
    accepts(&jwt(), &good(), "client_id").await;
    rejects(&jwt(), &with("client_id", json!("evil")), "client \\\"evil\\\"").await;
    for name in ["azp", "cid", "appid"] {
        let token = |client: &str| {
            with_claims(|claims| {
                claims.as_object_mut().unwrap().remove("client_id");
                claims[name] = json!(client);
            })
        };
        accepts(&jwt(), &token("web"), name).await;
        rejects(&jwt(), &token("evil"), "which is not allowed").await;
    }
    rejects(&jwt(), &without("client_id"), "`client_id` is missing").await;
    // The registered claim counts, where there are two.
    let both = with_claims(|claims| {
        claims["client_id"] = json!("evil");
        claims["azp"] = json!("cli");
    });
    rejects(&jwt(), &both, "which is not allowed").await;
}

#[tokio::test]
async fn tokens_may_be_limited_by_age() {
    let young = || jwt().max_age(Duration::from_secs(1800));
    accepts(&young(), &with("iat", json!(now() - 1700)), "young").await;
    rejects(&young(), &with("iat", json!(now() - 3600)), "which is too long").await;
    rejects(&young(), &without("iat"), "`iat` is missing").await;
    accepts(&jwt(), &with("iat", json!(now() - 3600)), "no limit").await;
}

#[tokio::test]
async fn the_leeway_has_a_limit() {
    let expired = |seconds: u64| with("exp", json!(now() - seconds));
    let strict = jwt().leeway(Duration::ZERO);
    rejects(&strict, &expired(1), "the token expired").await;
    let lenient = jwt().leeway(Duration::from_secs(1_000_000));
    accepts(&lenient, &expired(290), "within 300 s").await;
    rejects(&lenient, &expired(310), "the token expired").await;
}

#[tokio::test]
async fn claims_may_be_required() {
    let jwt = || jwt().require_claim("tid", "72f9").require_claim("env", "prod");
    let token = |tid: Value| {
        with_claims(|claims| {
            claims["tid"] = tid;
            claims["env"] = json!("prod");
        })
    };
    accepts(&jwt(), &token(json!("72f9")), "both").await;
    for other in [json!("72F9"), json!(["72f9"]), json!(72), json!(null)] {
        rejects(&jwt(), &token(other), "the claim \\\"tid\\\" does not have").await;
    }
    rejects(&jwt(), &good(), "the claim \\\"tid\\\" does not have").await;
}

#[tokio::test]
async fn a_function_may_check_the_claims() {
    let jwt = jwt().check(|claims: &TokenClaims| claims.get::<u8>("level") >= Some(3));
    accepts(&jwt, &with("level", json!(3)), "3").await;
    rejects(&jwt, &with("level", json!(2)), "the function of `check`").await;
    rejects(&jwt, &good(), "the function of `check`").await;
}

#[tokio::test]
async fn scopes_may_be_in_another_claim() {
    let jwt = jwt().scope_claim("roles");
    let token = with("roles", json!(["Tools.Read", "Tools.Write"]));
    let (_, head) = super::respond(jwt, &token).await;
    let head = head.unwrap();
    let principal = head.extensions.get::<mcp_auth_layer::Principal>().unwrap();
    assert_eq!(principal.scopes().collect::<Vec<_>>(), ["Tools.Read", "Tools.Write"]);
}

#[test]
fn a_verifier_needs_an_issuer_an_audience_and_keys() {
    assert!(Jwt::with_keys(ISSUER, RESOURCE, issuer_keys()).is_ok());
    assert!(Jwt::with_keys("http://127.0.0.1:7001", RESOURCE, issuer_keys()).is_ok());
    for issuer in
        ["", "id.example.com", "http://id.example.com", "https://id.example.com?a", "ftp://x"]
    {
        let error = Jwt::with_keys(issuer, RESOURCE, issuer_keys()).unwrap_err().to_string();
        assert!(error.contains("is not the URL of an issuer"), "{error}");
    }
    let error =
        Jwt::with_keys("https://u:hunter2@id.example.com", RESOURCE, issuer_keys()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    let none: [&str; 0] = [];
    for audience in
        ["".into(), Audience::danger_clients_instead(none), Audience::danger_clients_instead([""])]
    {
        let error = Jwt::with_keys(ISSUER, audience, issuer_keys()).unwrap_err().to_string();
        assert_eq!(error, "the audience is empty");
    }
    for (keys, reason) in [
        ("", "no JSON object"),
        ("[]", "no JSON object"),
        ("{}", "no array `keys`"),
        (r#"{"keys":{}}"#, "no array `keys`"),
        (r#"{"keys":[]}"#, "the set is empty"),
        (r#"{"keys":[7]}"#, "a key is no object"),
        (r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#, "a private or symmetric key"),
    ] {
        let error = Jwt::with_keys(ISSUER, RESOURCE, keys).unwrap_err().to_string();
        assert!(error.contains(reason) && !error.contains("c2VjcmV0"), "{keys}: {error}");
    }
}
