"""Codex without an account or a model: `codex mcp add`, and calls of tools through its `app-server`."""

import contextlib
import json
import pathlib
import queue
import subprocess
import threading

from harness import home

DEADLINE = 180
SERVER = "tools"


class AppServer:
    """`codex app-server`: JSON-RPC over its standard streams."""

    def __init__(self, program, environment):
        self.process = subprocess.Popen([str(program), "app-server"], env=environment, cwd=environment["HOME"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.messages, self.notifications, self.last_id = queue.Queue(), [], 0
        threading.Thread(target=self.read, daemon=True).start()
        self.request("initialize", clientInfo={"name": "interop", "version": "0"})
        self.send(method="initialized")

    def read(self):
        for line in self.process.stdout:
            self.messages.put(json.loads(line))

    def send(self, **message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def request(self, method, **params):
        """The result of a request, or its error."""
        self.last_id += 1
        self.send(id=self.last_id, method=method, params=params)
        while True:
            message = self.messages.get(timeout=DEADLINE)
            if message.get("id") == self.last_id and "method" not in message:
                return message.get("result", message.get("error"))
            self.notifications.append(message)

    def startup(self):
        """How the start of the server that was added ended: its status, and the text for the user."""
        while True:
            for message in self.notifications:
                params = message.get("params", {})
                if message.get("method") == "mcpServer/startupStatus/updated" and params.get("name") == SERVER:
                    if params["status"] != "starting":
                        return params["status"], params.get("error")
            self.notifications.append(self.messages.get(timeout=DEADLINE))

    def call(self, thread, tool, **arguments):
        """The text of the result of a tool, or of an error."""
        result = self.request("mcpServer/tool/call", threadId=thread, server=SERVER, tool=tool, arguments=arguments)
        if "content" in result:
            return "".join(block.get("text", "") for block in result["content"])
        return result.get("message", str(result))

    def stop(self):
        self.process.kill()
        self.process.wait()


class Codex:
    """Codex in a home of its own."""

    def __init__(self, program, environment):
        self.program, self.environment = program, environment
        self.home = pathlib.Path(environment["HOME"])
        (self.home / ".codex").mkdir()
        self.config = self.home / ".codex" / "config.toml"
        self.config.write_text('mcp_oauth_credentials_store = "file"\n', encoding="utf-8")

    def run(self, *arguments):
        command = [str(self.program), *arguments]
        run = subprocess.run(command, env=self.environment, cwd=self.home, stdin=subprocess.DEVNULL, timeout=DEADLINE,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return run.stdout

    def add(self, url, authorization):
        """As the guide says: a token from the environment, and any other header in the configuration."""
        token = authorization.removeprefix("Bearer ")
        if token != authorization:
            self.environment["TOKEN"] = token
            return self.run("mcp", "add", SERVER, "--url", url, "--bearer-token-env-var", "TOKEN")
        if not authorization:
            return self.run("mcp", "add", SERVER, "--url", url)
        with self.config.open("a", encoding="utf-8") as file:
            file.write(f'[mcp_servers.{SERVER}]\nurl = "{url}"\n'
                       f'http_headers = {{ Authorization = "{authorization}" }}\n')
        return ""

    def login(self):
        return self.run("mcp", "login", SERVER)


@contextlib.contextmanager
def installed(program):
    with home() as environment:
        yield Codex(program, environment)


def session(codex, before_last_call=None):
    """What Codex says about the server, its tools, who it is there, and what a last call returns."""
    server = AppServer(codex.program, codex.environment)
    try:
        started = server.request("thread/start", cwd=codex.environment["HOME"])
        thread = started["thread"]["id"]
        status, error = server.startup()
        listed = server.request("mcpServerStatus/list")["data"]
        found = next(it for it in listed if it["name"] == SERVER)
        seen = {"status": status, "error": error, "auth": found["authStatus"], "tools": sorted(found["tools"])}
        seen["whoami"] = server.call(thread, "whoami") if status == "ready" else None
        if before_last_call:
            before_last_call()
            seen["later"] = server.call(thread, "whoami")
        return seen
    finally:
        server.stop()
