"""An MCP server without any access control, for the proxy to stand in front of.

Speaks HTTP+SSE on /sse and Streamable HTTP on /mcp, and believes X-Mcp-Principal.
"""

import asyncio
import contextlib
import socket

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from starlette.applications import Starlette

mcp = MCPServer("upstream", log_level="WARNING")


@mcp.tool()
def whoami(context: Context) -> str:
    return ", ".join(context.headers.getlist("x-mcp-principal"))


@mcp.tool()
async def execute_command(command: str, args: list[str]) -> str:
    process = await asyncio.create_subprocess_exec(command, *args, stdout=asyncio.subprocess.PIPE)
    return (await process.communicate())[0].decode()


http, sse = mcp.streamable_http_app(), mcp.sse_app()


@contextlib.asynccontextmanager
async def lifespan(_):
    async with http.router.lifespan_context(http):
        yield


app = Starlette(routes=[*http.routes, *sse.routes], lifespan=lifespan)
listener = socket.create_server(("127.0.0.1", 0))
print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
