"""One session of the Python SDK, 1 or 2: lists the tools, calls two, prints what it got as a line of JSON.

client.py sse|http URL [AUTHORIZATION [SECONDS]]

With SECONDS it listens for so long, and then calls a tool once more: by then its token has expired.
"""

import asyncio
import json
import logging
import sys

from mcp import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client


def transport(kind, url, headers):
    if kind == "sse":
        return sse_client(url, headers=headers)
    return streamable_http_client(url, http_client=create_mcp_http_client(headers=headers))


async def session(kind, url, headers, seconds):
    # `mcp` 1 has a third one, over Streamable HTTP.
    async with (
        transport(kind, url, headers) as (read, write, *_),
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


def main():
    logging.disable()
    kind, url, authorization, seconds, *_ = [*sys.argv[1:], "", ""]
    headers = {"Authorization": authorization} if authorization else {}
    try:
        result = asyncio.run(asyncio.wait_for(session(kind, url, headers, float(seconds or 0)), 30))
    except BaseException as error:
        result = {"error": str(first_cause(error)) or repr(first_cause(error))}
    print(json.dumps(result))


main()
