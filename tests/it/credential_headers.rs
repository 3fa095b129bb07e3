//! Headers that carry credentials besides `Authorization`: duplicates are rejected, and the headers
//! are stripped before the request is forwarded.

use http::request::Parts;
use mcp_auth_layer::auth::AuthScheme;
use mcp_auth_layer::auth::{Authenticated, AuthenticatorExt, Challenge, authenticate_fn};
use mcp_auth_layer::layer::ExactPath;
use mcp_auth_layer::{Authenticator, Bearer, McpAuthLayer, Principal, Rejection, any_of};

use crate::support::{get, recorder, send};

/// HTTP/2 clients may send each cookie in a field of its own (RFC 9113 §8.2.3).
#[tokio::test]
async fn several_cookie_fields_are_accepted_over_http_2_only() {
    let by_cookie = || {
        authenticate_fn(|_: &Parts| async { Ok::<_, Rejection>(Principal::new("alice")) })
            .credential_header(http::header::COOKIE)
    };
    for (version, expected) in [(http::Version::HTTP_11, 400), (http::Version::HTTP_2, 200)] {
        let mut request = get("/", &[("cookie", "a=1"), ("cookie", "session=s")]);
        *request.version_mut() = version;
        let (router, seen) = recorder();
        let app = router.layer(McpAuthLayer::new(by_cookie()));
        assert_eq!(send(app, request).await.status, expected, "{version:?}");
        if expected == 200 {
            assert!(seen.only().headers.is_empty());
        }
    }
}

#[tokio::test]
async fn credential_headers_of_every_scheme_are_stripped() {
    struct ApiKey;
    impl Authenticator for ApiKey {
        async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
            match head.headers.get("x-api-key") {
                Some(key) if key == "k" => Ok(Principal::new("keyed").into()),
                Some(_) => {
                    Err(Rejection::invalid(Challenge::new(AuthScheme::from_static("ApiKey"))))
                }
                None => Err(Rejection::missing(Challenge::new(AuthScheme::from_static("ApiKey")))),
            }
        }
        fn credential_headers(&self) -> Vec<http::HeaderName> {
            vec![http::HeaderName::from_static("x-api-key")]
        }
    }
    let never = authenticate_fn(|_: &Parts| async {
        Err::<Principal, _>(Rejection::missing(Challenge::new(AuthScheme::from_static("Never"))))
    })
    .credential_header(http::HeaderName::from_static("x-never"));
    let bearer = Bearer::new([("ci", "tok")]).unwrap();
    let all = any_of((any_of((bearer, ApiKey)).boxed(), never));
    let (router, seen) = recorder();
    let app = router.layer(McpAuthLayer::new(all).public_path(ExactPath::from_static("/health")));

    let keys = [("x-api-key", "k"), ("x-never", "n"), ("x-other", "o")];
    let both = [keys.as_slice(), &[("authorization", "Bearer tok")]].concat();
    for (path, fields) in [("/", &keys[..]), ("/", &both), ("/health", &both)] {
        assert_eq!(send(app.clone(), get(path, fields)).await.status, 200);
        let head = seen.only();
        assert_eq!(head.headers.len(), 1, "{path}: {:?}", head.headers);
        assert_eq!(head.headers["x-other"], "o");
    }
    // Servers that pass headers on as variables cannot distinguish these names.
    let spelled = [("x-api-key", "k"), ("x_never", "n"), ("x.never", "n"), ("x-other", "o")];
    let once = [&spelled[..2], &spelled[3..]].concat();
    assert_eq!(send(app.clone(), get("/", &once)).await.status, 200);
    assert_eq!(seen.only().headers.len(), 1);
    // Duplicates of every credential header are rejected, not only of `Authorization`.
    for duplicate in [
        &[("x-api-key", "k"), ("x-api-key", "k2")][..],
        &[("x-api-key", "k"), ("x_api_key", "k2")],
        &[("authorization", "Bearer tok"), ("x-api-key", "k"), ("x.api.key", "k")],
        &spelled,
    ] {
        assert_eq!(send(app.clone(), get("/", duplicate)).await.status, 400, "{duplicate:?}");
    }
    assert_eq!(seen.count(), 0);
}
