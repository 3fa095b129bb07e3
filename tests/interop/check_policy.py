"""What a policy keeps from real servers, and what real clients show of it; see README.md.

check_policy.py EXAMPLES WORK
"""

import collections
import concurrent.futures
import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time

import attacks
from harness import EXAMPLES, HERE, WORK, Server, ask, check, finish
from raw import MODERN_META, TRANSPORTS, Request

TOKENS = {"ci": "dG9rZW4tb2YtdGhlLWNp", "alice": "dG9rZW4tb2YtYWxpY2U"}
POLICY = """
[[allow]]
principals = ["ci"]
tools = ["search"]
prompts = ["review"]
resources = ["docs://*"]

[[allow]]
principals = ["alice"]
everything = true
"""

PYTHON_1 = WORK / "venv-mcp1" / "bin" / "python"
PYTHON_SERVER, TYPESCRIPT_SERVER = HERE / "upstream_policy.py", WORK / "upstream_policy.mjs"
HTTP, MODERN, SSE = {"http": "/mcp"}, {"modern": "/mcp"}, {"sse": "/sse"}
# How to start each server, and the paths of its transports. `modern` is Streamable HTTP of 2026-07-28.
SERVERS = {
    "Python 1": ([PYTHON_1, PYTHON_SERVER, "1"], HTTP | SSE),
    "Python 2": ([sys.executable, PYTHON_SERVER, "2"], HTTP | MODERN | SSE),
    "fastmcp": ([sys.executable, PYTHON_SERVER, "fastmcp"], HTTP | MODERN | SSE),
    "TypeScript 1": (["node", TYPESCRIPT_SERVER, "1"], HTTP | SSE),
    "TypeScript 2": (["node", TYPESCRIPT_SERVER, "2"], HTTP | {"modern": "/modern"} | SSE),
    "rmcp": ([EXAMPLES / "rmcp_peer", "server"], HTTP | MODERN),
}
# What a server may note about a request of `ci`, and about an attack of `ci`.
ALLOWED = {"request", "search", "review", "docs", "complete review", "complete docs"}
HARMLESS = ALLOWED - {"docs"}

PYTHON_CLIENT, TYPESCRIPT_CLIENT = HERE / "client_policy.py", WORK / "client_policy.mjs"
CLIENTS = {
    "Python 1": [PYTHON_1, PYTHON_CLIENT, "KIND"],
    "Python 2": [sys.executable, PYTHON_CLIENT, "KIND"],
    "fastmcp": [sys.executable, PYTHON_CLIENT, "fastmcp-KIND"],
    "TypeScript 1": ["node", TYPESCRIPT_CLIENT, "1", "KIND"],
    "TypeScript 2": ["node", TYPESCRIPT_CLIENT, "2", "KIND"],
}
MCP_REMOTE = [sys.executable, PYTHON_CLIENT, "stdio", "node", WORK / "node_modules/mcp-remote/dist/proxy.js"]
# What the user of a client sees.
LISTS = {"tools": ["search"], "prompts": ["review"], "resources": ["docs://a"], "templates": ["docs://{name}"]}
GRANTED = {"search": "found client", "review": "please review", "docs": "a document"}
REFUSED = {
    "evil": "ci may not call the tool `evil`",
    "secret": "ci may not get the prompt `secret`",
    "file": "ci may not read the resource `file:///etc/secret`",
}


class Upstream(Server):
    """A server without access control, and what it noted."""

    def __init__(self, name):
        command, self.paths = SERVERS[name]
        self.file = tempfile.NamedTemporaryFile("r", encoding="utf-8")
        super().__init__(*command, self.file.name)

    def notes(self):
        """What it ran up to now, and which requests arrived: pairs of a kind and a text with a tag."""
        time.sleep(0.3)  # for what answers nobody
        self.file.seek(0)
        return [tuple(json.loads(line)) for line in self.file]

    def stop(self):
        self.process.kill()  # some wait for streams
        self.process.wait(10)


@contextlib.contextmanager
def proxy(upstream, *flags):
    """The proxy before a server, with the policy."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as policy:
        policy.write(POLICY)
        policy.flush()
        tokens = [flag for name, token in TOKENS.items() for flag in ("--token", f"{name}:{token}")]
        command = [EXAMPLES / "proxy", "--upstream", upstream.url, "--port", "0", *tokens]
        with Server(*command, "--policy", policy.name, *flags) as server:
            yield server


def meta_of(transport):
    """What `params` must have."""
    return MODERN_META if transport == "modern" else ""


def send_all(requests, transport, url, path, token=None, deadline=10.0):
    """What came back for each request, by its tag, and whether its session went on."""
    own = threading.local()
    probe = attacks.SEARCH.replace('"id":7', '"id":"probe"').replace("TAG", "").replace("META", meta_of(transport))
    probe = Request("probe", probe.encode())

    def send(request):
        with contextlib.suppress(OSError):
            if not hasattr(own, "session"):
                own.session = TRANSPORTS[transport](url, path, token, deadline)
            answer, goes_on = own.session.send(request, probe)
            if not goes_on:
                own.session.close()
                del own.session
            return request.tag, (answer, goes_on)
        return request.tag, (None, False)

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        return dict(pool.map(send, requests))


def those_in(notes, requests, *, but=()):
    """The requests whose tags are in notes, apart from notes of some kinds."""
    text = "\n".join(text for kind, text in notes if kind not in but)
    return [request for request in requests if request.tag in text]


def names(requests):
    return [request.name for request in requests]


def without_policy(name, upstream, transport):
    """Which attacks work on a server without a policy, and which legal requests it runs."""
    meta = meta_of(transport)
    bad = list(attacks.tagged(attacks.attacks(), f"{transport}-bad-", meta))
    good = list(attacks.tagged(attacks.legal(meta), f"{transport}-good-", meta))
    send_all([*bad, *good], transport, upstream.url, upstream.paths[transport], deadline=1.0)
    notes = upstream.notes()
    work = those_in(notes, bad, but=HARMLESS)
    check(f"{name}, {transport}, without a policy: attacks work", len(work) >= 40, names(work))
    return work, set(names(those_in(notes, good, but=["request"])))


def with_policy(name, upstream, url, transport, legal_before):
    """The same with the policy: no attack works, and what is legal does as before."""
    meta, path = meta_of(transport), upstream.paths[transport]
    title = f"{name}, {transport}, with the policy"
    bad = list(attacks.tagged(attacks.attacks(), f"{transport}-evil-", meta))
    good = list(attacks.tagged(attacks.legal(meta), f"{transport}-legal-", meta))
    results = send_all([*bad, *good], transport, url, path, TOKENS["ci"])
    notes = upstream.notes()

    forbidden = {(kind, text) for kind, text in notes if kind not in ALLOWED and text.startswith(f"{transport}-")}
    worked = those_in(notes, bad, but=HARMLESS)
    check(f"{title}: nothing forbidden runs", not forbidden and not worked, (names(worked), forbidden))
    arrived = those_in(notes, bad)
    check(f"{title}: none of {len(bad)} attacks arrives", not arrived, names(arrived))
    wrong = {r.name: results[r.tag][0] for r in bad if not is_due(r, results[r.tag][0], transport)}
    check(f"{title}: attacks are answered as specified", not wrong, wrong)
    ended = [r.name for r in bad if not results[r.tag][1]]
    check(f"{title}: sessions go on after attacks", not ended, ended)

    there = names(those_in(notes, good))
    lost = {r.name: results[r.tag][0] for r in good if r.name not in there and not illegal(r, transport)}
    check(f"{title}: each of {len(good)} legal requests arrives", not lost, lost)
    ran = names(those_in(notes, good, but=["request"]))
    not_run = legal_before - set(ran)
    check(f"{title}: what is legal runs as without it", not not_run, not_run)


def illegal(request, transport):
    """Whether a request is legal over other transports only: 2026-07-28 has no batches."""
    return transport == "modern" and "batch" in request.name


def is_due(request, answer, transport):
    """Whether an answer is the one that an attack must get."""
    if answer is None or answer.status is None:
        return request.answer in (None, 413) and answer is not None  # closed while the body was sent
    in_band = 202 if transport == "sse" else 200
    due = {request.answer if request.answer != 200 else in_band}
    if request.answer is None:
        due = {in_band, 400, 403, 405, 411, 413, 415, 426, 501}
    if transport == "modern":
        due.add(400)  # what the headers mirror is not what is there
    if answer.status == in_band:
        return in_band in due and bool(answer.messages) and all(map(is_refusal, answer.messages))
    return answer.status in due


def is_refusal(message):
    error = isinstance(message, dict) and message.get("error") or {}
    return error.get("code") in (-32601, -32602) and "ci may not" in error.get("message", "")


def servers():
    """Every server with every transport, without and with a policy."""
    table = {}
    for name, (_, transports) in SERVERS.items():
        start = time.monotonic()
        with Upstream(name) as upstream, proxy(upstream) as guarded:
            for transport in transports:
                work, legal = without_policy(name, upstream, transport)
                table[f"{name}, {transport}"] = work
                with_policy(name, upstream, guarded.url, transport, legal)
            unrestricted(name, upstream, guarded.url)
        print(f"       {time.monotonic() - start:.1f} s", flush=True)
    print_table(table)
    for group in {request.group: None for request in attacks.attacks()}:
        works = any(request.group == group for work in table.values() for request in work)
        check(f"without a policy, {group}: works somewhere", works or group in NOWHERE)


# Groups of attacks that none of these servers falls for.
NOWHERE = ()


def unrestricted(name, upstream, url):
    """It is the policy that refuses: who may do everything can run `evil` by the same way."""
    for transport, path in upstream.paths.items():
        request, *_ = attacks.tagged(attacks.attacks(), f"{transport}-alice-", meta_of(transport))
        send_all([request], transport, url, path, TOKENS["alice"])
        ran = those_in(upstream.notes(), [request], but=HARMLESS)
        check(f"{name}, {transport}, with the policy: alice may do everything", ran)


def print_table(table):
    """How many attacks of each group work on each server without a policy."""
    sizes = collections.Counter(request.group for request in attacks.attacks())
    columns = list(table)
    for number, column in enumerate(columns, 1):
        print(f"({number}) {column}")
    print(f"{'without a policy':24}{'':6}" + "".join(f"{f'({n})':>6}" for n in range(1, len(columns) + 1)))
    for group, size in sizes.items():
        counts = [sum(request.group == group for request in table[column]) for column in columns]
        print(f"{group:24}{size:6}" + "".join(f"{count:6}" for count in counts))


def clients():
    """Every client over each of its transports, before a server with a policy."""
    with Upstream("Python 2") as upstream, proxy(upstream) as guarded:
        urls = {"http": f"{guarded.url}/mcp", "sse": f"{guarded.url}/sse"}
        runs = {}
        for client, command in CLIENTS.items():
            for kind, url in urls.items():
                command_here = [str(part).replace("KIND", kind) for part in command]
                runs[f"{client} client, {kind}"] = [*command_here, url, TOKENS["ci"]]
        for kind, url in urls.items():
            header = ["--header", f"Authorization:Bearer {TOKENS['ci']}"]
            runs[f"mcp-remote, {kind}"] = [*MCP_REMOTE, url, "--transport", f"{kind}-only", "--allow-http", *header]
        runs["rmcp client, http"] = [EXAMPLES / "rmcp_peer", "client", urls["http"], TOKENS["ci"]]
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            for name, seen in zip(runs, pool.map(see, runs.values())):
                check_what_is_seen(name, seen)
        noted = {kind for kind, _ in upstream.notes()}
        check("clients: nothing forbidden ran", noted == {"search", "review", "docs"}, noted)


def see(command):
    """What a client printed. A hang is a failure: it is ended after a minute."""
    try:
        return ask(command)
    except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
        return {"error": repr(error)}


def check_what_is_seen(name, seen):
    lists = {kind: seen.get(kind) for kind in LISTS}
    check(f"{name}: lists have what it may use", lists == LISTS, seen)
    for thing, text in REFUSED.items():
        check(f"{name}: shows why it is refused {thing}", text in str(seen.get(thing)), seen)
    granted = {thing: seen.get(thing) for thing in GRANTED}
    check(f"{name}: goes on with what it may use", granted == GRANTED, seen)


clients()
servers()
finish()
