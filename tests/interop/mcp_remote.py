"""Sessions of a client that starts mcp-remote, which connects to the server and logs in where it must."""

import json
import subprocess
import sys

from harness import HERE, WORK, home

PROGRAM = WORK / "node_modules/mcp-remote/dist/proxy.js"
DEADLINE = 180


def session(kind, url, authorization, seconds=0):
    """What the client got, and what mcp-remote logged. The header is in the environment, as the guide says."""
    command = ["node", str(PROGRAM), url, "--allow-http", "--transport", f"{kind}-only"]
    if authorization:
        command += ["--header", "Authorization:${AUTH}"]
    with home(AUTH=authorization) as environment:
        client = [sys.executable, HERE / "client.py", "stdio", json.dumps(command), seconds, ""]
        run = subprocess.run(list(map(str, client)), env=environment, capture_output=True, text=True, timeout=DEADLINE)
    return json.loads(run.stdout.splitlines()[-1])[0], run.stderr
