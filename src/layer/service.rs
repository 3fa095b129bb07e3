//! The way of a request, from top to bottom.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use axum_core::BoxError;
use axum_core::body::Body;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, COOKIE, EXPECT, UPGRADE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, Version};
use tower_service::Service;
use tracing::Level;

use super::body_budget::Share;
use super::config::Options;
use super::deadline::in_time;
use super::future::ResponseFuture;
use super::response_body::Admitted;
use super::{collect_body, request_body};
use crate::auth::{
    Attempt, Authenticated, Authenticator, Rejection, RejectionKind, SIGNATURE, SIGNATURE_INPUT,
    is_spelling_of,
};
use crate::checks::{Discovery, Exempt, NO_OAUTH, is_registration};
use crate::rate_limit::{Decision, Outcome, Permit, Requester};
use crate::telemetry;
use crate::telemetry::{Rejected, Verification};

/// The service that [`McpAuthLayer`](crate::McpAuthLayer) puts around another.
///
/// It takes a request body of any type with `Data = Bytes`, and gives the inner service
/// `axum::body::Body`. Errors are the inner service's: a refusal is a response.
///
/// It is always ready. The inner service's readiness is awaited once a request is authenticated, so
/// that others hold none of its permits.
pub struct McpAuthService<S, A> {
    inner: S,
    gate: Gate<A>,
}

/// Everything that decides, shared by all clones.
struct Gate<A> {
    authenticator: Arc<A>,
    options: Arc<Options>,
}

/// How often a credential is looked at that ends meanwhile: its table may have been replaced by one
/// that has it as well.
const ATTEMPTS: usize = 16;

impl<S, A> McpAuthService<S, A> {
    pub(crate) fn new(inner: S, authenticator: Arc<A>, options: Arc<Options>) -> Self {
        let gate = Gate { authenticator, options };
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
        let options = &*self.gate.options;

        if let Err(rejection) = options.hosts.check(&head) {
            return self.refuse(head, body, rejection);
        }
        match options.exemptions.find(&head, !body.is_end_stream()) {
            Some(Exempt::Forwarded(why)) => {
                self.gate.exempt(&mut head, why);
                return self.forward(Request::from_parts(head, Body::new(body)), None);
            }
            Some(Exempt::Rejected(rejection)) => return self.refuse(head, body, rejection),
            None => {}
        }
        let origin = options.origins.check(&options.hosts, &head);
        if let Err(rejection) =
            origin.and_then(|()| one_credential(&head, &options.credential_headers))
        {
            return self.refuse(head, body, rejection);
        }

        let Decision { verdict, permit } = match self.gate.decide(&head) {
            Ok(decision) => decision,
            Err(rejection) => return self.refuse(head, body, rejection),
        };
        match verdict {
            Some(Err(rejection)) => {
                if let Some(permit) = permit {
                    permit.settle(Outcome::from_result(&Err::<(), _>(rejection.clone())));
                }
                self.refuse(head, body, rejection)
            }
            // A credential that has ended since it was cached is looked at again.
            Some(Ok(admission))
                if admission.body_check.is_none() && !admission.principal.has_ended() =>
            {
                if let Some(permit) = permit {
                    permit.settle(Outcome::Authenticated);
                }
                match self.gate.admit(&mut head, admission) {
                    Ok(admitted) => {
                        let body = request_body::bound(Body::new(body), &admitted.principal);
                        self.forward(Request::from_parts(head, body), Some(admitted))
                    }
                    Err(rejection) => self.refuse(head, body, rejection),
                }
            }
            verdict => {
                let (gate, inner) = (self.gate.clone(), self.inner.clone());
                ResponseFuture::waiting(async move {
                    let mut body = Body::new(body);
                    match gate.decide_later(&mut head, &mut body, verdict, permit).await {
                        Ok((admitted, share)) => {
                            let body = request_body::bound(body, &admitted.principal);
                            let request = Request::from_parts(head, body);
                            forward_when_ready(inner, request, Some(admitted), share).await
                        }
                        Err(rejection) => Ok(gate.refuse_after(&head, body, rejection).await),
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
        admitted: Option<Admitted>,
    ) -> ResponseFuture<S::Future, S::Error>
    where
        S: Service<Request<Body>, Response = Response<R>>,
        R: http_body::Body<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
    {
        match self.inner.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => ResponseFuture::inner(self.inner.call(request), admitted),
            Poll::Ready(Err(error)) => ResponseFuture::failed(error),
            // The service that was polled is the one to call; a clone stays here.
            Poll::Pending => {
                let clone = self.inner.clone();
                let inner = std::mem::replace(&mut self.inner, clone);
                ResponseFuture::waiting(forward_when_ready(inner, request, admitted, None))
            }
        }
    }

    /// Refuses a request, once its body has been read to the end.
    fn refuse<B>(
        &self,
        head: Parts,
        body: B,
        rejection: Rejection,
    ) -> ResponseFuture<S::Future, S::Error>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if !must_drain(&head, &body) {
            return ResponseFuture::answered(self.gate.refuse(&head, rejection));
        }
        let gate = self.gate.clone();
        ResponseFuture::waiting(async move {
            Ok(gate.refuse_after(&head, Body::new(body), rejection).await)
        })
    }
}

/// Waits until the inner service is ready, and calls it, unless the credential ends meanwhile. The
/// body's share of the budget is held until then.
async fn forward_when_ready<S, R>(
    mut inner: S,
    request: Request<Body>,
    admitted: Option<Admitted>,
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
    if let Some(admitted) = &admitted
        && has_waited
        && admitted.principal.has_ended()
    {
        return Ok(admitted.ended());
    }
    let response = ResponseFuture::inner(inner.call(request), admitted);
    drop(share);
    response.await
}

/// Whether a refused request's body is read to the end before the answer. HTTP/2 refuses a stream
/// without the connection; a client that waits for `100 Continue` is not told to go on.
fn must_drain(head: &Parts, body: &impl http_body::Body) -> bool {
    !body.is_end_stream() && head.version < Version::HTTP_2 && !head.headers.contains_key(EXPECT)
}

/// Ambiguous: implementations disagree on which of two headers wins. Signatures are lists, whose
/// lines are joined (RFC 9421 §4), and so are those of cookies over HTTP/2 (RFC 9113 §8.2.3).
fn one_credential(head: &Parts, credentials: &[HeaderName]) -> Result<(), Rejection> {
    let has_two = head.headers.len() > head.headers.keys_len()
        && head.headers.get_all(AUTHORIZATION).iter().nth(1).is_some();
    if has_two {
        return Err(Rejection::bad_request("more than one Authorization header"));
    }
    let is_list = |name: &HeaderName| {
        *name == SIGNATURE
            || *name == SIGNATURE_INPUT
            || *name == COOKIE && head.version >= Version::HTTP_2
    };
    for name in credentials.iter().filter(|name| !is_list(name)) {
        let lines = head.headers.iter().filter(|(field, _)| is_spelling_of(field.as_str(), name));
        if lines.count() > 1 {
            return Err(Rejection::bad_request(format!("more than one {name} header")));
        }
    }
    Ok(())
}

impl<A: Authenticator> Gate<A> {
    /// Decides as far as that is possible without waiting, within the rate limit.
    fn decide(&self, head: &Parts) -> Result<Decision, Rejection> {
        let limiter = self.options.rate_limit.as_ref();
        let limited = limiter.map(|limiter| Ok((limiter, self.attempt(head)?))).transpose()?;
        let Some((limiter, Some(attempt))) = limited else {
            return Ok(Decision { verdict: self.authenticate_now(head), permit: None });
        };
        let credentials = &self.options.credential_headers;
        limiter.decide(head, &attempt, credentials, || self.authenticate_now(head))
    }

    fn attempt(&self, head: &Parts) -> Result<Option<Attempt>, Rejection> {
        catch_unwind(AssertUnwindSafe(|| self.authenticator.attempt(head)))
            .map_err(|_| panicked("the authenticator"))
    }

    fn authenticate_now(&self, head: &Parts) -> Option<Result<Authenticated, Rejection>> {
        let _timed = Verification::start();
        catch_unwind(AssertUnwindSafe(|| self.authenticator.authenticate_now(head)))
            .unwrap_or_else(|_| Some(Err(panicked("the authenticator"))))
    }

    /// Decides what has to wait: for the authenticator, or for the body.
    async fn decide_later(
        &self,
        head: &mut Parts,
        body: &mut Body,
        verdict: Option<Result<Authenticated, Rejection>>,
        permit: Option<Permit>,
    ) -> Result<(Admitted, Option<Share>), Rejection> {
        let verdict = match verdict {
            Some(Ok(admission)) if !admission.principal.has_ended() => Ok(admission),
            _ => self.authenticate(head, permit.as_ref()).await,
        };
        let checked = match verdict {
            Ok(admission) if admission.body_check.is_some() => {
                self.check_body(admission, body).await
            }
            verdict => verdict.map(|admission| (admission, None)),
        };
        if let Some(permit) = permit {
            permit.settle(Outcome::from_result(&checked));
        }
        let (admission, share) = checked?;
        Ok((self.admit(head, admission)?, share))
    }

    async fn authenticate(
        &self,
        head: &mut Parts,
        permit: Option<&Permit>,
    ) -> Result<Authenticated, Rejection> {
        if let Some(permit) = permit {
            head.extensions.insert(permit.requester());
        }
        let mut attempts = 1..ATTEMPTS;
        let verdict = loop {
            let admission = match self.authenticate_once(head).await {
                Ok(admission) if admission.principal.has_ended() => admission,
                verdict => break verdict,
            };
            if !admission.principal.lifetime().was_removed() || attempts.next().is_none() {
                break Err(self.options.expired(admission.scheme));
            }
        };
        head.extensions.remove::<Requester>();
        verdict
    }

    /// Refuses a credential that has ended.
    fn still_good(&self, admission: Authenticated) -> Result<Authenticated, Rejection> {
        match admission.principal.has_ended() {
            false => Ok(admission),
            true => Err(self.options.expired(admission.scheme)),
        }
    }

    async fn authenticate_once(&self, head: &Parts) -> Result<Authenticated, Rejection> {
        let _timed = Verification::start();
        // In a block of its own, as an implementation may panic before there is a future.
        let verdict = pin!(async { self.authenticator.authenticate(head).await });
        self.guarded("the authenticator", verdict).await
    }

    /// Keeps the promise of an admission that owes a check of the body: replaces the body by what
    /// was checked, and returns what that holds of the budget.
    async fn check_body(
        &self,
        mut admission: Authenticated,
        body: &mut Body,
    ) -> Result<(Authenticated, Option<Share>), Rejection> {
        let Some(check) = admission.body_check.take() else {
            return Ok((admission, None));
        };
        let check = self.guarded("the check of the body", pin!(check.begin())).await?;
        let Options { body_limits, body_budget, .. } = &*self.options;
        let (bytes, share) =
            collect_body::collect(body, &admission.principal, *body_limits, body_budget).await?;
        let whole = bytes.clone();
        let checked = pin!(async move { check(whole).await });
        self.guarded("the check of the body", checked).await?;
        *body = Body::from(bytes);
        Ok((self.still_good(admission)?, Some(share)))
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

    /// Checks that the session is bound to the principal, inserts the principal and strips the
    /// credentials.
    fn admit(&self, head: &mut Parts, admission: Authenticated) -> Result<Admitted, Rejection> {
        let Authenticated { principal, scheme, .. } = admission;
        if principal.lifetime().is_bounded() {
            no_upgrade(head)?;
        }
        let whose = |rejection: Rejection| {
            rejection.caused_by(format_args!("it is none of {}'s", principal.name()))
        };
        self.options.handles.open(head, &principal).map_err(whose)?;
        self.options.handles.ask_for_identity(&mut head.headers);
        telemetry::authenticated(principal.name(), scheme, head);
        if !self.options.forward_authorization {
            head.headers.remove(AUTHORIZATION);
        } else if let Some(value) = head.headers.get_mut(AUTHORIZATION) {
            value.set_sensitive(true);
        }
        self.take_off_credentials(head);
        head.extensions.insert(principal.clone());
        let is_get = head.method == Method::GET;
        Ok(Admitted { principal, scheme, options: self.options.clone(), is_get })
    }

    /// Strips credentials and session IDs from a request that is forwarded without authentication.
    fn exempt(&self, head: &mut Parts, why: &'static str) {
        telemetry::exempt(why, head);
        head.headers.remove(AUTHORIZATION);
        self.take_off_credentials(head);
        self.options.handles.take_off(head);
    }

    fn take_off_credentials(&self, head: &mut Parts) {
        let credentials = &self.options.credential_headers;
        if credentials.is_empty() {
            return;
        }
        let is_credential = |field: &&HeaderName| {
            credentials.iter().any(|name| is_spelling_of(field.as_str(), name))
        };
        let stripped: Vec<_> = head.headers.keys().filter(is_credential).cloned().collect();
        for name in stripped {
            head.headers.remove(name);
        }
    }

    /// Refuses a request after its body was read to the end, if it must be.
    async fn refuse_after(
        &self,
        head: &Parts,
        mut body: Body,
        rejection: Rejection,
    ) -> Response<Body> {
        let is_unread = must_drain(head, &body) && !collect_body::drain(&mut body).await;
        let mut response = self.refuse(head, rejection);
        if is_unread {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// The answer to a refused request. The path is logged, the presented credential is not.
    fn refuse(&self, head: &Parts, rejection: Rejection) -> Response<Body> {
        let rejection = self.explain(head, rejection);
        let level = match rejection.kind() {
            RejectionKind::Unavailable => Level::ERROR,
            RejectionKind::NoDiscovery | RejectionKind::NoRegistration => Level::DEBUG,
            _ => Level::INFO,
        };
        let (reason, scheme) = (rejection.kind().as_str(), rejection.scheme().map(Into::into));
        telemetry::rejected(Rejected { level, reason, scheme, cause: rejection.cause() }, head);
        self.options.render(rejection)
    }

    /// Says more about a missing credential, where clients show it: one that came is told apart from
    /// none, and clients that look for OAuth show the answer to their registration (RFC 7591).
    fn explain(&self, head: &Parts, rejection: Rejection) -> Rejection {
        if rejection.kind() != RejectionKind::Missing {
            return rejection;
        }
        if head.headers.contains_key(AUTHORIZATION) {
            return rejection.unrecognized();
        }
        if is_registration(head) && self.options.exemptions.discovery == Discovery::NotFound {
            return Rejection::new(RejectionKind::NoRegistration, NO_OAUTH);
        }
        rejection
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

fn panicked(whose: &str) -> Rejection {
    Rejection::unavailable().caused_by(format_args!("{whose} panicked"))
}

impl<A> Clone for Gate<A> {
    fn clone(&self) -> Self {
        Self { authenticator: self.authenticator.clone(), options: self.options.clone() }
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
            .field("options", &self.gate.options)
            .finish()
    }
}
