//! CORS preflights.

use http::Method;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};
use http::request::Parts;

/// Returns whether a request is the CORS preflight of the Fetch standard (§4.8), which browsers send without
/// credentials.
pub(super) fn is_preflight(head: &Parts, has_body: bool) -> bool {
    head.method == Method::OPTIONS
        && head.headers.contains_key(ORIGIN)
        && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        && !has_body
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn preflights_are_options_with_both_headers_and_no_body() {
        let head = |method: &str, headers: &[&str]| {
            let mut request = Request::builder().method(method);
            for name in headers {
                request = request.header(*name, "x");
            }
            request.body(()).unwrap().into_parts().0
        };
        let both = ["origin", "access-control-request-method"];
        assert!(is_preflight(&head("OPTIONS", &both), false));
        assert!(!is_preflight(&head("OPTIONS", &both), true));
        assert!(!is_preflight(&head("POST", &both), false));
        assert!(!is_preflight(&head("OPTIONS", &both[..1]), false));
        assert!(!is_preflight(&head("OPTIONS", &both[1..]), false));
    }
}
