// A proxy that adds a header to every request and changes nothing else, for programs that cannot send one.
//
// inject.mjs TARGET NAME VALUE

import { createServer, request as send } from "node:http";

const [target, name, value] = process.argv.slice(2);
const { hostname, port } = new URL(target);

const server = createServer((request, response) => {
  const { method, url: path, rawHeaders } = request;
  const forwarded = send({ hostname, port, method, path, headers: [...rawHeaders, name, value] }, (answer) => {
    response.writeHead(answer.statusCode, answer.rawHeaders);
    response.flushHeaders();
    answer.pipe(response);
  });
  forwarded.on("error", () => response.destroy());
  response.on("close", () => forwarded.destroy());
  request.pipe(forwarded);
});
server.listen(0, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}/`));
