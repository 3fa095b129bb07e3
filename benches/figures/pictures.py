"""The pictures, by file name: what each shows of the figures in figures.json."""

import math

from bars import Bar, Panel, picture
from tables import waited

SERVERS = {
    "no layer": "axum handler, unprotected",
    "tower-http's pair": "tower-http's layers",
    "McpAuthLayer": "McpAuthLayer",
    "nginx, map": "behind nginx, map",
    "nginx, auth_basic": "behind nginx, auth_basic",
}


def cost(figures):
    """What a request costs a server, beside the alternatives."""
    bars = []
    runs = {run["prometheus"]: {row["server"]: row for row in run["rows"] if row["handler"] == "axum handler"}
            for run in figures["socket"]}
    for server, label in SERVERS.items():
        kind = kind_of(server)
        bars.append(processor_time(runs[False][server], label, kind))
        if not server.startswith("nginx"):  # it has no recorder of metrics
            bars.append(processor_time(runs[True][server], "+ Prometheus recorder", f"{kind} light"))
    return picture(
        "What a request costs a server",
        "Processor time for a POST over loopback, nginx included, and its ratio to the unprotected handler",
        "Processor time for each request. " + described(bars),
        [Panel("", "µs", step(bars), bars)])


def processor_time(row, label, kind):
    micros = row["cpu_ns"] / 1000
    return Bar(label, micros, f"{micros:.1f} µs ({row['cpu_ratio']:.2f} ×)", kind)


def latency(figures):
    """How long other clients wait while passwords are guessed."""
    load = figures["load"]
    password_cost, attackers = load["settings"]["cost"], load["settings"]["attackers"]
    attacks = {"none": "no attack", "an address each": f"{attackers} attackers"}
    file = f"bcrypt at cost {password_cost}"
    panels = []
    for check, kind, heading in [
        (file, "logged-in user", f"A user of a password file (bcrypt, cost {password_cost}) who has logged in"),
        (file, "public path", "A request for a public path of the same server"),
        ("fixed user", "logged-in user", "A user in code; nginx compares the password without a hash"),
    ]:
        rows = [row for row in load["latency"] if (row["check"], row["kind"]) == (check, kind)]
        bars = [waiting(row, f"{server}, {attack}")
                for server in ("nginx", "McpAuthLayer") for attackers, attack in attacks.items()
                for row in rows if (row["server"], row["attackers"]) == (server, attackers)]
        panels.append(Panel(heading, "ms", step(bars), bars))
    return picture(
        f"How long others wait while {load['settings']['attackers']} clients guess passwords",
        "Until the response: median (inner bar) / 99th percentile (outer bar). Each group has an axis of its own.",
        "Median and 99th percentile. " + " ".join(f"{panel.heading}: {described(panel.bars)}" for panel in panels),
        panels)


def waiting(row, label):
    kind = kind_of(row["server"])
    return Bar(label, row["p99_ms"], waited(row, " ms"), f"{kind} light", Bar("", row["median_ms"], "", kind))


def kind_of(server):
    return "layer" if server == "McpAuthLayer" else "other"


def step(bars):
    """A distance of marks that leaves at most six of them."""
    largest = max(bar.value for bar in bars)
    power = 10 ** math.floor(math.log10(largest))
    return next(power * part for part in (0.2, 0.5, 1, 2) if largest < 6 * power * part)


def described(bars):
    """The figures of a picture for readers who do not see it."""
    return "; ".join(f"{bar.label}: {bar.text}" for bar in bars) + "."


PICTURES = {"cost.svg": cost, "latency.svg": latency}
