//! A tower layer for clients, which signs what goes to one origin.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum_core::BoxError;
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
/// Put it inside of whatever retries and follows redirects: a signature is good once. What goes
/// to another origin than the one it was made for is passed on unsigned, so that a redirect hands
/// no signature to strangers; so is what has no origin in its URI.
///
/// ```
/// use axum::body::Body;
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use mcp_auth_layer::{SignLayer, Signer};
/// use tower::Layer;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = [7; 32];
/// let signer = Signer::new("ci", secret)?;
/// let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
/// let client = SignLayer::new(signer, "http://127.0.0.1:8000").layer(client);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SignLayer {
    signer: Signer,
    origin: (String, String),
}

impl SignLayer {
    /// Signs what goes to this origin, `scheme://host` or `scheme://host:port`.
    ///
    /// # Panics
    ///
    /// If it is not a URI with a scheme and a host, or has a user or password.
    pub fn new(signer: Signer, origin: impl AsRef<str>) -> Self {
        let origin = origin.as_ref();
        match origin.parse().ok().as_ref().and_then(origin_of) {
            Some(origin) => Self { signer, origin },
            None => panic!("SignLayer::new: expected `scheme://host[:port]`, without credentials"),
        }
    }
}

fn origin_of(uri: &Uri) -> Option<(String, String)> {
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let authority = normalized(uri.authority()?.as_str(), &scheme);
    (!authority.contains('@')).then(|| (scheme, authority.into_owned()))
}

impl<S> Layer<S> for SignLayer {
    type Service = SignService<S>;

    fn layer(&self, inner: S) -> SignService<S> {
        SignService { inner, layer: self.clone() }
    }
}

/// The service that [`SignLayer`] puts around an HTTP client. It collects the body of a request
/// before it signs it.
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
        // The service that was polled ready goes along, a clone stays.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let SignLayer { signer, origin } = self.layer.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = Body::new(body).collect().await?.to_bytes();
            let mut request = Request::from_parts(head, body);
            if origin_of(request.uri()).is_some_and(|target| target == origin) {
                signer.sign(&mut request)?;
            }
            inner.call(request.map(Body::from)).await.map_err(Into::into)
        })
    }
}
