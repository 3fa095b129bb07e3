//! The metadata document as a service of its own.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::body::Body;
use axum_core::response::IntoResponse;
use http::{Request, Response};
use tower_service::Service;

use super::protected_resource::Resource;
use super::resources::{Resources, not_found};

/// Serves the metadata document of a [`Resource`], and 404 at every other path. It needs no credential.
#[derive(Clone, Debug)]
pub struct ResourceService(Arc<Resources>);

impl Resource {
    /// Returns a service of the document. [`McpAuthLayer::resource`](crate::McpAuthLayer::resource) serves
    /// it as well; this is for applications whose layer does not receive requests for `/.well-known/…`.
    pub fn service(&self) -> ResourceService {
        ResourceService(Arc::new(Resources::from(self.clone())))
    }

    /// Returns a router with the [`service`](Self::service) at the paths of the document, to be merged into
    /// the outermost router.
    ///
    /// Two routers can be merged if they have no path in common: of several resources of one server all
    /// but one are [`only_at_its_path`](Self::only_at_its_path). For two names of the server with the same
    /// path, let the layer wrap the outermost router instead: it chooses by the host.
    ///
    /// # Panics
    ///
    /// If a segment of the resource's path begins with `:` or `*`, which axum does not route.
    #[cfg(feature = "axum")]
    pub fn routes(&self) -> axum::Router {
        use super::identifier::WELL_KNOWN;

        let own = self.identifier.metadata_path();
        let own = own.strip_suffix('/').unwrap_or(&own);
        let root = Some(WELL_KNOWN).filter(|root| self.is_at_root && *root != own);
        let mut router = axum::Router::new();
        for path in [own].into_iter().chain(root) {
            // A path is not a pattern.
            let path = path.replace('{', "{{").replace('}', "}}");
            router = router
                .route_service(&format!("{path}/"), self.service())
                .route_service(&path, self.service());
        }
        router
    }
}

impl<B> Service<Request<B>> for ResourceService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (head, _) = request.into_parts();
        let response = self.0.respond(&head).unwrap_or_else(|| Err(not_found()));
        ready(Ok(response.unwrap_or_else(IntoResponse::into_response)))
    }
}
