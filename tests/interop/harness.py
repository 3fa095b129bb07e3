"""What the checks share: servers and clients as child processes, and the results.

Programs that use it are called as PROGRAM EXAMPLES WORK [--quick]; see `run`.
"""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

EXAMPLES, WORK = map(pathlib.Path, sys.argv[1:3])
QUICK = "--quick" in sys.argv[3:]
DEADLINE = 180  # seconds, for a client on a busy machine; a hang is a failure
HERE = pathlib.Path(__file__).parent

passed, failed = 0, 0
recorded = []
one_at_a_time = threading.Lock()


def check(name, good, detail=""):
    global passed, failed
    with one_at_a_time:
        passed, failed = passed + bool(good), failed + (not good)
        print(f"{'ok    ' if good else 'FAILED'} {name}{'' if good else f': {str(detail)[:4000]}'}", flush=True)


def record(table, row, column, text):
    """Notes a result for the table in MATRIX.md; see matrix.py."""
    recorded.append((table, row, column, text))


def shown(text):
    """A text as it is in the table: in one line, without what differs between runs."""
    text = re.sub(r"\x1b\[[0-9;]*[a-zA-Z]", "", text or "")
    text = re.sub(r"(?:127\.0\.0\.1|localhost):\d+", "HOST", text)
    return re.sub(r"\s+", " ", text).strip()


class Server:
    """A server as a child process, on the port that it names."""

    def __init__(self, *command, log="error", **environment):
        command = [str(part) for part in command]
        environment = {**os.environ, "RUST_LOG": log, **environment}
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment
        )
        for line in self.process.stdout:
            if found := re.search(r"listening on (http://[^/]+)", line):
                self.url = found[1]
                return
        raise SystemExit(f"{command[0]} does not start")

    def logged(self):
        """What it wrote to its log up to now."""
        self.log.seek(0)
        return self.log.read()

    def rejected(self):
        """The methods of the requests that were rejected up to now."""
        lines = (line for line in self.logged().splitlines() if ": rejected " in line)
        return sorted(re.search(r"method=(\w+)", line)[1] for line in lines)

    def requests(self):
        """How many requests arrived up to now. The log must have level `debug`."""
        return len(re.findall(": (?:authenticated|exempt|rejected) ", self.logged()))

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


@contextlib.contextmanager
def home(**environment):
    """The environment of a user of their own: an empty home, where programs are, and a browser that logs in."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        tools = WORK / "bin"
        yield {"HOME": folder, "PATH": f"{tools}:{os.environ['PATH']}", "BROWSER": f"{tools}/xdg-open", **environment}


def ask(command, *arguments, environment=None):
    """What a client printed: its result, or the message its user sees."""
    arguments = [str(argument) for argument in (*command, *arguments)]
    run = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, timeout=DEADLINE, env=environment)
    return json.loads(run.stdout.splitlines()[-1])


def finish():
    file = WORK / "results" / pathlib.Path(sys.argv[0]).with_suffix(".json").name
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(recorded, indent=1), encoding="utf-8")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)
