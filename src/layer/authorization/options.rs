//! Options of the layer for authorization.

use crate::checks::ExactPath;
use crate::layer::McpAuthLayer;
use crate::policy::{Authorizer, BoxAuthorizer};

impl<A> McpAuthLayer<A> {
    /// Decides by this authorizer which methods, tools, prompts and resources each principal may use. It is a
    /// [`Policy`](crate::policy::Policy), a policy in a file (`PolicyFile`, with feature `policy`), or an [`Authorizer`]
    /// of your own. By default everything is allowed, and nothing is read.
    ///
    /// The inner service does not see what is refused, and lists show a principal only what it may use. See
    /// [`guide::authorization`](crate::guide::authorization).
    ///
    /// ```
    /// use mcp_auth_layer::policy::{Policy, everything, principal, tools};
    /// use mcp_auth_layer::{Bearer, McpAuthLayer};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tokens = Bearer::new([("alice", "rD3m0NfE5Yc0mKq1bWv7Xw"), ("ci", "hT5n2Wq8Zx1vLk4cRb7Jfg")])?;
    /// let policy = Policy::new()
    ///     .allow(principal("alice"), everything())
    ///     .allow(principal("ci"), tools(["search", "read_*"]));
    /// let layer = McpAuthLayer::new(tokens).authorize(policy);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A later authorizer replaces an earlier one; [`both`](crate::policy::both) joins two.
    ///
    /// # Which requests are read
    ///
    /// Requests of principals that the authorizer calls [unrestricted](Authorizer::is_unrestricted) are not read. Every
    /// body of another principal is, whatever the method, path or media type is. It must be one JSON-RPC message, or a
    /// batch before revision 2025-06-18, that every parser reads alike; the inner service receives the same bytes. Else
    /// the response is 400, 413 or 415. The limits of [bodies that are verified](Self::max_verified_body) apply.
    /// [`not_mcp`](Self::not_mcp) exempts endpoints that are not MCP's.
    ///
    /// A restricted principal cannot upgrade to another protocol (RFC 9110 §7.8), whose messages the layer would not
    /// see: `Upgrade` is removed, and `CONNECT` is rejected with 400.
    ///
    /// # How calls are refused
    ///
    /// By default, a request is refused by a JSON-RPC error with its ID and the status 200: the code is -32602 for a
    /// tool, prompt or resource, -32601 for a method, and -32603 if the authorizer panics, is unavailable, or takes
    /// longer than the [timeout](Self::authenticator_timeout). Over HTTP+SSE (MCP 2024-11-05) the status is 202, and
    /// the error is an event on the stream of the session. Notifications are refused by the status 403, or 503. See
    /// also [`refuse_by_status`](Self::refuse_by_status).
    ///
    /// With a [resource](Self::resource), a bearer token that lacks scopes is refused by 403 and a challenge (RFC 6750
    /// §3.1, MCP "Scope Challenge Handling").
    pub fn authorize(mut self, authorizer: impl Authorizer) -> Self {
        let authorizer = BoxAuthorizer::new(authorizer);
        self.edit().open_streams.announce_changes_of(&authorizer);
        self.config().authorization.authorizer = Some(authorizer);
        self
    }

    /// Exempts this path from [authorization](Self::authorize), because it is not an MCP endpoint: an upload, say. Call
    /// it again for another path.
    ///
    /// Requests to it are authenticated, but their bodies are not read, and lists in their responses are not filtered.
    /// The path is compared as that of a [public path](Self::public_path).
    ///
    /// ```
    /// use mcp_auth_layer::McpAuthLayer;
    /// use mcp_auth_layer::layer::ExactPath;
    /// use mcp_auth_layer::policy::{Policy, anyone, tools};
    ///
    /// let layer = McpAuthLayer::bearer("rD3m0NfE5Yc0mKq1bWv7Xw")
    ///     .authorize(Policy::new().allow(anyone(), tools(["search"])))
    ///     .not_mcp(ExactPath::from_static("/upload"));
    /// ```
    pub fn not_mcp(mut self, path: ExactPath) -> Self {
        self.config().authorization.not_mcp.push(path);
        self
    }

    /// Refuses requests by the status 403, or 503 if the authorizer is unavailable. The body is the same JSON-RPC error.
    ///
    /// By default the status is 200, or 202 over HTTP+SSE. Many clients show a JSON-RPC error to their users, but end
    /// the whole session at another status. This option is for gateways and auditors that read statuses.
    ///
    /// Over HTTP+SSE, the error is still an event on the stream of the session, as some clients wait for it. Lists that
    /// cannot be decided about keep their status: they are errors in the response of the inner service.
    ///
    /// ```
    /// use mcp_auth_layer::McpAuthLayer;
    /// use mcp_auth_layer::policy::{Policy, anyone, tools};
    ///
    /// let layer = McpAuthLayer::bearer("rD3m0NfE5Yc0mKq1bWv7Xw")
    ///     .authorize(Policy::new().allow(anyone(), tools(["search"])))
    ///     .refuse_by_status();
    /// ```
    pub fn refuse_by_status(mut self) -> Self {
        self.config().authorization.refuses_by_status = true;
        self
    }

    /// Forwards every request, and logs what [authorization](Self::authorize) would refuse: a policy can be tried before
    /// it is enforced. Lists are not filtered, and clients are not told of changes.
    ///
    /// The log events have the target `mcp_auth_layer::audit`. Their outcome is `would_refuse` for a message that would
    /// be refused, and `would_reject` for a body that would be rejected before a decision, or that was forwarded
    /// without being read: because it is larger than the [limit](Self::max_verified_body), does not announce its length,
    /// exceeds the [budget](Self::max_verified_bodies_total), or does not arrive within 30 seconds. Requests still wait
    /// for the authorizer.
    ///
    /// ```
    /// use mcp_auth_layer::McpAuthLayer;
    /// use mcp_auth_layer::policy::{Policy, anyone, tools};
    ///
    /// let layer = McpAuthLayer::bearer("rD3m0NfE5Yc0mKq1bWv7Xw")
    ///     .authorize(Policy::new().allow(anyone(), tools(["search"])))
    ///     .dry_run();
    /// ```
    pub fn dry_run(mut self) -> Self {
        self.config().authorization.is_dry_run = true;
        self
    }

    /// Sets how many bytes a JSON response, or one event of a stream, may have if it is a list that is filtered: 4 MiB
    /// (4,194,304 bytes) by default. The limit is also for one whose first 64 KiB do not show whether it is a list.
    ///
    /// A longer response is withheld, and the client receives 502. A stream ends with an error before a longer event.
    /// Both are logged. Other responses, such as results of tools, have no limit. JSON responses that are held also
    /// count into [`max_verified_bodies_total`](Self::max_verified_bodies_total), and have 30 seconds to arrive.
    ///
    /// ```
    /// use mcp_auth_layer::McpAuthLayer;
    /// use mcp_auth_layer::policy::{Policy, anyone, tools};
    ///
    /// let layer = McpAuthLayer::bearer("rD3m0NfE5Yc0mKq1bWv7Xw")
    ///     .authorize(Policy::new().allow(anyone(), tools(["search"])))
    ///     .list_limit(16 * 1024 * 1024);
    /// ```
    pub fn list_limit(mut self, bytes: usize) -> Self {
        self.config().authorization.list_limit = bytes;
        self
    }
}
