//! The response of the inner service, on its way to the client.

use axum_core::body::Body;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, Entry,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Body as _;

use super::authorization::{Filtered, Initialized, ListStream, PathId};
use super::event_stages::EventStages;
use super::exchange::Exchange;
use super::response_body::ProtectedBody;
use super::state::expose_challenges;
use crate::auth::{BoxError, Ended, Rejection, RejectionKind};
use crate::telemetry::{self, OpenStream};

impl Exchange {
    /// Processes the response of the inner service. If the caller waited for the end of the
    /// lifetime before, it passes that future on.
    ///
    /// Most responses are no event streams: of these only header fields are looked at.
    pub(super) fn respond<R>(
        mut self,
        mut response: Response<R>,
        ended: Option<Ended>,
    ) -> Response<Body>
    where
        R: http_body::Body<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
    {
        let (status, bounded) = (response.status(), self.lifetime.is_bounded());
        if (bounded || self.is_restricted) && status == StatusCode::SWITCHING_PROTOCOLS {
            return self.unprotectable(
                "the inner service upgraded to a protocol that the layer could neither end nor read",
            );
        }
        self.complete_challenges(&mut response);
        let session_ids = &self.state.config.session_ids;
        let headers = response.headers_mut();
        // A stream may be open for long, and the value shares the memory of the request's head.
        let session = self.session.take();
        session_ids.bind_header(headers, &self.principal, session.as_ref());
        prevent_shared_caching(headers);
        let is_stream = is_event_stream(headers);
        // Announcements in an encoded response are not read: clients then receive no `list_changed`, a convenience.
        let begins_at = self
            .begins_at
            .filter(|_| headers.contains_key(session_ids.header()) && !is_encoded(headers));
        if is_stream {
            return self.respond_with_stream(response, begins_at, ended);
        }
        let response = response.map(|body| match begins_at {
            Some(at) => {
                Body::new(Initialized::new(Body::new(body), self.state.open_streams.clone(), at))
            }
            None => Body::new(body),
        });
        // A body of known length is not touched: most of it is in memory already.
        if !bounded || response.body().size_hint().exact().is_some() {
            return response;
        }
        let ended = ended.or_else(|| self.ended());
        response.map(|body| Body::new(ProtectedBody::new(body, self, None, false, ended, None)))
    }

    /// Processes an event stream of the inner service, whatever length it announces. `begins_at` is where the session
    /// begins, if one does.
    fn respond_with_stream<R>(
        self,
        mut response: Response<R>,
        begins_at: Option<PathId>,
        ended: Option<Ended>,
    ) -> Response<Body>
    where
        R: http_body::Body<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
    {
        let filters = self.filtered != Filtered::Nothing || begins_at.is_some();
        let rewrites = filters || self.state.config.session_ids.are_bound();
        if rewrites && let Err(cause) = self.check_stream(&response) {
            return self.unprotectable(cause);
        }
        let bounded = self.lifetime.is_bounded();
        let counted = OpenStream::open();
        if !(rewrites || bounded || OpenStream::IS_COUNTED) {
            return response.map(Body::new);
        }
        response.headers_mut().remove(CONTENT_LENGTH);
        let ended = if bounded { ended.or_else(|| self.ended()) } else { None };
        let lists = filters.then(|| self.list_stream(begins_at));
        let stages = rewrites.then(|| EventStages::new(lists));
        response.map(|body| {
            Body::new(ProtectedBody::new(Body::new(body), self, stages, true, ended, Some(counted)))
        })
    }

    /// Completes the challenges of a [`Rejection`] that a handler returned, which does not know the resource.
    /// Responses that the inner service made in another way keep theirs.
    fn complete_challenges<R>(&self, response: &mut Response<R>) {
        let Some(resource) = self.resource.as_deref() else { return };
        let Some(rejection) = response.extensions().get::<Rejection>() else { return };
        if rejection.asks_for_token() && rejection.status() == response.status() {
            let rejection = self.state.complete(rejection.clone(), Some(resource));
            rejection.write_challenges(response.headers_mut(), &self.state.config.realm);
            expose_challenges(response.headers_mut());
            response.extensions_mut().insert(rejection);
        }
    }

    /// Checks that an event stream can be read as every client reads it.
    fn check_stream<R>(&self, response: &Response<R>) -> Result<(), &'static str> {
        let headers = response.headers();
        if is_encoded(headers) {
            return Err("an encoded event stream cannot be read: compress it outside of the layer");
        }
        if self.filtered == Filtered::Nothing {
            return Ok(());
        }
        if is_part(response.status(), headers) {
            return Err("a part of an event stream may begin within a list");
        }
        match headers.get_all(CONTENT_TYPE).iter().count() {
            1 => Ok(()),
            _ => Err("clients read a response of two types in different ways"),
        }
    }

    /// Returns the filter of an event stream. `begins_at` is where the session begins, if one does.
    fn list_stream(&self, begins_at: Option<PathId>) -> ListStream {
        let list_limit = self.state.config.authorization.list_limit();
        match &self.kept_open_at {
            Some(path) => ListStream::kept_open(list_limit, self.state.open_streams.open(path)),
            None => ListStream::response(list_limit, begins_at),
        }
    }

    /// Returns the response instead of one that cannot be protected.
    pub(super) fn unprotectable(&self, cause: &str) -> Response<Body> {
        self.log_withheld(cause);
        let kind = RejectionKind::UnprotectableResponse;
        self.reject(Rejection::new(kind, "the server's response cannot be protected"))
    }

    /// Logs why a response is not sent, or not to its end.
    pub(super) fn log_withheld(&self, cause: &str) {
        let kind = RejectionKind::UnprotectableResponse;
        telemetry::response_withheld(self.scheme.to_cow(), kind.as_str(), cause);
    }
}

/// Makes a response private if the inner service does not say who may store it: RFC 9111 §3.5 keeps shared caches from
/// storing responses to `Authorization` alone. An empty field says nothing.
fn prevent_shared_caching(headers: &mut HeaderMap) {
    const PRIVATE: HeaderValue = HeaderValue::from_static("private");
    match headers.entry(CACHE_CONTROL) {
        Entry::Vacant(none) => _ = none.insert(PRIVATE),
        Entry::Occupied(mut values) => {
            if values.iter().all(|value| value.as_bytes().trim_ascii().is_empty()) {
                values.insert(PRIVATE);
            }
        }
    }
}

pub(super) fn is_event_stream(headers: &HeaderMap) -> bool {
    // Responses have few fields: comparing their names takes less than hashing this one.
    headers.iter().filter(|(name, _)| *name == CONTENT_TYPE).any(|(_, value)| {
        let essence = value.as_bytes().split(|&byte| byte == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
    })
}

/// Returns whether the body is a part of what the client asked for.
pub(super) fn is_part(status: StatusCode, headers: &HeaderMap) -> bool {
    status == StatusCode::PARTIAL_CONTENT || headers.contains_key(CONTENT_RANGE)
}

/// Returns whether there is a content coding. Servers send `none` to keep proxies from compressing a
/// stream, and clients ignore it.
pub(super) fn is_encoded(headers: &HeaderMap) -> bool {
    let is_coding = |coding: &[u8]| {
        let nothing = [&b""[..], b"identity", b"none"];
        !nothing.iter().any(|nothing| coding.trim_ascii().eq_ignore_ascii_case(nothing))
    };
    let values = headers.get_all(CONTENT_ENCODING).iter();
    values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).any(is_coding)
}
