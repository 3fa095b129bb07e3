"""Sessions of Claude Code without an account: what it lists, and what it shows its model.

The model is played by a few lines here: it calls the tools that it is told to, whatever they answer.
"""

import contextlib
import http.server
import json
import os
import pathlib
import subprocess
import threading

from harness import DEADLINE, home


SERVER = "tools"
ENVIRONMENT = {
    "ANTHROPIC_API_KEY": "none",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "ENABLE_TOOL_SEARCH": "false",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
}


class Model:
    """The API of a model that calls tools in turn. It keeps which tools it was offered, and what they answered."""

    def __init__(self, calls, before_call):
        self.calls, self.before_call = calls, before_call
        self.offered, self.answers = [], []
        model = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body = model.answer(asked).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self.send_error(404)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, asked):
        """The events of an answer: the next call, or text once there is none, or nothing to call."""
        tools = [tool["name"] for tool in asked.get("tools", []) if tool["name"].startswith("mcp__")]
        blocks = [block for message in asked["messages"] if isinstance(message["content"], list)
                  for block in message["content"]]
        results = [block for block in blocks if block["type"] == "tool_result"]
        text = {"type": "text", "text": ""}, {"type": "text_delta", "text": "done"}, "end_turn"
        if not tools:
            return events(*text)
        self.offered = self.offered or sorted(tools)
        self.answers = [text_of(result["content"]) for result in results]
        if len(results) == len(self.calls):
            return events(*text)
        self.before_call(len(results))
        call = {"type": "tool_use", "id": f"toolu_{len(results)}", "name": self.calls[len(results)], "input": {}}
        return events(call, {"type": "input_json_delta", "partial_json": '{"tag":"client"}'}, "tool_use")


def text_of(content):
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)


def events(block, delta, reason):
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "model", "content": [],
               "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
    parts = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None},
         "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]
    return "".join(f"event: {part['type']}\ndata: {json.dumps(part)}\n\n" for part in parts)


@contextlib.contextmanager
def added(program, kind, url, authorization):
    """Claude Code as it is after `claude mcp add`, in a home of its own; a function that runs it."""
    with home(**ENVIRONMENT) as environment:
        def run(*arguments, model_url=None, terminal=None):
            if model_url:
                environment["ANTHROPIC_BASE_URL"] = model_url
            command = [str(program), *arguments]
            return subprocess.run(command, env=environment, cwd=environment["HOME"], stdin=terminal or subprocess.DEVNULL,
                                  stdout=terminal or subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  timeout=DEADLINE).stdout

        pathlib.Path(environment["HOME"], ".claude.json").write_text("{}", encoding="utf-8")
        header = ["--header", f"Authorization: {authorization}"] if authorization else []
        run("mcp", "add", "--scope", "user", "--transport", kind, SERVER, url, *header)
        yield run


def session(program, kind, url, authorization, calls, before_call=lambda number: None):
    """What `claude mcp list` says, which tools the model is offered, and what it is shown for each call."""
    with added(program, kind, url, authorization) as run:
        return use(run, calls, before_call)


def session_after_login(program, kind, url, calls):
    """The same after `claude mcp login`, which wants a terminal."""
    with added(program, kind, url, "") as run:
        terminal, its_end = os.openpty()
        with open(terminal, "rb", buffering=0) as screen:
            said = run("mcp", "login", SERVER, terminal=its_end)
            os.close(its_end)
            with contextlib.suppress(OSError):  # the end of a terminal
                said = screen.read(1 << 16).decode()
        return {"login": said, **use(run, calls)}


def use(run, calls, before_call=lambda number: None):
    listed = run("mcp", "list")
    model = Model([f"mcp__{SERVER}__{tool}" for tool in calls], before_call)
    said = run("-p", "go", "--allowedTools", f"mcp__{SERVER}", model_url=model.url)
    model.server.shutdown()
    return {"list": listed, "offered": model.offered, "answers": model.answers, "said": said}
