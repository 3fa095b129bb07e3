// Pages of other origins, in a browser that has remembered the password of the server.

import { pathToFileURL } from "node:url";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { logIn, openBrowser } from "./chromium.mjs";
import { BASIC, DEADLINE, Server, check, folder, serve, until } from "./harness.mjs";
import { Name } from "./name.mjs";
import { MESSAGE, WAYS } from "./ways.mjs";

const SANDBOX = "allow-scripts allow-forms allow-popups";

/** The server of the foreign pages. */
function foreign(request, response) {
  const { pathname, searchParams } = new URL(request.url, "http://foreign");
  if (pathname === "/hop") return response.writeHead(307, { location: searchParams.get("to") }).end();
  if (pathname === "/no-referrer") response.setHeader("referrer-policy", "no-referrer");
  response.setHeader("content-type", "text/html");
  response.end(pathname === "/sandbox" ? `<iframe sandbox="${SANDBOX}" src="/"></iframe>` : "<body></body>");
}

/** The URLs of pages, by what is special about them. The last frame of a page sends the requests. */
function pages(port) {
  const file = join(folder("page"), "page.html");
  writeFileSync(file, "<body></body>");
  return {
    "page of another port": `http://127.0.0.1:${port}/`,
    "page of another site": `http://evil.example:${port}/`,
    "page without a referrer": `http://evil.example:${port}/no-referrer`,
    "sandboxed frame": `http://evil.example:${port}/sandbox`,
    "page in a file": pathToFileURL(file).href,
  };
}

/** Sends one request, and returns what became of it. */
async function send(frame, { path = "/mcp", options, send }, target, hops, tag) {
  const url = `${target.url}${path}?tag=${tag}`;
  const hop = `${hops}?to=${encodeURIComponent(url)}`;
  const requests = () => target.server.requests(`tag=${tag}`).filter(({ method }) => method !== "OPTIONS");
  // A second time if there is no request: browsers block a window that is opened soon after another one.
  await until(async () => {
    await frame.evaluate(send, { url, hop, message: MESSAGE, ...options });
    return until(() => requests().some(({ at }) => at === "server"), DEADLINE / 4);
  });
  return requests();
}

/** Sends requests in every way from a page, and tells of each whether it is as expected. */
async function everyWay(browser, page, target, hops, name, isExpected) {
  const tab = await browser.newPage();
  const windows = [];
  tab.on("popup", (opened) => windows.push(opened));
  await tab.goto(page);
  const frame = tab.frames().at(-1);
  for (const [way, sending] of Object.entries(WAYS)) {
    const requests = await send(frame, sending, target, hops, `${name}-${way}.`.replaceAll(/[^\w.]/g, "-"));
    check(`${way} from a ${name}`, requests.length > 0 && isExpected(requests), requests);
    await Promise.all(windows.splice(0).map((opened) => opened.close()));
  }
  await tab.close();
}

/** The browser sent the password, and every request is refused. */
const isRefused = (requests) =>
  requests.every(({ at, status, authorization }) => at === "server" && status === 403 && authorization === BASIC);
/** The user's request reaches a handler. */
const isHandled = (requests) => requests.some(({ at, caller }) => at === "handler" && caller === "alice");
const sent = (requests) => requests.find(({ at }) => at === "server");
/** Browsers say nothing about pages when they load something from a server of `http` that has a name. */
const isRefusedOrLoads = (requests) =>
  isRefused(requests) || (/^(GET|HEAD)$/.test(sent(requests).method) && sent(requests).origin === null);
/** Of a WebSocket, browsers say nothing but its origin. */
const isRefusedBySite = (requests) => isRefused(requests) || sent(requests).site === null;

export default async function checkForeignPages() {
  const refusing = await Server.example("browser_server", "refuse");
  const unprotected = await Server.example("browser_server", "refuse", "--unprotected");
  const noOrigin = await Server.example("browser_server", "refuse", "--no-origin");
  const tls = await Name.create("https", "tools.example", refusing.port);
  const attacker = await serve(foreign);
  const browser = await openBrowser();

  const hops = `http://evil.example:${attacker.port}/hop`;
  const every = async (page, server, name, isExpected, url = server.url) =>
    everyWay(browser, page, { server, url }, hops, name, isExpected);
  const named = `http://tools.example:${refusing.port}`;
  for (const url of [refusing.url, unprotected.url, noOrigin.url, tls.url, named]) await logIn(browser, url);

  const urls = pages(attacker.port);
  const [evil, sameName] = [urls["page of another site"], `http://tools.example:${attacker.port}/`];
  await Promise.all([
    ...Object.entries(urls).flatMap(([name, url]) => [
      every(url, refusing, `${name}: refused`, isRefused),
      every(url, unprotected, `${name}, without the protection: handled`, isHandled),
    ]),
    every(evil, noOrigin, "page of another site, Origin is lost: refused", isRefusedBySite),
    every(evil, refusing, "page of another site, to a name over TLS: refused", isRefused, tls.url),
    every(sameName, refusing, "page of http, to the same name over TLS: refused", isRefused, tls.url),
    every(evil, refusing, "page of another site, to a name of http: refused, or loads", isRefusedOrLoads, named),
  ]);
  await browser.close();
  for (const it of [attacker, tls, noOrigin, unprotected, refusing]) it.stop();
}
