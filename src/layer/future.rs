//! The future of the response: that of the inner service, a rejection, or a decision that must be
//! waited for first.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum_core::body::Body;
use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;

use super::exchange::Exchange;
use crate::auth::{BoxError, Ended};

pin_project! {
    /// The future of the response of [`McpAuthService`](super::McpAuthService).
    pub struct ResponseFuture<F, E> {
        #[pin]
        state: State<F, E>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, E> {
        Inner { #[pin] future: F, exchange: Option<Exchange>, ended: Option<Ended> },
        Rejected { response: Option<Response<Body>> },
        Failed { error: Option<E> },
        Waiting { future: Waiting<E> },
    }
}

type Waiting<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<F, E> ResponseFuture<F, E> {
    /// Waits for the inner service's response to an authenticated request, or to one that is exempt.
    pub(super) fn inner(future: F, exchange: Option<Exchange>) -> Self {
        Self { state: State::Inner { future, exchange, ended: None } }
    }

    pub(super) fn rejected(response: Response<Body>) -> Self {
        Self { state: State::Rejected { response: Some(response) } }
    }

    /// Returns the error of an inner service that did not become ready.
    pub(super) fn failed(error: E) -> Self {
        Self { state: State::Failed { error: Some(error) } }
    }

    pub(super) fn waiting(
        future: impl Future<Output = Result<Response<Body>, E>> + Send + 'static,
    ) -> Self {
        Self { state: State::Waiting { future: Box::pin(future) } }
    }
}

impl<F, R, E> Future for ResponseFuture<F, E>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        match state.as_mut().project() {
            StateProj::Inner { future, exchange, ended } => {
                if let Poll::Ready(response) = future.poll(cx)? {
                    return Poll::Ready(Ok(match exchange.take() {
                        Some(exchange) => exchange.respond(response, ended.take()),
                        None => response.map(Body::new),
                    }));
                }
                let Some(exchange) = exchange else { return Poll::Pending };
                if ended.is_none() {
                    *ended = exchange.ended();
                }
                let Some(ended) = ended else { return Poll::Pending };
                ready!(ended.as_mut().poll(cx));
                let response = exchange.expired();
                state.set(State::Rejected { response: None }); // drops the inner future
                Poll::Ready(Ok(response))
            }
            StateProj::Rejected { response } => Poll::Ready(Ok(response
                .take()
                .expect("a ResponseFuture must not be polled after it is ready"))),
            StateProj::Failed { error } => Poll::Ready(Err(error
                .take()
                .expect("a ResponseFuture must not be polled after it is ready"))),
            StateProj::Waiting { future } => future.as_mut().poll(cx),
        }
    }
}

impl<F, E> fmt::Debug for ResponseFuture<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
