//! Requests that are handled without authentication.

use http::request::Parts;

use super::discovery::{Discovery, ELSEWHERE, NO_OAUTH, is_discovery};
use super::exact_path::ExactPath;
use super::preflight::is_preflight;
use super::resource::Resources;
use crate::auth::{Rejection, RejectionKind};

/// Which requests need no credential.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exemptions {
    pub(crate) public_paths: Vec<ExactPath>,
    pub(crate) discovery: Discovery,
    pub(crate) resources: Resources,
}

/// How a request that needs no credential is handled.
pub(crate) enum Exempt {
    /// It is forwarded without credentials, for this reason.
    Forwarded(&'static str),
    /// The layer itself responds, with this rejection.
    Rejected(Rejection),
}

impl Exemptions {
    /// Returns how a request is handled if it needs no credential.
    ///
    /// Paths are compared byte for byte as they were sent: another spelling is not exempt, whatever
    /// it may mean to the inner service.
    pub(crate) fn find(&self, head: &Parts, has_body: bool) -> Option<Exempt> {
        if self.public_paths.iter().any(|path| path.is_of(head)) {
            return Some(Exempt::Forwarded("public path"));
        }
        if is_preflight(head, has_body) {
            return Some(Exempt::Forwarded("preflight"));
        }
        if !is_discovery(head) {
            return None;
        }
        Some(match self.discovery {
            Discovery::Forward => Exempt::Forwarded("discovery"),
            Discovery::NotFound => {
                let message = if self.resources.is_empty() { NO_OAUTH } else { ELSEWHERE };
                Exempt::Rejected(Rejection::new(RejectionKind::NoDiscovery, message))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn found(exemptions: &Exemptions, method: &str, path: &str) -> Option<&'static str> {
        let head = Request::builder().method(method).uri(path).body(()).unwrap().into_parts().0;
        exemptions.find(&head, false).map(|exempt| match exempt {
            Exempt::Forwarded(reason) => reason,
            Exempt::Rejected(rejection) => rejection.kind().as_str(),
        })
    }

    #[test]
    fn public_paths_are_exempt_byte_for_byte() {
        let public_paths = vec![ExactPath::from_static("/health")];
        let exemptions = Exemptions { public_paths, ..Exemptions::default() };
        for method in ["GET", "POST", "DELETE"] {
            assert_eq!(found(&exemptions, method, "/health?x"), Some("public path"));
        }
        for other in ["/health/", "/Health", "//health", "/health%20", "/%68ealth", "/"] {
            assert_eq!(found(&exemptions, "GET", other), None, "{other}");
        }
    }

    #[test]
    fn discovery_is_not_found_or_forwarded() {
        let path = "/.well-known/oauth-protected-resource";
        let mut exemptions = Exemptions::default();
        assert_eq!(found(&exemptions, "GET", path), Some("no_discovery"));
        exemptions.discovery = Discovery::Forward;
        assert_eq!(found(&exemptions, "GET", path), Some("discovery"));
        assert_eq!(found(&exemptions, "POST", path), None);
    }
}
