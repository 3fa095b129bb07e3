"""The official conformance suite, at a server without access control and at the same server behind the proxy: the
results are equal, but for differences that are listed here. See `run`, and matrix.py for the table.

check_conformance.py EXAMPLES WORK
"""

import json
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from clients import TOKEN
from harness import EXAMPLES, WORK, Server, check, finish, record
from matrix import CONFORMANCE

# The suite needs Node 22.
SUITE = [WORK / "node_modules/.bin/node", WORK / "node_modules/.bin/conformance", "server", "--suite", "all"]
AUTHORIZATION = f"Bearer {TOKEN}"
# Checks that have another result behind the proxy, each with its reason.
DIFFERENCES = {}
LEAST = 40


def results(target):
    """The result of each check of the suite, by its scenario and ID. The suite sends no header of its own, so that
    another program adds it."""
    with (
        Server("node", WORK / "inject.mjs", target, "Authorization", AUTHORIZATION) as injector,
        tempfile.TemporaryDirectory() as folder,
    ):
        command = [*SUITE, "--url", f"{injector.url}/mcp", "--output-dir", folder]
        run = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=180)
        found = {}
        for file in sorted(Path(folder).glob("*/checks.json")):
            scenario = file.parent.name.removeprefix("server-").partition("-20")[0]
            for it in json.loads(file.read_text(encoding="utf-8")):
                if it["status"] != "INFO":
                    found[f"{scenario}: {it['id']}"] = it["status"], it.get("errorMessage")
        return found, run


def counts(found):
    statuses = [status for status, _ in found.values()]
    return ", ".join(f"{statuses.count(it)} {it}" for it in sorted(set(statuses)))


with Server("node", WORK / "upstream_conformance.mjs") as upstream, ThreadPoolExecutor(2) as pool:
    guard = [EXAMPLES / "proxy", "--upstream", upstream.url, "--port", "0", "--token", f"ci:{TOKEN}"]
    with Server(*guard) as proxy:
        (alone, run), (behind, run_behind) = pool.map(results, [upstream.url, proxy.url])

passed = [name for name, (status, _) in alone.items() if status == "SUCCESS"]
check(f"conformance: {len(passed)} checks pass alone", len(passed) >= LEAST, run)
for name in {**alone, **behind}:
    before, after = alone.get(name), behind.get(name)
    if (before and before[0]) != (after and after[0]):
        check(f"conformance, {name}: the difference has a reason", name in DIFFERENCES, (before, after))
        row = [before and before[0], after and after[0], DIFFERENCES.get(name, "")]
        for column, text in zip(["alone", "behind `proxy`", "reason"], row):
            record(CONFORMANCE, (name,), column, str(text))
for name in DIFFERENCES:
    check(f"conformance, {name}: there is a difference", alone.get(name) != behind.get(name))
for column, found in [("alone", alone), ("behind `proxy`", behind)]:
    record(CONFORMANCE, ("all checks",), column, counts(found))
check("conformance: nothing fails alone", all(status != "FAILURE" for status, _ in alone.values()), alone)
finish()
