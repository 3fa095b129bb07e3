//! The layer accepts and refuses access tokens whatever providers `jsonwebtoken` has, though `jsonwebtoken` itself
//! then panics.

use std::convert::Infallible;
use std::panic::catch_unwind;

use http::{Request, Response, StatusCode};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use mcp_auth_layer::{Jwt, McpAuthLayer};
use tower::{Layer, ServiceExt, service_fn};

const ISSUER: &str = "https://id.example.com";
const AUDIENCE: &str = "https://mcp.example.com/mcp";

/// Made with npm `jose`; the private keys are gone.
const KEYS: &str = r#"{"keys":[
    {"kty":"RSA","n":"tTMdr2-h9NS_lYHEmx68fCU9XmWCmexuTgbWLR0LFuQhHf9YGhfHvxZSl4KAJsRzPwYtZROUzbVefLP8VpBxvLPhJHr2F3jIWPAb5s-L6b8NPZ0o3msUj9RPZ-cacnuKvYpyPZ5HEo6yAadtjZkEuNGGp4pMY5S80l6RRYwmPqHSZKwD4hqxxGyd5PceHSV3OBIMixifaE1B73DSKJ4oos5EoUbSMQGUDlRxNWTbYb_OA6GXp4QknpjxXXXxsV8sJ0baERgAhBLn3Xmc4cb1ikZgUNUY_spoSKng8TCKLpHh1DZ5ozhbiqSqqdiGCjDJte2Uxx7tVM8BALJ6Ud1qpQ","e":"AQAB","kid":"rsa","alg":"RS256"},
    {"kty":"EC","x":"BcjcSnNQbvt5iY2r-ZDdQ1hmwmwMlJ05jt2cla3U9Hc","y":"lIDiQGtPmmiM2zjKF7dK5J0P567OOduOa8ealEFucDs","crv":"P-256","kid":"ec","alg":"ES256"},
    {"crv":"Ed25519","x":"RLlmpH_k4RIJHbeqclnPBivDcp2fVByxBqxWscpWhCs","kty":"OKP","kid":"ed","alg":"EdDSA"}
]}"#;

/// One for each key; they expire in the year 2100.
const TOKENS: [&str; 3] = [
    "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSIsInR5cCI6ImF0K2p3dCJ9.eyJzY29wZSI6InRvb2xzOnJlYWQiLCJjbGllbnRfaWQiOiJjbGkiL\
     CJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tIiwiYXVkIjoiaHR0cHM6Ly9tY3AuZXhhbXBsZS5jb20vbWNwIiwic3ViIjoiYWxpY2UiLCJ\
     pYXQiOjE3MDAwMDAwMDAsImV4cCI6NDEwMjQ0NDgwMH0.InCrrD85WNe4IvfQqQoNQ0xOZDoaataMoV6c2tKIycqooERQeQ-f0kzzechknoqYV\
     QLQ_lneJalZ_1ufnnUqt14OkfTEBJxJH2P3y4vq7Xj2IaFTKo33feapN3CKszI5qI2b1kVlzZsiStTvr00SK4-NR1XpY5fhz4fOMImc16mAcN_\
     iWejRmQQCESG_sLVRN72MGHCsQ2Ot2JM44O5yueNoSKansGPvL4JoyjiVkglxrNIHVI5UEHy5KQiXyfW2L6R1PUUkD8BHKdtbN2p_w0Zc7zdEH\
     hNIoZKqksiSyMd2GBkPI6OaZXXKlN6itJ0bKh7US_V6ofwwRv-3Z48JCw",
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImVjIiwidHlwIjoiYXQrand0In0.eyJzY29wZSI6InRvb2xzOnJlYWQiLCJjbGllbnRfaWQiOiJjbGkiLC\
     Jpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tIiwiYXVkIjoiaHR0cHM6Ly9tY3AuZXhhbXBsZS5jb20vbWNwIiwic3ViIjoiYWxpY2UiLCJp\
     YXQiOjE3MDAwMDAwMDAsImV4cCI6NDEwMjQ0NDgwMH0.Ypuc1YqTySEllOin2Y2kQqo07VObnatQx1Wb6kpGjIf925z2TU-ZAdQTL9egy3aOa1\
     OWi44A6Qaq_n-IFvyoEA",
    "eyJhbGciOiJFZERTQSIsImtpZCI6ImVkIiwidHlwIjoiYXQrand0In0.eyJzY29wZSI6InRvb2xzOnJlYWQiLCJjbGllbnRfaWQiOiJjbGkiLC\
     Jpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tIiwiYXVkIjoiaHR0cHM6Ly9tY3AuZXhhbXBsZS5jb20vbWNwIiwic3ViIjoiYWxpY2UiLCJp\
     YXQiOjE3MDAwMDAwMDAsImV4cCI6NDEwMjQ0NDgwMH0.tzSCmcUaZqBHjybTdJgx_6LvMMn3cfLUX1EBdh_x0EwYDew0Vl2XZ5ogGfvyQItrc5\
     EOhoYsDM0aR9IwbWL6Bw",
];

async fn status(layer: &McpAuthLayer<Jwt>, token: &str) -> StatusCode {
    let inner = service_fn(|_| async { Ok::<_, Infallible>(Response::new(String::new())) });
    let request = Request::post("/mcp").header("authorization", format!("Bearer {token}"));
    let response = layer.layer(inner).oneshot(request.body(String::new()).unwrap()).await;
    response.unwrap().status()
}

/// Exchanges a character in the middle of the signature, which has no unused bits.
fn forged(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let (before, after) = signature.split_at(20);
    let other = if after.starts_with('A') { 'B' } else { 'A' };
    format!("{input}.{before}{other}{}", &after[1..])
}

#[tokio::test]
async fn tokens_need_no_choice_of_a_provider() {
    // What this crate must not depend on: `jsonwebtoken` cannot choose between the two.
    let keys: JwkSet = serde_json::from_str(KEYS).unwrap();
    let key = DecodingKey::from_jwk(&keys.keys[0]).unwrap();
    let decode = || {
        let validation = Validation::new(Algorithm::RS256);
        jsonwebtoken::decode::<serde_json::Value>(TOKENS[0], &key, &validation).is_ok()
    };
    assert!(catch_unwind(std::panic::AssertUnwindSafe(decode)).is_err(), "this test is in vain");

    let layer = McpAuthLayer::new(Jwt::with_keys(ISSUER, AUDIENCE, KEYS).unwrap());
    for token in TOKENS {
        assert_eq!(status(&layer, token).await, 200);
        assert_eq!(status(&layer, &forged(token)).await, 401);
    }
}
