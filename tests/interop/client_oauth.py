"""One session of the Python SDK, 1 or 2, which logs in by OAuth. Prints what it got as a line of JSON.

client_oauth.py sse|http URL OPTIONS

OPTIONS is JSON:
- issuer: the authorization server that `client` and `tokens` are from
- client: a client that is registered already; with a secret it gets its token by client credentials
- scope: what a client that does not look at the challenge asks for
- tokens: what an earlier login returned
- wait: calls once more after a line on stdin; `waiting` is printed before
"""

import asyncio
import json
import logging
import sys
from urllib.parse import parse_qs, urlsplit

from browser import browse
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared import auth
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

REDIRECT = "http://127.0.0.1:9/callback"
METADATA = {
    "client_name": "interop",
    "application_type": "native",
    "redirect_uris": [REDIRECT],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "none",
}

kind, url, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
result = {"registrations": 0, "logins": [], "refreshes": 0}


class Storage:
    def __init__(self):
        client, tokens, issuer = options.get("client"), options.get("tokens"), options.get("issuer")
        self.client = client and OAuthClientInformationFull(**METADATA, **client, issuer=issuer)
        self.tokens = tokens and OAuthToken(**tokens)

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        result["refreshes"] += 1  # less the logins: see below
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        result["registrations"] += self.client is None
        self.client = client


redirected = None


async def on_login(url):
    global redirected
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    result["logins"].append({"scope": asked.get("scope"), "resource": asked.get("resource")})
    redirected = await asyncio.to_thread(browse, url, REDIRECT)


async def on_callback():
    code, state = redirected["code"], redirected.get("state")
    if not hasattr(auth, "AuthorizationCodeResult"):
        return code, state  # `mcp` 1
    return auth.AuthorizationCodeResult(code=code, state=state, iss=redirected.get("iss"))


def provider():
    client = options.get("client", {})
    if "client_secret" in client:
        return ClientCredentialsOAuthProvider(url, Storage(), issuer=options["issuer"], **client)
    return OAuthClientProvider(url, OAuthClientMetadata(**METADATA), Storage(), on_login, on_callback)


def transport(login):
    if kind == "sse":
        return sse_client(url, auth=login)
    return streamable_http_client(url, http_client=create_mcp_http_client(auth=login))


async def session():
    async with (
        transport(provider()) as (read, write, *_),
        ClientSession(read, write) as client,
    ):
        await client.initialize()

        async def whoami():
            return (await client.call_tool("whoami", {})).content[0].text

        result["whoami"] = await whoami()
        if options.get("wait"):
            print("waiting", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            result["whoami_later"] = await whoami()


def first_cause(error):
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def main():
    logging.disable()
    try:
        asyncio.run(asyncio.wait_for(session(), 60))
    except BaseException as error:
        result["error"] = str(first_cause(error)) or repr(first_cause(error))
    result["refreshes"] -= len(result["logins"])
    print(json.dumps(result))


main()
