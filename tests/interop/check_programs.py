"""Claude Code, Codex and mcp-remote with every credential: what they call, what their users see, and how many
requests they send. See `run`, and matrix.py for the table.

check_programs.py EXAMPLES WORK [--quick]

With --quick only Claude Code's `mcp list`.
"""

import re
import subprocess
import threading

import claude_code
import codex
import mcp_remote
from clients import TOKEN, basic
from guarded import SERVERS, guarded
from harness import QUICK, WORK, check, finish, record, shown
from login import AuthorizationServer
from matrix import CANNOT, CLIENTS, RIGHT

BINARIES = WORK / "node_modules" / ".bin"
CREDENTIALS = {
    "Basic": (basic("alice:pass:word"), "alice"),
    "bearer": (f"Bearer {TOKEN}", "ci"),
    "wrong password": (basic("alice:wrong"), None),
    "wrong token": ("Bearer bm90LXRoZS10b2tlbg", None),
    "no credential": ("", None),
}
EXPIRED = "expired within the session"
# What a program may send, by the column of the table; other numbers would show that it besieges the server.
MOST = {
    "Claude Code": {"right": 12, "wrong credential": 3, "no credential": 14, EXPIRED: 4},
    "Codex": {"right": 14, "wrong credential": 4, "no credential": 20, EXPIRED: 6},
    "mcp-remote": {"right": 18, "wrong credential": 16, "no credential": 16, EXPIRED: 40},
}
# What the text must say, whatever the version of the program is.
SAYS = {
    "Claude Code": {"wrong credential": "Server rejected the configured Authorization header",
                    "no credential": "no OAuth here: the credential is configured",
                    EXPIRED: "rejected the Authorization header|wrong or has expired"},
    "Codex": {"wrong credential": "not logged in", "no credential": "not logged in", EXPIRED: "Authentication required"},
    "mcp-remote": {"wrong credential": "wrong or has expired",
                   "no credential": "no OAuth here: the credential is configured", EXPIRED: "wrong or has expired"},
}


# A session of a program with a server: who its user is there, and else what the user sees.

def claude(server, kind, authorization, expires):
    program = BINARIES / "claude"
    if expires:
        seen = claude_code.session(program, kind, server.endpoint, authorization, ["whoami", "whoami"],
                                   lambda number: number and server.expire())
        return None, (seen["answers"] + ["none"] * 2)[1]
    if QUICK or authorization not in [it for it, who in CREDENTIALS.values() if who]:
        with claude_code.added(program, kind, server.endpoint, authorization) as run:
            listed = run("mcp", "list")
        who = dict(CREDENTIALS.values())[authorization] if "✔ Connected" in listed else None
        return who, listed.partition("✘")[2]
    seen = claude_code.session(program, kind, server.endpoint, authorization, ["whoami"])
    return called(seen), seen["list"]


def called(seen):
    """The user that `whoami` returned, as Claude Code shows it to its model: as text or as structured content."""
    found = re.fullmatch(r'(?:\{"result":")?(\w+)(?:"\})?', "".join(seen["answers"]))
    return found[1] if found and "✔ Connected" in seen["list"] else None


def codex_session(server, kind, authorization, expires):
    with codex.installed(BINARIES / "codex") as program:
        program.add(server.endpoint, authorization)
        seen = codex.session(program, server.expire if expires else None)
        return seen["whoami"], seen["later"] if expires else seen["error"]


def remote(server, kind, authorization, expires):
    if expires:
        threading.Thread(target=server.expire_after_session).start()
    seen, logged = mcp_remote.session(kind, server.endpoint, authorization, 20 if expires else 0)
    rejected = re.findall(r"^.*(?:rejected|HTTP 401).*$", logged, re.MULTILINE)
    return seen.get("whoami"), re.sub(r"^\[\d+\] ", "", rejected[0]) if rejected else seen.get("error")


PROGRAMS = {
    "Claude Code": (claude, ["http", "sse"]),
    "Codex": (codex_session, ["http"]),
    "mcp-remote": (remote, ["http", "sse"]),
}


def every_credential(program, run, kind):
    row = (program, SERVERS[kind][2])
    texts = {}
    for credential, (authorization, who) in CREDENTIALS.items():
        with guarded(kind) as server:
            found, text = run(server, kind, authorization, False)
            requests = server.requests()
        name = f"{program}, {kind}, {credential}"
        column = "right" if who else "wrong credential" if "wrong" in credential else credential
        most = MOST[program][column]
        check(f"{name}: {requests} requests, at most {most}", requests <= most)
        if who:
            check(name, found == who, (found, text))
            record(CLIENTS, row, credential, RIGHT)
        else:
            refused(name, program, column, found, text)
            texts.setdefault(column, {})[shown(text)] = most
    for column, found in texts.items():
        record(CLIENTS, row, column, " / ".join(f"{text} ({most} requests)" for text, most in found.items()))


def refused(name, program, column, found, text):
    says = re.search(SAYS[program][column], shown(text), re.DOTALL)
    check(f"{name}: its user sees why", says and not found, (found, text))


def expiration(program, run, kind):
    with guarded(kind) as server:
        _, text = run(server, kind, CREDENTIALS["bearer"][0], True)
        most = server.rejected()
    check(f"{program}, {kind}, expired: {len(most)} requests are rejected", len(most) <= MOST[program][EXPIRED], most)
    refused(f"{program}, {kind}, expired", program, EXPIRED, None, text)
    record(CLIENTS, (program, SERVERS[kind][2]), EXPIRED, f"{shown(text)} ({MOST[program][EXPIRED]} requests)")


def logins(kind):
    """A login by OAuth, in a browser that the programs open."""
    with AuthorizationServer() as authorization:
        issuer = ["--oauth-issuer", authorization.url, "--oauth-scope=tools:read"]
        for program, login in [("Claude Code", claude_login), ("Codex", codex_login), ("mcp-remote", remote_login)]:
            if kind in PROGRAMS[program][1]:
                with guarded(kind, *issuer) as server:
                    who, said = login(server, kind)
                check(f"{program}, {kind}, OAuth", who == "alice", (who, said))
                record(CLIENTS, (program, SERVERS[kind][2]), "OAuth", RIGHT if who == "alice" else shown(said))


def claude_login(server, kind):
    seen = claude_code.session_after_login(BINARIES / "claude", kind, server.endpoint, ["whoami"])
    return called(seen), seen


def codex_login(server, kind):
    with codex.installed(BINARIES / "codex") as program:
        said = program.add(server.endpoint, "") + program.login()
        seen = codex.session(program)
        return seen["whoami"], (said, seen)


def remote_login(server, kind):
    seen, logged = mcp_remote.session(kind, server.endpoint, "")
    return seen.get("whoami"), (seen, logged)


for program, (run, kinds) in PROGRAMS.items():
    for kind in kinds:
        try:
            if not QUICK:
                every_credential(program, run, kind)
                expiration(program, run, kind)
                record(CLIENTS, (program, SERVERS[kind][2]), "signed", CANNOT)
            elif program == "Claude Code":
                every_credential(program, run, kind)
        except (subprocess.TimeoutExpired, OSError, ValueError) as error:
            check(f"{program}, {kind}: ends", False, repr(error))
if not QUICK:
    for kind in SERVERS:
        logins(kind)
finish()
