// A server of the TypeScript SDK that notes what it runs, as `upstream_policy.py` does.
//
// upstream_policy.mjs 1|2 FILE
//
// The first argument is the version of the SDK. It speaks HTTP+SSE on /sse and Streamable HTTP on /mcp. Version 1
// is mounted in express with `express.json()`, as the SDK's examples are; version 2 in `node:http`, and serves
// requests without a session on /modern.

import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { z } from "zod";

const [version, file] = process.argv.slice(2);
const note = (...what) => appendFileSync(file, JSON.stringify(what) + "\n");
process.on("uncaughtException", () => {});
process.on("unhandledRejection", () => {});

const modules = {
  1: [
    "sdk/server/mcp.js",
    "sdk/server/completable.js",
    "sdk/server/sse.js",
    "sdk/server/streamableHttp.js",
  ],
  2: ["server", "node", "server-legacy/sse"],
}[version].map((module) => import(`@modelcontextprotocol/${module}`));
const sdk = Object.assign({}, ...(await Promise.all(modules)));
const HttpTransport = sdk.NodeStreamableHTTPServerTransport ?? sdk.StreamableHTTPServerTransport;

function makeServer() {
  const server = new sdk.McpServer({ name: "upstream", version: "0" });
  const inputSchema = z.object({ tag: z.string().optional(), extra: z.any().optional() });
  const text = (text) => ({ content: [{ type: "text", text }] });
  server.registerTool("search", { inputSchema }, ({ tag }) => {
    note("search", tag ?? "");
    return text(`found ${tag}`);
  });
  server.registerTool("evil", { inputSchema }, ({ tag }) => {
    note("evil", tag ?? "");
    return text("evil ran");
  });
  for (const [name, said] of [
    ["review", "please review"],
    ["secret", "a secret prompt"],
  ]) {
    const tag = sdk.completable(z.string(), (value) => {
      note(`complete ${name}`, value);
      return [];
    });
    const argsSchema = version === "1" ? { tag } : z.object({ tag });
    server.registerPrompt(name, { argsSchema }, ({ tag }) => {
      note(name, tag);
      return { messages: [{ role: "user", content: { type: "text", text: said } }] };
    });
  }
  for (const [kind, uri, fixed, said] of [
    ["docs", "docs://{name}", "docs://a", "a document"],
    ["file", "file:///etc/{name}", "file:///etc/secret", "a secret file"],
  ]) {
    const read = (uri) => {
      note(kind, uri.href);
      return { contents: [{ uri: uri.href, text: said }] };
    };
    server.registerResource(kind, fixed, {}, read);
    const complete = {
      name: (value) => {
        note(`complete ${kind}`, value);
        return [];
      },
    };
    const template = new sdk.ResourceTemplate(uri, { list: undefined, complete });
    server.registerResource(`${kind}s`, template, {}, read);
  }
  return server;
}

const sessions = {};

async function overHttp(request, response, body) {
  let transport = sessions[request.headers["mcp-session-id"]];
  if (!transport) {
    transport = new HttpTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => {
        sessions[id] = transport;
      },
    });
    await makeServer().connect(transport);
  }
  await transport.handleRequest(request, response, body);
}

async function openStream(response) {
  const transport = new sdk.SSEServerTransport("/messages", response);
  sessions[transport.sessionId] = transport;
  await makeServer().connect(transport);
}

async function overSse(request, response) {
  const id = new URL(request.url, "http://host").searchParams.get("sessionId");
  if (sessions[id]) await sessions[id].handlePostMessage(request, response);
  else response.writeHead(404).end();
}

function noteRequest(request) {
  if (request.headers["x-tag"]) note("request", request.headers["x-tag"]);
}

let server;
if (version === "1") {
  const { default: express } = await import("express");
  const app = express();
  app.use((request, _, next) => {
    noteRequest(request);
    next();
  });
  app.all("/mcp", express.json(), (request, response) => overHttp(request, response, request.body));
  app.get("/sse", (_, response) => openStream(response));
  app.all("/messages", overSse);
  server = createServer(app);
} else {
  const modern = sdk.toNodeHandler(sdk.createMcpHandler(makeServer));
  server = createServer((request, response) => {
    noteRequest(request);
    const { pathname } = new URL(request.url, "http://host");
    if (pathname === "/mcp") return overHttp(request, response);
    if (pathname === "/modern") return modern(request, response);
    if (pathname === "/sse") return openStream(response);
    return overSse(request, response);
  });
}
server.listen(0, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/`);
});
