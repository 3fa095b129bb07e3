//! Case 63: an issuer that responds, and not with its keys.

use futures::future::join_all;

use super::issuer::Fault;
use super::{Scene, assert_unavailable};
use crate::support::access_token::SigningKey;

const FAULTS: [Fault; 8] = [
    Fault::ServerError,
    Fault::Html,
    Fault::Redirect,
    Fault::Large,
    Fault::OnlyUnusableKeys,
    Fault::OtherIssuer,
    Fault::Stall,
    Fault::Drip,
];

#[tokio::test]
async fn keys_are_kept_whatever_is_wrong_with_the_issuer() {
    let [key, unknown] = [SigningKey::ed25519(), SigningKey::ed25519()];
    join_all(FAULTS.map(async |fault| {
        let scene = Scene::with(&[("a", &key)]);
        assert_eq!(scene.status(&scene.token("a", &key)).await, 200);
        scene.issuer.has(fault);
        match scene.keys.refresh().await {
            // The metadata is not read again while the keys work.
            Ok(()) => assert_eq!(fault, Fault::OtherIssuer),
            Err(error) => {
                assert!(error.to_string().contains("/keys: "), "{fault:?}: {error}");
                assert_unavailable(&scene.respond(&scene.token("b", &unknown)).await);
            }
        }
        assert_eq!(scene.status(&scene.token("a", &key)).await, 200, "{fault:?}");
        // A wrong signature is wrong all the same.
        assert_eq!(scene.status(&scene.token("a", &unknown)).await, 401, "{fault:?}");
    }))
    .await;
}

#[tokio::test]
async fn without_keys_tokens_are_unavailable_until_there_are_some() {
    let key = SigningKey::ed25519();
    join_all(FAULTS.map(async |fault| {
        let scene = Scene::with(&[("a", &key)]);
        scene.issuer.has(fault);
        assert_unavailable(&scene.respond(&scene.token("a", &key)).await);
        assert!(!scene.keys.is_ready());
        scene.issuer.has(Fault::None);
        scene.keys.refresh().await.unwrap();
        assert!(scene.keys.is_ready());
        assert_eq!(scene.status(&scene.token("a", &key)).await, 200, "{fault:?}");
    }))
    .await;
}
