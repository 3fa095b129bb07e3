"""OAuth: clients of the SDKs that log in at a real authorization server, and the example servers that accept
their access tokens; see `run`, and README.md for what is covered.

check_oauth.py EXAMPLES WORK
"""

import contextlib
import hashlib
import http.client
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from harness import EXAMPLES, HERE, WORK, Server, ask, check, finish, home, record
from login import INTROSPECTING, MACHINE, NATIVE, AuthorizationServer, run_and_log_in
from matrix import CLIENTS as TABLE
from matrix import RIGHT

CLIENTS = {
    "Python SDK 2": [sys.executable, HERE / "client_oauth.py"],
    "TypeScript SDK 1": ["node", WORK / "client_oauth.mjs", "1"],
    "TypeScript SDK 2": ["node", WORK / "client_oauth.mjs", "2"],
}
# Those that only log in.
PYTHON_1 = {"Python SDK 1": [WORK / "venv-mcp1" / "bin" / "python", HERE / "client_oauth.py"]}
FASTMCP = [sys.executable, HERE / "client_fastmcp.py"]
TRANSPORTS = {"http": "HTTP", "sse": "HTTP+SSE"}
SCOPES = {"tools:read", "tools:write"}
REQUIRED = [f"--oauth-scope={scope}" for scope in sorted(SCOPES)]
DEADLINE = 30

# Static tokens: one with the scopes, one without any.
CI, UNSCOPED = "dG9rZW4tb2YtdGhlLWNp", "bm8gc2NvcGVzIGF0IGFsbA"
CI_LINE = f"ci sha256:{hashlib.sha256(CI.encode()).hexdigest()} scopes={','.join(sorted(SCOPES))}\n"
(WORK / "tokens").write_text(CI_LINE, encoding="utf-8")
STATIC = ["--token-file", WORK / "tokens", "--token", f"old:{UNSCOPED}", "--user", "alice:pass:word"]

pool = ThreadPoolExecutor(4)


def server(example, authorization, *arguments, **environment):
    issuer = ["--oauth-issuer", authorization.url]
    return Server(EXAMPLES / example, "--port", "0", *issuer, *arguments, **environment)


class Answer:
    """What a server says to one request."""

    def __init__(self, url, path, token=None, method="GET"):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=DEADLINE)
        self.connection.request(method, path, headers=headers)
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self.challenges = self.response.headers.get_all("WWW-Authenticate") or []
        self.retry_after = self.response.headers["Retry-After"]

    def __repr__(self):
        return f"{self.status} {self.challenges} {self.retry_after}"


def status(url, token, path="/nothing"):
    """The status for a path that does not exist: 404 for whom the server accepts."""
    answer = Answer(url, path, token)
    answer.connection.close()
    return answer.status


def until(condition):
    """Repeats this until it is true, or the deadline is over; returns which."""
    deadline = time.monotonic() + DEADLINE
    while not (is_true := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return is_true


def asked_for(login, resource):
    """Whether a login asked for the scopes of the challenge and for a token of this resource."""
    scopes = set((login["scope"] or "").split()) - {"offline_access"}
    return scopes == SCOPES and login["resource"].rstrip("/") == resource


def each_client(kind, url, clients=CLIENTS, **options):
    """What each client got, all of them at a time."""
    runs = {
        client: pool.submit(ask, command, kind, url, json.dumps(options))
        for client, command in clients.items()
    }
    return {client: run.result() for client, run in runs.items()}


def first_logins(name, kind, url, resource):
    """Clients that know nothing but the URL."""
    for client, got in each_client(kind, url, CLIENTS | PYTHON_1).items():
        once = got["registrations"] == 1 and len(got["logins"]) == 1
        right = got.get("whoami") == "alice" and once and asked_for(got["logins"][0], resource)
        check(f"{name}, {client} registers and logs in", right, got)
        record(TABLE, (client, TRANSPORTS[kind]), "OAuth", RIGHT if right else str(got))
    with home() as environment:
        [got] = ask(FASTMCP, kind, url, 0, "oauth", environment=environment)
    check(f"{name}, fastmcp registers and logs in", got.get("whoami") == "alice", got)
    record(TABLE, ("fastmcp", TRANSPORTS[kind]), "OAuth", RIGHT if got.get("whoami") == "alice" else str(got))


def every_flow(name, authorization, kind, url, resource):
    """Each way to a token, for an endpoint that requires both scopes."""
    first_logins(name, kind, url, resource)

    known = {"issuer": authorization.url, "client": NATIVE}
    narrow = authorization.login(resource, "tools:read")
    for client, got in each_client(kind, url, **known, tokens=narrow).items():
        if kind == "sse" and client != "Python SDK 2":
            # The transport of the TypeScript SDKs does not look at the challenge of a 403.
            refused = "403" in got.get("error", "")
            check(f"{name}, {client} is refused without a scope", refused, got)
            continue
        logins = got["logins"]
        right = got.get("whoami") == "alice" and len(logins) == 1 and asked_for(logins[0], resource)
        check(f"{name}, {client} asks for a missing scope", right, got)

    foreign = authorization.login("http://127.0.0.1:1/mcp", " ".join(SCOPES))
    for client, got in each_client(kind, url, **known, tokens=foreign).items():
        right = got.get("whoami") == "alice" and len(got["logins"]) == 1
        check(f"{name}, {client} with a token of another resource logs in", right, got)

    machines(name, authorization, kind, url)


def machines(name, authorization, kind, url):
    machine = {"issuer": authorization.url, "client": MACHINE, "scope": " ".join(sorted(SCOPES))}
    for client, got in each_client(kind, url, **machine).items():
        right = got.get("whoami") == "machine" and not got["logins"]
        check(f"{name}, {client} by client credentials", right, got)


def refusals(name, authorization, other, url, path, resource):
    """What is refused, and the challenge."""
    for what, token, code, error in [
        ("no token", None, 401, None),
        ("a token of another resource", authorization.machine_token("http://127.0.0.1:1/mcp"), 401, "invalid_token"),
        ("a token of another issuer", other.machine_token(resource), 401, "invalid_token"),
        ("a token without a scope", authorization.machine_token(resource, "tools:read"), 403, "insufficient_scope"),
    ]:
        answer = Answer(url, path, token)
        metadata = f'resource_metadata="{url}/.well-known/oauth-protected-resource'
        challenge = answer.challenges[0] if answer.challenges else ""
        right = (
            answer.status == code
            and challenge.startswith("Bearer ")
            and metadata in challenge
            and 'scope="tools:read tools:write"' in challenge
            and (f'error="{error}"' in challenge if error else "error" not in challenge)
        )
        check(f"{name}, {what} is refused with a challenge", right, answer)
    good = Answer(url, "/nothing", authorization.machine_token(resource))
    check(f"{name}, a token with audience, issuer and scopes is accepted", good.status == 404, good)


def rmcp_client(name, url, resource, logins):
    run, asked = run_and_log_in(EXAMPLES / "client", url)
    right = run.returncode == 0 and "alice" in run.stdout and not run.stderr
    right = right and len(asked) == logins and all(asked_for(login, resource) for login in asked)
    check(f"{name}, rmcp client, {logins} login(s)", right, (run, asked))
    record(TABLE, ("rmcp", "HTTP"), "OAuth", RIGHT if right else str(run))


def beside_other_schemes(name, kind, url, path, resource):
    """A server that has users and static tokens as well."""
    first_logins(f"{name} with other schemes", kind, url + path, resource)
    found = [status(url, CI), status(url, UNSCOPED)]
    check(f"{name}, scopes of static tokens are required", found == [404, 403], found)
    schemes = [challenge.split()[0] for challenge in Answer(url, path).challenges]
    check(f"{name}, Bearer is the first challenge", schemes == ["Bearer", "Basic"], schemes)


class Calls:
    """Calls with a token that go on until the end, and their statuses without repetitions."""

    def __init__(self, url, token):
        self.url, self.token, self.statuses = url, token, []
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.is_over.is_set():
            found = status(self.url, self.token)
            if self.statuses[-1:] != [found]:
                self.statuses.append(found)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()


class Waiting:
    """A client that has called a tool, and calls another when it is told to."""

    def __init__(self, command, kind, url):
        command = [str(part) for part in (*command, kind, url, json.dumps({"wait": True}))]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def is_ready(self):
        self.printed = self.process.stdout.readline()
        return self.printed == "waiting\n"

    def go_on(self):
        printed = self.printed + self.process.communicate("\n", timeout=60)[0]
        return json.loads(printed.splitlines()[-1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def rotation_and_refresh():
    """The keys of the authorization server change while clients have sessions, whose tokens are short."""
    with contextlib.ExitStack() as stack:
        authorization = stack.enter_context(AuthorizationServer(TTL="2"))
        streamable = stack.enter_context(server("streamable_server", authorization, *REQUIRED))
        url, resource = streamable.url, f"{streamable.url}/mcp"
        sse = stack.enter_context(server("sse_server", authorization))
        sse_resource = f"{sse.url}/sse"

        waiting = [Waiting(command, "http", resource) for command in CLIENTS.values()]
        clients = dict(zip(CLIENTS, map(stack.enter_context, waiting)))
        ready = [client.is_ready() for client in clients.values()]
        check("clients have a session", all(ready), ready)
        first = authorization.machine_token(resource)
        stream = Answer(sse.url, "/sse", authorization.machine_token(sse_resource))
        check("a stream is opened by a token", stream.status == 200, stream)

        with Calls(url, first) as calls:
            authorization.rotate()
            second = authorization.machine_token(resource)
            # The servers ask for an unknown key once in 10 seconds.
            accepted = until(lambda: status(url, second) == 404)
            check("a token of a new key is accepted soon", accepted)
            check("a token of the key before it is accepted", status(url, first) == 404)

            authorization.rotate()
            authorization.withdraw()
            third = authorization.machine_token(resource)
            accepted = until(lambda: status(url, third) == 404)
            check("a token of a third key is accepted soon", accepted)
            gone = until(lambda: status(url, first) == 401)
            check("a token of a withdrawn key is refused", gone and status(url, second) == 401)
            until(lambda: calls.statuses[-1:] == [401])
        check("calls during a rotation are accepted up to then", calls.statuses == [404, 401], calls.statuses)

        token = authorization.machine_token(sse_resource)
        check("the other server accepts it, too", until(lambda: status(sse.url, token) == 404))
        stream.response.read() # or a timeout
        check("the stream of a withdrawn key ends", True)

        # By now the access tokens of the clients have expired, and their key is withdrawn.
        for client, got in zip(clients, pool.map(Waiting.go_on, clients.values())):
            right = got.get("whoami_later") == "alice" and got["refreshes"] >= 1
            right = right and len(got["logins"]) == 1 and got.get("same_session", True)
            check(f"{client} refreshes its token, and keeps its session", right, got)


def opaque_tokens():
    with contextlib.ExitStack() as stack:
        authorization = stack.enter_context(AuthorizationServer(FORMAT="opaque"))
        endpoint = f"--oauth-introspect={authorization.url}/token/introspection"
        guard = ["streamable_server", authorization, *REQUIRED, endpoint]
        streamable = stack.enter_context(server(*guard, OAUTH_CLIENT=INTROSPECTING))
        url, resource = streamable.url, f"{streamable.url}/mcp"
        first_logins("opaque tokens", "http", resource, resource)
        machines("opaque tokens", authorization, "http", resource)
        for what, token, expected in [
            ("of the resource", authorization.machine_token(resource), 404),
            ("of another resource", authorization.machine_token("http://127.0.0.1:1/mcp"), 401),
            ("without a scope", authorization.machine_token(resource, "tools:read"), 403),
            ("that nobody issued", "xU9mVfyGpBdQ2sLw", 401),
        ]:
            found = status(url, token)
            check(f"an opaque token {what}: {expected}", found == expected, found)

        token = authorization.machine_token(resource)
        authorization.stop()
        answer = Answer(url, "/nothing", token)
        right = answer.status == 503 and answer.retry_after and not answer.challenges
        check("an opaque token while the issuer is down is refused with 503", right, answer)


def outages():
    """The authorization server is down when a server starts, and later."""
    with AuthorizationServer() as before:
        early = before.machine_token("http://127.0.0.1:1/mcp")
    with contextlib.ExitStack() as stack:
        streamable = stack.enter_context(server("streamable_server", before, *REQUIRED, *STATIC))
        url, resource = streamable.url, f"{streamable.url}/mcp"
        answer = Answer(url, "/nothing", early)
        right = answer.status == 503 and answer.retry_after and not answer.challenges
        check("without keys a token is refused with 503", right, answer)
        check("without keys a static token is accepted", status(url, CI) == 404)

        with AuthorizationServer(PORT=before.port) as authorization:
            token = authorization.machine_token(resource)
            check("tokens are accepted once the issuer is up", until(lambda: status(url, token) == 404))
            check("a token of a key from before is refused", status(url, early) == 401)
        check("while the issuer is down, tokens are accepted", status(url, token) == 404)
        with AuthorizationServer(PORT=before.port) as restarted:
            token = restarted.machine_token(resource)
            again = until(lambda: status(url, token) == 404)
            check("tokens of a restarted issuer with new keys are accepted", again)
            first_logins("after the restart", "http", resource, resource)


def other_algorithms(algorithm):
    with (
        AuthorizationServer(ALG=algorithm, CONSENT="partial") as authorization,
        server("streamable_server", authorization, *REQUIRED) as streamable,
    ):
        resource = f"{streamable.url}/mcp"
        found = status(streamable.url, authorization.machine_token(resource))
        check(f"{algorithm}, a token is accepted", found == 404, found)
        rmcp_client(f"{algorithm}, the first consent is for one scope", resource, resource, 2)


def flows():
    with AuthorizationServer() as authorization, AuthorizationServer() as other:
        with server("streamable_server", authorization, *REQUIRED) as streamable:
            resource = f"{streamable.url}/mcp"
            every_flow("streamable_server", authorization, "http", resource, resource)
            refusals("streamable_server", authorization, other, streamable.url, "/mcp", resource)
            rmcp_client("streamable_server", resource, resource, 1)

        with server("sse_server", authorization, *REQUIRED) as sse:
            resource = f"{sse.url}/sse"
            every_flow("sse_server", authorization, "sse", resource, resource)
            refusals("sse_server", authorization, other, sse.url, "/sse", resource)

        with Server(sys.executable, HERE / "upstream.py") as upstream:
            guard = ["proxy", authorization, "--upstream", upstream.url]
            with server(*guard, *REQUIRED) as proxy:
                every_flow("proxy, http", authorization, "http", f"{proxy.url}/mcp", proxy.url)
                every_flow("proxy, sse", authorization, "sse", f"{proxy.url}/sse", proxy.url)
                refusals("proxy", authorization, other, proxy.url, "/mcp", proxy.url)
                rmcp_client("proxy", f"{proxy.url}/mcp", proxy.url, 1)
            with server(*guard, *REQUIRED, *STATIC) as proxy:
                beside_other_schemes("proxy", "sse", proxy.url, "/sse", proxy.url)


# Beside the rest, as it waits most of the time.
rotation = pool.submit(rotation_and_refresh)
flows()
opaque_tokens()
outages()
other_algorithms("ES256")
other_algorithms("Ed25519")
rotation.result()
finish()
