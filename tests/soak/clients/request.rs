//! Requests as bytes: good ones, and those that must be refused.

use axum::extract::Request;
use serde_json::json;
use soak_rules::Scheme;

use super::access_token::now;
use super::credential::{Client, Credential, IssuerKey, STEADY, basic, claims, random};
use super::forged_request::Forged;

const MESSAGE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const OTHER_MESSAGE: &str = r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#;

/// Returns a request with a message.
pub fn post(client: &Client) -> Vec<u8> {
    with_credential(Forged::post(MESSAGE), client)
}

/// Returns a request for an event stream.
pub fn get_events(client: &Client) -> Vec<u8> {
    with_credential(Forged { target: "/events?a=1".into(), ..Forged::get() }, client)
}

fn with_credential(forged: Forged, client: &Client) -> Vec<u8> {
    match (&client.credential, client.authorization()) {
        (Credential::Key(secret), _) => signed(forged, &client.name, secret),
        (_, Some(authorization)) => unsigned(forged.with_header("authorization", &authorization)),
        (_, None) => unreachable!("only signed requests have no `Authorization`"),
    }
}

fn signed(forged: Forged, key_id: &str, secret: &[u8]) -> Vec<u8> {
    let forged = Forged { secret: secret.to_vec(), ..forged };
    let forged = forged.with("keyid", format!("\"{key_id}\""));
    bytes(forged.request(), &forged.body)
}

fn unsigned(forged: Forged) -> Vec<u8> {
    bytes(forged.unsigned(), &forged.body)
}

/// Writes a request that is the only one of its connection.
fn bytes(request: Request, body: &[u8]) -> Vec<u8> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let mut bytes = format!("{} {target} HTTP/1.1\r\nconnection: close\r\n", request.method());
    for (name, value) in request.headers() {
        let value = value.to_str().expect("the values are ASCII");
        bytes.push_str(&format!("{name}: {value}\r\n"));
    }
    bytes.push_str("\r\n");
    let mut bytes = bytes.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A request that must be refused.
pub struct Invalid {
    pub what: &'static str,
    pub scheme: Scheme,
    pub request: Vec<u8>,
}

impl Invalid {
    fn new(what: &'static str, scheme: Scheme, request: Vec<u8>) -> Self {
        Self { what, scheme, request }
    }

    /// Returns one of each kind, made from the name and the credential of a client, but for one point.
    pub fn all(client: &Client, issuer: &IssuerKey) -> Vec<Self> {
        let name = &client.name;
        let mut all =
            vec![Self::new("no credential", Scheme::None, unsigned(Forged::post(MESSAGE)))];
        let mut with = |what, scheme, authorization: &str| {
            let forged = Forged::post(MESSAGE).with_header("authorization", authorization);
            all.push(Self::new(what, scheme, unsigned(forged)));
        };
        match &client.credential {
            Credential::Password(password) => {
                with("a wrong password", Scheme::Password, &basic(name, &format!("{password}x")));
                with("an unknown user", Scheme::Password, &basic(&format!("{name}x"), password));
            }
            Credential::Token(token) => {
                with("a longer token", Scheme::Token, &format!("Bearer {token}x"));
                with("a shorter token", Scheme::Token, &format!("Bearer {}", &token[1..]));
            }
            Credential::Jwt { id, .. } => {
                let changes = [
                    ("an expired access token", "exp", json!(now() - 120)),
                    ("an access token for another server", "aud", json!("https://other.example")),
                    ("an access token of another issuer", "iss", json!("https://other.example")),
                ];
                for (what, claim, value) in changes {
                    let mut claims = claims(name, id);
                    claims[claim] = value;
                    with(what, Scheme::Jwt, &format!("Bearer {}", issuer.token(claims)));
                }
                let token = IssuerKey::new(STEADY).token(claims(name, id));
                with("an access token of another key", Scheme::Jwt, &format!("Bearer {token}"));
            }
            Credential::Key(secret) => {
                let forged = Forged::post(MESSAGE);
                let wrong = signed(forged.clone(), name, &random());
                all.push(Self::new("a wrong signature", Scheme::Signature, wrong));
                let changed = signed(Forged::post(MESSAGE), name, secret);
                let head = changed.len() - MESSAGE.len();
                let changed = [&changed[..head], OTHER_MESSAGE.as_bytes()].concat();
                all.push(Self::new("a changed body", Scheme::Signature, changed));
            }
        }
        all
    }
}

/// Returns what a stranger sends: a wrong credential for a principal that there is.
pub fn of_stranger(client: &Client, issuer: &IssuerKey) -> Vec<u8> {
    post(&Client::new(client.scheme(), client.name.clone(), client.address, issuer))
}
