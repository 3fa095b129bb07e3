// One session of the TypeScript SDK: lists the tools, calls two, prints what it got as a line of JSON.
//
// client.mjs sse|http URL [AUTHORIZATION [SECONDS]]
//
// With SECONDS it listens for so long, and then calls a tool once more: by then its token has expired.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [kind, url, authorization, seconds] = process.argv.slice(2);
const requestInit = { headers: authorization ? { Authorization: authorization } : {} };
const Transport = kind === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
const client = new Client({ name: "interop", version: "0" });

let result;
try {
  await client.connect(new Transport(new URL(url), { requestInit }), { timeout: 30_000 });
  const { tools } = await client.listTools();
  const whoami = await client.callTool({ name: "whoami", arguments: {} });
  const output = await client.callTool({
    name: "execute_command",
    arguments: { command: "echo", args: ["hello"] },
  });
  if (seconds) {
    await new Promise((done) => setTimeout(done, 1000 * seconds));
    await client.callTool({ name: "whoami", arguments: {} }, undefined, { timeout: 5_000 });
  }
  result = {
    tools: tools.map((tool) => tool.name).sort(),
    whoami: whoami.content[0].text,
    output: output.content[0].text,
  };
  await client.close();
} catch (error) {
  result = { error: String(error?.message ?? error) };
}
console.log(JSON.stringify(result));
process.exit(0);
