//! The layer and its options.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum_core::body::Body;
use http::{HeaderName, Response};
use tower_layer::Layer;

use super::config::Config;
use super::gate::Gate;
use super::service::McpAuthService;
use super::state::State;
use crate::auth::{Authenticator, Host, Realm, Rejection};
use crate::checks::{Discovery, ExactPath, Origin, OriginScheme};
use crate::rate_limit::{RateLimit, RateLimiter};
use crate::session::{SessionKey, SessionParameter};

/// Protects a service: it forwards requests that its [`Authenticator`] authenticates, and the few
/// that are exempt.
///
/// ```
/// use axum::{Router, routing::get};
/// use mcp_auth_layer::layer::{Origin, ExactPath};
/// use mcp_auth_layer::{McpAuthLayer, Principal};
///
/// let app: Router = Router::new()
///     .route("/whoami", get(|caller: Principal| async move { caller.name().to_owned() }))
///     .route("/health", get(|| async { "ok" }));
///
/// let app = McpAuthLayer::bearer("rD3m0NfE5Yc0mKq1bWv7Xw")
///     .public_path(ExactPath::from_static("/health"))
///     .allow_origin(Origin::from_static("http://localhost:6274"))
///     .protect(app);
/// ```
///
/// The order in which options are set does not matter.
///
/// # Where to put it
///
/// [`protect`](Self::protect) wraps a finished router. It is the right choice unless some routes
/// must stay open or need another layer.
///
/// `Router::layer` protects the routes and the fallback that a router has **at that moment**. Routes
/// that are added later are open. [`Layer::layer`] wraps any other service.
///
/// `CorsLayer` and limits of the request's size go outside of this layer: in a `Router` they are
/// added later.
///
/// # Exemptions
///
/// Public paths need no credential, nor does the CORS preflight: an `OPTIONS` request with `Origin`
/// and `Access-Control-Request-Method`, which browsers send without credentials. A handler for any
/// method, or a fallback, receives it: it must not act without a [`Principal`](crate::Principal).
/// A `CorsLayer` outside of this layer responds to preflights itself.
///
/// # Runtime
///
/// It needs a Tokio runtime with timers if an authenticator has to wait.
#[must_use = "a layer does nothing until it wraps a service"]
pub struct McpAuthLayer<A> {
    /// One pointer, as a router may clone the layer for each request.
    gate: Arc<Gate<A>>,
}

impl<A: Authenticator> McpAuthLayer<A> {
    /// Creates a layer that authenticates requests with this authenticator.
    pub fn new(authenticator: A) -> Self {
        Self { gate: Arc::new(Gate::new(authenticator)) }
    }

    /// Wraps a finished [`axum::Router`] and returns one that can be served in one line. It protects
    /// all routes and the fallback of the router.
    ///
    /// ```no_run
    /// use axum::{Router, routing::post};
    /// use mcp_auth_layer::McpAuthLayer;
    ///
    /// # async fn run(listener: tokio::net::TcpListener) -> std::io::Result<()> {
    /// let app = Router::new().route("/mcp", post(|| async { "an MCP server" }));
    /// let auth = McpAuthLayer::bearer("rD3m0NfE5Yc0mKq1bWv7Xw");
    /// axum::serve(listener, auth.protect(app)).await
    /// # }
    /// ```
    #[cfg(feature = "axum")]
    pub fn protect(&self, router: axum::Router) -> axum::Router {
        axum::Router::new().fallback_service(self.layer(router))
    }
}

impl<A> McpAuthLayer<A> {
    /// Sets the realm of every challenge (RFC 9110 §11.5), `mcp` by default. Browsers show it.
    pub fn realm(mut self, realm: Realm) -> Self {
        self.config().realm = realm;
        self
    }

    /// Exempts this path from authentication, for any method. Call it again for another path.
    ///
    /// The path is compared byte by byte with that of the request, without its query: `/health/`,
    /// `/Health` and `//health` stay protected. Inside of `Router::nest` it is the path that is left
    /// there. The request is forwarded without credentials and session IDs.
    pub fn public_path(mut self, path: ExactPath) -> Self {
        self.config().exemptions.public_paths.push(path);
        self
    }

    /// Allows requests from web pages of this origin, such as `https://app.example.com` or the MCP
    /// Inspector's `http://localhost:6274`. Call it again for another origin.
    ///
    /// Requests without `Origin` need no permission, nor do those of the server's own pages: pages
    /// of an IP address or `localhost` that request the same one, and `https` pages of a
    /// [`host`](Self::host). For a browser to read the responses, put a `CorsLayer` outside of this
    /// layer as well.
    pub fn allow_origin(mut self, origin: Origin) -> Self {
        self.config().origins.allow(origin);
        self
    }

    /// Allows requests from web pages of **every** origin of this scheme: `vscode-webview` for
    /// webviews of VS Code, whose hosts are random, or `file` for pages opened from disk.
    ///
    /// Anything that can open such a page on the user's machine can then use what the browser or
    /// editor attaches to its requests, and read what needs no credential.
    pub fn danger_allow_origin_scheme(mut self, scheme: OriginScheme) -> Self {
        self.config().origins.allow_scheme(scheme);
        self
    }

    /// Adds a name of this server: `tools.example.com`. Call it again for another name.
    ///
    /// A request of a browser (it has `Origin` or `Sec-Fetch-Site`) is rejected with 403 unless its
    /// `Host` is one of these names, an IP address or `localhost`. Without this check a web page
    /// whose name was rebound to the server's address (DNS rebinding) would pass as the server's
    /// own. It does not concern requests of other clients. Pages of `https://` and this name are the
    /// server's own origin; see [`allow_origin`](Self::allow_origin) for others.
    pub fn host(mut self, host: Host) -> Self {
        self.config().hosts.add(host);
        self
    }

    /// Limits failed attempts to authenticate, of all schemes together.
    ///
    /// By default [`RateLimit::default`] applies if the authenticator has a password file, and no
    /// limit otherwise: long random tokens cannot be guessed. Clones of this layer share the
    /// counters.
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.edit().rate_limiter = Some(Arc::new(RateLimiter::new(limit)));
        self
    }

    /// Sets how requests for OAuth discovery documents are handled: with 404 by default.
    pub fn discovery(mut self, discovery: Discovery) -> Self {
        self.config().exemptions.discovery = discovery;
        self
    }

    /// Forwards `Authorization` to the inner service.
    ///
    /// By default the layer strips it: MCP forbids servers to pass a client's token on. Of two
    /// stacked layers the outer one needs this option. The value is marked as sensitive, which
    /// keeps it out of the `Debug` of headers.
    pub fn forward_authorization(mut self) -> Self {
        self.config().forward_authorization = true;
        self
    }

    /// Sets how long the authenticator may take, then its verification of the body, and then the
    /// [authorizer](Self::authorize) for all messages of a request or a list: 10 seconds by default. After
    /// that, the layer responds with 503, or refuses the messages.
    pub fn authenticator_timeout(mut self, timeout: Duration) -> Self {
        self.config().authenticator_timeout = timeout;
        self
    }

    /// Sets how many bytes a body may have that must be
    /// [verified](crate::auth::Authenticated::verify_body) or [authorized](Self::authorize): 4 MiB by
    /// default. A larger one is rejected with 413. Other bodies have no limit.
    pub fn max_verified_body(mut self, bytes: usize) -> Self {
        self.config().body_limits.body = bytes;
        self
    }

    /// Sets how many bytes all bodies together may have that are collected at a time, to be verified or
    /// authorized, and JSON responses whose lists are filtered: 64 MiB by default. One principal may hold
    /// an eighth of it, or one body of the [limit](Self::max_verified_body). The layer rejects further
    /// requests with 503, and withholds further lists with 502.
    ///
    /// Each body has 30 seconds to arrive, and 16 KiB of it must arrive in each five seconds.
    pub fn max_verified_bodies_total(mut self, bytes: usize) -> Self {
        self.config().body_limits.total = bytes;
        self
    }

    /// Binds session and event IDs with this key.
    ///
    /// By default the key is random and of this process, as most sessions are themselves. Replicas
    /// that know each other's sessions need a common key.
    pub fn session_key(mut self, key: SessionKey) -> Self {
        self.config().session_ids.set_key(key);
        self
    }

    /// Accepts session and event IDs that were bound with this earlier key, while keys are rotated.
    pub fn previous_session_key(mut self, key: SessionKey) -> Self {
        self.config().session_ids.set_previous_key(key);
        self
    }

    /// Sets the header that carries session IDs, `Mcp-Session-Id` by default.
    pub fn session_header(mut self, name: HeaderName) -> Self {
        self.config().session_ids.set_header(name);
        self
    }

    /// Sets the query parameter that carries session IDs over HTTP+SSE, `session_id` and `sessionId`
    /// by default.
    pub fn session_parameter(mut self, name: SessionParameter) -> Self {
        self.config().session_ids.set_parameter(name);
        self
    }

    /// Does not bind session and event IDs: every authenticated principal can use every session.
    /// Anyone who learns an ID can then run tools in that session, and read or end it, with any
    /// credential of their own.
    pub fn danger_disable_session_binding(mut self) -> Self {
        self.config().session_ids.disable_binding();
        self
    }

    /// Renders the response to rejected requests. The function receives the rejection and the
    /// layer's response, and returns the response that is sent.
    ///
    /// Keep the status and the `WWW-Authenticate` fields, which clients act on. If the function
    /// panics, the layer's own response is sent.
    ///
    /// ```
    /// use axum::body::Body;
    /// use http::{HeaderValue, header::CONTENT_TYPE};
    /// use mcp_auth_layer::McpAuthLayer;
    ///
    /// let layer = McpAuthLayer::bearer("rD3m0NfE5Yc0mKq1bWv7Xw").with_rejection_response(
    ///     |rejection, mut response| {
    ///         let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    ///         response.headers_mut().insert(CONTENT_TYPE, plain);
    ///         response.map(|_| Body::from(rejection.to_string()))
    ///     },
    /// );
    /// ```
    pub fn with_rejection_response<F>(mut self, render: F) -> Self
    where
        F: Fn(&Rejection, Response<Body>) -> Response<Body> + Send + Sync + 'static,
    {
        self.config().rejection_response = Some(Arc::new(render));
        self
    }

    pub(super) fn edit(&mut self) -> &mut State {
        Arc::make_mut(&mut self.gate).edit()
    }

    pub(super) fn config(&mut self) -> &mut Config {
        &mut self.edit().config
    }
}

impl<S, A: Authenticator> Layer<S> for McpAuthLayer<A> {
    type Service = McpAuthService<S, A>;

    fn layer(&self, inner: S) -> Self::Service {
        self.gate.configure();
        McpAuthService::new(inner, self.gate.clone())
    }
}

impl<A> Clone for McpAuthLayer<A> {
    fn clone(&self) -> Self {
        Self { gate: self.gate.clone() }
    }
}

impl<A> fmt::Debug for McpAuthLayer<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpAuthLayer")
            .field("authenticator", &std::any::type_name::<A>())
            .field("config", &self.gate.state.config)
            .field("rate_limiter", &self.gate.state.rate_limiter)
            .finish()
    }
}
