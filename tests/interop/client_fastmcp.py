"""One session of fastmcp: lists the tools, calls two, prints what it got as a line of JSON.

client_fastmcp.py sse|http URL [CREDENTIAL [SECONDS]]

CREDENTIAL is an `Authorization`, `sign ID:BASE64SECRET`, or `oauth`.
With SECONDS it listens for so long, and then calls a tool once more: by then its token has expired.
"""

import asyncio
import json
import logging
import sys

from credential import as_options
from fastmcp import Client
from fastmcp.client.transports import SSETransport, StreamableHttpTransport


async def session(kind, url, options, seconds):
    transport = SSETransport if kind == "sse" else StreamableHttpTransport
    async with Client(transport(url, **options)) as client:
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
    kind, url, credential, seconds, *_ = [*sys.argv[1:], "", ""]
    options = as_options(credential, url)
    try:
        result = asyncio.run(asyncio.wait_for(session(kind, url, options, float(seconds or 0)), 120))
    except BaseException as error:
        result = {"error": str(error) or repr(error)}
    print(json.dumps(result))


main()
