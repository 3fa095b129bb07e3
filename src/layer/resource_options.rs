//! Options of the layer for OAuth, which need no scheme in particular: the resource and its scopes.

use std::fmt;

use super::builder::McpAuthLayer;
#[cfg(doc)]
use crate::auth::Rejection;
use crate::auth::Scope;
use crate::checks::Resource;

impl<A> McpAuthLayer<A> {
    /// Publishes this OAuth resource, so that clients find the login by themselves. Call it again for another
    /// endpoint or another name of the server.
    ///
    /// The layer serves the [metadata](Resource#the-document) of the resource without authentication, and
    /// names its URL in every challenge. A 401, and a 403 for a missing scope, then has a Bearer challenge,
    /// whatever the authenticator is. So has a [`Rejection`] that a handler returns. The host of the
    /// resource is a [`host`](Self::host) of this server.
    ///
    /// Of several resources, a challenge names the one whose path and host are those of the request. No
    /// part of a challenge or a document is made of the request.
    pub fn resource(mut self, resource: Resource) -> Self {
        let config = self.config();
        config.hosts.add(resource.host());
        config.exemptions.resources.add(resource);
        self
    }

    /// Requires these scopes of every principal, whatever its scheme is: without one of them, a request is
    /// rejected with 403 and all of them. Call it again for more.
    ///
    /// A 401 with a Bearer challenge names them as well, so that clients ask for them. Handlers require
    /// further scopes by [`Rejection::insufficient_scope`].
    ///
    /// ```
    /// use mcp_auth_layer::auth::Scope;
    /// use mcp_auth_layer::{Bearer, McpAuthLayer, Principal};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let ci = Principal::new("ci").with_scopes(["tools:write"]);
    /// let tokens = Bearer::new([(ci, "rD3m0NfE5Yc0mKq1bWv7Xw")])?;
    /// # let configured = "tools:list";
    /// let layer = McpAuthLayer::new(tokens)
    ///     .require_scopes(["tools:read"])
    ///     .scope_implies("tools:write", "tools:read");
    /// let layer = layer.require_scopes([configured.parse::<Scope>()?]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If a text is not a scope token (RFC 6749 §3.3), or is `offline_access`, which grants nothing at a
    /// resource. Parse texts from a configuration into [`Scope`]s, which returns errors.
    #[track_caller]
    pub fn require_scopes<S>(mut self, scopes: impl IntoIterator<Item = S>) -> Self
    where
        S: TryInto<Scope, Error: fmt::Display>,
    {
        for scope in scopes {
            let scope = scope_of("require_scopes", scope);
            assert!(
                scope != Scope::OFFLINE_ACCESS,
                "McpAuthLayer::require_scopes: `{scope}` grants nothing at a resource"
            );
            self.config().scopes.require(scope);
        }
        self
    }

    /// Makes a scope include another one, and whatever that includes: who has the first has both. The
    /// [`Principal`](crate::Principal) that handlers receive has the included scopes as well.
    ///
    /// # Panics
    ///
    /// If a text is not a scope token (RFC 6749 §3.3), as for [`require_scopes`](Self::require_scopes).
    #[track_caller]
    pub fn scope_implies<S, I>(mut self, scope: S, implied: I) -> Self
    where
        S: TryInto<Scope, Error: fmt::Display>,
        I: TryInto<Scope, Error: fmt::Display>,
    {
        let scope = scope_of("scope_implies", scope);
        let implied = scope_of("scope_implies", implied);
        self.config().scopes.imply(scope, implied);
        self
    }
}

#[track_caller]
fn scope_of<S: TryInto<Scope, Error: fmt::Display>>(option: &str, scope: S) -> Scope {
    match scope.try_into() {
        Ok(scope) => scope,
        Err(error) => panic!("McpAuthLayer::{option}: {error}"),
    }
}
