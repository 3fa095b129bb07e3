// What the checks share: servers as child processes, pages, and the results.
//
// The program that uses it is called as PROGRAM EXAMPLES WORK; see `run`.

import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

export const [EXAMPLES, WORK] = process.argv.slice(2);
export const BASIC = `Basic ${btoa("alice:pass:word")}`;
export const BEARER = "Bearer dG9rZW4tb2YtdGhlLWNp";

/** How long a check waits for something, in milliseconds. */
export const DEADLINE = 30_000;

const children = [];
process.on("exit", () => children.forEach((child) => child.kill())); // those that a check left when it threw

let passed = 0;
let failed = 0;

export function check(name, good, detail = "") {
  good ? passed++ : failed++;
  const said = good ? "" : `: ${(typeof detail === "string" ? detail : JSON.stringify(detail)).slice(0, 4000)}`;
  console.log(`${good ? "ok    " : "FAILED"} ${name}${said}`);
}

export function finish() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(Math.min(failed, 255));
}

/** Repeats this until it returns something, and returns that; undefined at the deadline. */
export async function until(condition, deadline = DEADLINE) {
  const end = Date.now() + deadline;
  for (;;) {
    const found = await condition();
    if (found || Date.now() > end) return found || undefined;
    await pause(20);
  }
}

/** A server as a child process, on the port that it names. */
export class Server {
  lines = [];

  /** Starts a program, with variables beside those of this one. It prints its URL, by default as the examples do. */
  static async start(command, args, { environment, prints = /listening on (http:\/\/[^/]+)/ } = {}) {
    const server = new Server();
    const env = { RUST_LOG: "error", ...process.env, ...environment };
    server.child = spawn(command, args, { env, stdio: ["ignore", "pipe", "inherit"] });
    children.push(server.child);
    createInterface({ input: server.child.stdout }).on("line", (line) => server.lines.push(line));
    const printed = () => server.lines.map((line) => prints.exec(line)).find(Boolean);
    const found = await until(() => printed() ?? server.child.exitCode !== null);
    if (!found?.[1]) throw new Error(`${command} ${args} does not start: ${server.lines}`);
    server.url = found[1];
    return server;
  }

  static example(name, ...args) {
    return Server.start(join(EXAMPLES, name), args);
  }

  get port() {
    return new URL(this.url).port;
  }

  /** What `browser_server` printed of requests with this in their target. */
  requests(part) {
    const lines = this.lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    return lines.filter(({ target }) => target.includes(part));
  }

  stop() {
    this.child.kill();
  }
}

/** Serves with this listener, at a free port of loopback. */
export async function serve(listener) {
  const server = createServer(listener);
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { port: server.address().port, stop: () => (server.closeAllConnections(), server.close()) };
}

/** A port of loopback that is free now. */
export async function freePort() {
  const { port, stop } = await serve();
  stop();
  return port;
}

/** Creates a folder for the files of one program. */
export function folder(program) {
  return mkdtempSync(join(WORK, "tmp", `${program}-`));
}
