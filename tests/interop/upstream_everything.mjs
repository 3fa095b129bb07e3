// The published server-everything on loopback and a free port: by itself it listens on all addresses.
//
// upstream_everything.mjs streamableHttp|sse

import net from "node:net";

// It logs each request to stdout, which is read up to this line only.
const print = console.log;
console.log = () => {};
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (_, done) {
  return listen.call(this, 0, "127.0.0.1", () => {
    print(`listening on http://127.0.0.1:${this.address().port}/`);
    done?.();
  });
};
const [kind] = process.argv.slice(2);
await import(`./node_modules/@modelcontextprotocol/server-everything/dist/transports/${kind}.js`);
