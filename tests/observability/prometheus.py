"""A Prometheus on loopback that reads the servers every second."""

import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from expressions import selectors


class Prometheus:
    def __init__(self, folder, work, urls):
        """Runs with the configuration in `folder`, for these servers and not those that it names."""
        config = (folder / "prometheus.yaml").read_text()
        targets = ", ".join(f'"{url.removeprefix("http://")}"' for url in urls)
        config = config.replace('"127.0.0.1:8000"', targets).replace("15s", "1s")
        (pathlib.Path(work) / "prometheus.yaml").write_text(config)
        shutil.copy(folder / "alerts.yaml", work)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = open(pathlib.Path(work) / "prometheus.log", "w+")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={work}/prometheus.yaml", f"--storage.tsdb.path={work}/data",
             f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"],
            stdout=self.log, stderr=self.log)

    def wait_until_ready(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(urllib.error.URLError):
                return urllib.request.urlopen(f"{self.url}/-/ready", timeout=10).close()
            time.sleep(0.1)
        self.log.seek(0)
        raise SystemExit(f"prometheus is not ready: {self.log.read()}")

    def get(self, path, **parameters):
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as response:
            return json.load(response)["data"]

    def finds(self, expression):
        """Whether an expression has a result now. An expression that it cannot parse raises an error."""
        return bool(self.get("query", query=expression)["result"])

    def finds_all(self, expressions, seconds):
        """Returns the expressions that have no result within this time."""
        deadline = time.monotonic() + seconds
        missing = list(expressions)
        while missing and time.monotonic() < deadline:
            missing = [expression for expression in missing if not self.finds(expression)]
            time.sleep(0.2)
        return missing

    def alerts(self):
        return [rule for group in self.get("rules")["groups"] for rule in group["rules"]]

    def __enter__(self):
        try:
            self.wait_until_ready(30)
        except SystemExit:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


def series(expressions):
    """What the expressions select, each as an expression of its own."""
    found = set()
    for expression in expressions:
        for name, matchers in selectors(expression):
            text = ", ".join(f'{label}{operator}"{value}"' for label, operator, value in matchers)
            found.add(f"{name}{{{text}}}")
    return sorted(found)
