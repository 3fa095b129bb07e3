//! What was configured beside the authenticator, and how a refusal is answered under it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use axum_core::body::Body;
use http::{HeaderName, Request, Response};
use tracing::error;

use crate::handles::Handles;
use crate::rejection::DEFAULT_REALM;
use crate::{Authenticator, Challenge, Rejection, body};

type Render = dyn Fn(&Rejection, Response<Body>) -> Response<Body> + Send + Sync;

#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) realm: String,
    pub(crate) public_paths: Vec<String>,
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) pass_discovery: bool,
    pub(crate) keep_authorization: bool,
    pub(crate) credential_headers: Vec<HeaderName>,
    /// What a request without any credential is told.
    challenges: Vec<Challenge>,
    pub(crate) authenticator_timeout: Duration,
    pub(crate) body_limit: usize,
    pub(crate) body_total_limit: usize,
    pub(crate) collecting: body::Collecting,
    pub(crate) handles: Handles,
    pub(crate) session_keys: usize,
    pub(crate) render: Option<Arc<Render>>,
}

impl Options {
    pub(crate) fn new(authenticator: &impl Authenticator) -> Self {
        Self {
            realm: DEFAULT_REALM.to_owned(),
            public_paths: Vec::new(),
            allowed_origins: Vec::new(),
            pass_discovery: false,
            keep_authorization: false,
            credential_headers: authenticator.credential_headers(),
            challenges: challenges(authenticator),
            authenticator_timeout: Duration::from_secs(10),
            body_limit: body::DEFAULT_LIMIT,
            body_total_limit: body::DEFAULT_TOTAL_LIMIT,
            collecting: body::Collecting::default(),
            handles: Handles::new(),
            session_keys: 0,
            render: None,
        }
    }

    /// The refusal of who was admitted by this scheme, and whose time is over.
    pub(crate) fn lapsed(&self, scheme: &'static str) -> Rejection {
        let own = Challenge::lapsed(scheme);
        let mut challenges = self.challenges.clone();
        match challenges.iter_mut().find(|one| one.scheme() == own.scheme()) {
            Some(one) if own.scheme() == "Bearer" => *one = own.clone(),
            Some(_) => {}
            None => challenges.push(own.clone()),
        }
        Rejection::invalid(own).with_challenges(challenges)
    }

    /// The answer to who is refused.
    pub(crate) fn render(&self, rejection: Rejection) -> Response<Body> {
        let own = || rejection.to_response(&self.realm);
        let mut response = match &self.render {
            None => own(),
            Some(render) => catch_unwind(AssertUnwindSafe(|| render(&rejection, own())))
                .unwrap_or_else(|_| {
                    error!("the function that renders refusals panicked");
                    own()
                }),
        };
        response.extensions_mut().insert(rejection);
        response
    }
}

/// What the authenticator says to a request that brings nothing, if it says so without waiting.
fn challenges(authenticator: &impl Authenticator) -> Vec<Challenge> {
    let (head, ()) = Request::new(()).into_parts();
    let judged = catch_unwind(AssertUnwindSafe(|| authenticator.authenticate_now(&head)));
    match judged {
        Ok(Some(Err(rejection))) => rejection.challenges().to_vec(),
        _ => Vec::new(),
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("realm", &self.realm)
            .field("public_paths", &self.public_paths)
            .field("allowed_origins", &self.allowed_origins)
            .field("pass_discovery", &self.pass_discovery)
            .field("keep_authorization", &self.keep_authorization)
            .field("credential_headers", &self.credential_headers)
            .field("authenticator_timeout", &self.authenticator_timeout)
            .field("body_limit", &self.body_limit)
            .field("body_total_limit", &self.body_total_limit)
            .field("session_header", &self.handles.header)
            .field("sessions_are_sealed", &self.handles.sealer.is_some())
            .finish_non_exhaustive()
    }
}
