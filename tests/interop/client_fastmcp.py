"""One session of fastmcp: lists the tools, calls two, prints what it got as a line of JSON.

client_fastmcp.py sse|http URL [AUTHORIZATION [SECONDS]]

With SECONDS it listens for so long, and then calls a tool once more: by then its token has expired.
"""

import asyncio
import json
import logging
import sys

from fastmcp import Client
from fastmcp.client.transports import SSETransport, StreamableHttpTransport


async def session(kind, url, headers, seconds):
    transport = SSETransport if kind == "sse" else StreamableHttpTransport
    async with Client(transport(url, headers=headers)) as client:
        tools = await client.list_tools()
        whoami = await client.call_tool("whoami", {})
        output = await client.call_tool("execute_command", {"command": "echo", "args": ["hello"]})
        if seconds:
            await asyncio.sleep(seconds)
            await client.call_tool("whoami", {})
        return {
            "tools": sorted(tool.name for tool in tools),
            "whoami": whoami.content[0].text,
            "output": output.content[0].text,
        }


def main():
    logging.disable()
    kind, url, authorization, seconds, *_ = [*sys.argv[1:], "", ""]
    headers = {"Authorization": authorization} if authorization else {}
    try:
        result = asyncio.run(asyncio.wait_for(session(kind, url, headers, float(seconds or 0)), 30))
    except BaseException as error:
        result = {"error": str(error) or repr(error)}
    print(json.dumps(result))


main()
