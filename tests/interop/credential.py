"""How the Python clients send a credential."""

import base64
import importlib.metadata
import pathlib
import sys


def as_options(credential, url):
    """The options of an HTTP client: headers with an `Authorization`, or what signs (`sign ID:BASE64SECRET`), or
    what logs in (`oauth`, for fastmcp)."""
    if credential == "oauth":
        return {"auth": credential}
    if not credential.startswith("sign "):
        return {"headers": {"Authorization": credential} if credential else {}}
    if importlib.metadata.version("mcp").startswith("1."):
        # The signer of the example imports httpx2, as `mcp` 2 does. `mcp` 1 takes the same class over httpx.
        import httpx

        sys.modules["httpx2"] = httpx
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "examples" / "python"))
    from signed_client import SignatureAuth

    key_id, _, secret = credential.removeprefix("sign ").partition(":")
    return {"auth": SignatureAuth(key_id, base64.b64decode(secret), url)}
