// A server of the TypeScript SDK 1 with the tools, resources and prompts that the official conformance suite asks
// for. It speaks Streamable HTTP on /mcp, with sessions and an event store.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import * as types from "@modelcontextprotocol/sdk/types.js";

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const text = (text) => ({ type: "text", text });
const image = { type: "image", data: PIXEL, mimeType: "image/png" };
const audio = { type: "audio", data: "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=", mimeType: "audio/wav" };
const resource = (uri) => ({ type: "resource", resource: { uri, mimeType: "text/plain", text: "a document" } });

/** A form with these fields that the client's user fills in. */
async function elicit(extra, message, properties, required) {
  const requestedSchema = { type: "object", properties, required };
  const params = { message, requestedSchema };
  const { action, content } = await extra.sendRequest({ method: "elicitation/create", params }, types.ElicitResultSchema);
  return [text(`action=${action}, content=${JSON.stringify(content ?? {})}`)];
}

async function notify(extra, method, each) {
  for (const params of each) {
    await extra.sendNotification({ method, params });
    await sleep(50);
  }
}

const titled = [1, 2, 3].map((n) => ({ const: `value${n}`, title: `Choice ${n}` }));
const options = ["option1", "option2", "option3"];
const TOOLS = {
  test_simple_text: () => [text("a simple text")],
  test_image_content: () => [image],
  test_audio_content: () => [audio],
  test_embedded_resource: () => [resource("test://embedded-resource")],
  test_multiple_content_types: () => [text("several"), image, resource("test://mixed-content-resource")],
  test_tool_with_logging: async (_, extra) => {
    const messages = ["started", "processing", "completed"];
    await notify(extra, "notifications/message", messages.map((data) => ({ level: "info", data })));
    return [text("logged")];
  },
  test_tool_with_progress: async (_, extra) => {
    const progressToken = extra._meta?.progressToken;
    const steps = [0, 50, 100].map((progress) => ({ progressToken, progress, total: 100 }));
    await notify(extra, "notifications/progress", steps);
    return [text("progressed")];
  },
  test_error_handling: () => {
    throw new Error("This tool intentionally returns an error for testing");
  },
  test_reconnection: async (_, extra) => {
    extra.closeSSEStream?.();
    await sleep(100);
    return [text("reconnected")];
  },
  test_sampling: async ({ prompt }, extra) => {
    const params = { messages: [{ role: "user", content: text(prompt) }], maxTokens: 100 };
    const schema = types.CreateMessageResultSchema;
    const { content } = await extra.sendRequest({ method: "sampling/createMessage", params }, schema);
    return [text(content.text)];
  },
  test_elicitation: ({ message }, extra) =>
    elicit(extra, message, { response: { type: "string" } }, ["response"]),
  test_elicitation_sep1034_defaults: (_, extra) =>
    elicit(extra, "defaults", {
      name: { type: "string", default: "John Doe" },
      age: { type: "integer", default: 30 },
      score: { type: "number", default: 95.5 },
      status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
      verified: { type: "boolean", default: true },
    }),
  test_elicitation_sep1330_enums: (_, extra) =>
    elicit(extra, "enums", {
      untitledSingle: { type: "string", enum: options },
      titledSingle: { type: "string", oneOf: titled },
      legacyEnum: { type: "string", enum: ["opt1", "opt2"], enumNames: ["Option 1", "Option 2"] },
      untitledMulti: { type: "array", items: { type: "string", enum: options } },
      titledMulti: { type: "array", items: { anyOf: titled } },
    }),
  json_schema_2020_12_tool: () => [text("called")],
};
const SCHEMAS = {
  json_schema_2020_12_tool: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $defs: { address: { type: "object", properties: { street: { type: "string" }, city: { type: "string" } } } },
    properties: { name: { type: "string" }, address: { $ref: "#/$defs/address" } },
    additionalProperties: false,
  },
};

const RESOURCES = {
  "test://static-text": { mimeType: "text/plain", text: "a text" },
  "test://static-binary": { mimeType: "image/png", blob: PIXEL },
  "test://watched-resource": { mimeType: "text/plain", text: "a text that is watched" },
};
const TEMPLATE = { name: "template", uriTemplate: "test://template/{id}/data", mimeType: "application/json" };

function read(uri) {
  const [, id] = /^test:\/\/template\/([^/]+)\/data$/.exec(uri) ?? [];
  const found = id ? { mimeType: TEMPLATE.mimeType, text: JSON.stringify({ id }) } : RESOURCES[uri];
  if (!found) throw new types.McpError(types.ErrorCode.InvalidParams, "no such resource");
  return { contents: [{ uri, ...found }] };
}

const PROMPTS = {
  test_simple_prompt: [[], () => [text("a simple prompt")]],
  test_prompt_with_arguments: [["arg1", "arg2"], ({ arg1, arg2 }) => [text(`arg1='${arg1}', arg2='${arg2}'`)]],
  test_prompt_with_embedded_resource: [["resourceUri"], ({ resourceUri }) => [resource(resourceUri), text("read it")]],
  test_prompt_with_image: [[], () => [image, text("look at it")]],
};

function makeServer() {
  const capabilities = { tools: {}, resources: { subscribe: true }, prompts: {}, logging: {}, completions: {} };
  const server = new Server({ name: "conformance", version: "0" }, { capabilities });
  const answer = (schema, handler) => server.setRequestHandler(schema, handler);
  answer(types.ListToolsRequestSchema, () => ({
    tools: Object.keys(TOOLS).map((name) => ({
      name,
      description: `Tests ${name}`,
      inputSchema: { type: "object", ...SCHEMAS[name] },
    })),
  }));
  answer(types.CallToolRequestSchema, async ({ params }, extra) => {
    try {
      return { content: await TOOLS[params.name](params.arguments ?? {}, extra) };
    } catch (error) {
      return { isError: true, content: [text(error.message)] };
    }
  });
  answer(types.ListResourcesRequestSchema, () => ({
    resources: Object.keys(RESOURCES).map((uri) => ({ uri, name: uri, mimeType: RESOURCES[uri].mimeType })),
  }));
  answer(types.ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: [TEMPLATE] }));
  answer(types.ReadResourceRequestSchema, ({ params }) => read(params.uri));
  answer(types.SubscribeRequestSchema, () => ({}));
  answer(types.UnsubscribeRequestSchema, () => ({}));
  answer(types.ListPromptsRequestSchema, () => ({
    prompts: Object.entries(PROMPTS).map(([name, [args]]) => ({
      name,
      description: `Tests ${name}`,
      arguments: args.map((name) => ({ name, required: true })),
    })),
  }));
  answer(types.GetPromptRequestSchema, ({ params }) => {
    const contents = PROMPTS[params.name][1](params.arguments ?? {});
    return { messages: contents.map((content) => ({ role: "user", content })) };
  });
  answer(types.CompleteRequestSchema, () => ({ completion: { values: [], total: 0, hasMore: false } }));
  return server;
}

/** Every event of a stream, for clients that come back. */
class Events {
  events = [];

  async storeEvent(stream, message) {
    this.events.push({ stream, message });
    return String(this.events.length - 1);
  }
  async replayEventsAfter(last, { send }) {
    const { stream } = this.events[last];
    for (const [id, event] of this.events.entries()) {
      if (id > last && event.stream === stream && Object.keys(event.message).length) await send(String(id), event.message);
    }
    return stream;
  }
}

const sessions = {};
const http = createServer(async (request, response) => {
  // Against DNS rebinding.
  const { hostname } = new URL(`http://${request.headers.host}`);
  if (!["127.0.0.1", "localhost"].includes(hostname)) return response.writeHead(403).end();
  let transport = sessions[request.headers["mcp-session-id"]];
  if (!transport) {
    transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => {
        sessions[id] = transport;
      },
      eventStore: new Events(),
      retryInterval: 5000,
    });
    await makeServer().connect(transport);
  }
  await transport.handleRequest(request, response);
});
http.listen(0, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${http.address().port}/`));
