//! What the tests send: requests, and the messages in them.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};

use super::{CI, ID, JSON};

/// A request: by default a POST of JSON by `ci` to `/mcp`.
#[derive(Clone, Debug)]
pub struct Sent {
    pub method: Method,
    pub target: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl<B: Into<Bytes>> From<B> for Sent {
    fn from(body: B) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static(CI));
        headers.insert("content-type", HeaderValue::from_static(JSON));
        Self { method: Method::POST, target: "/mcp".to_owned(), headers, body: body.into() }
    }
}

/// A request of `ci` with this body.
pub fn sent(body: impl Into<Sent>) -> Sent {
    body.into()
}

impl Sent {
    pub fn by(self, user: &str) -> Self {
        self.with("authorization", user)
    }

    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    pub fn to(mut self, target: &str) -> Self {
        self.target = target.to_owned();
        self
    }

    /// Sets a header field.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, HeaderValue::from_str(value).unwrap());
        self
    }

    /// Adds a header field, which may be there already.
    pub fn and(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(name, HeaderValue::from_str(value).unwrap());
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    pub fn request(&self) -> Request {
        self.request_of(Body::from(self.body.clone()))
    }

    /// The request with another body.
    pub fn request_of(&self, body: Body) -> Request {
        let mut request =
            http::Request::builder().method(&self.method).uri(&self.target).body(body).unwrap();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// The text of a request of this method.
pub fn call(method: &str, params: Value) -> String {
    json!({"jsonrpc": "2.0", "id": ID, "method": method, "params": params}).to_string()
}

/// The text of a request without `params`.
pub fn call_without_params(method: &str) -> String {
    json!({"jsonrpc": "2.0", "id": ID, "method": method}).to_string()
}

pub fn tool(name: &str) -> String {
    call("tools/call", json!({"name": name}))
}

/// A call of a tool with arguments of this text.
pub fn tool_with(name: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{name}","arguments":{arguments}}}}}"#
    )
}

pub fn prompt(name: &str) -> String {
    call("prompts/get", json!({"name": name}))
}

pub fn resource(uri: &str) -> String {
    call("resources/read", json!({"uri": uri}))
}
