//! The service: the path of a request, from top to bottom.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use axum_core::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use tower_service::Service;

use super::authorization::PendingList;
use super::body_budget::Share;
use super::exchange::Exchange;
use super::future::ResponseFuture;
use super::gate::Gate;
use super::reject::{drained, must_drain};
use super::request_body;
use crate::auth::{Authenticator, BoxError, Rejection, is_from_browser};
use crate::checks::{Exempt, check_duplicate_credentials};
use crate::rate_limit::{Decision, Outcome};
use crate::telemetry;

/// The service that [`McpAuthLayer`](crate::McpAuthLayer) wraps around another one.
///
/// It takes a request body of any type with `Data = Bytes`, and passes `axum::body::Body` to the
/// inner service. Its errors are those of the inner service: a rejection is a response.
///
/// It is always ready. It waits for the inner service once a request is authenticated, so that
/// unauthenticated requests hold none of its permits.
pub struct McpAuthService<S, A> {
    inner: S,
    gate: Arc<Gate<A>>,
}

impl<S, A> McpAuthService<S, A> {
    pub(super) fn new(inner: S, gate: Arc<Gate<A>>) -> Self {
        Self { inner, gate }
    }
}

impl<S, A, B, R> Service<Request<B>> for McpAuthService<S, A>
where
    A: Authenticator,
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Error: Send,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, S::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        let state = &*self.gate.state;

        match state.config.exemptions.resources.respond(&head) {
            Some(Ok(document)) => {
                telemetry::exempt("resource metadata", &head);
                return self.respond(head, body, document);
            }
            Some(Err(rejection)) => return self.reject(head, body, rejection),
            None => {}
        }
        let is_from_browser = is_from_browser(&head);
        if is_from_browser && let Err(rejection) = state.config.hosts.check(&head) {
            return self.reject(head, body, rejection);
        }
        #[cfg(feature = "oauth")]
        if let Some(receiver) = state.config.receivers.of(&head) {
            let (gate, receiver) = (self.gate.clone(), receiver.clone());
            return ResponseFuture::waiting(async move {
                let mut body = Body::new(body);
                let response = gate.receive(&receiver, &head, &mut body).await;
                Ok(drained(&head, body, response).await)
            });
        }
        match state.config.exemptions.find(&head, !body.is_end_stream()) {
            Some(Exempt::Forwarded(exemption)) => {
                self.gate.strip_exempt(&mut head, exemption);
                return self.forward(Request::from_parts(head, Body::new(body)), None);
            }
            Some(Exempt::Rejected(rejection)) => return self.reject(head, body, rejection),
            None => {}
        }
        if is_from_browser
            && let Err(rejection) = state.config.origins.check(&state.config.hosts, &head)
        {
            return self.reject(head, body, rejection);
        }
        if let Err(rejection) = check_duplicate_credentials(&head, &state.credential_headers) {
            return self.reject(head, body, rejection);
        }

        let Decision { verdict, permit } = match self.gate.decide_now(&head) {
            Ok(decision) => decision,
            Err(rejection) => return self.reject(head, body, rejection),
        };
        match verdict {
            Some(Err(rejection)) => {
                if let Some(permit) = permit {
                    permit.settle(Outcome::from_rejection(&rejection));
                }
                self.reject(head, body, rejection)
            }
            // A credential that has expired since it was cached is verified again, below.
            Some(Ok(authenticated))
                if authenticated.pending.is_none()
                    && authenticated.lifetime.is_active()
                    && !self.gate.must_read(&head, &authenticated.principal) =>
            {
                if let Some(permit) = permit {
                    permit.settle(Outcome::from_authenticated(&authenticated));
                }
                match self.gate.accept(&mut head, authenticated) {
                    Ok(exchange) => {
                        let body = request_body::bound(Body::new(body), &exchange.lifetime);
                        self.forward(Request::from_parts(head, body), Some(exchange))
                    }
                    Err(rejection) => self.reject(head, body, rejection),
                }
            }
            verdict => {
                let (gate, inner) = (self.gate.clone(), self.inner.clone());
                ResponseFuture::waiting(async move {
                    let mut body = Body::new(body);
                    match gate.decide(&mut head, &mut body, verdict, permit).await {
                        Ok((exchange, collected)) => {
                            let body = request_body::bound(body, &exchange.lifetime);
                            let request = Request::from_parts(head, body);
                            let share = collected.map(|collected| collected.share);
                            forward_when_ready(inner, request, Some(exchange), share).await
                        }
                        Err(stop) => {
                            let response =
                                stop.into_response(|rejection| gate.reject(&head, rejection));
                            Ok(drained(&head, body, response).await)
                        }
                    }
                })
            }
        }
    }
}

impl<S, A> McpAuthService<S, A>
where
    A: Authenticator,
    S: Service<Request<Body>> + Clone + Send + 'static,
    S::Error: Send,
    S::Future: Send + 'static,
{
    /// Calls the inner service, at once if it is ready.
    fn forward<R>(
        &mut self,
        request: Request<Body>,
        exchange: Option<Exchange>,
    ) -> ResponseFuture<S::Future, S::Error>
    where
        S: Service<Request<Body>, Response = Response<R>>,
        R: http_body::Body<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
    {
        match self.inner.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => ResponseFuture::inner(self.inner.call(request), exchange),
            Poll::Ready(Err(error)) => ResponseFuture::failed(error),
            // The service that was polled is the one to call; a clone stays here.
            Poll::Pending => {
                let clone = self.inner.clone();
                let inner = std::mem::replace(&mut self.inner, clone);
                ResponseFuture::waiting(forward_when_ready(inner, request, exchange, None))
            }
        }
    }

    /// Rejects a request.
    fn reject<B>(
        &self,
        head: Parts,
        body: B,
        rejection: Rejection,
    ) -> ResponseFuture<S::Future, S::Error>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let response = self.gate.reject(&head, rejection);
        self.respond(head, body, response)
    }

    /// Responds to a request itself, after its body was read to the end if that is necessary.
    fn respond<B>(
        &self,
        head: Parts,
        body: B,
        response: Response<Body>,
    ) -> ResponseFuture<S::Future, S::Error>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if !must_drain(&head, &body) {
            return ResponseFuture::rejected(response);
        }
        ResponseFuture::waiting(async move { Ok(drained(&head, Body::new(body), response).await) })
    }
}

/// Waits until the inner service is ready, and calls it, unless the credential expires meanwhile.
/// The body's share of the budget is held until then.
async fn forward_when_ready<S, R>(
    mut inner: S,
    request: Request<Body>,
    exchange: Option<Exchange>,
    share: Option<Share>,
) -> Result<Response<Body>, S::Error>
where
    S: Service<Request<Body>, Response = Response<R>>,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    let mut has_waited = false;
    poll_fn(|cx| {
        let ready = inner.poll_ready(cx);
        has_waited |= ready.is_pending();
        ready
    })
    .await?;
    if let Some(exchange) = &exchange
        && has_waited
        && !exchange.lifetime.is_active()
    {
        return Ok(exchange.expired());
    }
    let list = exchange.as_ref().and_then(PendingList::of);
    let response = ResponseFuture::inner(inner.call(request), exchange);
    drop(share);
    match list {
        None => response.await,
        Some(list) => Ok(list.filter(response.await?).await),
    }
}

impl<S: Clone, A> Clone for McpAuthService<S, A> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), gate: self.gate.clone() }
    }
}

impl<S: fmt::Debug, A> fmt::Debug for McpAuthService<S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpAuthService")
            .field("inner", &self.inner)
            .field("authenticator", &std::any::type_name::<A>())
            .field("config", &self.gate.state.config)
            .finish()
    }
}
