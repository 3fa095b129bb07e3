"""What stands around the example servers, as threads: an MCP server without access control, and an identity provider
that publishes keys and no tokens.
"""

import http.server
import json
import threading
import time

# How long the upstream takes to respond at /slow: longer than the token lives that is used there.
SLOW = 4.0
# A public key of RSA, which verifies nothing here.
KEY = {"kty": "RSA", "kid": "1", "alg": "RS256", "use": "sig", "e": "AQAB", "n": "w" + 341 * "A" + "Q"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def respond(self, body, media_type="application/json", **fields):
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


class Upstream(Handler):
    """Responds to messages at /mcp, compressed at /compressed, late at /slow, and with an open stream at /stream."""

    def do_GET(self):
        if self.path == "/slow":
            time.sleep(SLOW)
        if self.path != "/stream":
            return self.respond(b"{}")
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b": open\n\n")
        self.wfile.flush()
        self.server.stopped.wait()
        self.close_connection = True

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {}}).encode()
        if self.path == "/compressed":
            return self.respond(body, Content_Encoding="gzip")
        self.respond(body)


class IdentityProvider(Handler):
    def do_GET(self):
        if self.path == "/jwks":
            return self.respond(json.dumps({"keys": [KEY]}).encode())
        self.respond(json.dumps({"issuer": self.server.url, "jwks_uri": f"{self.server.url}/jwks"}).encode())


class PeerServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a client that does not wait for a late response


class Peer:
    """A server in a thread, at `url`."""

    def __init__(self, handler):
        self.server = PeerServer(("127.0.0.1", 0), handler)
        self.server.stopped = threading.Event()
        self.url = self.server.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stopped.set()
        self.server.shutdown()
