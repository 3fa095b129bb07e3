//! Requests that need no credential: public paths, CORS preflights and OAuth discovery.

use http::Method;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};
use http::request::Parts;

use super::discovery::is_discovery;
use crate::auth::{Rejection, RejectionKind};

/// What a client without OAuth is told wherever it looks for it.
pub(crate) const NO_OAUTH: &str =
    "no OAuth here: the credential is configured in the client, as a header";

/// Which requests need no credential.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exemptions {
    pub(crate) public_paths: Vec<String>,
    pub(crate) forward_discovery: bool,
}

/// A request that needs no credential.
pub(crate) enum Exempt {
    /// It is forwarded without credentials.
    Forwarded(&'static str),
    /// The layer answers it.
    Answered(Rejection),
}

impl Exemptions {
    /// Whether a request needs no credential. Paths are compared as they were sent, byte for byte:
    /// whatever another spelling may mean to the inner service, it is not exempt.
    pub(crate) fn find(&self, head: &Parts, has_body: bool) -> Option<Exempt> {
        if self.public_paths.iter().any(|path| path == head.uri.path()) {
            return Some(Exempt::Forwarded("public path"));
        }
        if is_preflight(head, has_body) {
            return Some(Exempt::Forwarded("preflight"));
        }
        if !is_discovery(head) {
            return None;
        }
        Some(match self.forward_discovery {
            true => Exempt::Forwarded("discovery"),
            false => Exempt::Answered(Rejection::new(RejectionKind::NoDiscovery, NO_OAUTH)),
        })
    }
}

/// The CORS preflight of the Fetch standard, §4.8, which a browser sends without credentials.
fn is_preflight(head: &Parts, has_body: bool) -> bool {
    head.method == Method::OPTIONS
        && head.headers.contains_key(ORIGIN)
        && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        && !has_body
}
