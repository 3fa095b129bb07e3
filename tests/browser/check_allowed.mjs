// A page of an allowed origin, with the `CorsLayer` of the guide outside of the layer: a client in the page lists and
// calls tools. A page of any other origin does not.

import { join } from "node:path";
import { build } from "esbuild";
import { logIn, openBrowser } from "./chromium.mjs";
import { BASIC, BEARER, Server, WORK, check, serve } from "./harness.mjs";
import { Name } from "./name.mjs";
import { MESSAGE } from "./ways.mjs";

const PATHS = { http: "/mcp", modern: "/mcp", sse: "/sse" };

async function bundledClient() {
  const options = { bundle: true, format: "iife", write: false, logLevel: "error" };
  const { outputFiles } = await build({ entryPoints: [join(WORK, "client.mjs")], ...options });
  return outputFiles[0].text;
}

/** A server of pages that contain the client. */
async function pages() {
  const client = await bundledClient();
  return serve((request, response) => {
    const isScript = request.url === "/client.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? client : `<script src="/client.js"></script>`);
  });
}

const useServer = (page, kind, server, authorization) =>
  page.evaluate((args) => globalThis.useServer(...args), [kind, server.url + PATHS[kind], authorization]);

async function allowedPage(page, server) {
  for (const kind of Object.keys(PATHS)) {
    for (const [credential, name] of [[BASIC, "alice"], [BEARER, "ci"]]) {
      const got = await useServer(page, kind, server, credential);
      const isRight = got.name === name && String(got.tools) === "count,whoami" && String(got.progress) === "1,2,3";
      check(`page of the allowed origin, ${kind}, ${credential.split(" ")[0]}: lists and calls tools`, isRight, got);
    }
    for (const [credential, what, words] of [
      ["Bearer wrong", "a wrong token", /401|the credential is wrong or has expired/],
      [undefined, "no credential", /401|authentication required/],
    ]) {
      const got = await useServer(page, kind, server, credential);
      check(`page of the allowed origin, ${kind}, ${what}: its user sees why`, words.test(got.error), got);
    }
  }
}

/** The page of another origin is the same page, from a server at another port. */
async function otherPage(page, server, refusing) {
  const before = server.lines.length;
  for (const kind of Object.keys(PATHS)) {
    const got = await useServer(page, kind, server, BASIC);
    check(`page of another origin, ${kind}, Basic: the browser keeps the response from it`, got.error, got);
    const refused = await useServer(page, kind, refusing, BASIC);
    const isRefused = /403|is not allowed here/.test(refused.error);
    check(`page of an origin that only CORS allows, ${kind}, Basic: refused`, isRefused, refused);
  }
  const handled = server.lines.slice(before).filter((line) => line.includes('"at":"handler"'));
  check("page of another origin: nothing reaches a handler", handled.length === 0, handled);
  const reached = refusing.requests("/").filter(({ at }) => at === "handler");
  check("page of an origin that only CORS allows: nothing reaches a handler", reached.length === 0, reached);
}

/** The page of the server itself needs no option but the server's name. */
async function ownPage(browser, what, url) {
  await logIn(browser, url);
  const page = await browser.newPage();
  await page.goto(`${url}/`);
  const status = await page.evaluate(async (body) => {
    const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
    return (await fetch("/mcp", { method: "POST", headers, body })).status;
  }, MESSAGE);
  check(`page of the server itself, ${what}, remembered password: opens a session`, status === 200, status);
}

export default async function checkAllowedPages() {
  const allowed = await pages();
  const other = await pages();
  const server = await Server.example("browser_server", "allow", `http://127.0.0.1:${allowed.port}`);
  const refusing = await Server.example("browser_server", "refuse");
  const tls = await Name.create("https", "tools.example", server.port);
  const browser = await openBrowser();
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${allowed.port}/`);
  await allowedPage(page, server);
  await page.goto(`http://127.0.0.1:${other.port}/`);
  await otherPage(page, server, refusing);
  await ownPage(browser, "at an address", server.url);
  await ownPage(browser, "at a name over TLS", tls.url);
  await browser.close();
  for (const it of [allowed, other, tls, server, refusing]) it.stop();
}
