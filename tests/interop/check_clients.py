"""The clients of libraries with every credential, at the example servers and at a server behind the proxy; and
what their users see. See `run`, and matrix.py for the table.

check_clients.py EXAMPLES WORK
"""

import contextlib
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from clients import CREDENTIALS, KEY, LIBRARIES, TOKEN, USERS, WRONG_KEY, basic
from guarded import SERVERS, SESSION, WITHOUT_SESSION, guarded
from harness import DEADLINE, EXAMPLES, HERE, WORK, Server, ask, check, finish, record, shown
from matrix import CLIENTS, RIGHT

EXAMPLES_SOURCE = HERE.parent.parent / "examples"
pool = ThreadPoolExecutor(3)


def is_right(got, who):
    lists = got.get("tools") == ["execute_command", "whoami"]
    return lists and got.get("whoami") == who and "hello" in got.get("output", "")


def every_library(kind, urls):
    """Every library with every credential at each server."""
    sent = [it for it, _ in CREDENTIALS.values()]
    runs = {
        (client, server): pool.submit(ask, command, kind, url, 0, *sent)
        for client, command in LIBRARIES.items()
        for server, url in urls.items()
    }
    refused = {}
    results = {
        (client, credential, server): result
        for (client, server), run in runs.items()
        for credential, result in zip(CREDENTIALS, run.result())
    }
    for (client, credential, server), got in results.items():
        who = CREDENTIALS[credential][1]
        name = f"{server}, {kind}, {client}, {credential}"
        if who:
            check(name, is_right(got, who), got)
            record(CLIENTS, (client, SERVERS[kind][2]), credential, RIGHT)
        else:
            # Streamable HTTP clients show the message of the answer, SSE clients its status, as
            # `mcp` 1 does over both.
            status_only = kind == "sse" or client == "Python SDK 1"
            words = "401" if status_only else "wrong or has expired|authentication required"
            error = shown(got.get("error", ""))
            check(name, re.search(words, error), got)
            column = credential if credential == "no credential" else "wrong credential"
            refused.setdefault((client, column), set()).add(error)
    for (client, column), texts in refused.items():
        check(f"{kind}, {client}, {column}: one text at all servers", len(texts) == 1, texts)
        record(CLIENTS, (client, SERVERS[kind][2]), column, " / ".join(sorted(texts)))


def rmcp_client(server, url):
    """The example client, which is rmcp with this crate's signer."""
    for column, flags, who in [
        ("Basic", ["--user", "alice:pass:word"], "alice"),
        ("bearer", ["--token", TOKEN], "ci"),
        ("signed", ["--hmac-key", KEY], "signer"),
        ("wrong credential", ["--hmac-key", WRONG_KEY], None),
        ("wrong credential", ["--user", "alice:wrong"], None),
        ("wrong credential", ["--token", "wrong"], None),
        ("no credential", [], None),
    ]:
        command = [EXAMPLES / "client", url, *flags]
        run = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
        name = f"{server}, http, rmcp, {column} {flags[:1]}"
        if who:
            check(name, run.returncode == 0 and who in run.stdout, run)
        else:
            explained = "401" in run.stderr and len(run.stderr.splitlines()) == 1
            check(name, run.returncode == 1 and explained, run)
        record(CLIENTS, ("rmcp", "HTTP"), column, RIGHT if who else shown(run.stderr))


def signing_clients(server, url):
    """The example clients that sign every request."""
    for language, command in [
        ("Python", [sys.executable, EXAMPLES_SOURCE / "python" / "signed_client.py", url]),
        ("TypeScript", ["node", WORK / "signed_client.mjs", url]),
    ]:
        for credential, key, good in [("its key", KEY, True), ("a wrong key", WRONG_KEY, False)]:
            environment = {**os.environ, "HMAC_KEY": key}
            run = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, env=environment)
            said = run.stdout + run.stderr
            refused = run.returncode != 0 and re.search("401|wrong or has expired", said)
            right = "whoami: signer" in run.stdout and "hello" in run.stdout if good else refused
            check(f"{server}, {language} client that signs with {credential}", right, said)


def what_ends_with_a_token(client, kind):
    """A session goes on for longer than its token is good. Its streams end, and the client does not
    besiege the server: it asks for a stream twice more at most. Then there is the call of its user,
    and the client may say goodbye."""
    with guarded(kind) as server:
        requests = WITHOUT_SESSION if (client, kind) == ("fastmcp", "http") else SESSION
        threading.Thread(target=server.expire_after_session, args=[requests]).start()
        [got] = ask(LIBRARIES[client], kind, server.endpoint, 20, CREDENTIALS["bearer"][0])
        refused = server.rejected()
    modest = refused.count("GET") <= 2 and refused.count("POST") <= 1 and len(refused) <= 4
    check(f"{kind}, {client}, a token that expires", "error" in got and modest, (got, refused))
    return shown(got.get("error", ""))


def expirations():
    """Every library, at once: they wait most of the time."""
    runs = [(client, kind) for kind in SERVERS for client in LIBRARIES]
    with ThreadPoolExecutor(len(runs)) as waiting:
        texts = waiting.map(lambda run: what_ends_with_a_token(*run), runs)
    for (client, kind), text in zip(runs, texts):
        record(CLIENTS, (client, SERVERS[kind][2]), "expired within the session", text)


with contextlib.ExitStack() as stack:
    sse = stack.enter_context(Server(EXAMPLES / "sse_server", "--port", "0", *USERS))
    streamable = stack.enter_context(Server(EXAMPLES / "streamable_server", "--port", "0", *USERS))
    upstream = stack.enter_context(Server(sys.executable, HERE / "upstream.py"))
    guard = [EXAMPLES / "proxy", "--upstream", upstream.url, "--port", "0", *USERS]
    proxy = stack.enter_context(Server(*guard))
    over_http = {"streamable_server": f"{streamable.url}/mcp", "proxy to Python": f"{proxy.url}/mcp"}
    over_sse = {"sse_server": f"{sse.url}/sse", "proxy to Python": f"{proxy.url}/sse"}
    every_library("http", over_http)
    every_library("sse", over_sse)
    for server, url in over_http.items():
        rmcp_client(server, url)
        signing_clients(server, url)
    for server, url in over_sse.items():
        signing_clients(server, url)

expirations()
finish()
