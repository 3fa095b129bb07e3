//! The way of a request, from top to bottom.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum_core::BoxError;
use axum_core::body::Body;
use bytes::Bytes;
use http::header::{AUTHORIZATION, UPGRADE};
use http::request::Parts;
use http::{Method, Request, Response};
use tower_service::Service;
use tracing::{debug, error, info};

use crate::answer::Admitted;
use crate::counters::{self, Verification};
use crate::exempt::{Exempt, check_origin, exempt};
use crate::future::ResponseFuture;
use crate::options::Options;
use crate::{Admission, Authenticator, Reason, Rejection, body};

/// The service that [`McpAuthLayer`](crate::McpAuthLayer) puts around another.
///
/// It takes a request body of any type with `Data = Bytes`, and gives the inner service
/// `axum::body::Body`. Errors are the inner service's: a refusal is a response.
pub struct McpAuth<S, A> {
    inner: S,
    gate: Gate<A>,
}

/// Everything that decides, shared by all clones.
struct Gate<A> {
    authenticator: Arc<A>,
    options: Arc<Options>,
}

impl<S, A> McpAuth<S, A> {
    pub(crate) fn new(inner: S, authenticator: Arc<A>, options: Arc<Options>) -> Self {
        let gate = Gate { authenticator, options };
        Self { inner, gate }
    }
}

impl<S, A, B, R> Service<Request<B>> for McpAuth<S, A>
where
    A: Authenticator,
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        let options = &*self.gate.options;

        match exempt(options, &head, !body.is_end_stream()) {
            Some(Exempt::Passed(why)) => {
                debug!(exempt = why, method = %head.method, path = ?head.uri.path(), "passed bare");
                counters::request(None, "passed", why);
                self.gate.bare(&mut head);
                let request = Request::from_parts(head, Body::new(body));
                return ResponseFuture::inner(self.inner.call(request), None);
            }
            Some(Exempt::Answered(rejection)) => {
                return ResponseFuture::answered(self.gate.refuse(&head, rejection));
            }
            None => {}
        }
        if let Err(rejection) = check_origin(options, &head).and_then(|()| one_credential(&head)) {
            return ResponseFuture::answered(self.gate.refuse(&head, rejection));
        }

        match self.gate.authenticate_now(&head) {
            Some(Err(rejection)) => ResponseFuture::answered(self.gate.refuse(&head, rejection)),
            Some(Ok(admission)) if admission.body_check.is_none() => {
                match self.gate.admit(&mut head, admission) {
                    Ok(admitted) => {
                        let request = Request::from_parts(head, Body::new(body));
                        ResponseFuture::inner(self.inner.call(request), Some(admitted))
                    }
                    Err(rejection) => ResponseFuture::answered(self.gate.refuse(&head, rejection)),
                }
            }
            // What must wait takes the service along that was polled ready, and leaves a clone.
            undecided => {
                let gate = self.gate.clone();
                let clone = self.inner.clone();
                let mut inner = std::mem::replace(&mut self.inner, clone);
                ResponseFuture::waiting(async move {
                    let judged = match undecided {
                        Some(judged) => judged,
                        None => match gate.authenticate(&head).await {
                            // It was replaced meanwhile, perhaps by one that is as good.
                            Ok(admission) if admission.principal.has_ended() => {
                                gate.authenticate(&head).await
                            }
                            judged => judged,
                        },
                    };
                    let checked = match judged {
                        Ok(admission) => gate.check_body(admission, Body::new(body)).await,
                        Err(rejection) => Err(rejection),
                    };
                    let admitted = checked.and_then(|(admission, body)| {
                        if admission.principal.has_ended() {
                            return Err(gate.options.lapsed(admission.scheme));
                        }
                        Ok((gate.admit(&mut head, admission)?, body))
                    });
                    match admitted {
                        Ok((admitted, body)) => {
                            let request = Request::from_parts(head, body);
                            ResponseFuture::inner(inner.call(request), Some(admitted)).await
                        }
                        Err(rejection) => Ok(gate.refuse(&head, rejection)),
                    }
                })
            }
        }
    }
}

/// Which of two would count is anybody's guess, the inner service's among them.
fn one_credential(head: &Parts) -> Result<(), Rejection> {
    let doubled = head.headers.len() > head.headers.keys_len()
        && head.headers.get_all(AUTHORIZATION).iter().nth(1).is_some();
    match doubled {
        false => Ok(()),
        true => Err(Rejection::bad_request("more than one Authorization header")),
    }
}

impl<A: Authenticator> Gate<A> {
    fn authenticate_now(&self, head: &Parts) -> Option<Result<Admission, Rejection>> {
        let _timed = Verification::start();
        catch_unwind(AssertUnwindSafe(|| self.authenticator.authenticate_now(head)))
            .unwrap_or_else(|_| Some(Err(panicked("the authenticator"))))
    }

    async fn authenticate(&self, head: &Parts) -> Result<Admission, Rejection> {
        let _timed = Verification::start();
        // In a block of its own, as an implementation may panic before there is a future.
        let judged = pin!(async { self.authenticator.authenticate(head).await });
        self.guarded("the authenticator", judged).await
    }

    /// Keeps the promise of an admission that owes a check of the body, and passes the body on
    /// whole.
    async fn check_body(
        &self,
        mut admission: Admission,
        body: Body,
    ) -> Result<(Admission, Body), Rejection> {
        let Some(check) = admission.body_check.take() else {
            return Ok((admission, body));
        };
        let bytes = body::collect(
            body,
            self.options.body_limit,
            &self.options.collecting,
            self.options.body_total_limit,
        )
        .await?;
        let whole = bytes.clone();
        let checked = pin!(async move { check(whole).await });
        self.guarded("the check of the body", checked).await?;
        Ok((admission, Body::from(bytes)))
    }

    /// Runs a future of the user's. Where it hangs or panics, that is a refusal; a panic let
    /// through would end other people's streams on the same connection.
    async fn guarded<T>(
        &self,
        whose: &'static str,
        mut future: Pin<&mut impl Future<Output = Result<T, Rejection>>>,
    ) -> Result<T, Rejection> {
        let caught = pin!(poll_fn(move |cx| {
            catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)))
                .unwrap_or_else(|_| Poll::Ready(Err(panicked(whose))))
        }));
        let late = || Rejection::unavailable().caused_by(format_args!("{whose} took too long"));
        in_time(self.options.authenticator_timeout, caught).await.unwrap_or_else(|| Err(late()))
    }

    /// Whether they still may, and whether the session is theirs; then the principal on, the
    /// credentials off.
    fn admit(&self, head: &mut Parts, admission: Admission) -> Result<Admitted, Rejection> {
        let Admission { principal, scheme, .. } = admission;
        if principal.lifetime().is_over_for_who_was_found() {
            return Err(self.options.lapsed(scheme));
        }
        if principal.lifetime().is_bounded() {
            no_upgrade(head)?;
        }
        let whose = |rejection: Rejection| {
            rejection.caused_by(format_args!("it is none of {}'s", principal.name()))
        };
        self.options.handles.open(head, &principal).map_err(whose)?;
        debug!(
            principal = principal.name(),
            scheme,
            method = %head.method,
            path = ?head.uri.path(),
            "admitted"
        );
        counters::request(Some(scheme), "admitted", "");
        if !self.options.keep_authorization {
            head.headers.remove(AUTHORIZATION);
        } else if let Some(value) = head.headers.get_mut(AUTHORIZATION) {
            value.set_sensitive(true);
        }
        self.take_off_credentials(head);
        head.extensions.insert(principal.clone());
        Ok(Admitted { principal, scheme, options: self.options.clone() })
    }

    /// What nobody vouches for acts in nobody's name.
    fn bare(&self, head: &mut Parts) {
        head.headers.remove(AUTHORIZATION);
        self.take_off_credentials(head);
        self.options.handles.take_off(head);
    }

    fn take_off_credentials(&self, head: &mut Parts) {
        for name in &self.options.credential_headers {
            head.headers.remove(name);
        }
    }

    /// The answer to who is not let in. Which path was asked for is logged, what was claimed is not.
    fn refuse(&self, head: &Parts, rejection: Rejection) -> Response<Body> {
        let (method, path) = (&head.method, head.uri.path());
        let (reason, scheme) = (rejection.reason(), rejection.scheme());
        let cause = rejection.cause();
        counters::request(scheme, "refused", reason.as_str());
        match reason {
            Reason::Unavailable => {
                error!(reason = reason.as_str(), scheme, cause, %method, ?path, "refused");
            }
            Reason::NoDiscovery => {
                debug!(reason = reason.as_str(), %method, ?path, "answered");
            }
            _ => info!(reason = reason.as_str(), scheme, cause, %method, ?path, "refused"),
        }
        self.options.render(rejection)
    }
}

/// Nobody could end what is spoken after an upgrade (RFC 9110 §7.8, RFC 8441), as the principal's
/// time may demand. A server need not upgrade, and an extended `CONNECT` is nothing else.
fn no_upgrade(head: &mut Parts) -> Result<(), Rejection> {
    head.headers.remove(UPGRADE);
    match head.method == Method::CONNECT {
        true => Err(Rejection::bad_request("no CONNECT with a credential that may end")),
        false => Ok(()),
    }
}

/// What a future comes to within this time. Most need not wait, and then there is no timer.
///
/// It is pinned where it is made, and the timer boxed, to keep small what is boxed for each request
/// that must wait: the arguments of an `async fn` take room twice.
pub(crate) async fn in_time<F: Future>(
    limit: Duration,
    mut future: Pin<&mut F>,
) -> Option<F::Output> {
    match poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
        Poll::Ready(output) => Some(output),
        Poll::Pending => Box::pin(tokio::time::timeout(limit, future)).await.ok(),
    }
}

fn panicked(whose: &str) -> Rejection {
    Rejection::unavailable().caused_by(format_args!("{whose} panicked"))
}

impl<A> Clone for Gate<A> {
    fn clone(&self) -> Self {
        Self { authenticator: self.authenticator.clone(), options: self.options.clone() }
    }
}

impl<S: Clone, A> Clone for McpAuth<S, A> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), gate: self.gate.clone() }
    }
}

impl<S: fmt::Debug, A> fmt::Debug for McpAuth<S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpAuth")
            .field("inner", &self.inner)
            .field("authenticator", &std::any::type_name::<A>())
            .field("options", &self.gate.options)
            .finish()
    }
}
