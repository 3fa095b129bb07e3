"""The authorization server, and a client of it for the checks themselves."""

import base64
import hashlib
import json
import re
import secrets
import subprocess
import urllib.error
import urllib.request
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from browser import browse, with_cookies
from harness import WORK, Server

REDIRECT = "http://127.0.0.1:9/callback"
MACHINE = {"client_id": "machine", "client_secret": "machine-secret"}
NATIVE = {"client_id": "native"}
INTROSPECTING = "rs:rs:secret%"


class AuthorizationServer(Server):
    """`authorization_server.mjs`; options are its environment."""

    def __init__(self, **options):
        super().__init__("node", WORK / "authorization_server.mjs", **options)

    @property
    def port(self):
        return self.url.rpartition(":")[2]

    def post(self, path, client=None, **form):
        request = urllib.request.Request(self.url + path, urlencode(form).encode())
        if client:
            pair = f"{client['client_id']}:{client['client_secret']}".encode()
            request.add_header("Authorization", "Basic " + base64.b64encode(pair).decode())
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read() or "null")

    def rotate(self):
        """Signs with a new key; those before it are still published."""
        self.post("/admin/rotate")

    def withdraw(self):
        """Publishes the newest key only."""
        self.post("/admin/withdraw")

    def logout_uri(self, uri):
        """Sets where the clients `app` and `other` receive logout tokens."""
        self.post("/admin/logout-uri?" + quote(uri, safe=""))

    def logout(self, cookies):
        """Alice logs out in her browser, and confirms it. Returns once the clients were told."""
        opener = with_cookies(cookies)
        with opener.open(f"{self.url}/session/end", timeout=30) as page:
            xsrf = re.search(r'name="xsrf" value="([^"]+)"', page.read().decode())[1]
        form = urlencode({"xsrf": xsrf, "logout": "yes"}).encode()
        try:
            opener.open(f"{self.url}/session/end/confirm", form, timeout=30).close()
        except urllib.error.HTTPError as redirect:
            if redirect.status >= 400:
                raise

    def push(self, endpoint, **event):
        """Sends a security event, and returns what the receiver answers. See transmitter.mjs."""
        body = json.dumps({"endpoint": endpoint, **event}).encode()
        with urllib.request.urlopen(self.url + "/admin/push", body, timeout=30) as response:
            return json.load(response)

    def machine_token(self, resource, scope="tools:read tools:write"):
        form = {"grant_type": "client_credentials", "resource": resource, "scope": scope}
        return self.post("/token", MACHINE, **form)["access_token"]

    def login(self, resource, scope, client=NATIVE, cookies=None):
        """Alice's tokens, without the one for a refresh: a client of an SDK would refresh instead of
        asking for more scopes. The cookies are those of a browser that is still open afterwards."""
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {
            **client,
            "response_type": "code",
            "redirect_uri": REDIRECT,
            "scope": scope,
            "resource": resource,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        code = browse(f"{self.url}/auth?{urlencode(asked)}", REDIRECT, cookies)["code"]
        tokens = self.post(
            "/token",
            **client,
            grant_type="authorization_code",
            code=code,
            redirect_uri=REDIRECT,
            code_verifier=verifier,
            resource=resource,
        )
        tokens.pop("refresh_token", None)
        return tokens


def run_and_log_in(*command):
    """Runs a program that prints where to log in, does so, and returns its result and what each login asked
    for."""
    command = [str(part) for part in command]
    logins = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        errors = []
        try:
            for line in program.stderr:
                if found := re.fullmatch(r"log in at (\S+)\n", line):
                    logins.append(dict(parse_qsl(urlsplit(found[1]).query)))
                    browse(found[1])
                else:
                    errors.append(line)
            printed = program.stdout.read()
            program.wait(30)
        finally:
            program.kill()
    return subprocess.CompletedProcess(command, program.returncode, printed, "".join(errors)), logins
