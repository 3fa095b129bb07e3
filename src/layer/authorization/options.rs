//! Options of the layer for authorization.

use crate::checks::ExactPath;
use crate::layer::McpAuthLayer;
use crate::policy::{Authorizer, BoxAuthorizer};

impl<A> McpAuthLayer<A> {
    /// Decides by this authorizer which methods, tools, prompts and resources each principal may use: by a
    /// [`Policy`](crate::policy::Policy), a file of one, or an [`Authorizer`] of your own. See
    /// [`guide::authorization`](crate::guide::authorization).
    ///
    /// What it does not allow is refused, and the inner service does not see it. Lists show a principal only what it
    /// may use. `initialize`, `ping` and lists themselves are always allowed.
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
    /// # What is read
    ///
    /// Every body of a restricted principal, whatever the method, path or media type is: it must be one JSON-RPC message
    /// or a batch that every parser reads alike, and the inner service receives the same bytes. The limits of
    /// [bodies that are verified](Self::max_verified_body) hold for it. [`not_mcp`](Self::not_mcp) exempts endpoints
    /// that are not MCP's. Requests of a principal that may do everything are not read.
    ///
    /// A restricted principal cannot upgrade to another protocol, whose messages the layer would not see.
    ///
    /// A later authorizer replaces an earlier one; [`both`](crate::policy::both) joins two.
    pub fn authorize(mut self, authorizer: impl Authorizer) -> Self {
        let authorizer = BoxAuthorizer::new(authorizer);
        self.edit().open_streams.announce_changes_of(&authorizer);
        self.config().authorization.authorizer = Some(authorizer);
        self
    }

    /// Exempts this path from authorization, because it is not an MCP endpoint: an upload, say. Its requests are still
    /// authenticated. Call it again for another path.
    ///
    /// The path is compared as that of a [public path](Self::public_path).
    pub fn not_mcp(mut self, path: ExactPath) -> Self {
        self.config().authorization.not_mcp.push(path);
        self
    }

    /// Refuses calls with the status 403, and with 503 if the authorizer is unavailable. The body is the same.
    ///
    /// By default a refusal has the status 200, as the JSON-RPC error that it is: clients show it to their users, and
    /// end whole sessions at other statuses.
    pub fn refuse_by_status(mut self) -> Self {
        self.config().authorization.refuses_by_status = true;
        self
    }

    /// Allows everything, and logs what would have been refused: a policy can be tried before it is enforced. Lists
    /// are not filtered.
    ///
    /// The log events have the target `mcp_auth_layer::audit` and the outcome `would_refuse`. A body that is larger than
    /// the [limit](Self::max_verified_body), or does not say how large it is, is not read.
    pub fn dry_run(mut self) -> Self {
        self.config().authorization.is_dry_run = true;
        self
    }

    /// Sets how many bytes a list may have that is filtered: 4 MiB by default. The response with a longer one is
    /// withheld with 502, and an event stream ends at it.
    pub fn list_limit(mut self, bytes: usize) -> Self {
        self.config().authorization.list_limit = bytes;
        self
    }
}
