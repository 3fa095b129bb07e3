"""Requests of every outcome, which the servers count."""

import base64
import http.client
import json
import threading

TOKEN = "dG9rZW4tb2YtY2ktZm9yLXRoaXMtY2hlY2s"
PASSWORD = "correct horse"
# The one of `correct horse` in tests/fixtures/htpasswd.tsv.
HASH = "$2y$04$EX2MffrdQhSopd.EarAwA.DLXcx3T/YxLrAnsmMAn7.lXuTtepprO"
# It may use the tool `search` alone.
POLICY = '[[allow]]\nprincipals = ["alice", "ci"]\ntools = ["search"]\n'
# Nothing listens there.
DEAD = "http://127.0.0.1:1"


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


ALICE = basic("alice", PASSWORD)


def request(url, method, path, authorization=None, body=None, **fields):
    """The status of a response. Names of header fields have `_` for `-`; a list is one field for each element."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    fields = {"Content_Type": "application/json", "Authorization": authorization, **fields}
    connection.putrequest(method, path, skip_host="Host" in fields)
    for name, values in fields.items():
        for value in values if isinstance(values, list) else [values]:
            if value is not None:
                connection.putheader(name.replace("_", "-"), value)
    body = (body or "").encode()
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    status = connection.getresponse().status
    connection.close()
    return status


def call(tool):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}})


def token_of(issuer):
    """An access token of this issuer, with a wrong signature."""
    parts = ({"alg": "RS256", "kid": "1", "typ": "at+jwt"}, {"iss": issuer, "sub": "alice"}, "signature")
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


def open_stream(url):
    """A stream that stays open until its connection is closed."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    connection.request("GET", "/stream", headers={"Authorization": ALICE})
    return connection, connection.getresponse().status


def expiring(url):
    """Sends a request whose token expires before the response. The result is in a list once the thread has ended."""
    statuses = []

    def send():
        statuses.append(request(url, "GET", "/slow", f"Bearer {TOKEN}"))

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread, statuses


def to(method, path, authorization=None, body=None, **fields):
    """A request that is yet to be sent to a server."""
    return lambda url: request(url, method, path, authorization, body, **fields)


METADATA = "/.well-known/oauth-protected-resource"
JWT, FORM = "application/secevent+jwt", "application/x-www-form-urlencoded"

# What is sent to each server, in this order, and the expected status.
AT_PROXY = [
    ("an allowed call", 200, to("POST", "/mcp", ALICE, call("search"))),
    ("a call that the policy refuses", 200, to("POST", "/mcp", ALICE, call("execute_command"))),
    ("a public path", 200, to("GET", "/health")),
    ("the metadata of the resource", 200, to("GET", METADATA)),
    ("a method that it does not have", 405, to("POST", METADATA)),
    ("no credential", 401, to("GET", "/mcp")),
    ("a credential of no scheme", 401, to("GET", "/mcp", "nonsense")),
    ("a malformed credential", 401, to("GET", "/mcp", "Basic !")),
    ("two credentials", 400, to("GET", "/mcp", [ALICE, ALICE])),
    ("a wrong password", 401, to("GET", "/mcp", basic("alice", "wrong"))),
    ("a page of another origin", 403, to("GET", "/mcp", ALICE, Origin="https://evil.example")),
    ("a page whose name was rebound", 403,
     to("GET", "/mcp", ALICE, Host="evil.example", Origin="http://evil.example")),
    ("a forged session ID", 404, to("POST", "/mcp", ALICE, call("search"), Mcp_Session_Id="forged")),
    ("a text for a message", 415, to("POST", "/mcp", ALICE, "text", Content_Type="text/plain")),
    ("a compressed response", 502, to("POST", "/compressed", ALICE, call("search"))),
    ("a token of an issuer that is down", 503, to("GET", "/mcp", f"Bearer {token_of(DEAD)}")),
    ("a forged security event", 400, to("POST", "/events", None, "forged", Content_Type=JWT)),
    ("a forged logout token", 400, to("POST", "/backchannel-logout", None, "logout_token=x", Content_Type=FORM)),
]
AT_SERVER_WITHOUT_OAUTH = [
    ("a look for OAuth", 404, to("GET", "/.well-known/oauth-authorization-server")),
    ("a registration without OAuth", 400, to("POST", "/register", None, "{}")),
]
AT_SERVER_WITHOUT_DECISION_POINT = [
    ("a call while the decision point is down", 200, to("POST", "/mcp", ALICE, call("whoami"))),
]


def fail_until_throttled(url):
    """Tries wrong passwords until the server throttles. Returns the last status."""
    for number in range(30):
        status = request(url, "GET", "/mcp", basic("mallory", f"wrong{number}"))
        if status != 401:
            break
    return status
