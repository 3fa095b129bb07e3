"""Signals: an identity provider tells the example servers that a user's sessions ended, by security events and by
logout tokens; see `run`, and README.md for what is covered.

check_signals.py EXAMPLES WORK
"""

import http.client
import http.cookiejar
import json
import threading
import time

from harness import EXAMPLES, Server, check, finish
from login import AuthorizationServer

AUDIENCE = "https://tools.example.com/events"
SECRET = "jW3vD8Rk2nQ5"
SCOPE = "openid tools:read"
# The server ends a stream without a session after 30 seconds.
DEADLINE = 15


class Stream:
    """An event stream that was opened with a token, and is read beside the checks."""

    def __init__(self, url, token):
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10 * DEADLINE)
        connection.request("GET", "/sse", headers={"Authorization": f"Bearer {token}"})
        self.response = connection.getresponse()
        self.status = self.response.status
        self.ended = threading.Event()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        self.response.read()
        self.ended.set()

    def ends(self):
        """Whether it ends in time."""
        return self.ended.wait(DEADLINE)

    def is_open(self):
        """Whether it goes on for a while."""
        return not self.ended.wait(0.3)


def status(url, token):
    """The status for a path that does not exist: 404 for whom the server accepts."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=DEADLINE)
    connection.request("GET", "/nothing", headers={"Authorization": f"Bearer {token}"})
    found = connection.getresponse().status
    connection.close()
    return found


def next_second():
    """A token of the same second as an event counts as one from before."""
    time.sleep(1.1)


def server(authorization, *arguments, **options):
    flags = ["--port", "0", "--oauth-issuer", authorization.url, "--oauth-scope", "tools:read"]
    return Server(EXAMPLES / "sse_server", *flags, *arguments, **options)


def logged_in(authorization, url, client="native"):
    """A new browser, in which alice logs in at a client, and her tokens."""
    cookies = http.cookiejar.CookieJar()
    scope = SCOPE if client != "native" else "tools:read"
    return cookies, authorization.login(f"{url}/sse", scope, {"client_id": client}, cookies)


def security_events():
    flags = ["--security-events-issuer", "--security-events-audience", AUDIENCE]
    with AuthorizationServer() as authorization:
        flags.insert(1, authorization.url)
        with server(authorization, *flags, SECURITY_EVENTS_SECRET=SECRET) as tools:
            endpoint = f"{tools.url}/events"
            _, tokens = logged_in(authorization, tools.url)
            token = tokens["access_token"]
            machine = Stream(tools.url, authorization.machine_token(f"{tools.url}/sse"))
            stream = Stream(tools.url, token)
            check("streams are opened", (stream.status, machine.status) == (200, 200))

            good = {"secret": SECRET, "claims": {"aud": AUDIENCE}}
            for what, event, err in [
                ("without the secret", {**good, "secret": None}, "authentication_failed"),
                ("with another secret", {**good, "secret": "other"}, "authentication_failed"),
                ("for another receiver", {"secret": SECRET, "claims": {"aud": "other"}}, "invalid_audience"),
                ("of another type", {**good, "header": {"typ": "JWT"}}, "invalid_request"),
                ("as JSON", {**good, "type": "application/json"}, "invalid_request"),
                ("with a key that is unknown", {**good, "header": {"kid": "x"}}, "invalid_key"),
                ("that expires", {**good, "claims": {"aud": AUDIENCE, "exp": time.time() + 60}}, "invalid_request"),
            ]:
                got = authorization.push(endpoint, **event)
                right = got["status"] == 400 and json.loads(got["body"])["err"] == err
                check(f"an event {what} is refused", right and got["cache"] == "no-store", got)
            unknown = {"aud": AUDIENCE, "events": {"urn:example:unknown": {}}}
            got = authorization.push(endpoint, secret=SECRET, claims=unknown)
            check("an unknown event is accepted", (got["status"], got["body"]) == (202, ""), got)
            check("nothing of this ends a stream", stream.is_open() and status(tools.url, token) == 404)

            verification = "https://schemas.openid.net/secevent/ssf/event-type/verification"
            subject = {"format": "opaque", "id": "stream"}
            claims = {"aud": AUDIENCE, "sub_id": subject, "events": {verification: {"state": "s"}}}
            got = authorization.push(endpoint, secret=SECRET, claims=claims)
            check("a verification event is accepted", got["status"] == 202, got)

            event = {"secret": SECRET, "claims": {"aud": AUDIENCE, "jti": "e-1"}}
            began = time.monotonic()
            got = authorization.push(endpoint, **event)
            check("an event is accepted", (got["status"], got["body"]) == (202, ""), got)
            check("the stream of its subject ends", stream.ends())
            took = time.monotonic() - began
            check("within a second", took < 1, took)
            check("the token is refused", status(tools.url, token) == 401)
            check("the stream of another subject goes on", machine.is_open())

            next_second()
            _, tokens = logged_in(authorization, tools.url)
            again = Stream(tools.url, tokens["access_token"])
            check("alice logs in again", again.status == 200)
            got = authorization.push(endpoint, **event)
            check("an event that arrives again is accepted", got["status"] == 202, got)
            check("and ends nothing", again.is_open())


def logout_tokens():
    with AuthorizationServer() as authorization:
        with server(authorization, "--logout-client", "app", log="info") as tools:
            authorization.logout_uri(f"{tools.url}/backchannel-logout")
            cookies, tokens = logged_in(authorization, tools.url, "other")
            token = tokens["access_token"]
            stream = Stream(tools.url, token)
            check("a stream is opened by the other client", stream.status == 200)
            authorization.logout(cookies)
            refused = "the token is for another client" in tools.logged()
            check("a logout token of the other client is refused", refused, tools.logged())
            check("and ends nothing", stream.is_open() and status(tools.url, token) == 404)

            cookies, tokens = logged_in(authorization, tools.url, "app")
            token = tokens["access_token"]
            streams = [Stream(tools.url, token), stream]
            check("a stream is opened by the client", streams[0].status == 200)
            authorization.logout(cookies)
            check("a logout ends the streams of the user", all(stream.ends() for stream in streams))
            check("and the token is refused", status(tools.url, token) == 401)
            check("as the log says", "revoked by a logout token" in tools.logged(), tools.logged())

            next_second()
            _, tokens = logged_in(authorization, tools.url, "app")
            check("alice logs in again", status(tools.url, tokens["access_token"]) == 404)


security_events()
logout_tokens()
finish()
