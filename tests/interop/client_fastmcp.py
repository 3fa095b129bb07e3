"""Sessions of fastmcp: each lists the tools and calls two. Prints what each got as an array of JSON.

client_fastmcp.py sse|http URL SECONDS CREDENTIAL…

There is a session with each CREDENTIAL: an `Authorization`, `sign ID:BASE64SECRET`, `oauth`, or nothing.
With SECONDS other than 0 it listens for so long, and then calls a tool once more: by then its token has expired.
"""

import asyncio
import json
import logging
import sys
import warnings

from credential import as_options
from fastmcp import Client
from fastmcp.client.transports import SSETransport, StreamableHttpTransport

DEADLINE = 120


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


def attempt(kind, url, seconds, credential):
    try:
        once = session(kind, url, as_options(credential, url), seconds)
        return asyncio.run(asyncio.wait_for(once, DEADLINE))
    except BaseException as error:
        return {"error": str(error) or repr(error)}


def main():
    logging.disable()
    warnings.simplefilter("ignore")
    kind, url, seconds, *credentials = sys.argv[1:]
    print(json.dumps([attempt(kind, url, float(seconds), credential) for credential in credentials]))


main()
