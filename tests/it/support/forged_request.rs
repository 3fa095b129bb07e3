//! Creates valid and invalid signatures, independently of the library: written from RFC 9421, so that
//! the verifier is not tested with its own code.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{KeyInit, Mac};
use http::Method;
use sha2::{Digest, Sha256};

pub const SECRET: [u8; 32] = *b"a secret of thirty-two bytes....";

/// A request to be signed. Each test changes one thing about [`Forged::get`] or [`Forged::post`],
/// which are accepted.
#[derive(Clone)]
pub struct Forged {
    pub method: Method,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the body is sent with `Content-Length`.
    pub with_content_length: bool,
    pub label: String,
    pub components: Vec<String>,
    pub parameters: Vec<(String, String)>,
    pub secret: Vec<u8>,
    /// The value that is sent in place of the serialized parameters that were signed.
    pub sent_input: Option<String>,
    /// The target that is signed in place of the one that is sent.
    pub signed_target: Option<String>,
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub fn sha_256(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body)))
}

impl Forged {
    /// `GET /mcp?a=1`, without a body.
    pub fn get() -> Self {
        static NONCE: AtomicUsize = AtomicUsize::new(0);
        let nonce = NONCE.fetch_add(1, Ordering::SeqCst);
        Self {
            method: Method::GET,
            target: "/mcp?a=1".into(),
            headers: vec![("host".into(), "localhost:8000".into())],
            body: Vec::new(),
            with_content_length: true,
            label: "sig".into(),
            components: ["@method", "@authority", "@path", "@query"].map(Into::into).into(),
            parameters: vec![
                ("created".into(), "now".into()),
                ("expires".into(), "now+60".into()),
                ("nonce".into(), format!("\"nonce-{nonce:032}\"")),
                ("keyid".into(), "\"ci\"".into()),
            ],
            secret: SECRET.into(),
            sent_input: None,
            signed_target: None,
        }
    }

    /// `POST /mcp?a=1` with a body and its digest.
    pub fn post(body: &str) -> Self {
        Self { method: Method::POST, body: body.into(), ..Self::get() }
            .with_header("content-type", "application/json")
            .with_header("content-digest", &sha_256(body.as_bytes()))
            .covering(&["content-type", "content-digest"])
    }

    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(of, _)| of != name);
        self
    }

    pub fn covering(mut self, components: &[&str]) -> Self {
        self.components.extend(components.iter().map(|component| component.to_string()));
        self
    }

    pub fn not_covering(mut self, component: &str) -> Self {
        self.components.retain(|of| of != component);
        self
    }

    /// Sets a parameter to this serialized value.
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        let value = value.to_string();
        match self.parameters.iter_mut().find(|(of, _)| of == key) {
            Some(parameter) => parameter.1 = value,
            None => self.parameters.push((key.into(), value)),
        }
        self
    }

    pub fn without(mut self, key: &str) -> Self {
        self.parameters.retain(|(of, _)| of != key);
        self
    }

    /// Fills in the current time. A verifier rejects signatures made before it started, so this
    /// happens as late as possible.
    pub fn with_current_time(mut self) -> Self {
        for (_, value) in &mut self.parameters {
            match &**value {
                "now" => *value = now().to_string(),
                "now+60" => *value = (now() + 60).to_string(),
                _ => {}
            }
        }
        self
    }

    /// The value of the member of `Signature-Input`, as it is signed.
    pub fn input(&self) -> String {
        let components: Vec<_> = self
            .components
            .iter()
            .map(|name| match name.split_once(';') {
                Some((name, parameters)) => format!("\"{name}\";{parameters}"),
                None => format!("\"{name}\""),
            })
            .collect();
        let parameters = self.parameters.iter().map(|(key, value)| match value.as_str() {
            "" => format!(";{key}"),
            value => format!(";{key}={value}"),
        });
        format!("({}){}", components.join(" "), parameters.collect::<String>())
    }

    fn value(&self, component: &str) -> String {
        let target = self.signed_target.as_ref().unwrap_or(&self.target);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let name = component.split(';').next().unwrap();
        let fields = self.headers.iter().filter(|(of, _)| of.eq_ignore_ascii_case(name));
        match name {
            "@method" => self.method.to_string(),
            "@authority" => {
                self.headers.iter().find(|(of, _)| of == "host").unwrap().1.to_lowercase()
            }
            "@path" => path.into(),
            "@query" => format!("?{query}"),
            "@target-uri" => format!("http://{}{target}", self.value("@authority")),
            "@scheme" => "http".into(),
            "@request-target" => target.clone(),
            _ => fields.map(|(_, value)| value.trim()).collect::<Vec<_>>().join(", "),
        }
    }

    pub fn signature(&self) -> String {
        let mut base = String::new();
        for component in &self.components {
            let name = component.split(';').next().unwrap();
            let rest = &component[name.len()..];
            base += &format!("\"{name}\"{rest}: {}\n", self.value(component));
        }
        base += &format!("\"@signature-params\": {}", self.input());
        let mac = hmac::Hmac::<Sha256>::new_from_slice(&self.secret).unwrap().chain_update(base);
        format!(":{}:", STANDARD.encode(mac.finalize().into_bytes()))
    }

    /// The request with one `Signature-Input` and one `Signature` header.
    pub fn request(&self) -> Request {
        let this = self.clone().with_current_time();
        let mut request = self.unsigned();
        let input = this.sent_input.clone().unwrap_or_else(|| this.input());
        let headers = request.headers_mut();
        headers.append("signature-input", format!("{}={input}", self.label).parse().unwrap());
        headers
            .append("signature", format!("{}={}", self.label, this.signature()).parse().unwrap());
        request
    }

    pub fn unsigned(&self) -> Request {
        let mut request = http::Request::builder().method(&self.method).uri(&self.target);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if self.with_content_length && !self.body.is_empty() {
            request = request.header("content-length", self.body.len());
        }
        request.body(Body::from(self.body.clone())).unwrap()
    }
}
