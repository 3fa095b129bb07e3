"""What a policy keeps from real servers, and what real clients show of it; see README.md.

check_policy.py EXAMPLES WORK [--quick]

With --quick, a server with one transport gets a sixth of the attacks: all of them in six such pairs.
"""

import collections
import concurrent.futures
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import attacks
from claude_code import session as claude_session
from harness import EXAMPLES, HERE, QUICK, WORK, Server, ask, check, finish
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
# What a server notes that is no success of an attack. No attack reads a document that `ci` may read.
HARMLESS = {"request", "search", "review", "complete review", "complete docs"}

PYTHON_CLIENT, TYPESCRIPT_CLIENT = HERE / "client_policy.py", WORK / "client_policy.mjs"
MCP_REMOTE = WORK / "node_modules/mcp-remote/dist/proxy.js"
REMOTE = [sys.executable, PYTHON_CLIENT, "stdio", "node", MCP_REMOTE, "URL", "--allow-http", "--header",
          "Authorization:Bearer TOKEN", "--transport", "KIND-only"]
CLIENTS = {
    "Python 1": ([PYTHON_1, PYTHON_CLIENT, "KIND", "URL", "TOKEN"], ["http", "sse"]),
    "Python 2": ([sys.executable, PYTHON_CLIENT, "KIND", "URL", "TOKEN"], ["http", "modern", "sse"]),
    "fastmcp": ([sys.executable, PYTHON_CLIENT, "fastmcp-KIND", "URL", "TOKEN"], ["modern", "sse"]),
    "TypeScript 1": (["node", TYPESCRIPT_CLIENT, "1", "KIND", "URL", "TOKEN"], ["http", "sse"]),
    "TypeScript 2": (["node", TYPESCRIPT_CLIENT, "2", "KIND", "URL", "TOKEN"], ["http", "modern", "sse"]),
    "mcp-remote": (REMOTE, ["http", "sse"]),
    "rmcp": ([EXAMPLES / "rmcp_peer", "client", "KIND", "URL", "TOKEN"], ["http", "modern"]),
}
CLAUDE_CODE = WORK / "node_modules" / ".bin" / "claude"
# What the user of a client sees.
LISTS = {"tools": ["search"], "prompts": ["review"], "resources": ["docs://a"], "templates": ["docs://{name}"]}
EVERYTHING = {
    "tools": ["evil", "search"],
    "prompts": ["review", "secret"],
    "resources": ["docs://a", "file:///etc/secret"],
    "templates": ["docs://{name}", "file:///etc/{name}"],
}
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
def proxy(upstream, policy=None):
    """The proxy before a server, with a policy."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as file:
        file.write(POLICY)
        file.flush()
        tokens = [flag for name, token in TOKENS.items() for flag in ("--token", f"{name}:{token}")]
        command = [EXAMPLES / "proxy", "--upstream", upstream.url, "--port", "0", *tokens]
        with Server(*command, "--policy", policy or file.name) as server:
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


def chosen(requests, name, transport):
    """The requests for a server and a transport: all, or with --quick a sixth."""
    pairs = [(server, path) for server, (_, transports) in SERVERS.items() for path in transports]
    start, step = (pairs.index((name, transport)) % 6, 6) if QUICK else (0, 1)
    return list(requests)[start::step]


def names(requests):
    return [request.name for request in requests]


def without_policy(name, upstream, transport):
    """Which attacks work on a server without a policy, and which legal requests it runs."""
    meta = meta_of(transport)
    bad = chosen(attacks.tagged(attacks.attacks(), f"{transport}-bad-", meta), name, transport)
    good = list(attacks.tagged(attacks.legal(meta), f"{transport}-good-", meta))
    send_all([*bad, *good], transport, upstream.url, upstream.paths[transport], deadline=3.0)
    notes = upstream.notes()
    work = those_in(notes, bad, but=HARMLESS)
    check(f"{name}, {transport}, without a policy: attacks work", len(work) >= (5 if QUICK else 40), names(work))
    return work, set(names(those_in(notes, good, but=["request"])))


def with_policy(name, upstream, url, transport, legal_before):
    """The same with the policy: no attack works, and what is legal does as before."""
    meta, path = meta_of(transport), upstream.paths[transport]
    title = f"{name}, {transport}, with the policy"
    bad = chosen(attacks.tagged(attacks.attacks(), f"{transport}-evil-", meta), name, transport)
    good = list(attacks.tagged(attacks.legal(meta), f"{transport}-legal-", meta))
    results = send_all([*bad, *good], transport, url, path, TOKENS["ci"])
    notes = upstream.notes()
    worked = those_in(notes, bad, but=HARMLESS)
    check(f"{title}: no attack works", not worked, names(worked))
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


def lists(name, transport, url, path, token, expected):
    """The lists, as they are on the wire."""
    meta = meta_of(transport)
    requests = list(attacks.tagged(attacks.lists(meta), f"{transport}-lists-", meta))
    results = send_all(requests, transport, url, path, token)
    for request in requests:
        answer, _ = results[request.tag]
        messages = answer.messages if answer else []
        result = next((message.get("result") or {} for message in messages if message.get("id") == 7), {})
        member, key = request.group.split()
        found = sorted(thing[key] for thing in result.get(member, []))
        check(f"{name}, {transport}: {request.name} has {len(found)}", found == expected[request.name], answer)


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
        due = {200, 202, 400, 403, 404, 405, 411, 413, 415, 426, 501}
    if transport == "modern":
        due.add(400)  # what the headers mirror is not what is there
    if answer.status in (200, 202):
        errors = [message.get("error", {}) for message in answer.messages]
        said = [error for error in errors if "ci may not" in error.get("message", "")]
        is_batch = request.plain.startswith(b"[")  # its other requests are refused for that reason
        echoed = [message.get("id") for message in answer.messages] == ids_in(request)
        refused = said and echoed and (said == errors or is_batch and all(errors))
        return answer.status in due and refused
    return answer.status in due


def ids_in(request):
    """The IDs that refusals echo, in their order: those that are texts of up to 1 KiB, or numbers."""
    try:
        message = json.loads(request.plain)
    except RecursionError:
        return [7]
    except ValueError:
        return None
    messages = message if isinstance(message, list) else [message]
    ids = [message["id"] for message in messages if "id" in message]
    return [it if isinstance(it, (int, float)) or isinstance(it, str) and len(it) <= 1024 else None for it in ids]


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
                path = upstream.paths[transport]
                lists(f"{name}, without a policy", transport, upstream.url, path, None, EVERYTHING)
                lists(f"{name}, with the policy", transport, guarded.url, path, TOKENS["ci"], LISTS)
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
        runs = {}
        for client, (command, kinds) in CLIENTS.items():
            for kind in kinds:
                values = {"KIND": kind, "URL": guarded.url + upstream.paths[kind], "TOKEN": TOKENS["ci"]}
                runs[f"{client} client, {kind}"] = [filled(str(part), values) for part in command]
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            for name, seen in zip(runs, pool.map(see, runs.values())):
                check_what_is_seen(name, seen)
        noted = {kind for kind, _ in upstream.notes()}
        check("clients: nothing forbidden ran", noted == {"search", "review", "docs"}, noted)


def filled(text, values):
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def see(command):
    """What a client printed. A hang is a failure: it is ended after a minute."""
    try:
        return ask(command)
    except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
        return {"error": repr(error)}


def check_what_is_seen(name, seen):
    lists = {kind: seen.get(kind) for kind in LISTS}
    check(f"{name}: lists have what it may use", lists == LISTS, seen.get("error") or lists)
    for thing, text in REFUSED.items():
        said = seen.get(thing, seen.get("error"))
        print(f"       its user sees: {said}")
        check(f"{name}: shows why it is refused {thing}", text in str(said), said)
    granted = {thing: seen.get(thing) for thing in GRANTED}
    check(f"{name}: goes on with what it may use", granted == GRANTED, seen.get("error") or granted)


def claude_code():
    """Claude Code, whose model is told to call `evil`. It was in the list when the session began: the policy
    becomes a stricter one then."""
    for kind, path in [("http", "/mcp"), ("sse", "/sse")]:
        name = f"Claude Code, {kind}"
        with Upstream("Python 2") as upstream, tempfile.TemporaryDirectory() as folder:
            policy = pathlib.Path(folder, "policy.toml")
            policy.write_text(POLICY.replace('["search"]', '["search", "evil"]'), encoding="utf-8")
            with proxy(upstream, policy) as guarded:
                url = guarded.url + path
                seen = claude(kind, url, lambda number: number or become_stricter(policy))
                right = seen.get("offered") == ["mcp__tools__evil", "mcp__tools__search"]
                check(f"{name}: offers its model what it may use", right and "Connected" in seen["list"], seen)
                evil, search = seen.get("answers") or [None, None]
                print(f"       its model sees: {evil}")
                check(f"{name}: shows why it is refused evil", REFUSED["evil"] in str(evil), seen)
                check(f"{name}: goes on with what it may use", GRANTED["search"] in str(search), seen)
                offered = claude(kind, url).get("offered")
                check(f"{name}: offers only what is left", offered == ["mcp__tools__search"], offered)
            check(f"{name}: nothing forbidden ran", {"evil"}.isdisjoint(dict(upstream.notes())))


def claude(kind, url, before_call=lambda number: None):
    calls = ["evil", "search"]
    try:
        return claude_session(CLAUDE_CODE, kind, url, f"Bearer {TOKENS['ci']}", calls, before_call)
    except (subprocess.TimeoutExpired, OSError) as error:
        return {"error": repr(error)}


def become_stricter(policy):
    """Replaces the file as a whole, and waits until it is in force."""
    new = policy.with_suffix(".new")
    new.write_text(POLICY, encoding="utf-8")
    new.replace(policy)
    time.sleep(2)


def own_servers():
    """The example servers of this crate have the policy in their own process, and the example client."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as policy:
        policy.write(POLICY.replace('["search"]', '["whoami"]'))
        policy.flush()
        token = ["--token", f"ci:{TOKENS['ci']}"]
        for title, flags, refuses in [("", [], True), (", dry run", ["--policy-dry-run"], False)]:
            command = [EXAMPLES / "streamable_server", "--port", "0", *token, "--policy", policy.name, *flags]
            with Server(*command) as server:
                client = [EXAMPLES / "client", f"{server.url}/mcp", "--token", TOKENS["ci"]]
                call = ["--tool", "execute_command", "--args", '{"command":"echo","args":["it ran"]}']
                allowed, refused = ([subprocess.run([*client, *more], capture_output=True, text=True, timeout=60)
                                     for more in ([], call)])
                name = f"streamable_server, rmcp client{title}"
                check(f"{name}: calls what it may", allowed.stdout.endswith("ci\n"), allowed)
                check(f"{name}: lists", ("execute_command" not in allowed.stdout) == refuses, allowed)
                said = "ci may not call the tool `execute_command`" in refused.stderr
                ran = "it ran" in refused.stdout
                check(f"{name}: calls what it may not", (said, ran) == (refuses, not refuses), refused)
        with Server(EXAMPLES / "sse_server", "--port", "0", *token, "--policy", policy.name) as server:
            run = [sys.executable, PYTHON_CLIENT, "sse", f"{server.url}/sse", TOKENS["ci"]]
            seen = see(run)
            right = seen.get("tools") == ["whoami"] and REFUSED["evil"] in str(seen.get("evil"))
            check("sse_server, Python 2 client: lists, and why it is refused", right, seen)


clients()
claude_code()
own_servers()
servers()
finish()
