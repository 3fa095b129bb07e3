//! [`Principal`] as an argument of an rmcp `#[tool]` or `#[prompt]` function.

use http::request::Parts;
use rmcp::ErrorData;
use rmcp::handler::server::common::{AsRequestContext, FromContextPart};

use crate::auth::Principal;

/// Extracts the principal of the HTTP request that a call came with.
///
/// ```
/// use mcp_auth_layer::Principal;
/// use rmcp::{tool, tool_router};
///
/// struct Tools;
///
/// #[tool_router]
/// impl Tools {
///     #[tool(description = "Who is calling")]
///     async fn whoami(&self, caller: Principal) -> String {
///         caller.name().to_owned()
///     }
/// }
/// ```
///
/// # Errors
///
/// An internal error, if there is no principal: the transport provides no HTTP request in the call's
/// context, or the layer does not protect its route.
impl<C: AsRequestContext> FromContextPart<C> for Principal {
    fn from_context_part(context: &mut C) -> Result<Self, ErrorData> {
        let extensions = &context.as_request_context().extensions;
        let head = extensions.get::<Parts>();
        head.and_then(|head| head.extensions.get::<Self>()).cloned().ok_or_else(|| {
            ErrorData::internal_error("no principal: does McpAuthLayer wrap this service?", None)
        })
    }
}
