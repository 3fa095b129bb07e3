"""server-everything alone and behind the proxy: the same client must see the same, and a second user nothing.
See `run`, and matrix.py for the table.

check_upstreams.py EXAMPLES WORK
"""

import contextlib
import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor

from clients import basic
from harness import EXAMPLES, WORK, Server, ask, check, finish, record
from matrix import UPSTREAMS

ALICE, BOB = basic("alice:correct horse"), basic("bob:hunter2")
USERS = ["--user", "alice:correct horse", "--user", "bob:hunter2"]
ALONE, BEHIND = "alone", "behind `proxy`"
HTTP, SSE = "server-everything, HTTP", "server-everything, HTTP+SSE"
VERSION = "2025-06-18"
CALL = {
    "jsonrpc": "2.0",
    "id": 7,
    "method": "tools/call",
    "params": {
        "name": "trigger-long-running-operation",
        "arguments": {"duration": 2, "steps": 4},
        "_meta": {"progressToken": 1},
    },
}
PING = {"jsonrpc": "2.0", "id": 8, "method": "ping"}
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "check", "version": "0"}},
}


def send(url, method, path, authorization, message=None, **headers):
    """The response to one request, whose body was not read yet, on a connection of its own."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    headers["Accept"] = "application/json, text/event-stream"
    if authorization:
        headers["Authorization"] = authorization
    if message:
        headers["Content-Type"] = "application/json"
    connection.request(method, path, json.dumps(message) if message else None, headers)
    response = connection.getresponse()
    response.connection = connection
    return response


def status(*arguments, **headers):
    response = send(*arguments, **headers)
    response.connection.close()
    return response.status


def events(response):
    """The events of a stream: pairs of an ID and a message."""
    event_id = None
    for line in response:
        name, _, value = line.decode().rstrip("\r\n").partition(": ")
        if name == "id":
            event_id = value
        elif name == "data" and value:
            yield event_id, json.loads(value)


def unbound(session_id):
    """The server's own ID, which the proxy has bound to a user."""
    return session_id.rpartition(".")[0] or session_id


def resumed(url, owner, last, known):
    """What follows an event in the stream of a call that was cut, once the call has ended. The server puts all of it
    into its store, and sends later events nowhere."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        methods = []
        stream = send(url, "GET", "/mcp", owner, Last_Event_ID=last, **known)
        stream.connection.sock.settimeout(2)
        with contextlib.suppress(TimeoutError):
            for _, message in events(stream):
                methods.append(message.get("method") or "result")
                if message.get("id") == CALL["id"]:
                    return methods
        stream.connection.close()
    return methods


def streamable(url, owner, other):
    """What one finds with another's session, and the owner with a stream that was cut. Alone, there are no users."""
    opened = send(url, "POST", "/mcp", owner, INITIALIZE)
    opened.read()
    session = opened.headers["Mcp-Session-Id"]
    known = {"Mcp_Session_Id": session, "MCP_Protocol_Version": VERSION}
    status(url, "POST", "/mcp", owner, {"jsonrpc": "2.0", "method": "notifications/initialized"}, **known)

    cut = send(url, "POST", "/mcp", owner, CALL, **known)
    first, _ = next(events(cut))
    cut.connection.close()
    found = {
        "resumption": " ".join(resumed(url, owner, first, known)),
        "second user: a session": status(url, "POST", "/mcp", other, PING, **known),
        "second user: its ID without the binding": status(
            url, "POST", "/mcp", other, PING, **{**known, "Mcp_Session_Id": unbound(session)}),
        "second user: resumption": status(url, "GET", "/mcp", other, Last_Event_ID=first, **known),
    }
    found["event ID that was changed"] = status(url, "GET", "/mcp", owner, Last_Event_ID=first + "0", **known)
    found["second user: DELETE"] = status(url, "DELETE", "/mcp", other, **known)
    found["the session afterwards"] = status(url, "POST", "/mcp", owner, PING, **known)
    found["DELETE"] = status(url, "DELETE", "/mcp", owner, **known)
    return found


def over_sse(url, owner, other):
    """What one finds with another's session over HTTP+SSE."""
    stream = send(url, "GET", "/sse", owner)
    path = next(line.decode().strip().removeprefix("data: ") for line in stream if line.startswith(b"data: "))
    endpoint, _, session = path.partition("?sessionId=")
    found = {"second user: a session": status(url, "POST", path, other, INITIALIZE)}
    own_id = f"{endpoint}?sessionId={unbound(session)}"
    found["second user: its ID without the binding"] = status(url, "POST", own_id, other, INITIALIZE)
    found["the stream afterwards"] = status(url, "POST", path, owner, PING)
    stream.connection.close()
    return found


# What the proxy changes: all of it is about other users, or about IDs that the proxy did not give out.
CHANGED = {
    "second user: a session": 404,
    "second user: its ID without the binding": 404,
    "second user: resumption": 404,
    "second user: DELETE": 404,
    "event ID that was changed": 404,
    # Alone, the second user has ended it by then.
    "the session afterwards": 200,
    "DELETE": 200,
}


def compare(server, alone, behind):
    check(f"{server}: a session", "error" not in alone and "error" not in behind, (alone, behind))
    for name in alone:
        before, after = str(alone[name]), str(behind.get(name))
        expected = str(CHANGED.get(name, before))
        works = "error" not in before
        check(f"{server}: {name}", after == expected and works, (before, after))
        for column, text in [(ALONE, before), (BEHIND, after)]:
            record(UPSTREAMS, (server, name), column, text if len(text) < 60 else f"{len(text)} characters")


def main():
    command = ["node", WORK / "client_everything.mjs"]
    kinds = [(HTTP, "streamableHttp", "http", "/mcp", streamable), (SSE, "sse", "sse", "/sse", over_sse)]
    with ThreadPoolExecutor(2) as pool:
        for server, module, kind, path, sessions in kinds:
            with Server("node", WORK / "upstream_everything.mjs", module) as upstream:
                guard = [EXAMPLES / "proxy", "--upstream", upstream.url, "--port", "0", *USERS]
                with Server(*guard) as proxy:
                    alone = pool.submit(ask, command, kind, upstream.url + path)
                    behind = pool.submit(ask, command, kind, proxy.url + path, ALICE)
                    alone, behind = alone.result(), behind.result()
                    alone |= sessions(upstream.url, None, None)
                    behind |= sessions(proxy.url, ALICE, BOB)
                    compare(server, alone, behind)


main()
finish()
