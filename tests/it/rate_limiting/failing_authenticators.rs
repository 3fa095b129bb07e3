//! Authenticators that fail, which is no failure of their clients.

use super::*;

#[tokio::test]
async fn panic_in_attempt_is_503() {
    struct Panics;
    impl Authenticator for Panics {
        async fn authenticate(
            &self,
            _: &Parts,
        ) -> Result<mcp_auth_layer::auth::Authenticated, Rejection> {
            Ok(Principal::new("anybody").into())
        }

        fn attempt(&self, _: &Parts) -> Option<mcp_auth_layer::auth::Attempt> {
            panic!("a bug")
        }
    }
    let app = app(Panics, by_header());
    assert_eq!(status(&app, "192.0.2.1", "Bearer x").await, 503);
}

/// An unavailable backend does not count as a failed attempt of its clients.
#[tokio::test]
async fn unavailable_authenticator_is_no_failed_attempt() {
    let down = authenticate_fn(|head: &Parts| {
        let wrong = head.headers["authorization"] == "Bearer wrong";
        async move {
            if wrong {
                Err::<Principal, _>(Rejection::invalid(Challenge::new(AuthScheme::from_static(
                    "Bearer",
                ))))
            } else {
                Err(Rejection::unavailable())
            }
        }
    });
    let app = app(down, small_limits());
    for _ in 0..20 {
        assert_eq!(status(&app, "192.0.2.1", "Bearer right").await, 503);
    }
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(status(&app, "192.0.2.1", "Bearer wrong").await);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
}
