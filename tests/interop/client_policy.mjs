// One session of the TypeScript SDK with a server that keeps some things from this client. Prints what its user
// sees, as `client_policy.py` does.
//
// client_policy.mjs 1|2 http|modern|sse URL TOKEN
//
// The first argument is the version of the SDK. `modern` is Streamable HTTP of 2026-07-28.

const [version, kind, url, token] = process.argv.slice(2);
const modules = {
  1: ["sdk/client/index.js", "sdk/client/sse.js", "sdk/client/streamableHttp.js"],
  2: ["client"],
}[version].map((module) => import(`@modelcontextprotocol/${module}`));
const { Client, SSEClientTransport, StreamableHTTPClientTransport } = Object.assign(
  {},
  ...(await Promise.all(modules)),
);

const requestInit = { headers: { Authorization: `Bearer ${token}` } };
const Transport = kind === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
const versionNegotiation = { mode: kind === "modern" ? { pin: "2026-07-28" } : "legacy" };
const client = new Client({ name: "interop", version: "0" }, { versionNegotiation });
const seen = {};
const deadline = { timeout: 10_000 };
const call = (name) =>
  client.callTool(
    { name, arguments: { tag: "client" } },
    ...(version === "1" ? [undefined, deadline] : [deadline]),
  );
const get = (name) => client.getPrompt({ name, arguments: { tag: "client" } }, deadline);
const read = (uri) => client.readResource({ uri }, deadline);

const steps = {
  tools: async () => (await client.listTools({}, deadline)).tools.map((tool) => tool.name).sort(),
  prompts: async () => (await client.listPrompts({}, deadline)).prompts.map((it) => it.name).sort(),
  resources: async () => (await client.listResources({}, deadline)).resources.map((it) => it.uri),
  templates: async () =>
    (await client.listResourceTemplates({}, deadline)).resourceTemplates.map((it) => it.uriTemplate),
  evil: async () => (await call("evil")).content[0].text,
  secret: async () => (await get("secret")).messages[0].content.text,
  file: async () => (await read("file:///etc/secret")).contents[0].text,
  search: async () => (await call("search")).content[0].text,
  review: async () => (await get("review")).messages[0].content.text,
  docs: async () => (await read("docs://a")).contents[0].text,
};

try {
  await client.connect(new Transport(new URL(url), { requestInit }), deadline);
  for (const [name, step] of Object.entries(steps)) {
    try {
      seen[name] = await step();
    } catch (error) {
      seen[name] = String(error?.message ?? error);
    }
  }
} catch (error) {
  seen.error = String(error?.message ?? error);
}
console.log(JSON.stringify(seen));
process.exit(0);
