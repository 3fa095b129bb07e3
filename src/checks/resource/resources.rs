//! The resources of a layer: which of them a request is for.

use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

use axum_core::body::Body;
use http::Response;
use http::request::Parts;

use super::document::Document;
use super::identifier::WELL_KNOWN;
use super::protected_resource::Resource;
use crate::auth::{Host, Rejection, RejectionKind, named, original_uri};

/// The message for a client that asks for the metadata of a resource that does not exist.
const NO_RESOURCE: &str = "no resource here has its metadata at this path: the challenge of a 401 names \
                           the URL, which is made of that of the resource";

/// The resources of a layer. There is none by default.
#[derive(Clone, Default)]
pub(crate) struct Resources(Vec<Arc<Published>>);

/// A resource, with what is derived from its configuration once.
pub(crate) struct Published {
    resource: Resource,
    host: Host,
    /// Without a slash at its end.
    metadata_path: String,
    document: Document,
}

impl Published {
    fn new(resource: Resource) -> Self {
        let mut metadata_path = resource.identifier.metadata_path();
        if metadata_path.ends_with('/') {
            metadata_path.pop();
        }
        let (host, document) =
            (resource.identifier.host_and_port(), Document::new(resource.document()));
        Self { resource, host, metadata_path, document }
    }

    /// Returns the URL of the metadata.
    pub(crate) fn metadata_url(&self) -> &str {
        self.resource.metadata_url()
    }

    fn is_named_by(&self, head: &Parts) -> bool {
        // The authority of the target counts, where there is one, and else the field (RFC 9112 §3.2.2).
        named(head).next().is_some_and(|host| self.host.is_named_by(host))
    }

    /// Returns how well the resource fits a path: whether the path is its own or below it, and by how many
    /// bytes. Otherwise a proxy may have removed a prefix, and left the end of its path.
    fn fits(&self, path: &str) -> Option<(bool, usize)> {
        let (path, own) = (without_slash(path), self.resource.identifier.path());
        let rest = path.strip_prefix(own);
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return Some((true, own.len()));
        }
        (!path.is_empty() && own.ends_with(path)).then_some((false, path.len()))
    }

    /// Returns how well the document fits a path, if it is there at all: whether the path is its own, and
    /// not the root; whether the request is for its host; whether the slash at the end is right.
    fn is_at(&self, path: &str, head: &Parts) -> Option<(bool, bool, bool)> {
        let is_own = self.metadata_path == without_slash(path);
        let is_copy = self.resource.is_at_root && without_slash(path) == WELL_KNOWN;
        let is_exact = || self.resource.identifier.metadata_path() == path;
        (is_own || is_copy).then(|| (is_own, self.is_named_by(head), is_exact()))
    }
}

impl Resources {
    pub(crate) fn add(&mut self, resource: Resource) {
        self.0.push(Arc::new(Published::new(resource)));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the resource that a request is for. It is one of the configured ones, whatever the request
    /// contains. Of those that fit its path and its host it is the one with the longest path; else one that
    /// fits the path, as proxies change hosts; else one that fits the host; else the first.
    pub(crate) fn of(&self, head: &Parts) -> Option<&Arc<Published>> {
        let [first, others @ ..] = &*self.0 else { return None };
        if others.is_empty() {
            return Some(first);
        }
        let path = original_uri(head).path();
        self.0.iter().min_by_key(|resource| {
            let (fit, is_named) = (resource.fits(path), resource.is_named_by(head));
            Reverse((fit.is_some() && is_named, fit.is_some(), is_named, fit))
        })
    }

    /// Returns the response to a request for a metadata document. Below the well-known path nothing else
    /// exists: clients that get another response than 404 there are led astray.
    pub(crate) fn respond(&self, head: &Parts) -> Option<Result<Response<Body>, Rejection>> {
        if self.is_empty() {
            return None;
        }
        let path = original_uri(head).path();
        path.starts_with(WELL_KNOWN).then(|| self.document_at(path, head))
    }

    fn document_at(&self, path: &str, head: &Parts) -> Result<Response<Body>, Rejection> {
        let here =
            self.0.iter().filter_map(|resource| Some((resource, resource.is_at(path, head)?)));
        // The first of those that fit equally well.
        match here.min_by_key(|(_, fit)| Reverse(*fit)) {
            Some((resource, _)) => resource.document.respond(&head.method),
            None => Err(not_found()),
        }
    }
}

impl From<Resource> for Resources {
    fn from(resource: Resource) -> Self {
        Self(vec![Arc::new(Published::new(resource))])
    }
}

impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|published| &published.resource)).finish()
    }
}

/// Returns the response where no document is.
pub(super) fn not_found() -> Rejection {
    Rejection::new(RejectionKind::NoDiscovery, NO_RESOURCE)
}

fn without_slash(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn resources(urls: &[&str]) -> Resources {
        let mut resources = Resources::default();
        for url in urls {
            resources.add(Resource::new(*url, "https://id.example.com").unwrap());
        }
        resources
    }

    fn head(host: &str, path: &str) -> Parts {
        Request::get(path).header("host", host).body(()).unwrap().into_parts().0
    }

    /// The resource of a request to `host/path`.
    fn of<'r>(resources: &'r Resources, host: &str, path: &str) -> &'r str {
        resources.of(&head(host, path)).unwrap().resource.as_str()
    }

    #[test]
    fn the_only_resource_is_that_of_every_request() {
        let one = resources(&["https://a.example/mcp"]);
        assert_eq!(of(&one, "evil.example", "/other"), "https://a.example/mcp");
        assert!(Resources::default().of(&head("a.example", "/mcp")).is_none());
    }

    #[test]
    fn resource_of_the_longest_path_is_chosen() {
        let urls = ["https://a.example", "https://a.example/mcp", "https://a.example/mcp/b/"];
        let several = resources(&urls);
        for (path, index) in [
            ("/mcp", 1),
            ("/mcp/", 1),
            ("/mcp/x?y", 1),
            ("/mcp/b", 2),
            ("/mcp/b/", 2),
            ("/mcp/b/c", 2),
            ("/mcpx", 0),
            ("/", 0),
        ] {
            assert_eq!(of(&several, "a.example", path), urls[index], "{path}");
        }
    }

    #[test]
    fn resource_of_the_host_is_chosen_among_equal_paths() {
        let urls = [
            "https://a.example/mcp",
            "https://b.example/mcp",
            "https://b.example:8443/mcp",
            "https://c.example",
        ];
        let several = resources(&urls);
        for (host, index) in [
            ("a.example", 0),
            ("B.example", 1),
            ("b.example:443", 1),
            ("b.example:8443", 2),
            ("c.example", 3),
            ("evil.example", 0),
            ("b.example\", resource_metadata=\"x", 0),
            ("", 0),
        ] {
            assert_eq!(of(&several, host, "/mcp"), urls[index], "{host}");
        }
        // A proxy has changed the host, or the path.
        assert_eq!(
            of(&resources(&["https://a/mcp", "https://b/sse"]), "a", "/sse"),
            "https://b/sse"
        );
        let stripped = resources(&["https://a/tools/mcp", "https://a/tools/sse"]);
        assert_eq!(of(&stripped, "a", "/sse"), "https://a/tools/sse");
        assert_eq!(of(&stripped, "a", "/other"), "https://a/tools/mcp");
    }

    #[test]
    fn target_of_absolute_form_takes_precedence_over_host() {
        let several = resources(&["https://a.example/mcp", "https://b.example/mcp"]);
        assert_eq!(of(&several, "a.example", "https://b.example/mcp"), "https://b.example/mcp");
    }

    #[test]
    fn own_path_of_a_document_precedes_copies_at_the_root() {
        let several = resources(&["https://a.example/mcp", "https://a.example"]);
        let at = |path: &str| {
            let (path, head) = (format!("{WELL_KNOWN}{path}"), head("a.example", "/"));
            let fits = several.0.iter().map(|resource| resource.is_at(&path, &head));
            fits.collect::<Vec<_>>()
        };
        assert_eq!(at("/mcp"), [Some((true, true, true)), None]);
        assert_eq!(at("/"), [Some((false, true, false)), Some((true, true, false))]);
        assert_eq!(at("/other"), [None, None]);
    }
}
