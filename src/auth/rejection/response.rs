//! The response of a rejection.

use std::io::Write as _;

use axum_core::body::Body;
use axum_core::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response};

use super::Rejection;
use crate::auth::realm::Realm;
use crate::auth::rejection_kind::RejectionKind;

impl Rejection {
    /// Replaces the challenges of a response that was made of this rejection elsewhere.
    pub(crate) fn write_challenges(&self, headers: &mut HeaderMap, realm: &Realm) {
        headers.remove(WWW_AUTHENTICATE);
        for challenge in &self.0.challenges {
            headers.append(WWW_AUTHENTICATE, challenge.to_header(realm));
        }
    }

    /// Returns the body of the response, written into one buffer.
    fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::with_capacity(self.0.message.len() + 128);
        let is_registration = self.kind() == RejectionKind::NoRegistration;
        if is_registration {
            json.extend_from_slice(br#"{"error":"invalid_request","error_description":"#);
        } else {
            let (code, id) = match &self.0.json_rpc {
                Some((code, id)) => (*code, &**id),
                None => (i32::from(self.status().as_u16()), "null"),
            };
            let _ =
                write!(json, r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"#);
        }
        serde_json::to_writer(&mut json, &self.0.message).expect("a string is JSON");
        json.extend_from_slice(if is_registration { b"}" } else { b"}}" });
        json
    }

    pub(crate) fn to_response(&self, realm: &Realm) -> Response<Body> {
        let mut response = Response::new(Body::from(self.to_json()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self.write_challenges(headers, realm);
        for (name, value) in &self.0.headers {
            headers.append(name, value.clone());
        }
        if let Some(wait) = self.0.retry_after {
            let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

/// For handlers and extractors outside of the layer: the response has the realm `mcp`.
impl IntoResponse for Rejection {
    fn into_response(self) -> Response<Body> {
        let mut response = self.to_response(&Realm::default());
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn insufficient_scope_has_the_challenge_of_rfc_6750() {
        let response = Rejection::insufficient_scope(["a:b", "c"]).to_response(&Realm::default());
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert_eq!(
            response.headers()[WWW_AUTHENTICATE],
            r#"Bearer realm="mcp", error="insufficient_scope", scope="a:b c""#
        );
    }
}
