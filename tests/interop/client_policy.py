"""One session of the Python SDK, 1 or 2, or of fastmcp, with a server that keeps some things from this client.
Prints what its user sees as a line of JSON: the lists, and for each thing that it uses a text or an error.

client_policy.py http|modern|sse URL TOKEN
client_policy.py fastmcp-modern|fastmcp-sse URL TOKEN
client_policy.py stdio COMMAND…

`modern` is Streamable HTTP of 2026-07-28, which fastmcp asks for by itself.
"""

import asyncio
import contextlib
import importlib.metadata
import json
import logging
import sys


@contextlib.asynccontextmanager
async def sdk_session(streams, modern=False):
    from mcp import ClientSession

    # `mcp` 1 has a third one, over Streamable HTTP.
    async with streams as (read, write, *_), ClientSession(read, write) as client:
        await (client.discover() if modern else client.initialize())
        yield client


def session(kind, url, *arguments):
    headers = {"Authorization": f"Bearer {arguments[0]}"}
    if kind.startswith("fastmcp"):
        from fastmcp import Client
        from fastmcp.client.transports import SSETransport, StreamableHttpTransport

        transport = SSETransport if kind == "fastmcp-sse" else StreamableHttpTransport
        return Client(transport(url, headers=headers))
    if kind == "stdio":
        from mcp import StdioServerParameters
        from mcp.client.stdio import stdio_client

        log = open("/dev/null", "w")
        return sdk_session(stdio_client(StdioServerParameters(command=url, args=list(arguments)), log))
    if kind == "sse":
        from mcp.client.sse import sse_client

        return sdk_session(sse_client(url, headers=headers))
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import create_mcp_http_client

    client = create_mcp_http_client(headers=headers)
    return sdk_session(streamable_http_client(url, http_client=client), kind == "modern")


async def names(listing):
    """What is in a list; fastmcp returns the list alone."""
    result = await listing
    for member in ["tools", "prompts", "resources", "resource_templates", "resourceTemplates"]:
        result = getattr(result, member, result)
    keys = ["uri", "uri_template", "uriTemplate", "name"]
    return sorted(str(next(getattr(thing, key) for key in keys if hasattr(thing, key))) for thing in result)


def text(result):
    """The first text of a result. fastmcp returns contents alone."""
    for member in ["content", "messages", "contents"]:
        result = getattr(result, member, result)
    first = result[0]
    return getattr(first, "content", first).text


async def use(client):
    uri = str if sys.argv[1].startswith("fastmcp") else any_url
    lists = {
        "tools": client.list_tools,
        "prompts": client.list_prompts,
        "resources": client.list_resources,
        "templates": client.list_resource_templates,
    }
    uses = {
        "evil": lambda: client.call_tool("evil", {"tag": "client"}),
        "secret": lambda: client.get_prompt("secret", {"tag": "client"}),
        "file": lambda: client.read_resource(uri("file:///etc/secret")),
        "search": lambda: client.call_tool("search", {"tag": "client"}),
        "review": lambda: client.get_prompt("review", {"tag": "client"}),
        "docs": lambda: client.read_resource(uri("docs://a")),
    }
    for name, step in {**lists, **uses}.items():
        try:
            result = await asyncio.wait_for(names(step()) if name in lists else step(), 10)
            seen[name] = result if name in lists else text(result)
        except Exception as error:
            seen[name] = str(first_cause(error)) or repr(first_cause(error))


def any_url(text):
    """`mcp` 1 wants a URL of pydantic, `mcp` 2 takes text."""
    if not importlib.metadata.version("mcp").startswith("1."):
        return text
    from pydantic import AnyUrl

    return AnyUrl(text)


def first_cause(error):
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def run():
    async with session(*sys.argv[1:]) as client:
        await use(client)


seen = {}
logging.disable()
try:
    asyncio.run(asyncio.wait_for(run(), 40))
except BaseException as error:
    seen["error"] = str(first_cause(error)) or repr(first_cause(error))
print(json.dumps(seen))
