// The ways in which a page makes its browser send a request to another server.
//
// `send` runs in the page, with one argument: `url` is the target, `message` initializes a session, `hop` is a URL that
// redirects to the target and keeps method and body, and the rest is what the way has in `options`.

export const MESSAGE = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "page", version: "0" } },
});

const JSON_TYPE = { "content-type": "application/json", accept: "application/json, text/event-stream" };

/** `fetch`, with remembered credentials. */
const fetches = (init) => ({
  options: { init },
  send: ({ url, message, init }) => {
    const body = init.method === "POST" ? message : undefined;
    fetch(url, { credentials: "include", body, ...init }).catch(() => {});
  },
});

const beacon = (type) => ({
  options: { type },
  send: ({ url, message, type }) => navigator.sendBeacon(url, new Blob([message], { type })),
});

/** A form whose response is shown in a new window, or in a frame. Its field makes a body of JSON in `text/plain`. */
const form = (enctype, { method = "post", framed = false, redirected = false } = {}) => ({
  options: { enctype, method, framed, redirected },
  send: ({ url, hop, message, enctype, method, framed, redirected }) => {
    const target = framed ? url : "_blank";
    if (framed) document.body.append(Object.assign(document.createElement("iframe"), { name: target }));
    const form = Object.assign(document.createElement("form"), { enctype, method, target });
    form.action = redirected ? hop : url;
    // The query of the target of a GET is what the form contains.
    const fields = method === "get" ? [...new URL(url).searchParams] : [[`${message.slice(0, -1)},"x":"`, '"}']];
    for (const [name, value] of fields) form.append(Object.assign(document.createElement("input"), { name, value }));
    document.body.append(form);
    form.submit();
  },
});

/** An element that the page contains, and that loads the target. */
const element = (tag, attribute, { redirected = false, ...attributes } = {}) => ({
  options: { tag, attribute, redirected, attributes },
  send: ({ url, hop, tag, attribute, redirected, attributes }) => {
    const element = Object.assign(document.createElement(tag), attributes);
    element[attribute] = redirected ? hop : url;
    document.body.append(element);
  },
});

export const WAYS = {
  "fetch with CORS, POST of JSON": fetches({ method: "POST", headers: JSON_TYPE }),
  "fetch with CORS, POST of text": fetches({ method: "POST" }),
  "fetch with CORS, GET": fetches({ method: "GET" }),
  "fetch with CORS, DELETE": fetches({ method: "DELETE" }),
  "fetch without CORS, POST": fetches({ method: "POST", mode: "no-cors" }),
  "fetch without CORS, GET": fetches({ method: "GET", mode: "no-cors" }),
  "fetch without CORS, HEAD": fetches({ method: "HEAD", mode: "no-cors" }),
  XMLHttpRequest: {
    send: ({ url, message }) => {
      const request = new XMLHttpRequest();
      request.open("POST", url);
      request.withCredentials = true;
      request.send(message);
    },
  },
  "sendBeacon of text": beacon("text/plain"),
  "sendBeacon of JSON": beacon("application/json"),
  EventSource: { path: "/sse", send: ({ url }) => new EventSource(url, { withCredentials: true }) },
  WebSocket: { send: ({ url }) => new WebSocket(url.replace("http", "ws")) },
  "form, urlencoded": form("application/x-www-form-urlencoded"),
  "form, JSON as text/plain": form("text/plain"),
  "form, multipart": form("multipart/form-data"),
  "form, GET": form("", { method: "get" }),
  "form in a frame": form("text/plain", { framed: true }),
  "form that is redirected": form("text/plain", { redirected: true }),
  image: element("img", "src"),
  "image that is redirected": element("img", "src", { redirected: true }),
  script: element("script", "src"),
  "script with CORS": element("script", "src", { crossOrigin: "use-credentials" }),
  stylesheet: element("link", "href", { rel: "stylesheet" }),
  prefetch: element("link", "href", { rel: "prefetch" }),
  video: element("video", "src"),
  object: element("object", "data"),
  frame: element("iframe", "src"),
  "new window": { send: ({ url }) => void window.open(url) },
  link: {
    send: ({ url }) => Object.assign(document.createElement("a"), { href: url, target: "_blank" }).click(),
  },
  "ping of a link": {
    send: ({ url }) => Object.assign(document.createElement("a"), { href: "#", ping: url }).click(),
  },
};
