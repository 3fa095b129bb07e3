// A name of a server at a port, which can come to mean another server.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { folder } from "./harness.mjs";

/** Relays connections to a port. What that is changes as the address of a name does. */
export class Name {
  connections = new Set();

  /** `scheme` is `http`, or `https` with a certificate that browsers do not know. */
  static async create(scheme, host, target) {
    const name = new Name();
    name.target = target;
    const relay = (client) => name.relayed(client);
    name.relay = scheme === "https" ? createTlsServer(certificate(host), relay) : createServer(relay);
    await new Promise((done) => name.relay.listen(0, "127.0.0.1", done));
    name.url = `${scheme}://${host}:${name.relay.address().port}`;
    return name;
  }

  relayed(client) {
    const server = connect(this.target, "127.0.0.1");
    for (const [socket, other] of [[client, server], [server, client]]) {
      this.connections.add(socket);
      socket.pipe(other);
      socket.on("error", () => {});
      socket.on("close", () => (other.destroy(), this.connections.delete(socket)));
    }
  }

  rebind(target) {
    this.target = target;
    this.disconnect();
  }

  disconnect() {
    for (const socket of this.connections) socket.destroy();
  }

  stop() {
    this.disconnect();
    this.relay.close();
  }
}

function certificate(host) {
  const files = folder("certificate");
  const [keyFile, certFile] = [join(files, "key"), join(files, "cert")];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", keyFile];
  const subject = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`];
  execFileSync("openssl", ["req", "-x509", ...key, ...subject, "-out", certFile], { stdio: "pipe" });
  return { key: readFileSync(keyFile), cert: readFileSync(certFile) };
}
