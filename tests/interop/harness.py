"""What the checks share: servers and clients as child processes, and the results.

Programs that use it are called as PROGRAM EXAMPLES WORK [--quick]; see `run`.
"""

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
HERE = pathlib.Path(__file__).parent

passed, failed = 0, 0
one_at_a_time = threading.Lock()


def check(name, good, detail=""):
    global passed, failed
    with one_at_a_time:
        passed, failed = passed + bool(good), failed + (not good)
        print(f"{'ok    ' if good else 'FAILED'} {name}{'' if good else f': {str(detail)[:4000]}'}", flush=True)


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

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def ask(command, *arguments):
    """What a client printed: its result, or the message its user sees."""
    arguments = [str(argument) for argument in (*command, *arguments)]
    run = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, timeout=60)
    return json.loads(run.stdout.splitlines()[-1])


def finish():
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)
