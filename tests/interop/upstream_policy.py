"""A server of the Python SDK 1 or 2, or of fastmcp, that notes what it runs, for `check_policy.py`.

upstream_policy.py 1|2|fastmcp FILE

It speaks HTTP+SSE on /sse and Streamable HTTP on /mcp. Each line of FILE is JSON: what ran, and the tag of the
request that made it run. `request` is a request that arrived, whatever became of it.
"""

import contextlib
import json
import socket
import sys
from typing import Any

import uvicorn
from starlette.applications import Starlette

KIND, FILE = sys.argv[1:]


def note(*what):
    with open(FILE, "a", encoding="utf-8", errors="surrogatepass") as file:
        file.write(json.dumps(what) + "\n")


if KIND == "fastmcp":
    from fastmcp import FastMCP

    mcp = FastMCP("upstream")
elif KIND == "1":
    from mcp.server.fastmcp import FastMCP

    mcp = FastMCP("upstream", log_level="CRITICAL")
else:
    from mcp.server.mcpserver import MCPServer

    mcp = MCPServer("upstream", log_level="CRITICAL")


@mcp.tool()
def search(tag: str = "", extra: Any = None) -> str:
    note("search", tag)
    return f"found {tag}"


@mcp.tool()
def evil(tag: str = "", extra: Any = None) -> str:
    note("evil", tag)
    return "evil ran"


@mcp.prompt()
def review(tag: str) -> str:
    note("review", tag)
    return "please review"


@mcp.prompt()
def secret(tag: str) -> str:
    note("secret", tag)
    return "a secret prompt"


@mcp.resource("docs://a")
def document() -> str:
    note("docs", "a")
    return "a document"


@mcp.resource("docs://{name}")
def documents(name: str) -> str:
    note("docs", name)
    return "a document"


@mcp.resource("file:///etc/secret")
def file() -> str:
    note("file", "secret")
    return "a secret file"


@mcp.resource("file:///etc/{name}")
def files(name: str) -> str:
    note("file", name)
    return "a secret file"


if hasattr(mcp, "completion"):

    @mcp.completion()
    async def complete(ref, argument, context):
        note(f"complete {getattr(ref, 'name', None) or ref.uri.partition(':')[0]}", argument.value)


if KIND == "fastmcp":
    apps = [mcp.http_app(path="/mcp"), mcp.http_app(path="/sse", transport="sse")]
else:
    apps = [mcp.streamable_http_app(), mcp.sse_app()]


@contextlib.asynccontextmanager
async def lifespan(_):
    async with contextlib.AsyncExitStack() as stack:
        for app in apps:
            await stack.enter_async_context(app.router.lifespan_context(app))
        yield


both = Starlette(routes=[route for app in apps for route in app.routes], lifespan=lifespan)


async def noting(scope, receive, send):
    for name, value in scope.get("headers", []):
        if name == b"x-tag":
            note("request", value.decode())
    await both(scope, receive, send)


listener = socket.create_server(("127.0.0.1", 0), backlog=128)
print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
uvicorn.Server(uvicorn.Config(noting, log_level="critical", ws="none")).run(sockets=[listener])
