"""An example server whose requests are counted, and whose token expires when the check says so."""

import contextlib
import datetime
import hashlib
import pathlib
import tempfile
import time

from clients import TOKEN
from harness import EXAMPLES, Server

# The example, the path of its endpoint, and the name of the transport in the table.
SERVERS = {"http": ("streamable_server", "/mcp", "HTTP"), "sse": ("sse_server", "/sse", "HTTP+SSE")}
# A client that lists and calls two tools sends five messages and opens a stream; fastmcp has no session over
# Streamable HTTP, and sends four messages.
SESSION, WITHOUT_SESSION = 6, 4
DEADLINE = 120


class Guarded(Server):
    def __init__(self, kind, folder, *arguments):
        example, path, _ = SERVERS[kind]
        self.tokens = pathlib.Path(folder, "tokens")
        self.write("")
        users = ["--user", "alice:pass:word", "--token-file", self.tokens]
        super().__init__(EXAMPLES / example, "--port", "0", *users, *arguments, log="mcp_auth_layer=debug")
        self.endpoint = self.url + path

    def write(self, options):
        new = self.tokens.with_suffix(".new")
        new.write_text(f"ci sha256:{hashlib.sha256(TOKEN.encode()).hexdigest()}{options}\n", encoding="utf-8")
        new.replace(self.tokens)

    def expire(self):
        """The token expires in three seconds, which the server reads from its file before that."""
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)
        self.write(f" expires={end:%Y-%m-%dT%H:%M:%SZ}")
        time.sleep(3)

    def expire_after_session(self, requests=SESSION):
        """The same, once a client has called its tools."""
        deadline = time.monotonic() + DEADLINE
        while self.logged().count(": authenticated ") < requests and time.monotonic() < deadline:
            time.sleep(0.2)
        self.expire()


@contextlib.contextmanager
def guarded(kind, *arguments):
    with tempfile.TemporaryDirectory() as folder, Guarded(kind, folder, *arguments) as server:
        yield server
