//! A tower layer for clients, which signs the requests to one origin.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::auth::BoxError;
use axum_core::body::Body;
use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::BodyExt;
use tower_layer::Layer;
use tower_service::Service;

use super::signer::Signer;
use crate::schemes::signature::wire::base::normalized;

/// Signs the requests of an HTTP client, each attempt anew.
///
/// Put it inside of whatever retries and follows redirects: a signature is accepted once. A request
/// to another origin than the layer's is forwarded unsigned, so that a redirect gives no signature to
/// another server; so is a request that has no origin in its URI.
///
/// It collects the body of each request before it signs it. Its future fails with a
/// [`SignError`](crate::schemes::SignError) if the request cannot be signed, and with the error of the body or
/// of the inner client.
///
/// ```
/// use axum::body::Body;
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use mcp_auth_layer::schemes::{SignLayer, Signer};
/// use tower::Layer;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = [7; 32];
/// let signer = Signer::new("ci", secret)?;
/// let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
/// let client = SignLayer::new(signer, "http://127.0.0.1:8000")?.layer(client);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SignLayer {
    signer: Signer,
    origin: Origin,
}

/// A [`SignLayer`] cannot be created. The error does not quote the origin, which may have a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignLayerError {
    /// The origin is not a URI with a scheme and a host, or has a user or password.
    #[error("expected the origin as `scheme://host[:port]`, without user and password")]
    Origin,
}

impl SignLayer {
    /// Creates a layer that signs the requests to this origin, `scheme://host` or
    /// `scheme://host:port`.
    ///
    /// # Errors
    ///
    /// If it is not a URI with a scheme and a host, or has a user or password.
    pub fn new(signer: Signer, origin: impl AsRef<str>) -> Result<Self, SignLayerError> {
        let uri: Uri = origin.as_ref().parse().map_err(|_| SignLayerError::Origin)?;
        let origin = Origin::from_uri(&uri).ok_or(SignLayerError::Origin)?;
        Ok(Self { signer, origin })
    }
}

/// The origin of a URI, normalized.
#[derive(Clone, Debug, PartialEq)]
struct Origin {
    scheme: String,
    authority: String,
}

impl Origin {
    fn from_uri(uri: &Uri) -> Option<Self> {
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let authority = normalized(uri.authority()?.as_str(), &scheme).into_owned();
        (!authority.contains('@')).then_some(Self { scheme, authority })
    }
}

impl<S> Layer<S> for SignLayer {
    type Service = SignService<S>;

    fn layer(&self, inner: S) -> SignService<S> {
        SignService { inner, layer: self.clone() }
    }
}

/// The service that [`SignLayer`] wraps an HTTP client in.
#[derive(Clone, Debug)]
pub struct SignService<S> {
    inner: S,
    layer: SignLayer,
}

impl<S, B> Service<Request<B>> for SignService<S>
where
    S: Service<Request<Body>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready is called, and a clone replaces it.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let SignLayer { signer, origin } = self.layer.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = Body::new(body).collect().await?.to_bytes();
            let mut request = Request::from_parts(head, body);
            if Origin::from_uri(request.uri()) == Some(origin) {
                signer.sign(&mut request)?;
            }
            inner.call(request.map(Body::from)).await.map_err(Into::into)
        })
    }
}
