// One session of the TypeScript SDK: lists the tools, calls two, prints what it got as a line of JSON.
//
// client.mjs 1|2 sse|http URL [CREDENTIAL [SECONDS]]
//
// The first argument is the version of the SDK. CREDENTIAL is an `Authorization`, or `sign ID:BASE64SECRET`.
// With SECONDS it listens for so long, and then calls a tool once more: by then its token has expired.

import { signingFetch } from "./signed_client.mjs";

const [version, kind, url, credential, seconds] = process.argv.slice(2);
const modules = {
  1: ["sdk/client/index.js", "sdk/client/sse.js", "sdk/client/streamableHttp.js"],
  2: ["client"],
}[version].map((module) => import(`@modelcontextprotocol/${module}`));
const { Client, SSEClientTransport, StreamableHTTPClientTransport } = Object.assign(
  {},
  ...(await Promise.all(modules)),
);

const [keyId, secret] = credential?.startsWith("sign ") ? credential.slice(5).split(":") : [];
const options = keyId
  ? { fetch: signingFetch(keyId, Buffer.from(secret, "base64"), url) }
  : { requestInit: { headers: credential ? { Authorization: credential } : {} } };
const Transport = kind === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
const client = new Client({ name: "interop", version: "0" });

let result;
try {
  await client.connect(new Transport(new URL(url), options), { timeout: 120_000 });
  const { tools } = await client.listTools();
  const whoami = await client.callTool({ name: "whoami", arguments: {} });
  const output = await client.callTool({
    name: "execute_command",
    arguments: { command: "echo", args: ["hello"] },
  });
  if (seconds) {
    await new Promise((done) => setTimeout(done, 1000 * seconds));
    const deadline = { timeout: 5_000 };
    await client.callTool(
      { name: "whoami", arguments: {} },
      ...(version === "1" ? [undefined, deadline] : [deadline]),
    );
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
