"""Sessions of the Python SDK, 1 or 2: each lists the tools and calls two. Prints what each got as an array of JSON.

client.py sse|http URL SECONDS CREDENTIAL…
client.py stdio COMMAND SECONDS ""

There is a session with each CREDENTIAL: an `Authorization`, `sign ID:BASE64SECRET`, or nothing.
COMMAND is a JSON array: a program that connects to the server.
With SECONDS other than 0 it listens for so long, and then calls a tool once more: by then its token has expired.
"""

import asyncio
import json
import logging
import os
import sys

from credential import as_options
from mcp import ClientSession, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

DEADLINE = 120


def transport(kind, url, options):
    if kind == "stdio":
        program, *arguments = json.loads(url)
        return stdio_client(StdioServerParameters(command=program, args=arguments, env=dict(os.environ)))
    if kind == "sse":
        return sse_client(url, **options)
    return streamable_http_client(url, http_client=create_mcp_http_client(**options))


async def session(kind, url, options, seconds):
    # `mcp` 1 has a third one, over Streamable HTTP.
    async with (
        transport(kind, url, options) as (read, write, *_),
        ClientSession(read, write) as client,
    ):
        await client.initialize()
        tools = await client.list_tools()
        whoami = await client.call_tool("whoami", {})
        output = await client.call_tool("execute_command", {"command": "echo", "args": ["hello"]})
        if seconds:
            await asyncio.sleep(seconds)
            await client.call_tool("whoami", {})
        return {
            "tools": sorted(tool.name for tool in tools.tools),
            "whoami": whoami.content[0].text,
            "output": output.content[0].text,
        }


def first_cause(error):
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def attempt(kind, url, seconds, credential):
    try:
        once = session(kind, url, as_options(credential, url), seconds)
        return asyncio.run(asyncio.wait_for(once, DEADLINE))
    except BaseException as error:
        return {"error": str(first_cause(error)) or repr(first_cause(error))}


def main():
    logging.disable()
    kind, url, seconds, *credentials = sys.argv[1:]
    print(json.dumps([attempt(kind, url, float(seconds), credential) for credential in credentials]))


main()
