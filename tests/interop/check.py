"""Every client against every server with every credential; see `run`.

check.py EXAMPLES WORK
"""

import base64
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

EXAMPLES, WORK = map(pathlib.Path, sys.argv[1:])
HERE = pathlib.Path(__file__).parent

KEY = "signer:" + base64.b64encode(bytes(range(32))).decode()
WRONG_KEY = "signer:" + base64.b64encode(bytes(range(1, 33))).decode()
USERS = ["--hmac-key", KEY, "--user", "alice:pass:word", "--token", "ci:dG9rZW4tb2YtdGhlLWNp"]


def basic(pair):
    return "Basic " + base64.b64encode(pair.encode()).decode()


# A credential, and the principal it makes; None where it is refused.
CREDENTIALS = {
    "basic": (basic("alice:pass:word"), "alice"),
    "bearer": ("Bearer dG9rZW4tb2YtdGhlLWNp", "ci"),
    "wrong password": (basic("alice:wrong"), None),
    "wrong token": ("Bearer wrong", None),
    "no credential": (None, None),
}

CLIENTS = {
    "python": [sys.executable, HERE / "client.py"],
    "typescript": ["node", WORK / "client.mjs"],
}

passed, failed = 0, 0


def check(name, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(f"{'ok    ' if good else 'FAILED'} {name}{'' if good else f': {detail}'}", flush=True)


class Server:
    """A server as a child process, on the port that it names."""

    def __init__(self, *command, log="error"):
        command = [str(part) for part in command]
        environment = {**os.environ, "RUST_LOG": log}
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment
        )
        for line in self.process.stdout:
            if found := re.search(r"listening on (http://[^/]+)", line):
                self.url = found[1]
                return
        raise SystemExit(f"{command[0]} does not start")

    def refused(self):
        """How many requests were refused up to now."""
        self.log.seek(0)
        return sum(": refused " in line for line in self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


def ask(command, *arguments):
    """What a client printed: its result, or the message its user sees."""
    arguments = [str(argument) for argument in (*command, *arguments)]
    run = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, timeout=60)
    return json.loads(run.stdout.splitlines()[-1])


def every_client(server, kind, url):
    for client, command in CLIENTS.items():
        for credential, (header, who) in CREDENTIALS.items():
            name = f"{server}, {kind}, {client} client, {credential}"
            got = ask(command, kind, url, *([header] if header else []))
            if who:
                right = (
                    got.get("tools") == ["execute_command", "whoami"]
                    and got.get("whoami") == who
                    and "hello" in got.get("output", "")
                )
                check(name, right, got)
            else:
                # Streamable HTTP clients show the message of the answer, SSE clients its status.
                words = "401" if kind == "sse" else "credential|authentication required"
                check(name, re.search(words, got.get("error", "")), got)


def rmcp_client(url):
    for credential, flags, who in [
        ("basic", ["--user", "alice:pass:word"], "alice"),
        ("bearer", ["--token", "dG9rZW4tb2YtdGhlLWNp"], "ci"),
        ("signing", ["--hmac-key", KEY], "signer"),
        ("signing with a wrong key", ["--hmac-key", WRONG_KEY], None),
        ("wrong password", ["--user", "alice:wrong"], None),
        ("wrong token", ["--token", "wrong"], None),
        ("no credential", [], None),
    ]:
        command = [EXAMPLES / "client", url, *flags]
        run = subprocess.run(command, capture_output=True, text=True, timeout=60)
        name = f"streamable_server, http, rmcp client, {credential}"
        if who:
            check(name, run.returncode == 0 and who in run.stdout, run)
        else:
            explained = "401" in run.stderr and len(run.stderr.splitlines()) == 1
            check(name, run.returncode == 1 and explained, run)


def the_articles_session(url):
    """The client of the article, against `sse_server`, as a user would start it."""
    command = [sys.executable, EXAMPLES_SOURCE / "python" / "sse_client.py", url]
    for credential, flags, good in [
        ("right", ["--user", "alice:pass:word"], True),
        ("wrong", ["--user", "alice:wrong"], False),
    ]:
        run = subprocess.run([*command, *flags], capture_output=True, text=True, timeout=60)
        said = run.stdout + run.stderr
        right = "execute_command" in run.stdout if good else run.returncode != 0 and "401" in said
        check(f"sse_server, the article's client, {credential} password", right, said)


def signing_client(server, url):
    """The Python client that signs every request."""
    command = [sys.executable, EXAMPLES_SOURCE / "python" / "signed_client.py", url, "--hmac-key"]
    for credential, key, good in [("its key", KEY, True), ("a wrong key", WRONG_KEY, False)]:
        run = subprocess.run([*command, key], capture_output=True, text=True, timeout=60)
        said = run.stdout + run.stderr
        refused = run.returncode != 0 and re.search("401|wrong or has expired", said)
        right = "whoami: signer" in run.stdout and "hello" in run.stdout if good else refused
        check(f"{server}, Python client that signs with {credential}", right, said)


def what_ends_with_a_token(server, path, kind):
    """A session goes on for longer than its token is good. Its streams end, and the client does not
    besiege the server: per stream it asks twice more at most, and once for the call of its user."""
    token = ["--token", "ci:dG9rZW4tb2YtdGhlLWNp", "--token-ttl", "4"]
    for client, command in CLIENTS.items():
        with Server(EXAMPLES / server, "--port", "0", *token, log="mcp_auth_layer=info") as guarded:
            got = ask(command, kind, guarded.url + path, CREDENTIALS["bearer"][0], "12")
            name = f"{server}, {kind}, {client} client, a token that expires"
            refused = guarded.refused()
            print(f"       {refused} requests refused; its user sees: {got.get('error')}")
            check(name, "error" in got and refused <= 3, (got, refused))


def disguised_sessions(server, url):
    """Two session ids in one query, where the server behind takes the last: none of them is one."""
    alice, ci = CREDENTIALS["basic"][0], CREDENTIALS["bearer"][0]

    def connect():
        return http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)

    def post(target, authorization):
        connection = connect()
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        message = '{"jsonrpc":"2.0","method":"notifications/initialized"}'
        connection.request("POST", target, message, headers)
        return connection.getresponse().status

    stream = connect()
    stream.request("GET", "/sse", headers={"Authorization": alice})
    response = stream.getresponse()
    while not (line := response.readline().decode()).startswith("data: "):
        pass
    path, query = line.removeprefix("data: ").strip().split("?")
    sealed = query.removeprefix("session_id=")
    bare = sealed.rpartition(".")[0]
    for target in [
        f"session_id={bare}",
        f"session_id={sealed}&session_id={bare}",
        f"session_id={sealed}&session%5Fid={bare}",
        f"session_id={sealed}&%73ession_id={bare}",
        f"session_id={sealed}&sessionId={bare}",
        f"session_id={sealed};session_id={bare}",
        f"session_id={bare};a&session_id={sealed}",
        f"session_id={sealed}&session_id=",
        "session_id=",
    ]:
        statuses = [post(f"{path}?{target}", who) for who in (alice, ci)]
        check(f"{server}, {target.replace(sealed, 'sealed').replace(bare, 'bare')}", statuses == [404, 404], statuses)
    statuses = [post(f"{path}?{query}", who) for who in (ci, alice)]
    check(f"{server}, the session id as it was given: ci's request, alice's", statuses == [404, 202], statuses)
    stream.close()


EXAMPLES_SOURCE = HERE.parent.parent / "examples"

with Server(EXAMPLES / "sse_server", "--port", "0", *USERS) as server:
    every_client("sse_server", "sse", f"{server.url}/sse")
    the_articles_session(f"{server.url}/sse")
    signing_client("sse_server", f"{server.url}/sse")

with Server(EXAMPLES / "streamable_server", "--port", "0", *USERS) as server:
    every_client("streamable_server", "http", f"{server.url}/mcp")
    rmcp_client(f"{server.url}/mcp")
    signing_client("streamable_server", f"{server.url}/mcp")

what_ends_with_a_token("sse_server", "/sse", "sse")
what_ends_with_a_token("streamable_server", "/mcp", "http")

with Server(sys.executable, HERE / "upstream.py") as upstream:
    guard = [EXAMPLES / "proxy", "--upstream", upstream.url, "--port", "0", *USERS]
    with Server(*guard) as proxy:
        every_client("proxy to Python", "sse", f"{proxy.url}/sse")
        every_client("proxy to Python", "http", f"{proxy.url}/mcp")
        signing_client("proxy to Python", f"{proxy.url}/mcp")
        disguised_sessions("proxy to Python", proxy.url)

print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
