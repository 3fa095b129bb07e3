"""Checks the dashboard, the alerts and the table of metrics against what example servers report; see `run`.

check.py EXAMPLES WORK
"""

import json
import pathlib
import re
import subprocess
import sys
import urllib.request

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.append(str(ROOT / "tests/interop"))

from harness import EXAMPLES, WORK, Server, check, finish  # noqa: E402

import outcomes  # noqa: E402
from expressions import panels, read_metrics, unknown_names, without_variables  # noqa: E402
from peers import SLOW, IdentityProvider, Peer, Upstream  # noqa: E402
from prometheus import Prometheus, series  # noqa: E402

FOLDER = ROOT / "examples/observability"
# How long the token lives whose request expires, in seconds.
TOKEN_LIFE = 2
assert TOKEN_LIFE + 1 < SLOW
# Values of labels that no example server reports, and why.
UNREPORTED = {"arguments_refused": "conditions on arguments are functions, and no example has one"}


def names_in(pattern, *files):
    return {name for file in files for name in re.findall(pattern, file.read_text())}


def start_servers(upstream, provider):
    users, policy = WORK / "users", WORK / "policy.toml"
    users.write_text(f"alice:{outcomes.HASH}\n")
    users.chmod(0o600)
    policy.write_text(outcomes.POLICY)
    common = ["--port", 0, "--metrics"]
    proxy = Server(
        EXAMPLES / "proxy", *common, "--upstream", upstream.url, "--public-path", "/health",
        "--htpasswd", users, "--token", f"ci:{outcomes.TOKEN}", "--token-ttl", TOKEN_LIFE, "--policy", policy,
        "--oauth-issuer", provider.url, "--oauth-issuer", outcomes.DEAD, "--logout-client", "client",
        "--security-events-issuer", provider.url, "--security-events-audience", "audience", log="off")
    user = ["--user", f"alice:{outcomes.PASSWORD}"]
    without_oauth = Server(EXAMPLES / "streamable_server", *common, *user, log="off")
    without_decision_point = Server(
        EXAMPLES / "authzen", *common, *user, "--decision-point", outcomes.DEAD, log="off")
    return proxy, without_oauth, without_decision_point


def send(url, requests):
    for name, expected, request in requests:
        status = request(url)
        check(f"request: {name}", status == expected, f"{status} instead of {expected}")


def make_outcomes(proxy, without_oauth, without_decision_point):
    """Makes requests of every outcome. Returns a connection whose stream is open."""
    expiring, expired = outcomes.expiring(proxy.url)
    stream, status = outcomes.open_stream(proxy.url)
    check("request: an open stream", status == 200, status)
    send(proxy.url, outcomes.AT_PROXY)
    send(without_oauth.url, outcomes.AT_SERVER_WITHOUT_OAUTH)
    send(without_decision_point.url, outcomes.AT_SERVER_WITHOUT_DECISION_POINT)
    check("request: too many wrong passwords", (status := outcomes.fail_until_throttled(proxy.url)) == 429, status)
    expiring.join(2 * SLOW)
    check("request: a token that expires before the response", expired == [401], expired)
    return stream


def check_descriptions(texts):
    """Each metric of the crate is reported with its description by every server that has it, and documented."""
    metrics = names_in(r'"(mcp_auth_(?!layer")\w+)"', *(ROOT / "src/telemetry").glob("*.rs"))
    documented = names_in(r"(?m)^\| `(mcp_auth_\w+)`", ROOT / "src/guide/monitoring.md")
    check("every metric is documented", metrics == documented, metrics ^ documented)
    families = [family for text in texts for family in read_metrics(text)[0].items()]
    reported = {name for name, _ in families}
    check("every metric is reported", metrics == reported, metrics ^ reported)
    for metric in sorted(metrics):
        described = [lines for name, lines in families if name == metric]
        check(f"HELP and TYPE of {metric}", all(lines.keys() == {"HELP", "TYPE"} for lines in described), described)
    shown = names_in(r"\b(mcp_auth_[a-z_]+?)(?:_bucket|_count|_sum)?\b", FOLDER / "dashboard.json")
    check("every metric is in the dashboard", metrics <= shown, metrics - shown)


def check_alerts(alerts):
    """Each alert says what to do, and has a test in which it fires."""
    tested = names_in(r'exp_samples: .*alertname="(\w+)"', FOLDER / "alerts_test.yaml")
    documented = names_in(r"(?m)^\| `(McpAuth\w+` \| \w+)", ROOT / "src/guide/monitoring.md")
    severities = {f"{alert['name']}` | {alert['labels'].get('severity')}" for alert in alerts}
    check("every alert has a test", tested == {alert["name"] for alert in alerts}, tested)
    check("every alert is documented", documented == severities, documented ^ severities)
    for alert in alerts:
        annotations = alert["annotations"]
        check(f"alert {alert['name']}: loaded, with a runbook and a severity",
              alert["health"] == "ok" and annotations.get("summary") and annotations.get("runbook")
              and alert["labels"].get("severity") in ("warning", "critical"), alert)
    [limit] = names_in(r"LimitNOFILE=(\d+)", ROOT / "examples/systemd/mcp-.service.d/hardening.conf")
    [streams] = (re.search(r"> (\d+)", alert["query"])[1] for alert in alerts
                 if alert["name"] == "McpAuthManyOpenStreams")
    check("the alert of open streams fits the unit", int(streams) * 4 == int(limit) * 3, (streams, limit))


def check_units():
    """The programs have the flags that the units give them."""
    for unit, program in (("mcp-proxy.service", "proxy"), ("mcp-server@.service", "streamable_server")):
        text = (ROOT / "examples/systemd" / unit).read_text()
        given = {flag for line in text.splitlines() if not line.startswith("#") for flag in re.findall(r" (--[a-z-]+)", line)}
        usage = subprocess.run([EXAMPLES / program, "--help"], check=True, capture_output=True, text=True).stdout
        unknown = given - set(re.findall(r"--[a-z-]+", usage))
        check(f"{unit}: flags of {program}", given and not unknown, unknown)


def main():
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    shown = [(f"panel {title}", without_variables(expression)) for title, expression in panels(dashboard)]
    with Peer(Upstream) as upstream, Peer(IdentityProvider) as provider:
        servers = start_servers(upstream, provider)
        urls = [server.url for server in servers]
        try:
            stream = make_outcomes(*servers)
            texts = [urllib.request.urlopen(f"{url}/metrics").read().decode() for url in urls]
            check_descriptions(texts)
            with Prometheus(FOLDER, WORK, urls) as prometheus:
                missing = prometheus.finds_all([expression for _, expression in shown], 30)
                alerts = prometheus.alerts()
                check_alerts(alerts)
                named = [(f"alert {alert['name']}", alert["query"]) for alert in alerts]
                selected = series(expression for _, expression in shown + named)
                unselected = prometheus.finds_all(selected, 10)
            stream.close()
        finally:
            for server in servers:
                server.stop()
    _, samples = read_metrics("\n".join(texts))
    for name, expression in shown:
        check(f"{name}: a result", expression not in missing, expression)
    for name, expression in shown + named:
        unknown = set(unknown_names(expression, samples)) - UNREPORTED.keys()
        check(f"{name}: known names", not unknown, unknown)
    check("every selector selects a series", not unselected, unselected)
    check_units()
    finish()


main()
