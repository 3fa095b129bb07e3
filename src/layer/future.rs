//! The response of the service: the inner service's, an answer that is there already, or what must
//! be waited for first.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum_core::BoxError;
use axum_core::body::Body;
use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;

use super::response_body::Admitted;
use crate::auth::Ending;

pin_project! {
    /// The response of [`McpAuthService`](crate::McpAuthService).
    pub struct ResponseFuture<F, E> {
        #[pin]
        state: State<F, E>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, E> {
        Inner { #[pin] future: F, admitted: Option<Admitted>, ending: Option<Ending> },
        Answered { response: Option<Response<Body>> },
        Failed { error: Option<E> },
        Waiting { future: Waiting<E> },
    }
}

type Waiting<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<F, E> ResponseFuture<F, E> {
    /// The inner service's answer: to who was admitted, or to a request that was passed on bare.
    pub(crate) fn inner(future: F, admitted: Option<Admitted>) -> Self {
        Self { state: State::Inner { future, admitted, ending: None } }
    }

    pub(crate) fn answered(response: Response<Body>) -> Self {
        Self { state: State::Answered { response: Some(response) } }
    }

    /// The inner service's error, which it gave instead of being ready.
    pub(crate) fn failed(error: E) -> Self {
        Self { state: State::Failed { error: Some(error) } }
    }

    pub(crate) fn waiting(
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
            StateProj::Inner { future, admitted, ending } => {
                if let Poll::Ready(response) = future.poll(cx)? {
                    return Poll::Ready(Ok(match admitted.take() {
                        Some(admitted) => admitted.answer(response, ending.take()),
                        None => response.map(Body::new),
                    }));
                }
                let Some(who) = admitted else { return Poll::Pending };
                if ending.is_none() {
                    *ending = who.ending();
                }
                let Some(ending) = ending else { return Poll::Pending };
                ready!(ending.as_mut().poll(cx));
                let response = who.ended();
                state.set(State::Answered { response: None }); // drops what still works on it
                Poll::Ready(Ok(response))
            }
            StateProj::Answered { response } => Poll::Ready(Ok(response
                .take()
                .expect("a ResponseFuture is polled once after it is ready"))),
            StateProj::Failed { error } => Poll::Ready(Err(error
                .take()
                .expect("a ResponseFuture is polled once after it is ready"))),
            StateProj::Waiting { future } => future.as_mut().poll(cx),
        }
    }
}

impl<F, E> fmt::Debug for ResponseFuture<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
