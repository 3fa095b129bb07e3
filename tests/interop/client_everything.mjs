// One session of the TypeScript SDK 1 with server-everything, alone or behind the proxy. Prints what came back, by
// the name of a check, as a line of JSON.
//
// client_everything.mjs http|sse URL [AUTHORIZATION]

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import * as types from "@modelcontextprotocol/sdk/types.js";

const [kind, url, authorization] = process.argv.slice(2);
const requestInit = { headers: authorization ? { Authorization: authorization } : {} };
const Transport = kind === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
const capabilities = { sampling: {}, elicitation: {}, roots: { listChanged: true } };
const client = new Client({ name: "interop", version: "0" }, { capabilities });

client.setRequestHandler(types.CreateMessageRequestSchema, ({ params }) => ({
  model: "interop",
  role: "assistant",
  content: { type: "text", text: `sampled ${params.maxTokens} tokens` },
}));
client.setRequestHandler(types.ElicitRequestSchema, () => ({ action: "accept", content: { name: "Alice" } }));
client.setRequestHandler(types.ListRootsRequestSchema, () => ({ roots: [{ uri: "file:///srv", name: "root" }] }));

/** The first notification of a kind from now on. */
const next = (schema) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no notification")), 20_000);
    client.setNotificationHandler(schema, (notification) => {
      clearTimeout(timer);
      resolve(notification);
    });
  });
const call = async (name, args = {}, options = {}) => {
  const result = await client.callTool({ name, arguments: args }, undefined, options);
  return result.content.map((block) => block.text).join("\n");
};

const steps = {
  tools: async () => (await client.listTools()).tools.map((tool) => tool.name).sort().join(" "),
  call: () => call("echo", { message: "hello" }),
  progress: async () => {
    const seen = [];
    const onprogress = ({ progress, total }) => seen.push(`${progress}/${total}`);
    await call("trigger-long-running-operation", { duration: 1, steps: 5 }, { onprogress });
    return seen.slice(0, 4).join(" "); // the last can come after the result, and is dropped then
  },
  logging: async () => {
    await client.setLoggingLevel("debug");
    const message = next(types.LoggingMessageNotificationSchema);
    await call("toggle-simulated-logging");
    const { params } = await message;
    await call("toggle-simulated-logging");
    return /message/i.test(params.data) ? "a message" : JSON.stringify(params);
  },
  "resource updates": async () => {
    const uri = "demo://resource/dynamic/text/1";
    await client.subscribeResource({ uri });
    const update = next(types.ResourceUpdatedNotificationSchema);
    await call("toggle-subscriber-updates");
    const { params } = await update;
    await call("toggle-subscriber-updates");
    return params.uri;
  },
  sampling: async () => /sampled \d+ tokens/.exec(await call("trigger-sampling-request", { prompt: "x", maxTokens: 7 }))[0],
  elicitation: async () => /Name: Alice/.exec(await call("trigger-elicitation-request"))[0],
  roots: async () => /URI: \S+/.exec(await call("get-roots-list"))[0],
  prompt: async () => (await client.getPrompt({ name: "simple-prompt" })).messages[0].content.text,
  completion: async () => {
    const ref = { type: "ref/prompt", name: "completable-prompt" };
    const argument = { name: "department", value: "E" };
    return (await client.complete({ ref, argument })).completion.values.join(" ");
  },
  "1 MB there and back": async () => {
    const message = "x".repeat(1 << 20);
    return String((await call("echo", { message })).length - message.length);
  },
  "100 calls, 20 at a time": async () => {
    let sum = 0;
    for (let round = 0; round < 5; round++) {
      const calls = [...Array(20).keys()].map((a) => call("get-sum", { a, b: round }));
      for (const text of await Promise.all(calls)) sum += Number(/is (\d+)/.exec(text)[1]);
    }
    return String(sum);
  },
};

const seen = {};
try {
  await client.connect(new Transport(new URL(url), { requestInit }));
  for (const [name, step] of Object.entries(steps)) {
    seen[name] = await step().catch((error) => `error: ${error.message}`);
  }
  await client.close();
} catch (error) {
  seen.error = String(error?.message ?? error);
}
console.log(JSON.stringify(seen));
process.exit(0);
