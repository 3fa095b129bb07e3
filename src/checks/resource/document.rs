//! The metadata document over HTTP.

use axum_core::body::Body;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW,
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};

use crate::auth::{Rejection, RejectionKind};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// A document that anyone may read, pages of every origin included.
pub(super) struct Document(Bytes);

impl Document {
    pub(super) fn new(json: Bytes) -> Self {
        Self(json)
    }

    /// Returns the response to a request of this method. It depends on nothing else of the request.
    ///
    /// A `*` in `Access-Control-Allow-Headers` does not include `Authorization` (Fetch standard), which
    /// MCP clients may add.
    pub(super) fn respond(&self, method: &Method) -> Result<Response<Body>, Rejection> {
        match *method {
            Method::GET => Ok(self.found(Body::from(self.0.clone()))),
            Method::HEAD => Ok(self.found(Body::empty())),
            Method::OPTIONS => {
                let fields = [
                    (ACCESS_CONTROL_ALLOW_ORIGIN, ANY),
                    (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
                    (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*, Authorization")),
                    (ALLOW, METHODS),
                ];
                Ok(response(StatusCode::NO_CONTENT, fields, Body::empty()))
            }
            _ => {
                let message = "the metadata of the resource can be read by GET alone";
                let rejection = Rejection::new(RejectionKind::MethodNotAllowed, message);
                Err(rejection.with_header(ALLOW, METHODS))
            }
        }
    }

    fn found(&self, body: Body) -> Response<Body> {
        let fields = [
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (CONTENT_LENGTH, HeaderValue::from(self.0.len())),
            (CACHE_CONTROL, HeaderValue::from_static("max-age=300")),
            (ACCESS_CONTROL_ALLOW_ORIGIN, ANY),
        ];
        response(StatusCode::OK, fields, body)
    }
}

fn response<const N: usize>(
    status: StatusCode,
    fields: [(HeaderName, HeaderValue); N],
    body: Body,
) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = HeaderMap::from_iter(fields);
    response
}
