//! Authenticators that panic, hang or are slow: the layer fails closed with 503.

use std::future::pending;
use std::time::Duration;

use http::request::Parts;
use mcp_auth_layer::{
    Authenticated, Authenticator, McpAuthLayer, Principal, Rejection, authenticate_fn,
};

use crate::support::{get, protected, recorder, send};

/// Panics in one of its methods.
#[derive(Default)]
pub struct Panicking {
    pub now: bool,
    pub before_the_future: bool,
}

impl Authenticator for Panicking {
    #[allow(clippy::manual_async_fn, reason = "to panic before there is a future")]
    fn authenticate(
        &self,
        _: &Parts,
    ) -> impl Future<Output = Result<Authenticated, Rejection>> + Send {
        assert!(!self.before_the_future, "the password is hunter2");
        async { panic!("the password is hunter2") }
    }

    fn authenticate_now(&self, _: &Parts) -> Option<Result<Authenticated, Rejection>> {
        assert!(!self.now, "the password is hunter2");
        None
    }
}

#[tokio::test]
async fn panicking_authenticator_is_503_without_the_message() {
    for panicking in [
        Panicking { now: true, ..Panicking::default() },
        Panicking { before_the_future: true, ..Panicking::default() },
        Panicking::default(),
    ] {
        let (app, seen) = protected(panicking);
        let response = send(app, get("/", &[])).await;
        assert_eq!((response.status.as_u16(), seen.count()), (503, 0));
        assert!(!response.body.contains("hunter2"));
    }
}

#[tokio::test(start_paused = true)]
async fn hanging_authenticator_is_503_after_the_timeout() {
    async fn hang(_: &Parts) -> Result<Principal, Rejection> {
        pending().await
    }
    let (router, seen) = recorder();
    let limit = Duration::from_secs(2);
    let app = router.layer(McpAuthLayer::new(authenticate_fn(hang)).authenticator_timeout(limit));
    let start = tokio::time::Instant::now();
    assert_eq!(send(app, get("/", &[])).await.status, 503);
    assert_eq!((start.elapsed().as_secs(), seen.count()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn slow_authenticator_within_the_timeout_is_accepted() {
    let slowly = |_: &Parts| async {
        tokio::time::sleep(Duration::from_secs(9)).await;
        Ok(Principal::new("slow"))
    };
    let (app, seen) = protected(authenticate_fn(slowly));
    assert_eq!(send(app, get("/", &[])).await.status, 200);
    assert_eq!(seen.principal(), "slow");
}
