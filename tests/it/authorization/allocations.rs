//! What authorization costs those whom it does not concern. Case 138.

use std::convert::Infallible;
use std::future::ready;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use tower::{Layer, Service, service_fn};

use super::*;

/// How many allocations a call makes of a service that does nothing.
fn allocations(layer: &McpAuthLayer<Bearer>, request: &Sent) -> u64 {
    let nothing = service_fn(|_: Request| ready(Ok::<Response, Infallible>(Response::default())));
    let mut service = layer.layer(nothing);
    let mut counts = [0_u64; 3].map(|_| {
        let request = request.request();
        let counted = measure(|| {
            let response = pin!(service.call(request));
            let polled = response.poll(&mut Context::from_waker(Waker::noop()));
            let Poll::Ready(Ok(response)) = polled else { panic!("nothing here has to wait") };
            assert_eq!(response.status(), 200);
        });
        counted.count_total
    });
    // The first call may register log events and metrics.
    counts.sort_unstable();
    counts[0]
}

#[test]
fn unrestricted_principals_cost_no_allocation() {
    log::set_up();
    let layer = || McpAuthLayer::bearer("token-of-alice");
    let unrestricted = Policy::new()
        .allow(principal("bearer"), everything())
        .allow(principal("ci"), tools(["search", "read_*"]))
        .deny(principal("ci"), tools(["read_internal"]));
    let with_unrestricted = layer().authorize(unrestricted);
    let with_restricted = layer().authorize(policy().allow(principal("bearer"), tools(["search"])));
    let request = sent(tool("search")).by(ALICE);
    let without = allocations(&layer(), &request);
    assert_eq!(allocations(&with_unrestricted, &request), without);
    // The message of a restricted principal is read, which the counter sees.
    assert!(allocations(&with_restricted, &request) > without);
}
