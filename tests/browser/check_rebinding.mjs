// DNS rebinding: the name of a page's server comes to mean the server of the user. The page is then of the same origin
// as what it sends requests to, and may read the responses.

import { openBrowser } from "./chromium.mjs";
import { BASIC, Server, check, serve } from "./harness.mjs";
import { Name } from "./name.mjs";
import { MESSAGE } from "./ways.mjs";

/** Runs in the page: the statuses of requests to its own origin, and a WebSocket. */
const requests = async ([path, message, credential]) => {
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  if (credential) headers.authorization = credential;
  // Without its credentials a browser does not ask the user for them, and wait.
  const init = { headers, credentials: "omit" };
  const status = async (method, body) => (await fetch(path, { ...init, method, body })).status;
  const socket = new WebSocket(`${location.origin.replace("http", "ws")}${path}?socket`);
  await new Promise((done) => (socket.onerror = socket.onopen = done));
  return { POST: await status("POST", message), DELETE: await status("DELETE"), GET: await status("GET") };
};

/** What a page gets whose name comes to mean this server. */
async function rebound(browser, name, server, path, credential) {
  const foreign = await serve((_, response) => {
    response.setHeader("connection", "close"); // the name must be looked up again
    response.setHeader("content-type", "text/html").end("<body></body>");
  });
  name.rebind(foreign.port);
  const page = await browser.newPage();
  await page.goto(`${name.url}/`);
  name.rebind(server.port);
  const statuses = await page.evaluate(requests, [path, MESSAGE, credential]);
  await page.close();
  foreign.stop();
  const socket = server.requests("?socket").findLast(({ at }) => at === "server")?.status;
  return socket ? { ...statuses, WebSocket: socket } : statuses;
}

const isEach = (statuses, expected) => Object.values(statuses).every((status) => status === expected);
const isHandled = ({ POST }) => POST !== 401 && POST !== 403;

/** The layer alone. */
async function layer(browser, secureBrowser, name) {
  const refusing = await Server.example("browser_server", "refuse");
  const unprotected = await Server.example("browser_server", "refuse", "--unprotected");
  const own = await Name.create("http", "127.0.0.1");
  // The page has a credential: that stands for an authenticator that accepts this machine by its address or its
  // certificate. Browsers send a remembered password to no other name.
  for (const [path, what, credential] of [["/mcp", "guarded", BASIC], ["/health", "public", undefined]]) {
    const { GET, ...others } = await rebound(browser, name, refusing, path, credential);
    check(`rebound page, ${what} path: refused but for GET`, isEach(others, 403), others);
    // It has neither `Origin` nor `Sec-Fetch-Site`, as the guide on deployment says.
    check(`rebound page, ${what} path: GET is that of any client`, GET !== 403, GET);
    const overTls = await rebound(secureBrowser, name, refusing, path, credential);
    check(`rebound page, trusted like one of https, ${what} path: refused`, isEach(overTls, 403), overTls);
    const open = await rebound(browser, name, unprotected, path, credential);
    check(`rebound page, ${what} path, without the protection: handled`, isHandled(open), open);
    const ofServer = await rebound(browser, own, refusing, path, credential);
    check(`page of the server itself, ${what} path: handled`, isHandled(ofServer), ofServer);
  }
  const loaded = await rebound(browser, name, refusing, "/mcp");
  check("rebound page, guarded path: GET needs a credential", loaded.GET === 401, loaded);
  own.stop();
  refusing.stop();
  unprotected.stop();
}

/** The examples on loopback, which accept the names of loopback only. */
async function examples(browser, name) {
  const own = await Name.create("http", "127.0.0.1");
  for (const [example, guarded] of [["streamable_server", "/mcp"], ["sse_server", "/messages/"]]) {
    const server = await Server.example(example, "--port", "0", "--user", "alice:pass:word");
    for (const [path, what, credential] of [[guarded, "guarded", BASIC], ["/health", "public", undefined]]) {
      const statuses = await rebound(browser, name, server, path, credential);
      check(`rebound page, ${example}, ${what} path: refused`, isEach(statuses, 403), statuses);
      const ofServer = await rebound(browser, own, server, path, credential);
      check(`page of the server itself, ${example}, ${what} path: handled`, isHandled(ofServer), ofServer);
    }
    server.stop();
  }
  own.stop();
}

export default async function checkRebinding() {
  const name = await Name.create("http", "evil.example");
  const browser = await openBrowser();
  const secureBrowser = await openBrowser([`--unsafely-treat-insecure-origin-as-secure=${name.url}`]);
  await layer(browser, secureBrowser, name);
  await examples(browser, name);
  await browser.close();
  await secureBrowser.close();
  name.stop();
}
