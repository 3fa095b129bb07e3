"""The clients of libraries, and the credentials that they present."""

import base64
import sys

from harness import HERE, WORK

KEY = "signer:" + base64.b64encode(bytes(range(32))).decode()
WRONG_KEY = "signer:" + base64.b64encode(bytes(range(1, 33))).decode()
TOKEN = "dG9rZW4tb2YtdGhlLWNp"
USERS = ["--hmac-key", KEY, "--user", "alice:pass:word", "--token", f"ci:{TOKEN}"]


def basic(pair):
    return "Basic " + base64.b64encode(pair.encode()).decode()


# A credential as the clients take it, and the principal it makes; None where it is refused.
CREDENTIALS = {
    "Basic": (basic("alice:pass:word"), "alice"),
    "bearer": (f"Bearer {TOKEN}", "ci"),
    "signed": (f"sign {KEY}", "signer"),
    "wrong password": (basic("alice:wrong"), None),
    "wrong token": ("Bearer bm90LXRoZS10b2tlbg", None),
    "wrong key": (f"sign {WRONG_KEY}", None),
    "no credential": ("", None),
}

LIBRARIES = {
    "fastmcp": [sys.executable, HERE / "client_fastmcp.py"],
    "TypeScript SDK 2": ["node", WORK / "client.mjs", "2"],
    "TypeScript SDK 1": ["node", WORK / "client.mjs", "1"],
    "Python SDK 2": [sys.executable, HERE / "client.py"],
    "Python SDK 1": [WORK / "venv-mcp1" / "bin" / "python", HERE / "client.py"],
}
