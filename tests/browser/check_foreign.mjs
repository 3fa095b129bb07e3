// Pages of other origins, in a browser that has remembered the password of the server.

import { pathToFileURL } from "node:url";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { logIn, openBrowser } from "./chromium.mjs";
import { BASIC, DEADLINE, Server, WORK, check, serve, until } from "./harness.mjs";
import { MESSAGE, WAYS } from "./vectors.mjs";

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
  const file = join(WORK, "page.html");
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
async function send(frame, { path = "/mcp", options, send }, server, hops, tag) {
  const url = `${server.url}${path}?tag=${tag}`;
  const hop = `${hops}?to=${encodeURIComponent(url)}`;
  const requests = () => server.requests(`tag=${tag}`).filter(({ method }) => method !== "OPTIONS");
  // A second time if there is no request: browsers block a window that is opened soon after another one.
  await until(async () => {
    await frame.evaluate(send, { url, hop, message: MESSAGE, ...options });
    return until(() => requests().some(({ at }) => at === "server"), DEADLINE / 4);
  });
  return requests();
}

/** Sends requests in every way from a page, and tells of each whether it is as expected. */
async function everyWay(browser, url, hops, server, name, isExpected) {
  const page = await browser.newPage();
  const windows = [];
  page.on("popup", (opened) => windows.push(opened));
  await page.goto(url);
  const frame = page.frames().at(-1);
  for (const [way, sending] of Object.entries(WAYS)) {
    const requests = await send(frame, sending, server, hops, `${name}-${way}.`.replaceAll(/[^\w.]/g, "-"));
    check(`${way} from a ${name}`, isExpected(requests), requests);
    await Promise.all(windows.splice(0).map((opened) => opened.close()));
  }
  await page.close();
}

/** The password was sent, and each request is refused. */
function isRefused(requests) {
  return requests.length > 0 && requests.every(({ status, authorization }) => status === 403 && authorization === BASIC);
}

function isHandled(requests) {
  return requests.some(({ at, caller }) => at === "handler" && caller === "alice");
}

export default async function checkForeignPages() {
  const refusing = await Server.example("browser_server", "refuse");
  const unprotected = await Server.example("browser_server", "refuse", "--unprotected");
  const attacker = await serve(foreign);
  const browser = await openBrowser();
  await logIn(browser, refusing.url);
  await logIn(browser, unprotected.url);
  const hops = `http://evil.example:${attacker.port}/hop`;
  await Promise.all(
    Object.entries(pages(attacker.port)).flatMap(([name, url]) => [
      everyWay(browser, url, hops, refusing, `${name}: refused`, isRefused),
      everyWay(browser, url, hops, unprotected, `${name}, without the protection: handled`, isHandled),
    ]),
  );
  await browser.close();
  attacker.stop();
  refusing.stop();
  unprotected.stop();
}
