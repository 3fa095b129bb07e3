// The web MCP Inspector: a user clicks through it, with a header and with a login. It connects from its own server, as
// its README says.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openBrowser } from "./chromium.mjs";
import { BASIC, BEARER, DEADLINE, Server, WORK, check, folder, freePort } from "./harness.mjs";

const LAUNCHER = "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js";
const SCOPES = ["--oauth-scope=tools:read", "--oauth-scope=tools:write"];
const USERS = ["--user", "alice:pass:word", "--token", "ci:dG9rZW4tb2YtdGhlLWNp"];

/** The Inspector with a list of servers; what it keeps is for this run. */
function startInspector(mcpServers, clientPort, sandboxPort) {
  const home = folder("inspector");
  const config = join(home, "servers.json");
  writeFileSync(config, JSON.stringify({ mcpServers }));
  const environment = {
    HOME: home,
    CLIENT_PORT: String(clientPort),
    MCP_SANDBOX_PORT: String(sandboxPort),
    MCP_AUTO_OPEN_ENABLED: "false",
    MCP_INSPECTOR_SECRET_STORE: "memory",
  };
  const options = { environment, prints: /(http:\/\/\S+API_TOKEN=\S+)/ };
  return Server.start("node", [join(WORK, LAUNCHER), "--web", "--config", config], options);
}

/** Connects to a server of the list, and calls a tool. Returns what the user sees, as far as `wanted` names it. */
async function use(page, inspector, name, wanted) {
  await page.goto(inspector.url);
  await page.getByRole("switch", { name: `Connect or disconnect "${name}"` }).click({ force: true });
  const outcome = page.getByText(/^(Failed|Tools)$/).first();
  await outcome.waitFor();
  if ((await outcome.textContent()) === "Failed") return "Failed";
  await outcome.click();
  await page.getByText("execute_command", { exact: true }).first().waitFor();
  await page.getByText("whoami", { exact: true }).first().click();
  await page.getByRole("button", { name: "Execute Tool" }).click();
  return page.getByText(wanted, { exact: true }).first().textContent();
}

export default async function checkInspector() {
  const authorization = await Server.start("node", [join(WORK, "authorization_server.mjs")]);
  const example = (name, ...args) => Server.example(name, "--port", "0", ...args);
  const http = await example("streamable_server", ...USERS);
  const sse = await example("sse_server", ...USERS);
  const oauth = await example("streamable_server", "--oauth-issuer", authorization.url, ...SCOPES);
  const oauthSse = await example("sse_server", "--oauth-issuer", authorization.url, ...SCOPES);

  const server = (type, url, Authorization) => ({ type, url, headers: Authorization ? { Authorization } : {} });
  const cases = {
    "HTTP, Basic": [server("streamable-http", `${http.url}/mcp`, BASIC), "alice"],
    "HTTP, Bearer": [server("streamable-http", `${http.url}/mcp`, BEARER), "ci"],
    "HTTP, a wrong token": [server("streamable-http", `${http.url}/mcp`, "Bearer wrong"), "Failed"],
    "HTTP, a login by OAuth": [server("streamable-http", `${oauth.url}/mcp`), "alice"],
    "SSE, Basic": [server("sse", `${sse.url}/sse`, BASIC), "alice"],
    "SSE, Bearer": [server("sse", `${sse.url}/sse`, BEARER), "ci"],
    "SSE, a wrong token": [server("sse", `${sse.url}/sse`, "Bearer wrong"), "Failed"],
    "SSE, a login by OAuth": [server("sse", `${oauthSse.url}/sse`), "alice"],
  };
  const servers = Object.fromEntries(Object.entries(cases).map(([name, [server]]) => [name, server]));
  const inspector = await startInspector(servers, await freePort(), await freePort());
  const browser = await openBrowser();
  browser.setDefaultTimeout(DEADLINE);
  for (const [name, [, wanted]] of Object.entries(cases)) {
    const page = await browser.newPage();
    const seen = await use(page, inspector, name, wanted).catch((error) => String(error));
    check(`Inspector, ${name}: ${wanted}`, seen === wanted, seen);
    await page.close();
  }
  await browser.close();
  for (const it of [inspector, oauthSse, oauth, sse, http, authorization]) it.stop();
}
