// Sessions of the TypeScript SDK: each lists the tools and calls two. Prints what each got as an array of JSON.
//
// client.mjs 1|2 sse|http URL SECONDS CREDENTIAL…
//
// The first argument is the version of the SDK. There is a session with each CREDENTIAL: an `Authorization`,
// `sign ID:BASE64SECRET`, or nothing.
// With SECONDS other than 0 it listens for so long, and then calls a tool once more: by then its token has expired.

import { signingFetch } from "./signed_client.mjs";

const [version, kind, url, seconds, ...credentials] = process.argv.slice(2);
const modules = {
  1: ["sdk/client/index.js", "sdk/client/sse.js", "sdk/client/streamableHttp.js"],
  2: ["client"],
}[version].map((module) => import(`@modelcontextprotocol/${module}`));
const { Client, SSEClientTransport, StreamableHTTPClientTransport } = Object.assign(
  {},
  ...(await Promise.all(modules)),
);
const Transport = kind === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
const deadline = { timeout: 120_000 };

function asOptions(credential) {
  if (!credential.startsWith("sign ")) return { requestInit: { headers: credential ? { Authorization: credential } : {} } };
  const [keyId, secret] = credential.slice(5).split(":");
  return { fetch: signingFetch(keyId, Buffer.from(secret, "base64"), url) };
}

async function session(credential) {
  const client = new Client({ name: "interop", version: "0" });
  const call = async (name, args = {}) => {
    const request = { name, arguments: args };
    const result = await client.callTool(request, ...(version === "1" ? [undefined, deadline] : [deadline]));
    return result.content[0].text;
  };
  await client.connect(new Transport(new URL(url), asOptions(credential)), deadline);
  const { tools } = await client.listTools();
  const whoami = await call("whoami");
  const output = await call("execute_command", { command: "echo", args: ["hello"] });
  if (Number(seconds)) {
    await new Promise((done) => setTimeout(done, 1000 * seconds));
    await call("whoami");
  }
  await client.close();
  return { tools: tools.map((tool) => tool.name).sort(), whoami, output };
}

const results = [];
for (const credential of credentials) {
  results.push(await session(credential).catch((error) => ({ error: String(error?.message ?? error) })));
}
console.log(JSON.stringify(results));
process.exit(0);
