//! Tokens in the shape that identity providers document, with the configuration of the guide: case 56. The
//! claims are made up; no token of a provider is in the tests.

use mcp_auth_layer::schemes::Audience;
use mcp_auth_layer::{Jwt, Principal};
use serde_json::{Value, json};

use super::{rejects, respond};
use crate::support::access_token::{EC, K1, issuer_keys, now};

struct Provider {
    name: &'static str,
    jwt: Jwt,
    header: Value,
    /// Without the times.
    claims: Value,
    scopes: &'static [&'static str],
    roles: &'static [&'static str],
}

fn jwt(issuer: &str, audience: impl Into<Audience>) -> Jwt {
    Jwt::with_keys(issuer, audience, issuer_keys()).unwrap()
}

fn providers() -> Vec<Provider> {
    let rs256 = |typ: Option<&str>| match typ {
        Some(typ) => json!({"alg": "RS256", "kid": "k1", "typ": typ}),
        None => json!({"alg": "RS256", "kid": "k1"}),
    };
    let (tenant, app) =
        ("72f988bf-86f1-41af-91ab-2d7cd011db47", "8f3c2a1e-0000-4000-8000-0123456789ab");
    let v2 = format!("https://login.microsoftonline.com/{tenant}/v2.0");
    let v1 = format!("https://sts.windows.net/{tenant}/");
    let keycloak = "https://sso.example.com/realms/tools";
    let cognito = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34E";
    let resource = "https://mcp.example.com/mcp";
    vec![
        Provider {
            name: "Microsoft Entra, v2 tokens",
            jwt: jwt(&v2, app),
            header: rs256(Some("JWT")),
            claims: json!({"iss": v2, "aud": app, "sub": "AAAAAAAA", "oid": "o", "tid": tenant,
                "azp": "c", "azpacr": "0", "scp": "tools.read tools.write", "ver": "2.0", "uti": "u"}),
            scopes: &["tools.read", "tools.write"],
            roles: &[],
        },
        Provider {
            name: "Microsoft Entra, v1 tokens",
            jwt: jwt(&v1, format!("api://{app}")),
            header: json!({"alg": "RS256", "kid": "k1", "typ": "JWT", "x5t": "k1"}),
            claims: json!({"iss": v1, "aud": format!("api://{app}"), "sub": "AAAAAAAA", "tid": tenant,
                "appid": "c", "appidacr": "0", "scp": "tools.read", "ver": "1.0"}),
            scopes: &["tools.read"],
            roles: &[],
        },
        Provider {
            name: "Microsoft Entra, applications",
            jwt: jwt(&v2, app).scope_claim("roles"),
            header: rs256(Some("JWT")),
            claims: json!({"iss": v2, "aud": app, "sub": "s", "oid": "s", "tid": tenant, "azp": "c",
                "roles": ["Tools.Read.All"], "idtyp": "app", "ver": "2.0"}),
            scopes: &["Tools.Read.All"],
            roles: &[],
        },
        Provider {
            name: "Okta",
            jwt: jwt("https://dev-1.okta.com/oauth2/default", "api://default")
                .roles_claim("groups"),
            header: rs256(None),
            claims: json!({"ver": 1, "jti": "AT.x", "iss": "https://dev-1.okta.com/oauth2/default",
                "aud": "api://default", "cid": "c", "uid": "u", "scp": ["tools:read"],
                "groups": ["Everyone", "ops"], "sub": "alice@example.com", "auth_time": 1}),
            scopes: &["tools:read"],
            roles: &["Everyone", "ops"],
        },
        Provider {
            name: "Auth0",
            jwt: jwt("https://tenant.auth0.com/", resource).clients(["c"]),
            header: rs256(Some("JWT")),
            claims: json!({"iss": "https://tenant.auth0.com/", "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
                "aud": [resource, "https://tenant.auth0.com/userinfo"], "azp": "c",
                "scope": "openid profile tools:read", "permissions": ["tools:read"]}),
            scopes: &["openid", "profile", "tools:read"],
            roles: &[],
        },
        Provider {
            name: "Keycloak with an audience mapper",
            jwt: jwt(keycloak, resource).roles_claim("groups"),
            header: rs256(Some("JWT")),
            claims: json!({"iss": keycloak, "aud": [resource, "account"], "sub": "f:1:alice",
                "typ": "Bearer", "azp": "c", "sid": "s", "acr": "1", "allowed-origins": ["/*"],
                "realm_access": {"roles": ["user"]}, "scope": "tools:read email", "groups": ["/ops"],
                "email_verified": true, "preferred_username": "alice"}),
            scopes: &["tools:read", "email"],
            roles: &["/ops"],
        },
        Provider {
            name: "Amazon Cognito",
            jwt: jwt(cognito, Audience::danger_clients_instead(["c"]))
                .roles_claim("cognito:groups"),
            header: json!({"alg": "RS256", "kid": "k1"}),
            claims: json!({"iss": cognito, "sub": "aaaa", "client_id": "c", "token_use": "access",
                "scope": "https://mcp.example.com/read", "username": "alice", "version": 2,
                "cognito:groups": ["ops"], "origin_jti": "o", "event_id": "e", "auth_time": 1}),
            scopes: &["https://mcp.example.com/read"],
            roles: &["ops"],
        },
        Provider {
            name: "Authelia",
            jwt: jwt("https://auth.example.com", resource),
            header: rs256(Some("at+jwt")),
            claims: json!({"iss": "https://auth.example.com", "aud": [resource], "sub": "uuid",
                "client_id": "c", "scp": ["tools:read", "offline_access"]}),
            scopes: &["tools:read", "offline_access"],
            roles: &[],
        },
        Provider {
            name: "Kanidm",
            jwt: jwt("https://idm.example.com/oauth2/openid/tools", "tools"),
            header: json!({"alg": "ES256", "kid": "ec", "typ": "at+jwt"}),
            claims: json!({"iss": "https://idm.example.com/oauth2/openid/tools", "aud": "tools",
                "sub": "uuid", "client_id": "tools", "scope": "openid tools:read"}),
            scopes: &["openid", "tools:read"],
            roles: &[],
        },
    ]
}

#[tokio::test]
async fn tokens_of_providers_are_accepted_as_the_guide_says() {
    for provider in providers() {
        let mut claims = provider.claims.clone();
        for (name, value) in [("iat", now()), ("nbf", now()), ("exp", now() + 3600)] {
            claims[name] = json!(value);
        }
        let alg = provider.header["alg"].as_str().unwrap();
        let key = if alg == "ES256" { &*EC } else { &*K1 };
        let header = provider.header.to_string();
        let token = key.token(alg, &header, &claims.to_string());
        let (response, head) = respond(provider.jwt.clone(), &token).await;
        assert_eq!(response.status, 200, "{}", provider.name);
        let head = head.unwrap();
        let principal = head.extensions.get::<Principal>().unwrap();
        assert_eq!(principal.name(), claims["sub"], "{}", provider.name);
        assert_eq!(principal.scopes().collect::<Vec<_>>(), provider.scopes, "{}", provider.name);
        assert_eq!(principal.roles().collect::<Vec<_>>(), provider.roles, "{}", provider.name);

        claims["iss"] = json!(format!("{}x", claims["iss"].as_str().unwrap()));
        let other = key.token(alg, &header, &claims.to_string());
        rejects(&provider.jwt, &other, "`iss` is").await;
    }
}
