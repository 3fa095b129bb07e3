// A session of the TypeScript SDK in a page, which is bundled for it. It returns what the page's user sees.

import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

/** `kind` is `http`, `modern` (Streamable HTTP of 2026-07-28) or `sse`. */
globalThis.useServer = async (kind, url, authorization) => {
  const requestInit = { headers: authorization ? { Authorization: authorization } : {} };
  const Transport = kind === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
  const versionNegotiation = { mode: kind === "modern" ? { pin: "2026-07-28" } : "legacy" };
  const client = new Client({ name: "page", version: "0" }, { versionNegotiation });
  try {
    await client.connect(new Transport(new URL(url), { requestInit }), { timeout: 10_000 });
    const { tools } = await client.listTools();
    const whoami = await client.callTool({ name: "whoami", arguments: {} });
    // Not by `onprogress`, which misses reports that arrive together with the result.
    const progress = [];
    const complete = new Promise((done) => {
      client.setNotificationHandler("notifications/progress", ({ params }) => {
        if (progress.push(params.progress) === 3) done();
      });
    });
    const count = await client.callTool({ name: "count", arguments: {}, _meta: { progressToken: "count" } });
    await complete;
    await client.close();
    const [{ text: name }, { text: counted }] = [whoami.content[0], count.content[0]];
    return { tools: tools.map((tool) => tool.name).sort(), name, counted, progress };
  } catch (error) {
    return { error: String(error?.message ?? error) };
  }
};
