//! The response of the inner service, on its way to the client.

use axum_core::body::Body;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::exchange::Exchange;
use super::response_body::ProtectedBody;
use super::state::expose_challenges;
use crate::auth::{BoxError, Ended, Rejection, RejectionKind};
use crate::session::Rewriter;
use crate::telemetry::{self, OpenStream};

impl Exchange {
    /// Processes the response of the inner service. If the caller waited for the end of the
    /// lifetime before, it passes that future on.
    pub(super) fn respond<R>(self, response: Response<R>, ended: Option<Ended>) -> Response<Body>
    where
        R: http_body::Body<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
    {
        let (mut head, body) = response.into_parts();
        let bounded = self.lifetime.is_bounded();
        if bounded && head.status == StatusCode::SWITCHING_PROTOCOLS {
            // The layer could not end the other protocol.
            return self.unprotectable("the inner service upgraded, and the credential may expire");
        }
        self.complete_challenges(&mut head);
        let session_ids = &self.state.config.session_ids;
        session_ids.bind_header(&mut head.headers, &self.principal);
        // RFC 9111 §3.5 keeps shared caches from storing responses to `Authorization` alone.
        // An empty field has no directive.
        let mut directives = head.headers.get_all(CACHE_CONTROL).iter();
        if directives.all(|value| value.as_bytes().trim_ascii().is_empty()) {
            head.headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
        }
        let is_stream = is_event_stream(&head.headers);
        let binds = is_stream && session_ids.are_bound();
        if binds && is_encoded(&head.headers) {
            return self.unprotectable(
                "the IDs of an encoded event stream cannot be bound: compress it outside of the layer",
            );
        }
        // A body of known length is not touched: most of it is in memory already. An event stream is
        // not, whatever length it announces.
        let bounded = bounded && (is_stream || body.size_hint().exact().is_none());
        let counted = is_stream.then(OpenStream::open);
        let is_counted = is_stream && OpenStream::IS_COUNTED;
        if !(binds || bounded || is_counted) {
            return Response::from_parts(head, Body::new(body));
        }
        if is_stream {
            head.headers.remove(CONTENT_LENGTH);
        }
        let ended = if bounded { ended.or_else(|| self.ended()) } else { None };
        let rewriter = binds.then(Rewriter::new);
        let body = ProtectedBody::new(Body::new(body), self, rewriter, is_stream, ended, counted);
        Response::from_parts(head, Body::new(body))
    }

    /// Completes the challenges of a [`Rejection`] that a handler returned, which does not know the resource.
    /// Responses that the inner service made in another way keep theirs.
    fn complete_challenges(&self, head: &mut Parts) {
        let Some(resource) = self.resource.as_deref() else { return };
        let Some(rejection) = head.extensions.get::<Rejection>() else { return };
        if rejection.asks_for_token() && rejection.status() == head.status {
            let rejection = self.state.complete(rejection.clone(), Some(resource));
            rejection.write_challenges(&mut head.headers, &self.state.config.realm);
            expose_challenges(&mut head.headers);
            head.extensions.insert(rejection);
        }
    }

    /// Returns the response instead of one that cannot be protected.
    fn unprotectable(&self, cause: &str) -> Response<Body> {
        let kind = RejectionKind::UnprotectableResponse;
        telemetry::response_withheld(self.scheme.to_cow(), kind.as_str(), cause);
        self.reject(Rejection::new(kind, "the server's response cannot be protected"))
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_TYPE).iter().any(|value| {
        let essence = value.as_bytes().split(|&byte| byte == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
    })
}

/// Returns whether there is a content coding. Servers send `none` to keep proxies from compressing a
/// stream, and clients ignore it.
fn is_encoded(headers: &HeaderMap) -> bool {
    let is_coding = |coding: &[u8]| {
        let nothing = [&b""[..], b"identity", b"none"];
        !nothing.iter().any(|nothing| coding.trim_ascii().eq_ignore_ascii_case(nothing))
    };
    let values = headers.get_all(CONTENT_ENCODING).iter();
    values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).any(is_coding)
}
