// A client that signs its requests (RFC 9421 with hmac-sha256), with the official TypeScript SDK.
//
//     npm install @modelcontextprotocol/client
//     HMAC_KEY=ci:BASE64SECRET node examples/typescript/signed_client.mjs http://127.0.0.1:8000/mcp
//
// `signingFetch` works as `fetch` of the transports of `@modelcontextprotocol/sdk` 1.x, too.

import { createHash, createHmac, randomBytes } from "node:crypto";
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

const LIFETIME = 60; // seconds
const COVERED = /^(authorization|content-encoding|last-event-id|upgrade|mcp-.*)$/;

/** Returns a `fetch` that signs the requests for the server of a URL, and no others. */
export function signingFetch(keyId, secret, url) {
  const { origin } = new URL(url);
  return async (input, init) => {
    // `fetch` would send the headers of a signed request to the server of a redirect.
    const request = new Request(input, { ...init, redirect: "error" });
    for (const name of ["signature", "signature-input", "content-digest"]) request.headers.delete(name);
    if (new URL(request.url).origin !== origin) return fetch(request, { redirect: "follow" });
    const body = new Uint8Array(await request.arrayBuffer());
    sign(request, body, keyId, secret);
    return fetch(request.url, {
      method: request.method,
      headers: request.headers,
      body: body.length ? body : undefined,
      redirect: request.redirect,
      // With the signal of `request` instead, Node 20 leaves streams open after `close`.
      signal: init?.signal ?? input.signal,
    });
  };
}

/** Adds the three fields of a signature to the headers of a request. */
function sign({ method, url, headers }, body, keyId, secret) {
  const { host, pathname, search } = new URL(url);
  const values = {
    "@method": method,
    "@authority": host, // without the default port, and in lower case
    "@path": pathname,
    "@query": search || "?",
  };
  if (body.length) {
    const digest = createHash("sha256").update(body).digest("base64");
    headers.set("content-digest", `sha-256=:${digest}:`);
    for (const name of ["content-digest", "content-type"]) values[name] = headers.get(name);
  }
  for (const [name, value] of headers) if (COVERED.test(name)) values[name] = value;

  const created = Math.floor(Date.now() / 1000);
  const nonce = randomBytes(16).toString("base64url");
  const covered = Object.keys(values).map((name) => `"${name}"`);
  const parameters =
    `(${covered.join(" ")});created=${created};expires=${created + LIFETIME}` +
    `;nonce="${nonce}";keyid="${keyId}";alg="hmac-sha256"`;
  const lines = Object.entries(values).map(([name, value]) => `"${name}": ${value}\n`);
  const base = `${lines.join("")}"@signature-params": ${parameters}`;
  const signature = createHmac("sha256", secret).update(base).digest("base64");
  headers.set("signature-input", `sig=${parameters}`);
  headers.set("signature", `sig=:${signature}:`);
}

async function main(url = "http://127.0.0.1:8000/mcp") {
  const { Client, SSEClientTransport, StreamableHTTPClientTransport } = await import(
    "@modelcontextprotocol/client"
  );
  const [keyId, secret] = (process.env.HMAC_KEY ?? "").split(":");
  if (!secret) throw new Error("HMAC_KEY must be ID:BASE64SECRET");
  const options = { fetch: signingFetch(keyId, Buffer.from(secret, "base64"), url) };
  const Transport = url.endsWith("/sse") ? SSEClientTransport : StreamableHTTPClientTransport;
  const client = new Client({ name: "signed_client", version: "0" });
  try {
    await client.connect(new Transport(new URL(url), options));
    const { tools } = await client.listTools();
    console.log("tools:", tools.map((tool) => tool.name).sort().join(", "));
    for (const [name, args] of [
      ["whoami", {}],
      ["execute_command", { command: "echo", args: ["hello"] }],
    ]) {
      const { content } = await client.callTool({ name, arguments: args });
      console.log(`${name}:`, content.map((block) => block.text).join(" ").trim());
    }
  } finally {
    await client.close();
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    await main(process.argv[2]);
  } catch (error) {
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
  }
}
