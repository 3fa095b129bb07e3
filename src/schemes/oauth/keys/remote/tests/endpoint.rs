//! Keys of a fake authorization server over HTTP.

use super::*;
use crate::schemes::oauth::OAuthConfigError;
use crate::schemes::oauth::http::fake_server::{Answer, FakeServer};
use crate::schemes::oauth::issuer::Issuer;

/// What a server answers at its paths: 404 elsewhere. `ORIGIN` stands for its own.
type Site = Arc<Mutex<Vec<(&'static str, Answer)>>>;

const OAUTH: &str = "/.well-known/oauth-authorization-server/a";
const OPENID_INSERTED: &str = "/.well-known/openid-configuration/a";
const OPENID: &str = "/a/.well-known/openid-configuration";

async fn serve() -> (Site, FakeServer) {
    let site = Site::default();
    let pages = site.clone();
    let server = FakeServer::start(move |path| {
        let pages = pages.lock().unwrap();
        let page = pages.iter().rev().find(|page| page.0 == path);
        page.map_or_else(|| Answer::status(404, "", "not here"), |page| page.1.clone())
    })
    .await;
    (site, server)
}

impl FakeServer {
    fn endpoint(&self) -> Endpoint {
        Endpoint::discovered(&Issuer::parse(format!("{}/a", self.url)).unwrap()).unwrap()
    }

    fn metadata(&self, keys: &str) -> Answer {
        let url = &self.url;
        Answer::ok(format!(r#"{{"issuer":"{url}/a","jwks_uri":"{url}{keys}"}}"#))
    }
}

fn publish(site: &Site, path: &'static str, answer: Answer) {
    site.lock().unwrap().push((path, answer));
}

async fn error(endpoint: &Endpoint) -> String {
    endpoint.fetch().await.err().expect("it fails").to_string()
}

#[tokio::test]
async fn keys_are_found_by_each_kind_of_metadata() {
    let paths = [OAUTH, OPENID_INSERTED, OPENID];
    for (tried, location) in paths.iter().enumerate() {
        let (site, server) = serve().await;
        publish(&site, location, server.metadata("/keys"));
        publish(&site, "/keys", Answer::ok(jwks(&["a"])));
        assert_eq!(server.endpoint().fetch().await.unwrap().keys.len(), 1);
        assert_eq!(server.paths(), [&paths[..=tried], &["/keys"]].concat());
    }
}

#[tokio::test]
async fn a_page_in_place_of_metadata_is_passed_over() {
    let (site, server) = serve().await;
    publish(&site, OAUTH, Answer::ok("<html>welcome</html>"));
    publish(&site, OPENID_INSERTED, Answer::status(302, "location: /login\r\n", ""));
    publish(&site, OPENID, server.metadata("/keys"));
    publish(&site, "/keys", Answer::ok(jwks(&["a"])));
    assert!(server.endpoint().fetch().await.is_ok());
}

#[tokio::test]
async fn metadata_of_another_issuer_says_so() {
    let (site, server) = serve().await;
    let url = &server.url;
    let other = format!(r#"{{"issuer":"{url}/a/","jwks_uri":"{url}/keys"}}"#);
    publish(&site, OPENID, Answer::ok(other));
    publish(&site, "/keys", Answer::ok(jwks(&["a"])));
    let error = error(&server.endpoint()).await;
    for issuer in [format!("\"{url}/a/\""), format!("\"{url}/a\"")] {
        assert!(error.contains(&issuer), "{error}");
    }
    assert!(!server.paths().contains(&"/keys".to_owned()));
}

#[tokio::test]
async fn discovered_keys_are_discovered_again_once_they_fail() {
    let (site, server) = serve().await;
    publish(&site, OAUTH, server.metadata("/keys"));
    publish(&site, "/keys", Answer::ok(jwks(&["a"])));
    let endpoint = server.endpoint();
    for paths in [&[OAUTH, "/keys"][..], &["/keys"]] {
        assert!(endpoint.fetch().await.is_ok());
        assert_eq!(server.paths(), paths);
    }
    publish(&site, OAUTH, server.metadata("/moved"));
    publish(&site, "/keys", Answer::status(410, "", ""));
    publish(&site, "/moved", Answer::ok(jwks(&["b"])));
    assert!(error(&endpoint).await.contains("status 410"));
    assert_eq!(server.paths(), ["/keys"]);
    assert!(endpoint.fetch().await.is_ok());
    assert_eq!(server.paths(), [OAUTH, "/moved"]);
}

/// A host that the metadata does not name any more must not provide keys for ever.
#[tokio::test]
async fn discovered_keys_are_discovered_again_after_an_hour() {
    let (site, server) = serve().await;
    publish(&site, OAUTH, server.metadata("/keys"));
    publish(&site, "/keys", Answer::ok(jwks(&["a"])));
    publish(&site, "/moved", Answer::ok(jwks(&["b"])));
    let endpoint = server.endpoint();
    assert!(endpoint.fetch().await.is_ok());
    publish(&site, OAUTH, server.metadata("/moved"));
    let later = async |seconds| {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(seconds)).await;
        tokio::time::resume();
        server.requests();
        assert!(endpoint.fetch().await.is_ok());
        server.paths()
    };
    assert_eq!(later(3590).await, ["/keys"]);
    assert_eq!(later(10).await, [OAUTH, "/moved"]);
    assert_eq!(later(10).await, ["/moved"]);
}

#[tokio::test]
async fn only_a_set_with_a_usable_key_is_accepted() {
    let (site, server) = serve().await;
    let issuer = Issuer::parse(format!("{}/a", server.url)).unwrap();
    let endpoint = Endpoint::configured(&issuer, format!("{}/keys", server.url)).unwrap();
    let padded = |size: usize| {
        let keys = jwks(&["a"]);
        let padding = " ".repeat(size - keys.len());
        Answer::ok(keys + &padding)
    };
    for answer in [Answer::ok(jwks(&["a"])), padded(256 * 1024)] {
        publish(&site, "/keys", answer);
        assert!(endpoint.fetch().await.is_ok());
    }
    let symmetric = r#"{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"a"}]}"#;
    for (answer, problem) in [
        (padded(256 * 1024 + 1), "more than 262144 bytes"),
        (padded(300 * 1024), "more than 262144 bytes"),
        (Answer::ok("<html></html>"), "not a JWK set"),
        (Answer::ok(r#"{"keys":[]}"#), "none of the 0 keys"),
        (Answer::ok(symmetric), "none of the 1 keys"),
        (Answer::status(500, "", jwks(&["a"])), "status 500"),
        (Answer::status(302, "location: /keys2\r\n", jwks(&["a"])), "redirects"),
        (Answer::HangUp, "cannot be reached"),
    ] {
        publish(&site, "/keys", answer);
        let error = error(&endpoint).await;
        assert!(error.contains(problem) && error.contains("/keys: "), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_asked_once() {
    let (site, server) = serve().await;
    publish(&site, OAUTH, Answer::HangUp);
    assert!(error(&server.endpoint()).await.contains("cannot be reached"));
    assert_eq!(server.paths(), [OAUTH]);
}

#[tokio::test]
async fn the_freshness_of_keys_is_that_of_their_response() {
    let (site, server) = serve().await;
    publish(&site, OAUTH, server.metadata("/keys"));
    for (fields, seconds) in [("cache-control: max-age=90\r\n", Some(90)), ("", None)] {
        publish(&site, "/keys", Answer::status(200, fields, jwks(&["a"])));
        let max_age = server.endpoint().fetch().await.unwrap().max_age;
        assert_eq!(max_age, seconds.map(Duration::from_secs));
    }
}

#[test]
fn configured_keys_are_at_an_https_url() {
    let issuer = Issuer::parse(ISSUER).unwrap();
    assert!(Endpoint::configured(&issuer, "https://keys.example.com/a".into()).is_ok());
    for url in ["http://keys.example.com/a", "http://127.0.0.1/a", "keys", ""] {
        let error = Endpoint::configured(&issuer, url.into()).err().expect("it is refused");
        assert!(matches!(error, OAuthConfigError::InvalidUrl { .. }), "{error}");
        assert!(error.to_string().contains("is not the URL of a JWK set"), "{error}");
    }
}
