//! A server of rmcp that notes what it runs, as `upstream_policy.py` does, and a client as
//! `client_policy.py`, for `tests/interop/check_policy.py`.
//!
//! ```sh
//! rmcp_peer server FILE
//! rmcp_peer client http|modern URL TOKEN
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use rmcp::model::*;
use rmcp::service::{ClientLifecycleMode, ClientServiceExt, RequestContext, RoleServer};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, ServerHandler};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["server", file] => serve(Notes { file: Arc::from(*file) }).await,
        ["client", kind, url, token] => use_server(kind, url, token).await,
        _ => Err("usage: rmcp_peer server FILE | rmcp_peer client http|modern URL TOKEN".into()),
    }
}

#[derive(Clone)]
struct Notes {
    file: Arc<str>,
}

impl Notes {
    fn note(&self, what: &str, tag: &str) {
        let mut file =
            OpenOptions::new().create(true).append(true).open(&*self.file).expect("FILE");
        file.write_all(format!("{}\n", json!([what, tag])).as_bytes()).expect("a line");
    }
}

/// Returns a message of the protocol, as it is on the wire.
fn message<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a message of the protocol")
}

fn tag_in(arguments: Option<&JsonObject>) -> String {
    let tag = arguments.and_then(|arguments| arguments.get("tag"));
    tag.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn unknown(what: impl Display) -> ErrorData {
    ErrorData::invalid_params(format!("unknown: {what}"), None)
}

impl ServerHandler for Notes {
    fn get_info(&self) -> ServerConfig {
        message(json!({
            "protocolVersion": "2025-11-25",
            "capabilities": { "tools": {}, "prompts": {}, "resources": {}, "completions": {} },
            "serverInfo": { "name": "upstream", "version": "0" },
        }))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = json!({ "type": "object" });
        Ok(message(json!({ "tools": [
            { "name": "search", "inputSchema": schema },
            { "name": "evil", "inputSchema": schema },
        ] })))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tag = tag_in(call.arguments.as_ref());
        let text = match &*call.name {
            "search" => format!("found {tag}"),
            "evil" => "evil ran".to_owned(),
            name => return Err(unknown(name)),
        };
        self.note(&call.name, &tag);
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(message(json!({ "prompts": [{ "name": "review" }, { "name": "secret" }] })))
    }

    async fn get_prompt(
        &self,
        prompt: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let text = match &*prompt.name {
            "review" => "please review",
            "secret" => "a secret prompt",
            name => return Err(unknown(name)),
        };
        self.note(&prompt.name, &tag_in(prompt.arguments.as_ref()));
        Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]).into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(message(json!({ "resources": [
            { "uri": "docs://a", "name": "docs" },
            { "uri": "file:///etc/secret", "name": "file" },
        ] })))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(message(json!({ "resourceTemplates": [
            { "uriTemplate": "docs://{name}", "name": "docs" },
            { "uriTemplate": "file:///etc/{name}", "name": "file" },
        ] })))
    }

    async fn read_resource(
        &self,
        resource: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        // Schemes are not case-sensitive.
        let (kind, text) = match resource.uri.to_ascii_lowercase() {
            uri if uri.starts_with("docs:") => ("docs", "a document"),
            uri if uri.starts_with("file:") => ("file", "a secret file"),
            uri => return Err(unknown(uri)),
        };
        self.note(kind, &resource.uri);
        Ok(ReadResourceResult::new(vec![ResourceContents::text(text, resource.uri)]).into())
    }

    async fn complete(
        &self,
        completion: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let what = match &completion.r#ref {
            Reference::Prompt(prompt) => prompt.name.clone(),
            Reference::Resource(template) => {
                template.uri.split(':').next().unwrap_or_default().to_owned()
            }
            _ => return Err(unknown("ref")),
        };
        self.note(&format!("complete {what}"), &completion.argument.value);
        Ok(CompleteResult::default())
    }
}

/// Serves Streamable HTTP on `/mcp`.
async fn serve(notes: Notes) -> Result<(), Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}/", listener.local_addr()?);
    let arrived = notes.clone();
    let app = Router::new()
        .route_service(
            "/mcp",
            StreamableHttpService::new(
                move || Ok(notes.clone()),
                Arc::new(LocalSessionManager::default()),
                StreamableHttpServerConfig::default(),
            ),
        )
        .layer(from_fn(move |request: Request, next: Next| {
            if let Some(tag) = request.headers().get("x-tag") {
                arrived.note("request", tag.to_str().unwrap_or_default());
            }
            next.run(request)
        }));
    Ok(axum::serve(listener, app).await?)
}

/// Prints a line of JSON, as `client_policy.py` does.
async fn use_server(kind: &str, url: &str, token: &str) -> Result<(), Box<dyn Error>> {
    let authorization = HeaderValue::try_from(format!("Bearer {token}"))?;
    let config = StreamableHttpClientTransportConfig::with_uri(url.to_owned())
        .custom_headers(HashMap::from([(AUTHORIZATION, authorization)]));
    let lifecycle = match kind {
        "modern" => ClientLifecycleMode::Discover {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        },
        _ => ClientLifecycleMode::Initialize,
    };
    let transport = StreamableHttpClientTransport::from_config(config);
    let client = ().serve_with_lifecycle(transport, lifecycle).await?;
    let mut seen = json!({});
    let names = |list: Value, key: &str| -> Value {
        let things = list.as_array().cloned().unwrap_or_default();
        things.iter().map(|thing| thing[key].clone()).collect()
    };
    for (kind, list) in [
        ("tools", client.list_all_tools().await.map(|list| names(json!(list), "name"))),
        ("prompts", client.list_all_prompts().await.map(|list| names(json!(list), "name"))),
        ("resources", client.list_all_resources().await.map(|list| names(json!(list), "uri"))),
        (
            "templates",
            client
                .list_all_resource_templates()
                .await
                .map(|list| names(json!(list), "uriTemplate")),
        ),
    ] {
        seen[kind] = list.unwrap_or_else(shown);
    }
    let arguments = json!({ "tag": "client" });
    for tool in ["evil", "search"] {
        let call =
            message::<CallToolRequestParams>(json!({ "name": tool, "arguments": arguments }));
        seen[tool] = client.call_tool(call).await.map_or_else(shown, text);
    }
    for prompt in ["secret", "review"] {
        let get =
            message::<GetPromptRequestParams>(json!({ "name": prompt, "arguments": arguments }));
        seen[prompt] = client.get_prompt(get).await.map_or_else(shown, text);
    }
    for (name, uri) in [("file", "file:///etc/secret"), ("docs", "docs://a")] {
        let read = ReadResourceRequestParams::new(uri);
        seen[name] = client.read_resource(read).await.map_or_else(shown, text);
    }
    println!("{seen}");
    Ok(())
}

/// Returns what a user sees of an error.
fn shown(error: impl Display) -> Value {
    Value::String(error.to_string())
}

/// Returns the first text of a result.
fn text(result: impl Serialize) -> Value {
    let result = json!(result);
    ["/content/0/text", "/messages/0/content/text", "/contents/0/text"]
        .iter()
        .find_map(|path| result.pointer(path).cloned())
        .unwrap_or(result)
}
