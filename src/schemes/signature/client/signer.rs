//! Signs requests (RFC 9421 §3.1).

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use sfv::{KeyRef, ListSerializer, StringRef};

use crate::auth::{SIGNATURE, SIGNATURE_INPUT, SignificantHeaders};
use crate::crypto::{Mac, random, sha256};
use crate::schemes::signature::clock::unix_seconds;
use crate::schemes::signature::errors::KeyError;
use crate::schemes::signature::keys::keyed_mac;
use crate::schemes::signature::profile::{CONTENT_TYPE, has_several_lines, required_components};
use crate::schemes::signature::wire::base::{BaseError, Message, authority_of};
use crate::schemes::signature::wire::digest::CONTENT_DIGEST;

/// Signs requests as [`HttpSignature`](crate::HttpSignature) requires it (RFC 9421, RFC 9530).
///
/// ```
/// use http::Request;
/// use mcp_auth_layer::schemes::Signer;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = [7; 32];
/// let signer = Signer::new("ci", secret)?;
///
/// let mut request = Request::post("https://tools.example.com/mcp")
///     .header("content-type", "application/json")
///     .body(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)?;
/// signer.sign(&mut request)?;
///
/// assert!(request.headers().contains_key("content-digest"));
/// assert!(request.headers().contains_key("signature"));
/// # Ok(())
/// # }
/// ```
///
/// A signature is accepted once: sign again before you send again. Headers that are added afterwards
/// are not covered, and some of them must be.
#[derive(Clone)]
#[must_use]
pub struct Signer {
    key_id: String,
    mac: Mac,
    lifetime: Duration,
    tag: Option<String>,
    significant: SignificantHeaders,
}

/// A request cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// There is a body without `Content-Type`, which must be covered.
    #[error("a request with a body needs a Content-Type before it is signed")]
    NoContentType,
    /// The request names no host, or several that differ: the URI has no authority and there is no
    /// `Host`, or they are not the same, or there is a user name in them.
    #[error("the URI or the `Host` header must name one host, without a user")]
    Authority,
    /// A header field that must be covered has several lines.
    #[error("a header that must be covered has several lines")]
    DuplicateHeader,
    /// A header field that must be covered has other characters than visible ASCII and spaces.
    #[error("a header that must be covered has other characters than visible ASCII")]
    HeaderValue,
    /// The tag has other characters than printable ASCII.
    #[error("the tag must be printable ASCII")]
    Tag,
    /// The system clock is too far in the future for a signature (RFC 9651 §3.3.1).
    #[error("the system clock is too far in the future")]
    Clock,
}

impl Signer {
    /// Creates a signer with this secret and key ID.
    ///
    /// No copy of the secret is kept, but for the state of HMAC that is computed from it and is wiped
    /// when it is dropped.
    ///
    /// # Errors
    ///
    /// If the key ID is empty, has more than 256 characters, or has other characters than printable
    /// ASCII; or if the secret is shorter than 32 bytes.
    pub fn new(key_id: impl Into<String>, secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let key_id = key_id.into();
        let mac = keyed_mac(1, &key_id, secret.as_ref())?;
        Ok(Self {
            key_id,
            mac,
            lifetime: Duration::from_secs(60),
            tag: None,
            significant: SignificantHeaders::default(),
        })
    }

    /// Sets how long signatures are valid: `expires` less `created`, in whole seconds and at least one;
    /// 60 seconds by default.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Adds the parameter `tag` (RFC 9421 §2.3), for servers that [require it](crate::HttpSignature::tag).
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tag = Some(tag.into());
        self
    }

    /// Covers this header field as well, if a request carries it: for servers whose session header
    /// has another name, or that [require it](crate::HttpSignature::cover).
    pub fn cover(mut self, name: HeaderName) -> Self {
        self.significant.add([name]);
        self
    }

    /// Signs a request with a fresh nonce and the current time. Earlier signatures are replaced.
    ///
    /// # Errors
    ///
    /// See [`SignError`].
    pub fn sign<B: AsRef<[u8]>>(&self, request: &mut Request<B>) -> Result<(), SignError> {
        let mut empty = Request::new(());
        std::mem::swap(request.headers_mut(), empty.headers_mut());
        let (mut head, ()) = empty.into_parts();
        head.method = request.method().clone();
        head.uri = request.uri().clone();
        let signed = self.sign_head(&mut head, request.body().as_ref());
        *request.headers_mut() = head.headers;
        signed
    }

    /// Signs the head of a request that has this body.
    pub(crate) fn sign_head(&self, head: &mut Parts, body: &[u8]) -> Result<(), SignError> {
        for name in [&SIGNATURE, &SIGNATURE_INPUT, &CONTENT_DIGEST] {
            head.headers.remove(name);
        }
        if !body.is_empty() {
            if !head.headers.contains_key(CONTENT_TYPE) {
                return Err(SignError::NoContentType);
            }
            let digest = format!("sha-256=:{}:", STANDARD.encode(sha256(body)));
            head.headers.insert(&CONTENT_DIGEST, ascii(digest)?);
        }
        let scheme = head.uri.scheme_str().unwrap_or("http");
        let authority = authority_of(head, scheme)?;
        let components: Vec<_> =
            required_components(&head.headers, !body.is_empty(), &self.significant).collect();
        if has_several_lines(&head.headers, &components) {
            return Err(SignError::DuplicateHeader);
        }
        let parameters = self.parameters(&components)?;
        let mut base = String::new();
        let message = Message::from_head(head, scheme, &authority);
        message.push_base(&mut base, &components, |base| base.push_str(&parameters))?;
        let mac = self.mac.clone().with(base).finish();
        head.headers.insert(&SIGNATURE_INPUT, ascii(format!("sig={parameters}"))?);
        head.headers.insert(&SIGNATURE, ascii(format!("sig=:{}:", STANDARD.encode(mac)))?);
        Ok(())
    }

    /// Serializes the covered components and the parameters (RFC 9421 §2.3).
    fn parameters(&self, components: &[&str]) -> Result<String, SignError> {
        let nonce = URL_SAFE_NO_PAD.encode(random::<16>());
        let created = unix_seconds();
        let expires = created.saturating_add(self.lifetime.as_secs().max(1));

        let mut list = ListSerializer::new();
        let mut inner = list.inner_list();
        for component in components {
            let component = StringRef::from_str(component).map_err(|_| SignError::HeaderValue)?;
            let _ = inner.bare_item(component);
        }
        let mut parameters = inner.finish();
        for (key, seconds) in [("created", created), ("expires", expires)] {
            let seconds = i64::try_from(seconds).map_err(|_| SignError::Clock)?;
            let seconds = sfv::Integer::try_from(seconds).map_err(|_| SignError::Clock)?;
            parameters = parameters.parameter(sfv::key_ref(key), seconds);
        }
        let tag = self.tag.as_deref().map(|tag| ("tag", tag));
        let texts = [("nonce", &*nonce), ("keyid", &self.key_id), ("alg", "hmac-sha256")];
        for (key, text) in texts.into_iter().chain(tag) {
            let text = StringRef::from_str(text).map_err(|_| SignError::Tag)?;
            parameters = parameters.parameter(KeyRef::constant(key), text);
        }
        let _ = parameters.finish();
        Ok(list.finish().unwrap_or_default())
    }
}

fn ascii(value: String) -> Result<HeaderValue, SignError> {
    HeaderValue::try_from(value).map_err(|_| SignError::HeaderValue)
}

impl From<BaseError> for SignError {
    fn from(error: BaseError) -> Self {
        match error {
            BaseError::Authority => Self::Authority,
            // The components are chosen from the fields that the request has.
            BaseError::Component | BaseError::MissingField | BaseError::FieldValue => {
                Self::HeaderValue
            }
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("key_id", &self.key_id)
            .field("lifetime", &self.lifetime)
            .field("tag", &self.tag)
            .finish_non_exhaustive()
    }
}
