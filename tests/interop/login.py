"""The authorization server, and a client of it for the checks themselves."""

import base64
import hashlib
import json
import re
import secrets
import subprocess
import urllib.request
from urllib.parse import parse_qsl, urlencode, urlsplit

from browser import browse
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

    def machine_token(self, resource, scope="tools:read tools:write"):
        form = {"grant_type": "client_credentials", "resource": resource, "scope": scope}
        return self.post("/token", MACHINE, **form)["access_token"]

    def login(self, resource, scope):
        """Alice's tokens, without the one for a refresh: a client of an SDK would refresh instead of
        asking for more scopes."""
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {
            **NATIVE,
            "response_type": "code",
            "redirect_uri": REDIRECT,
            "scope": scope,
            "resource": resource,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        code = browse(f"{self.url}/auth?{urlencode(asked)}", REDIRECT)["code"]
        tokens = self.post(
            "/token",
            **NATIVE,
            grant_type="authorization_code",
            code=code,
            redirect_uri=REDIRECT,
            code_verifier=verifier,
            resource=resource,
        )
        del tokens["refresh_token"]
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
