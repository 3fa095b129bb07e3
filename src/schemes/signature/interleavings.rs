//! Copies of a signed request that race with each other.

use std::sync::Arc;

use http::request::Parts;

use super::*;
use crate::auth::Rejection;
use crate::stores::MemoryReplayStore;
use crate::sync::{explore, join_all};

async fn request(
    signatures: Arc<HttpSignature<MemoryReplayStore>>,
    head: Parts,
) -> Result<(), Rejection> {
    let reserved = signatures.verify_chosen(&head)?.reserve().await?;
    reserved.verify_body(b"").await
}

fn signed_head() -> Parts {
    let mut request = http::Request::get("http://localhost/").body("").unwrap();
    Signer::new("ci", [7; 32]).unwrap().sign(&mut request).unwrap();
    request.into_parts().0
}

#[test]
fn one_of_racing_copies_of_a_request_is_accepted() {
    explore(|| {
        let signatures = Arc::new(HttpSignature::new([("ci", [7; 32])]).unwrap());
        let (one, other) = (signed_head(), signed_head());
        let heads = [&one, &one, &one, &other].map(Parts::clone);
        let verdicts = join_all(heads.map(|head| request(signatures.clone(), head)));
        let accepted = |verdicts: &[Result<_, _>]| verdicts.iter().filter(|v| v.is_ok()).count();
        assert_eq!((accepted(&verdicts[..3]), accepted(&verdicts[3..])), (1, 1));
    });
}
