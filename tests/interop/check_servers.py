"""Passwords of a real `htpasswd`, bodies that are refused, taken session IDs; see `run`.

check_servers.py EXAMPLES WORK
"""

import contextlib
import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

from clients import CREDENTIALS, USERS, basic
from harness import EXAMPLES, HERE, Server, check, finish


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


def nobody_takes_over(server, url):
    """Alice's session over HTTP+SSE, and Bob who has learned both forms of its id. The server
    behind takes the last of two parameters."""
    address = url.removeprefix("http://")
    alice, bob = {"Authorization": CREDENTIALS["Basic"][0]}, {"Authorization": basic("bob:hunter2")}
    stream = http.client.HTTPConnection(address, timeout=30)
    stream.request("GET", "/sse", headers=alice)
    events = stream.getresponse()

    def data():
        for line in events:
            if line.startswith(b"data: "):
                return line.removeprefix(b"data: ").decode().strip()

    path, sealed = data().split("?session_id=")
    bare = sealed.rpartition(".")[0]
    version, client = "2025-06-18", {"name": "check", "version": "0"}
    parameters = {"protocolVersion": version, "capabilities": {}, "clientInfo": client}
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": parameters}

    def post(who, query):
        connection = http.client.HTTPConnection(address, timeout=30)
        headers = {**who, "Content-Type": "application/json"}
        connection.request("POST", f"{path}?{query}", json.dumps(message), headers)
        return connection.getresponse().status

    for query in [
        f"session_id={bare}",
        f"session_id={sealed}&session_id={bare}",
        f"session_id={bare}&session_id={sealed}",
        f"session_id={sealed}&sessionId={bare}",
        f"session%5Fid={bare}&session_id={sealed}",
        f"session_id={sealed};session_id={bare}",
        f"session_id={sealed}&session_id[0]={bare}",
    ]:
        statuses = post(bob, query), post(alice, query)
        check(f"{server}, taken over by {query.replace(sealed, 'SEALED').replace(bare, 'BARE')}",
              statuses == (404, 404), statuses)
    check(f"{server}, taken over by what Alice was given", post(bob, f"session_id={sealed}") == 404)
    right = post(alice, f"session_id={sealed}") == 202 and "serverInfo" in data()
    check(f"{server}, Alice's session still works", right)
    stream.close()


def the_real_htpasswd():
    """The lines of `tests/fixtures`, made anew by the `htpasswd` that is installed."""
    lines = (HERE.parent / "fixtures" / "htpasswd.tsv").read_text(encoding="utf-8").splitlines()
    fixtures = [tuple(line.split("\t")[:2]) for line in lines]

    def line(options, password):
        command = ["htpasswd", "-nb", *options.split(), "user", password]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "users"

        def status(url, password):
            headers = {"Authorization": basic(f"user:{password}")}
            connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
            connection.request("GET", "/nothing", headers=headers)
            return connection.getresponse().status

        for options, password in fixtures:
            if password and options.startswith("-B"):
                file.write_text(line(options, password) + "\n", encoding="utf-8")
                with Server(EXAMPLES / "sse_server", "--port", "0", "--htpasswd", file) as server:
                    statuses = [status(server.url, it) for it in (password, password + "0", "")]
                check(f"htpasswd {options}, {password!r}", statuses == [404, 401, 401], statuses)
        for options, password in fixtures:
            if options.startswith("-B"):
                continue
            file.write_text(line(options, password) + "\n", encoding="utf-8")
            command = [EXAMPLES / "sse_server", "--port", "0", "--htpasswd", file]
            run = subprocess.run(command, capture_output=True, text=True, timeout=30)
            said = "line 1" in run.stderr or ":1: " in run.stderr
            check(f"htpasswd {options} is refused", run.returncode == 2 and said, run)


# What refused requests are sent: nothing, little, and more than the buffers of the kernel hold.
BODIES = [0, 40, 5 * 1024 * 1024]


def refusals_of_bodies_on_their_way(server, url, path):
    """Head and body come in two writes, as those of the SDKs. The 401 must arrive, and a second request
    on the same connection be answered."""
    host, port = url.removeprefix("http://").split(":")
    for size in BODIES:
        for _ in range(5):
            with socket.create_connection((host, int(port)), timeout=30) as connection:
                head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer wrong\r\n"
                got = []
                try:
                    for _ in range(2):
                        connection.sendall(f"{head}Content-Length: {size}\r\n\r\n".encode())
                        time.sleep(0.05)
                        connection.sendall(b"x" * size)
                        response = http.client.HTTPResponse(connection)
                        response.begin()
                        got.append((response.status, b"wrong or has expired" in response.read()))
                except OSError as error:
                    got.append(repr(error))
            if got != [(401, True)] * 2:
                break
        check(f"{server}, refused POST of {size} bytes on their way", got == [(401, True)] * 2, got)


@contextlib.contextmanager
def nginx(url):
    """The README's nginx before a server; `client_max_body_size` so that it takes the body itself."""
    readme = (HERE.parent.parent / "src/guide/deployment.md").read_text(encoding="utf-8")
    location = re.search(r"```nginx\n(.*?)```", readme, re.DOTALL)[1]
    location = location.replace("http://127.0.0.1:8000", url)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # for the workers' user
        kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        paths = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        file = pathlib.Path(folder, "nginx.conf")
        file.write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/log; events {{}}"
            f"http {{ access_log off; {paths} server {{ listen 127.0.0.1:{port};"
            f"client_max_body_size 0; {location} }} }}",
            encoding="utf-8",
        )
        process = subprocess.Popen(["nginx", "-c", str(file), "-e", f"{folder}/log"])
        try:
            for _ in range(500):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


EXAMPLES_SOURCE = HERE.parent.parent / "examples"

the_real_htpasswd()

with Server(EXAMPLES / "sse_server", "--port", "0", *USERS) as server:
    the_articles_session(f"{server.url}/sse")

with Server(EXAMPLES / "streamable_server", "--port", "0", *USERS) as server:
    refusals_of_bodies_on_their_way("streamable_server", server.url, "/mcp")
    with nginx(server.url) as url:
        refusals_of_bodies_on_their_way("nginx before streamable_server", url, "/mcp")

with Server(sys.executable, HERE / "upstream.py") as upstream:
    guard = [EXAMPLES / "proxy", "--upstream", upstream.url, "--port", "0", *USERS]
    with Server(*guard, "--user", "bob:hunter2") as proxy:
        nobody_takes_over("proxy to Python", proxy.url)

finish()
