//! Parameters of a signature: types, validity window, algorithm and tag.

use std::time::Duration;

use super::{Scripted, hmac, shared, status, verify};
use crate::support::forged_request::{Forged, now};

#[tokio::test]
async fn every_parameter_of_the_profile_is_required_and_typed() {
    for parameter in ["created", "expires", "nonce", "keyid"] {
        assert_eq!(status(Forged::get().without(parameter)).await, 401, "{parameter}");
        for wrong in ["", "?0", "tok", ":AAAA:", "1.5"] {
            assert_eq!(
                status(Forged::get().with(parameter, wrong)).await,
                401,
                "{parameter}={wrong}"
            );
        }
    }
    let text = format!("\"{}\"", now());
    assert_eq!(status(Forged::get().with("created", text)).await, 401);
    assert_eq!(status(Forged::get().with("nonce", 7)).await, 401);
}

#[tokio::test]
async fn validity_window_is_bounded() {
    let forged = |created: i64, expires: i64| {
        let now = now() as i64;
        let at = |offset: i64| (now + offset).to_string();
        Forged::get().with("created", at(created)).with("expires", at(expires))
    };
    for (created, expires, status) in [
        (0, 300, 200),
        (0, 301, 401),  // the window is too long
        (0, 0, 401),    // the window is empty
        (0, -1, 401),   // it expires before it is created
        (50, 100, 200), // the client's clock is ahead
        (70, 100, 401),
        (-200, 90, 200),
        (-120, -50, 200), // the client's clock is behind
        (-130, -70, 401),
        (-400, -100, 401),
        (i64::MIN / 2, i64::MAX / 20_000, 400), // not an integer of structured fields
    ] {
        let response = verify(shared(), forged(created, expires).request()).await;
        assert_eq!(response.status, status, "{created} {expires}");
    }
    let narrow = || shared().window(Duration::from_secs(30)).skew(Duration::from_secs(5));
    assert_eq!(verify(narrow(), forged(0, 30).request()).await.status, 200);
    assert_eq!(verify(narrow(), forged(0, 31).request()).await.status, 401);
    assert_eq!(verify(narrow(), forged(10, 20).request()).await.status, 401);
    for odd in ["-5", "999999999999999"] {
        let created = Forged::get().with("created", odd);
        assert_eq!(verify(shared(), created.request()).await.status, 401, "{odd}");
    }
}

#[tokio::test]
async fn signatures_before_startup_need_a_shared_replay_store() {
    let early = || Forged::get().with("created", now() - 30);
    assert_eq!(verify(hmac(), early().request()).await.status, 401);
    let unshared = hmac().replay_store(Scripted { shared: false, ..Scripted::default() });
    assert_eq!(verify(unshared, early().request()).await.status, 401);
    let shared = hmac().replay_store(Scripted::default());
    assert_eq!(verify(shared, early().request()).await.status, 200);
}

#[tokio::test]
async fn algorithm_and_tag_are_verified_if_present() {
    assert_eq!(status(Forged::get().with("alg", "\"hmac-sha256\"")).await, 200);
    for other in ["\"hmac-sha512\"", "hmac-sha256", "\"HMAC-SHA256\"", "\"\"", "?1"] {
        assert_eq!(status(Forged::get().with("alg", other)).await, 401, "{other}");
    }
    assert_eq!(status(Forged::get().with("tag", "\"mcp\"")).await, 200, "no tag is required");
    let tagged = || hmac().tag("mcp");
    assert_eq!(verify(tagged(), Forged::get().with("tag", "\"mcp\"").request()).await.status, 200);
    assert_eq!(
        verify(tagged(), Forged::get().with("tag", "\"other\"").request()).await.status,
        401
    );
    assert_eq!(verify(tagged(), Forged::get().request()).await.status, 401);
}
