//! What a credential of a file costs beside one that was given plainly: a password that is
//! remembered, to decide alone and through the layer, and a token of which the file has a digest.
//!
//! ```sh
//! cargo bench --bench password
//! ```

mod harness;

use std::convert::Infallible;
use std::future::ready;
use std::net::Ipv4Addr;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use harness::{contender, measure, measuring, now, service};
use http::StatusCode;
use http::header::AUTHORIZATION;
use mcp_auth_layer::{Authenticator, Basic, Bearer, ClientIp, McpAuthLayer, RateLimit};
use tower::{Layer, service_fn};

/// Of `correct horse battery staple`, at a cost of 5.
const HTPASSWD: &str = "alice:$2y$05$GL3oJF0/NLVPfDRUbvYQ.eLObdAR8KYQw3XpLet9AuktM2sJy8vGK";
const AUTHORIZED: &str = "Basic YWxpY2U6Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ==";

const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7XwZb9tQ0sJw2uLx4hVn6pRa";
const SHA256: &str = "dd04f1579dd9eef237658de9e0abf63fbe37a216b3c2a1db64dcf95c3d5c91d5";

fn main() {
    let rounds = if measuring() { 4000 } else { 1 };
    let given = || Basic::new([("alice", "correct horse battery staple")]).expect("well-formed");
    let remembered = || {
        let users = Basic::from_htpasswd(HTPASSWD).expect("well-formed");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let admitted = runtime.block_on(users.authenticate(&request().into_parts().0));
        assert!(admitted.is_ok());
        users
    };
    let decide = |name, users: Basic| {
        let heads = || request().into_parts().0;
        contender(name, heads, move |head| {
            (users.authenticate_now(&head).is_some_and(|judged| judged.is_ok()), head)
        })
    };
    let verify = {
        let users = remembered();
        let heads = || request().into_parts().0;
        contender("remembered, in a future", heads, move |head| {
            now(async { (users.authenticate(&head).await.is_ok(), head) })
        })
    };
    let guarded = |name, layer: McpAuthLayer<Basic>| {
        let nothing =
            service_fn(|_: Request| ready(Ok::<Response, Infallible>(Response::default())));
        service(name, StatusCode::OK, layer.layer(nothing), request)
    };
    let alone = vec![decide("given", given()), decide("remembered", remembered()), verify];
    measure("Basic, to decide", rounds, alone);
    let address = ClientIp::from_fn(|_| Some(Ipv4Addr::LOCALHOST.into()));
    let limited = McpAuthLayer::new(remembered()).rate_limit(RateLimit::by(address));
    let guarded =
        vec![guarded("given", McpAuthLayer::new(given())), guarded("remembered", limited)];
    measure("Basic, through the layer", rounds, guarded);

    let decide = |name, tokens: Bearer| {
        let heads = || {
            let request = Request::post("/mcp").header(AUTHORIZATION, format!("Bearer {TOKEN}"));
            request.body(Body::empty()).expect("it is valid").into_parts().0
        };
        contender(name, heads, move |head| {
            (tokens.authenticate_now(&head).is_some_and(|judged| judged.is_ok()), head)
        })
    };
    let given = Bearer::new([("ci", TOKEN)]).expect("well-formed");
    let tokens = vec![decide("given", given), decide("of a file", of_file())];
    measure("Bearer, to decide", rounds, tokens);
}

fn of_file() -> Bearer {
    let file = std::env::temp_dir().join(format!("mcp-auth-layer-{}", std::process::id()));
    std::fs::write(&file, format!("ci sha256:{SHA256}")).expect("a temporary file");
    #[cfg(unix)] // whatever the umask is
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("its owner");
    let tokens = Bearer::from_file(&file).expect("well-formed");
    let _ = std::fs::remove_file(&file);
    tokens
}

fn request() -> Request {
    let request = Request::post("/mcp").header(AUTHORIZATION, AUTHORIZED);
    request.body(Body::empty()).expect("it is valid")
}
