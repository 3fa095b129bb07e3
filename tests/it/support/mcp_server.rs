//! rmcp's server in this process, and a client's end of a Streamable HTTP session.

use reqwest::{Method, RequestBuilder};
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ServerCapabilities,
    ServerConfig,
};
use rmcp::service::RequestContext;
use serde_json::json;

use crate::support::example_server::{Events, INITIALIZED, execute, http, initialize};

pub const VERSION: &str = "2025-11-25";

/// The client side of a Streamable HTTP session.
pub struct Session {
    pub url: String,
    pub id: String,
}

impl Session {
    pub async fn open(url: &str, authorization: &str) -> Self {
        let mut session = Self { url: url.to_owned(), id: String::new() };
        let request = session.request(Method::POST, authorization).json(&initialize(VERSION));
        let response = execute(request).await;
        assert_eq!(response.status(), 200);
        session.id = response.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        response.text().await.unwrap();
        let request = session.request(Method::POST, authorization).body(INITIALIZED);
        assert_eq!(execute(request).await.status(), 202);
        session
    }

    pub fn request(&self, method: Method, authorization: &str) -> RequestBuilder {
        let request = http()
            .request(method, &self.url)
            .header("authorization", authorization)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", VERSION);
        match &*self.id {
            "" => request,
            id => request.header("mcp-session-id", id),
        }
    }

    pub fn call(&self, authorization: &str, command: &str) -> RequestBuilder {
        let arguments = json!({ "command": "sh", "args": ["-c", command] });
        let params = json!({ "name": "execute_command", "arguments": arguments });
        let call = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params });
        self.request(Method::POST, authorization).json(&call)
    }
}

/// Asserts that the stream ends, after nothing but rmcp's event without data, which sets the retry
/// time.
pub async fn assert_ends(events: &mut Events) {
    while let Some(event) = events.next().await {
        assert_eq!(event, ("message".to_owned(), String::new()));
    }
}

/// A tool that reports progress, and then its result.
#[derive(Clone)]
pub struct Working;

impl ServerHandler for Working {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        context: RequestContext<rmcp::RoleServer>,
    ) -> Result<CallToolResponse, rmcp::ErrorData> {
        let token = context.meta.get_progress_token().expect("the test asks for progress");
        let progress = rmcp::model::ProgressNotificationParam::new(token, 50.0);
        context.peer.notify_progress(progress).await.expect("the client is listening");
        Ok(CallToolResult::success(vec![ContentBlock::text("for-alice-only")]).into())
    }
}
