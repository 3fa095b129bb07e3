"""A client of the example sse_server, with the official Python SDK.

pip install mcp
USERNAME=alice PASSWORD='correct horse' python examples/python/sse_client.py
"""

import argparse
import asyncio
import base64
import os
import sys

from mcp import ClientSession
from mcp.client.sse import sse_client


def arguments():
    parser = argparse.ArgumentParser(
        description="Lists the tools of an MCP server over HTTP+SSE, and calls some.",
        epilog="Without --user and --token: USERNAME and PASSWORD from the environment, which other"
        " users cannot see, unlike arguments.",
    )
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8000/sse", metavar="URL")
    parser.add_argument("--user", metavar="NAME:PASSWORD", help="for HTTP Basic")
    parser.add_argument("--token", help="a bearer token")
    return parser.parse_args()


def authorization(user, token):
    """Returns the header that every request must have, those for messages included."""
    if not user and not token and "USERNAME" in os.environ and "PASSWORD" in os.environ:
        user = f"{os.environ['USERNAME']}:{os.environ['PASSWORD']}"
    if token:
        return {"Authorization": f"Bearer {token}"}
    if user:
        return {"Authorization": "Basic " + base64.b64encode(user.encode()).decode()}
    return {}


async def run(url, headers):
    async with sse_client(url, headers=headers) as streams, ClientSession(*streams) as session:
        await session.initialize()
        listed = await session.list_tools()
        print("tools:", ", ".join(tool.name for tool in listed.tools))
        calls = [
            ("whoami", {}),
            ("execute_command", {"command": "ls"}),
            ("execute_command", {"command": "echo", "args": ["hello"]}),
        ]
        for tool, args in calls:
            print(f"\n{tool} {args}:")
            result = await session.call_tool(tool, args)
            for content in result.content:
                print(content.text if content.type == "text" else content)


def causes(error):
    """Returns the errors of an exception group, which the tasks of the SDK raise."""
    inner = getattr(error, "exceptions", None)
    return [error] if inner is None else [cause for one in inner for cause in causes(one)]


def explain(error):
    for cause in causes(error):
        if getattr(getattr(cause, "response", None), "status_code", None) == 401:
            return "the server rejected the credentials (401): check --user or --token"
    reason = "; ".join(str(cause) or type(cause).__name__ for cause in causes(error))
    return reason.partition("\n")[0]


def main():
    args = arguments()
    try:
        asyncio.run(run(args.url, authorization(args.user, args.token)))
    except Exception as error:
        sys.exit(f"error: {explain(error)}")


if __name__ == "__main__":
    main()
