"""A client that signs its requests (RFC 9421 with hmac-sha256), with the official Python SDK.

pip install mcp
HMAC_KEY=ci:BASE64SECRET python examples/python/signed_client.py http://127.0.0.1:8000/mcp
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import os
import secrets
import sys
import time

import httpx2
from mcp import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client


class SignatureAuth(httpx2.Auth):
    """Signs the requests for one server, and no others.

    Leave `follow_redirects` off, as the SDK does: httpx2 would send the headers of a signed request to
    the other server.
    """

    requires_request_body = True

    def __init__(self, key_id, secret, url, lifetime=60):
        self.key_id, self.secret, self.lifetime = key_id, secret, lifetime
        self.origin = self.origin_of(httpx2.URL(url))

    @staticmethod
    def origin_of(url):
        return url.scheme, url.netloc  # without the default port, and in lower case

    def auth_flow(self, request):
        for name in ("signature", "signature-input", "content-digest"):
            request.headers.pop(name, None)
        if self.origin_of(request.url) == self.origin:
            self.sign(request)
        yield request

    def sign(self, request):
        path, _, query = request.url.raw_path.decode().partition("?")
        values = {
            "@method": request.method,
            "@authority": request.url.netloc.decode(),
            "@path": path or "/",
            "@query": f"?{query}",
        }
        if request.content:
            digest = base64.b64encode(hashlib.sha256(request.content).digest()).decode()
            request.headers["content-digest"] = f"sha-256=:{digest}:"
            values |= {name: request.headers[name] for name in ("content-digest", "content-type")}
        for name, value in request.headers.items():
            if name in ("authorization", "content-encoding", "last-event-id", "upgrade") or name.startswith("mcp-"):
                values[name] = value.strip()

        created = int(time.time())
        nonce = secrets.token_urlsafe(16)
        covered = " ".join(f'"{name}"' for name in values)
        parameters = (
            f"({covered});created={created};expires={created + self.lifetime}"
            f';nonce="{nonce}";keyid="{self.key_id}";alg="hmac-sha256"'
        )
        lines = [f'"{name}": {value}' for name, value in values.items()]
        base = "\n".join([*lines, f'"@signature-params": {parameters}'])
        signature = hmac.digest(self.secret, base.encode("ascii"), "sha256")
        request.headers["signature-input"] = f"sig={parameters}"
        request.headers["signature"] = f"sig=:{base64.b64encode(signature).decode()}:"


def transport(url, auth):
    if url.endswith("/sse"):
        return sse_client(url, auth=auth)
    return streamable_http_client(url, http_client=create_mcp_http_client(auth=auth))


async def run(url, auth):
    async with transport(url, auth) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        listed = await session.list_tools()
        print("tools:", ", ".join(sorted(tool.name for tool in listed.tools)))
        for tool, arguments in [
            ("whoami", {}),
            ("execute_command", {"command": "echo", "args": ["hello"]}),
        ]:
            result = await session.call_tool(tool, arguments)
            print(f"{tool}:", " ".join(content.text for content in result.content).strip())


def main():
    parser = argparse.ArgumentParser(description="Lists the tools of an MCP server and calls some.")
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8000/mcp", metavar="URL")
    parser.add_argument("--hmac-key", metavar="ID:BASE64SECRET", default=os.environ.get("HMAC_KEY"))
    args = parser.parse_args()
    try:
        key_id, _, secret = (args.hmac_key or "").partition(":")
        auth = SignatureAuth(key_id, base64.b64decode(secret, validate=True), args.url)
        asyncio.run(run(args.url, auth))
    except BaseException as error:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
