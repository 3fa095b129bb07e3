//! The service: it does with each request what `handling` decides.

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
use super::handling::Handling;
use super::reject::{drained, must_drain};
use super::request_body;
use crate::auth::{Authenticator, BoxError};
use crate::rate_limit::Decision;
#[cfg(feature = "oauth")]
use crate::signals::Receiver;

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
        match self.gate.handle(&mut head, !body.is_end_stream()) {
            Ok(Handling::Forward(Some(exchange))) => {
                let body = request_body::bound(Body::new(body), &exchange.lifetime);
                self.forward(Request::from_parts(head, body), Some(exchange))
            }
            Ok(Handling::Forward(None)) => {
                self.forward(Request::from_parts(head, Body::new(body)), None)
            }
            Ok(Handling::Respond(response)) => self.respond(head, body, response),
            #[cfg(feature = "oauth")]
            Ok(Handling::Receive(receiver)) => self.receive(head, body, receiver),
            Ok(Handling::Wait(decision)) => self.wait(head, body, decision),
            Err(rejection) => {
                let response = self.gate.reject(&head, rejection);
                self.respond(head, body, response)
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

    /// Waits for the decision about a request, and for the inner service if it is accepted.
    fn wait<B, R>(
        &self,
        mut head: Parts,
        body: B,
        decision: Box<Decision>,
    ) -> ResponseFuture<S::Future, S::Error>
    where
        S: Service<Request<Body>, Response = Response<R>>,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
        R: http_body::Body<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
    {
        let (gate, inner) = (self.gate.clone(), self.inner.clone());
        ResponseFuture::waiting(async move {
            let mut body = Body::new(body);
            match gate.decide(&mut head, &mut body, *decision).await {
                Ok((exchange, collected)) => {
                    let body = request_body::bound(body, &exchange.lifetime);
                    let request = Request::from_parts(head, body);
                    let share = collected.map(|collected| collected.share);
                    forward_when_ready(inner, request, Some(exchange), share).await
                }
                Err(stop) => {
                    let response = stop.into_response(|rejection| gate.reject(&head, rejection));
                    Ok(drained(&head, body, response).await)
                }
            }
        })
    }

    /// Receives a signal.
    #[cfg(feature = "oauth")]
    fn receive<B>(
        &self,
        head: Parts,
        body: B,
        receiver: Arc<Receiver>,
    ) -> ResponseFuture<S::Future, S::Error>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let gate = self.gate.clone();
        ResponseFuture::waiting(async move {
            let mut body = Body::new(body);
            let response = gate.receive(&receiver, &head, &mut body).await;
            Ok(drained(&head, body, response).await)
        })
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
