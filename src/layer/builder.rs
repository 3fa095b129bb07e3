//! The layer: its constructors and options.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum_core::body::Body;
use http::{HeaderName, Response};
use tower_layer::Layer;

use super::config::Options;
use super::service::McpAuthService;
use crate::auth::{Authenticator, Host, Rejection};
use crate::checks::{Discovery, Origin, OriginScheme, PublicPath};
use crate::crypto::Mac;
use crate::rate_limit::{RateLimit, RateLimiter};
use crate::session::SessionBinder;

/// Guards every request to the service inside: only those that its [`Authenticator`] admits, and
/// the few exemptions named in the [crate's documentation](crate), get there.
///
/// ```
/// use axum::{Router, routing::get};
/// use mcp_auth_layer::{McpAuthLayer, Principal};
///
/// let app: Router = Router::new()
///     .route("/whoami", get(|who: Principal| async move { who.name().to_owned() }))
///     .route("/health", get(|| async { "ok" }))
///     .layer(
///         McpAuthLayer::bearer("rD3m0NfE5Yc0mKq1bWv7Xw")
///             .public_path("/health")
///             .allow_origin("http://localhost:6274"),
///     );
/// ```
///
/// # Where to put it
///
/// `Router::layer` guards the routes and the fallback that the router has **at that moment**.
/// What is added afterwards is open. To guard an app whatever it consists of, wrap it as a whole:
///
/// ```
/// use axum::{Router, ServiceExt, extract::Request};
/// use mcp_auth_layer::McpAuthLayer;
/// use tower::Layer;
///
/// # async fn serve(listener: tokio::net::TcpListener, app: Router) -> std::io::Result<()> {
/// let guarded = McpAuthLayer::bearer("rD3m0NfE5Yc0mKq1bWv7Xw").layer(app);
/// axum::serve(listener, ServiceExt::<Request>::into_make_service(guarded)).await
/// # }
/// ```
///
/// # What gets past it
///
/// Public paths, and the CORS preflight: an `OPTIONS` with `Origin` and
/// `Access-Control-Request-Method`, which browsers send without credentials. A handler for `any`
/// method, or a fallback, sees it: let it act on nobody's behalf where there is no
/// [`Principal`](crate::Principal), or put a `CorsLayer` outside, which answers preflights itself.
///
/// `CorsLayer` and limits of the request's size go outside of it (in a `Router`: added later).
///
/// It needs a tokio runtime with timers where an authenticator waits for something.
#[must_use = "a layer does nothing until it is put around a service"]
pub struct McpAuthLayer<A> {
    authenticator: Arc<A>,
    options: Arc<Options>,
}

impl<A: Authenticator> McpAuthLayer<A> {
    /// Guards with this authenticator.
    ///
    /// # Panics
    ///
    /// If the operating system gives no random bytes, of which the key is made that seals session
    /// ids until there is a [`session_key`](Self::session_key).
    pub fn new(authenticator: A) -> Self {
        Self {
            options: Arc::new(Options::new(&authenticator)),
            authenticator: Arc::new(authenticator),
        }
    }
}

impl<A> McpAuthLayer<A> {
    /// The realm of every challenge (RFC 9110 §11.5), `mcp` by default. Browsers show it.
    ///
    /// # Panics
    ///
    /// If it has a control character, or anything but ASCII: clients cannot read such a field.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        let realm = realm.into();
        let printable = realm.chars().all(|c| matches!(c, ' '..='~'));
        assert!(printable, "McpAuthLayer::realm: printable ASCII only");
        self.edit().realm = realm;
        self
    }

    /// Needs no credential for this path, under any method. Call it again for another one.
    ///
    /// The path is compared byte for byte with the request's, without its query: `/health/`,
    /// `/Health` and `//health` stay guarded. Inside `Router::nest` it is the path that is left
    /// there. The request is passed on *bare*: without `Authorization` and session ids.
    ///
    /// # Panics
    ///
    /// If it does not begin with `/`, or has a `?`, `#`, `*`, `{` or `}`, white space, control
    /// characters, or anything but ASCII: it is one path, not a pattern.
    pub fn public_path(mut self, path: impl Into<String>) -> Self {
        let path = path.into().parse::<PublicPath>();
        let path = path.unwrap_or_else(|error| panic!("McpAuthLayer::public_path: {error}"));
        self.edit().exemptions.public_paths.push(path);
        self
    }

    /// Lets pages of this origin ask, such as `https://app.example.com` or the MCP Inspector's
    /// `http://localhost:6274`. Call it again for another one.
    ///
    /// Requests without `Origin` need no permission, nor do those of the server's own pages: pages
    /// of an IP address or `localhost` that ask the same one, and `https` pages of a
    /// [`host`](Self::host). For a browser to read the answers, put a `CorsLayer` outside as well.
    ///
    /// # Panics
    ///
    /// If it is not `scheme://host` or `scheme://host:port`, as browsers send it: without a path
    /// and without a slash at the end. `*` and `null` are no origins; any page can be `null`.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        let origin = origin.into().parse::<Origin>();
        let origin = origin.unwrap_or_else(|error| panic!("McpAuthLayer::allow_origin: {error}"));
        self.edit().origins.allow(origin);
        self
    }

    /// Lets pages of **every** origin of this scheme ask: `vscode-webview` for webviews of VS Code,
    /// whose hosts are made up anew, or `file` for pages opened from disk.
    ///
    /// Whoever can open such a page on the user's machine can then use what the browser or editor
    /// attaches to its requests, and read what needs no credential.
    ///
    /// # Panics
    ///
    /// If it is not the name of a scheme (RFC 3986 §3.1), or `http` or `https`: these are the web.
    pub fn danger_allow_origin_scheme(mut self, scheme: impl AsRef<str>) -> Self {
        let scheme = scheme.as_ref().parse::<OriginScheme>();
        let scheme = scheme
            .unwrap_or_else(|error| panic!("McpAuthLayer::danger_allow_origin_scheme: {error}"));
        self.edit().origins.allow_scheme(scheme);
        self
    }

    /// Names the server, as `host` or `host:port`: `tools.example.com`. Call it again for another
    /// name.
    ///
    /// A request that a browser sent (it has `Origin` or `Sec-Fetch-Site`) is refused with 403
    /// unless its `Host` is one of these names, an IP address or `localhost`. Without this check a
    /// web page whose name was rebound to the server's address (DNS rebinding) would pass as the
    /// server's own. Requests of other clients are not concerned. Pages of `https://` and this name
    /// are the server's own origin; see [`allow_origin`](Self::allow_origin) for others.
    ///
    /// # Panics
    ///
    /// If it is not `host` or `host:port`.
    pub fn host(mut self, host: impl AsRef<str>) -> Self {
        let host = host.as_ref();
        match Host::parse(host) {
            Some(host) => self.edit().hosts.add(host),
            None => panic!("McpAuthLayer::host: {host:?} is not `host` or `host:port`"),
        }
        self
    }

    /// Limits failed attempts to authenticate, of whatever scheme.
    ///
    /// By default [`RateLimit::default`] applies where the authenticator has a password file, and no
    /// limit elsewhere: nobody guesses a long random token. Clones of this layer share the counters.
    ///
    /// # Panics
    ///
    /// If the operating system gives no random bytes.
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.edit().rate_limit = Some(Arc::new(RateLimiter::new(limit)));
        self
    }

    /// Passes OAuth discovery probes on, bare, for an inner service that serves these documents.
    ///
    /// By default the layer answers them with 404. MCP clients follow any 401 with a look for
    /// `/.well-known/oauth-protected-resource`, `/.well-known/oauth-authorization-server` and
    /// `/.well-known/openid-configuration`, and anything but a plain "there is none" leads them
    /// astray where credentials are configured by hand.
    pub fn forward_discovery(mut self) -> Self {
        self.edit().exemptions.discovery = Discovery::Forward;
        self
    }

    /// Passes `Authorization` on to the inner service.
    ///
    /// By default it is taken off: MCP forbids servers to hand a client's token on. Two stacked
    /// layers need this on the outer one. The value is marked as sensitive, which keeps it out of
    /// the `Debug` of headers.
    pub fn forward_authorization(mut self) -> Self {
        self.edit().forward_authorization = true;
        self
    }

    /// How long the authenticator may take, 10 seconds by default, and then its check of the
    /// body, if it makes one. After that the answer is 503.
    pub fn authenticator_timeout(mut self, timeout: Duration) -> Self {
        self.edit().authenticator_timeout = timeout;
        self
    }

    /// How many bytes a body may have that must be [checked](crate::Authenticated::check_body),
    /// 4 MiB by default. A larger one is refused with 413. Other bodies are not touched.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.edit().body_limits.body = bytes;
        self
    }

    /// How many bytes all bodies may have together that are being collected or checked at a time,
    /// 64 MiB by default. One principal may have an eighth of it, or one body of the
    /// [limit](Self::body_limit). What comes on top is refused with 503.
    ///
    /// Each body has 30 seconds to arrive, and 16 KiB of it must arrive every five seconds.
    pub fn body_total_limit(mut self, bytes: usize) -> Self {
        self.edit().body_limits.total = bytes;
        self
    }

    /// Seals the ids of sessions and events with this key, of 32 or more random bytes.
    ///
    /// By default the key is random and of this process, like most sessions themselves. Replicas
    /// that know each other's sessions need a common one. For rotation call it a second time: the
    /// first key seals, and both open.
    ///
    /// # Panics
    ///
    /// If the key is shorter than 32 bytes, or is the third one.
    pub fn session_key(mut self, key: impl AsRef<[u8]>) -> Self {
        let key = key.as_ref();
        assert!(key.len() >= Mac::MIN_KEY, "McpAuthLayer::session_key: 32 bytes or more");
        let options = self.edit();
        match &mut options.handles.sealer {
            Some(sealer) if options.session_keys > 0 => {
                assert!(options.session_keys < 2, "McpAuthLayer::session_key: two keys at most");
                sealer.and_opens(key);
            }
            sealer => *sealer = Some(SessionBinder::new(key)),
        }
        options.session_keys += 1;
        self
    }

    /// The header that carries session ids, instead of `Mcp-Session-Id`.
    pub fn session_header(mut self, name: HeaderName) -> Self {
        self.edit().handles.header = name;
        self
    }

    /// The parameter of the query that carries session ids over HTTP+SSE, instead of `session_id`
    /// and `sessionId`. Only its letters and digits count, whatever their case: some servers drop
    /// the rest.
    ///
    /// # Panics
    ///
    /// If it has neither letters nor digits.
    pub fn session_parameter(mut self, name: &str) -> Self {
        let has_name = self.edit().handles.set_parameter(name);
        assert!(has_name, "McpAuthLayer::session_parameter: a name of letters and digits");
        self
    }

    /// Lets everybody who is admitted use everybody's sessions: passes ids of sessions and events
    /// through as they are. Who learns an id can then run tools in that session, and read or end
    /// it, with any credential of their own.
    pub fn danger_disable_session_binding(mut self) -> Self {
        self.edit().handles.sealer = None;
        self
    }

    /// Renders refusals in another way. The function is given the rejection and the response the
    /// layer would send, and returns the one that is sent.
    ///
    /// Keep the status and the `WWW-Authenticate` fields, which clients act on. If it panics, the
    /// layer's own response is sent.
    ///
    /// ```
    /// use axum::body::Body;
    /// use http::{HeaderValue, header::CONTENT_TYPE};
    /// use mcp_auth_layer::McpAuthLayer;
    ///
    /// let layer = McpAuthLayer::bearer("rD3m0NfE5Yc0mKq1bWv7Xw").render(|rejection, mut response| {
    ///     let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    ///     response.headers_mut().insert(CONTENT_TYPE, plain);
    ///     response.map(|_| Body::from(rejection.to_string()))
    /// });
    /// ```
    pub fn render<F>(mut self, render: F) -> Self
    where
        F: Fn(&Rejection, Response<Body>) -> Response<Body> + Send + Sync + 'static,
    {
        self.edit().render = Some(Arc::new(render));
        self
    }

    fn edit(&mut self) -> &mut Options {
        Arc::make_mut(&mut self.options)
    }
}

impl<S, A: Authenticator> Layer<S> for McpAuthLayer<A> {
    type Service = McpAuthService<S, A>;

    fn layer(&self, inner: S) -> Self::Service {
        self.authenticator.configure(&self.options.context());
        self.options.rate_limit.iter().for_each(|limiter| limiter.log_missing_address());
        McpAuthService::new(inner, self.authenticator.clone(), self.options.clone())
    }
}

impl<A> Clone for McpAuthLayer<A> {
    fn clone(&self) -> Self {
        Self { authenticator: self.authenticator.clone(), options: self.options.clone() }
    }
}

impl<A> fmt::Debug for McpAuthLayer<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpAuthLayer")
            .field("authenticator", &std::any::type_name::<A>())
            .field("options", &self.options)
            .finish()
    }
}
