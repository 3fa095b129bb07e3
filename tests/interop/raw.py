"""Sessions with an MCP server without an SDK: requests as bytes over a socket, for `check_policy.py`.

What a request is, to the last byte, is the caller's: no library is between that would repair it.
"""

import base64
import collections.abc
import contextlib
import dataclasses
import http.client
import json
import queue
import socket
import sys
import threading
import time

sys.setrecursionlimit(20_000)  # for JSON
MODERN = "2026-07-28"
# In `params` of a request without a session.
MODERN_META = (
    ',"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",'
    '"io.modelcontextprotocol/clientCapabilities":{}}'
)
JSON = ("Content-Type", "application/json")
INITIALIZE = json.dumps({"jsonrpc": "2.0", "id": "open", "method": "initialize", "params": {
    "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "0"}}})
INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}'


@dataclasses.dataclass
class Request:
    """A request as it is sent.

    Its headers come in place of those that every request has, if they have the same name; the value None removes
    one. With `chunk`, the body is sent in chunks of so many bytes, each in a write of its own. With `smuggled`, the
    body is in a second request, which is the body of the first one for whoever believes its `Content-Length`.
    """

    name: str
    body: bytes
    headers: tuple = ()
    method: str = "POST"
    chunk: int = 0
    smuggled: bool = False
    path: str = "{}"  # with the path of the session in it
    encode: collections.abc.Callable | None = None  # of the body, once it has its tag
    answer: int | None = None  # the status that is due; None for any refusal
    tag: str = ""
    group: str = ""
    plain: bytes = b""  # the body before `encode`


@dataclasses.dataclass
class Answer:
    """What came back: a status (None if nothing did) and messages, whichever way they came."""

    status: int | None
    messages: list
    text: str = ""


class Session:
    """A session over one of the transports. `send` returns what came back for a request."""

    version = "2025-06-18"
    id_header = ()

    def __init__(self, url, path, token=None, deadline=5.0):
        host, _, port = url.removeprefix("http://").partition(":")
        self.address, self.path, self.deadline = (host, int(port)), path, deadline
        self.authorization = (("Authorization", f"Bearer {token}"),) if token else ()
        self.open()

    def defaults(self, request):
        """The headers that every request of the session has."""
        return [
            ("Host", f"{self.address[0]}:{self.address[1]}"),
            ("Accept", "application/json, text/event-stream"),
            JSON,
            ("MCP-Protocol-Version", self.version),
            *self.authorization,
            *self.id_header,
        ]

    def headers(self, request):
        replaced = {name.lower() for name, _ in request.headers}
        headers = [pair for pair in self.defaults(request) if pair[0].lower() not in replaced]
        if not request.smuggled:
            headers += [pair for pair in request.headers if pair[1] is not None]
        return [*headers, ("X-Tag", request.tag)] if request.tag else headers

    def connect(self, request):
        """Sends a request, and returns the head of the answer; its body can be read."""
        headers, body = self.headers(request), request.body
        if request.smuggled:
            # The second one is after what ends a body in chunks.
            headers = [pair for pair in headers if pair[0] != "Content-Length"]
            inner = head(request.method, self.path, [*headers, ("Content-Length", len(body))]) + body
            body = b"0\r\n\r\n" + inner
            headers += [(name, value.replace("ALL", str(len(body)))) for name, value in request.headers]
        elif request.chunk:
            headers.append(("Transfer-Encoding", "chunked"))
        elif "content-length" not in {name.lower() for name, _ in request.headers}:
            headers.append(("Content-Length", len(body)))
        connection = socket.create_connection(self.address, timeout=self.deadline)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has answered already
            first = head(request.method, request.path.format(self.path), headers)
            if request.chunk:
                connection.sendall(first)
                for start in range(0, len(body), request.chunk):
                    piece = body[start : start + request.chunk]
                    connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                connection.sendall(b"0\r\n\r\n")
            else:
                connection.sendall(first + body)
        response = http.client.HTTPResponse(connection, method=request.method)
        response.begin()
        return connection, response

    def exchange(self, request):
        """Sends a request, and returns the status and the body of the answer; of a stream, up to an answer."""
        try:
            connection, response = self.connect(request)
        except (OSError, http.client.HTTPException):
            return None, b"", {}
        body = b""
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            is_stream = "event-stream" in (response.getheader("Content-Type") or "")
            end = time.monotonic() + self.deadline
            while response.status != 101 and time.monotonic() < end:
                if is_stream and (request.method != "POST" or has_answer(body)):
                    break  # a stream of its own
                piece = response.read1(65536)
                if not piece:
                    break
                body += piece
        return response.status, body, response.headers


def head(method, path, headers):
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode()


def data_of_events(body):
    """The data of each event that is complete."""
    for event in body.replace(b"\r\n", b"\n").split(b"\n\n")[:-1]:
        data = [line[5:].strip() for line in event.split(b"\n") if line.startswith(b"data:")]
        if data:
            yield b"\n".join(data)


def parsed(text):
    with contextlib.suppress(ValueError):
        message = json.loads(text)
        yield from message if isinstance(message, list) else [message]


def messages_in(body):
    found = list(parsed(body))
    return found or [message for data in data_of_events(body) for message in parsed(data)]


def is_result(message):
    return isinstance(message, dict) and "result" in message


def has_answer(body):
    return any(isinstance(m, dict) and ("result" in m or "error" in m) for m in messages_in(body))


class Http(Session):
    """Streamable HTTP, with a session."""

    def open(self):
        status, body, headers = self.exchange(Request("open", INITIALIZE.encode()))
        if status != 200 or b"serverInfo" not in body:
            raise OSError(f"no session: {status} {body!r}")
        if session := headers.get("Mcp-Session-Id"):
            self.id_header = (("Mcp-Session-Id", session),)
        self.exchange(Request("initialized", INITIALIZED.encode()))

    def send(self, request, probe):
        """The answer to a request, and whether the session goes on: whether the probe is answered."""
        status, body, _ = self.exchange(request)
        _, probed, _ = self.exchange(probe)
        answer = Answer(status, messages_in(body), body.decode(errors="replace"))
        return answer, any(map(is_result, messages_in(probed)))

    def close(self):
        pass


class Modern(Http):
    """Streamable HTTP of 2026-07-28: no session, and headers that mirror the body."""

    version = MODERN

    def open(self):
        pass

    def defaults(self, request):
        return [*super().defaults(request), *mirrors(request.plain or request.body)]


def mirrors(body):
    """`Mcp-Method` and `Mcp-Name` of a body, as one who takes the last of two members reads it."""
    try:
        message = json.loads(body)
        method, params = message["method"], message["params"]
        name = params.get("name", params.get("uri", params.get("taskId")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        method, name = "tools/call", "evil"
    if not isinstance(method, str) or not (method.isascii() and method.isprintable()):
        method = "tools/call"
    yield "Mcp-Method", method
    if isinstance(name, str):
        plain = name.isascii() and name.isprintable() and name == name.strip()
        encoded = base64.b64encode(name.encode(errors="replace")).decode()
        yield "Mcp-Name", name if plain else f"=?base64?{encoded}?="


class Sse(Session):
    """HTTP+SSE: what answers a POST comes on the stream of the session."""

    def open(self):
        self.events = queue.Queue()
        headers = (("Content-Length", None), ("Content-Type", None))
        request = Request("stream", b"", (*headers, ("Accept", "text/event-stream")), "GET")
        self.stream, response = self.connect(request)
        self.stream.settimeout(60)
        threading.Thread(target=self.read, args=[response], daemon=True).start()
        self.path = self.next_event()
        self.path = "/" + self.path.split("/", 3)[3] if self.path.startswith("http") else self.path
        self.exchange(Request("open", INITIALIZE.encode()))
        if "serverInfo" not in self.next_event():
            raise OSError("no session")
        self.exchange(Request("initialized", INITIALIZED.encode()))

    def read(self, response):
        """Reads the stream into the queue until it ends."""
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError, AttributeError):
            while line := response.readline():
                if line.startswith(b"data:"):
                    self.events.put(line[5:].strip().decode(errors="replace"))

    def next_event(self):
        try:
            return self.events.get(timeout=self.deadline)
        except queue.Empty:
            raise OSError("no event") from None

    def send(self, request, probe):
        """The answers to a request are the events before the one that answers the probe."""
        status, body, _ = self.exchange(request)
        messages = messages_in(body)
        self.exchange(probe)
        with contextlib.suppress(OSError):
            while True:
                for message in parsed(self.next_event()):
                    if is_result(message) and message.get("id") == "probe":
                        return Answer(status, messages, body.decode(errors="replace")), True
                    messages.append(message)
        return Answer(status, messages, body.decode(errors="replace")), False

    def close(self):
        with contextlib.suppress(OSError):
            self.stream.shutdown(socket.SHUT_RDWR)
        self.stream.close()


TRANSPORTS = {"http": Http, "modern": Modern, "sse": Sse}
