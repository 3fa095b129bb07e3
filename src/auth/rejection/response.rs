//! The response of a rejection.

use std::borrow::Cow;

use axum_core::body::Body;
use axum_core::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response};

use super::Rejection;
use crate::auth::challenge::needs_no_escape;
use crate::auth::realm::Realm;
use crate::auth::rejection_kind::RejectionKind;

impl Rejection {
    /// Replaces the challenges of a response that was made of this rejection elsewhere.
    pub(crate) fn write_challenges(&self, headers: &mut HeaderMap, realm: &Realm) {
        headers.remove(WWW_AUTHENTICATE);
        self.append_challenges(headers, realm);
    }

    fn append_challenges(&self, headers: &mut HeaderMap, realm: &Realm) {
        for challenge in &self.0.challenges {
            headers.append(WWW_AUTHENTICATE, challenge.to_header(realm));
        }
    }

    /// Returns the body of the response, written into one buffer.
    fn to_json(&self) -> Vec<u8> {
        if self.kind() == RejectionKind::NoRegistration {
            return self
                .json_around_message(&[r#"{"error":"invalid_request","error_description":"#], "}");
        }
        let status = self.status();
        let (code, id) = match &self.0.json_rpc {
            Some((code, id)) => (Cow::Owned(code.to_string()), &**id),
            None => (Cow::Borrowed(status.as_str()), "null"),
        };
        self.json_around_message(
            &[r#"{"jsonrpc":"2.0","id":"#, id, r#","error":{"code":"#, &code, r#","message":"#],
            "}}",
        )
    }

    fn json_around_message(&self, before: &[&str], after: &str) -> Vec<u8> {
        let message = &*self.0.message;
        let before_length: usize = before.iter().map(|part| part.len()).sum();
        // The exact length, unless something has to be escaped: with spare room, the body allocates once more.
        let length = before_length + "\"\"".len() + message.len() + after.len();
        let mut json = Vec::with_capacity(length);
        for part in before {
            json.extend_from_slice(part.as_bytes());
        }
        if needs_no_escape(message) {
            json.push(b'"');
            json.extend_from_slice(message.as_bytes());
            json.push(b'"');
        } else {
            serde_json::to_writer(&mut json, message).expect("a string is JSON");
        }
        json.extend_from_slice(after.as_bytes());
        json
    }

    pub(crate) fn to_response(&self, realm: &Realm) -> Response<Body> {
        let mut response = Response::new(Body::from(self.to_json()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self.append_challenges(headers, realm);
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
    use crate::auth::{AuthParam, AuthScheme, Challenge};

    #[test]
    fn insufficient_scope_has_the_challenge_of_rfc_6750() {
        let response = Rejection::insufficient_scope(["a:b", "c"]).to_response(&Realm::default());
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert_eq!(
            response.headers()[WWW_AUTHENTICATE],
            r#"Bearer realm="mcp", error="insufficient_scope", scope="a:b c""#
        );
    }

    #[test]
    fn the_body_is_json_whatever_the_message_is() {
        for message in ["plain", "", "say \"a\\b\"\r\n\u{1}", "é\u{2028}\u{1f512}"] {
            let forbidden = Rejection::forbidden(message);
            let of = |code: i32, id: serde_json::Value| {
                let error = serde_json::json!({ "code": code, "message": message });
                serde_json::json!({ "jsonrpc": "2.0", "id": id, "error": error })
            };
            let oauth = serde_json::json!({
                "error": "invalid_request", "error_description": message,
            });
            for (rejection, expected) in [
                (forbidden.clone(), of(403, serde_json::Value::Null)),
                (forbidden.clone().with_json_rpc(-32600, "\"a\""), of(-32600, "a".into())),
                (forbidden.with_json_rpc(i32::MIN, "7"), of(i32::MIN, 7.into())),
                (Rejection::new(RejectionKind::NoRegistration, message), oauth),
            ] {
                let sent: serde_json::Value = serde_json::from_slice(&rejection.to_json()).unwrap();
                assert_eq!(sent, expected);
            }
        }
    }

    #[test]
    fn a_response_without_escapes_is_written_into_exactly_enough_memory() {
        let challenge = Challenge::new(AuthScheme::BEARER).param(AuthParam::SCOPE, "a b");
        let rejection = Rejection::invalid(challenge).with_message("wrong");
        let json = rejection.to_json();
        assert_eq!(json.len(), json.capacity());
        let made = allocation_counter::measure(|| drop(rejection.to_response(&Realm::default())));
        // Body, its box, the challenge, and two for the header fields.
        assert!(made.count_total <= 5, "{}", made.count_total);
    }
}
