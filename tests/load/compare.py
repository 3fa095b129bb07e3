"""Compares nginx, as a reverse proxy in front of an example server, with `McpAuthLayer` inside it. They take turns. Prints
tables in Markdown, and writes the same figures as JSON."""

import argparse
import contextlib
import itertools
import json
import math
import os
import pathlib
import signal
import statistics
import sys
import tempfile
from collections import Counter

import attack
import clients
import servers

arguments = argparse.ArgumentParser()
arguments.add_argument("binary")
arguments.add_argument("--quick", action="store_true")
arguments.add_argument("--json", type=pathlib.Path)
arguments.add_argument("--only", choices=["requests", "latency"])
ARGUMENTS = arguments.parse_args()
QUICK = ARGUMENTS.quick
COSTS = [5] if QUICK else [10, 12]
ROUNDS = 1 if QUICK else 5
ATTACK_ROUNDS = 1 if QUICK else 3
SECONDS = 1 if QUICK else 3
ATTACK_SECONDS = 2 if QUICK else 15
TEAM = 4 if QUICK else 20
ATTACKERS = 20 if QUICK else 100

# Numbers of users and addresses that have not authenticated yet.
fresh = itertools.count(TEAM)
strange = itertools.count(100_000)


@contextlib.contextmanager
def contenders(check, cost=COSTS[0]):
    """The servers with this check, by name. Without nginx, the layer alone."""
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        if check == "file":
            servers.write_users(directory, cost, TEAM * (1 + 2 * (ROUNDS + ATTACK_ROUNDS)) + 2000)
        start = [servers.nginx] if servers.has_nginx() else []
        started = [stack.enter_context(one(ARGUMENTS.binary, directory, check)) for one in [*start, servers.layer]]
        for server in started:
            with clients.Connection(server) as connection:
                expected = 200 if check == "none" else 401
                if (status := connection.get(server.path)) != expected:
                    raise SystemExit(f"{server.name} answers {status} without a credential, not {expected}")
        yield started


def requests():
    """Requests per second and processor time, for each check."""
    rows = []

    def row(case, started, measure):
        rounds = [[measure(server) for server in started] for _ in range(ROUNDS)]
        cells = []
        for server, figures in zip(started, zip(*rounds)):
            per_second, micros = (round(statistics.median(column), 1) for column in zip(*figures))
            rows.append({"case": case, "server": server.name, "per_second": per_second, "cpu_us": micros})
            cells.append(f"{per_second:,} | {micros:,}")
        print_row(case, cells, 2)

    print("| requests | nginx, per second | µs of processor time | McpAuthLayer, per second | µs of processor time |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for case, check, credential in [
        ("no access control", "none", None),
        ("a fixed token", "token", clients.BEARER),
        ("a fixed user", "user", clients.basic(servers.USER)),
    ]:
        with contenders(check) as started:
            row(f"{case}, 16 connections", started, lambda server: clients.load(server, [credential], 16, SECONDS))
    for cost in COSTS:
        with contenders("file", cost) as started:
            password_file(f"bcrypt at cost {cost}", started, row)
    return rows


def password_file(case, started, row):
    def first(server):
        return clients.logins(server, [next(fresh) for _ in range(TEAM)], at_a_time=8)

    team = [clients.basic(f"user-{number}") for number in range(TEAM)]
    for server in started:  # the users that are measured later have logged in
        clients.logins(server, range(TEAM), at_a_time=8)
    row(f"{case}: first requests of {TEAM} users, 8 at a time", started, first)
    row(f"{case}: one user, 16 connections", started, lambda server: clients.load(server, team[:1], 16, SECONDS))
    row(f"{case}: {TEAM} users, a connection each", started, lambda server: clients.load(server, team, 1, SECONDS))


def latency():
    """How long other clients wait during password guessing. Each check, each attack, each kind of client."""
    rows = []
    print(f"\n| ms until a response, median / 99th percentile | {ATTACKERS} attackers | nginx | McpAuthLayer |")
    print("| --- | --- | ---: | ---: |")
    for name, check in [("fixed user", "user"), (f"bcrypt at cost {COSTS[0]}", "file")]:
        with contenders(check) as started:
            for kind, attackers, figures in measure_latency(check, started):
                rows += [{"check": name, "kind": kind, "attackers": attackers, "server": server.name, **of_server}
                         for server, of_server in zip(started, figures)]
                print_row(f"{name}: {kind} | {attackers}", [described(of_server) for of_server in figures])
    return rows


def measure_latency(check, started):
    known = lambda: clients.basic(servers.USER)
    here = lambda: "127.0.0.1"
    path, public_path = started[0].path, started[0].public_path
    kinds = {"public path": (public_path, lambda: None, here), "logged-in user": (path, known, here)}
    if check == "file":
        kinds["first request of a user"] = (
            path, lambda: clients.basic(f"user-{next(fresh)}"), lambda: clients.address(next(strange)))
    for server in started:
        with clients.Connection(server) as connection:
            connection.get(path, known())
    for attackers, source in [
        ("none", None),
        ("an address each", strange),
        ("one address", itertools.repeat(99_999)),
    ]:
        rounds = [[during(server, source, kinds) for server in started] for _ in range(ATTACK_ROUNDS)]
        for kind in kinds:
            yield kind, attackers, [summary(kind, of_server) for of_server in zip(*rounds)]


def during(server, source, kinds):
    """The waiting times of one turn, and the statuses of the attempts."""
    if source is None:
        return attack.wait_times(server, kinds, ATTACK_SECONDS), Counter()
    with attack.PasswordGuessing(server, map(clients.address, source), ATTACKERS) as guessing:
        times = attack.wait_times(server, kinds, ATTACK_SECONDS)
    if unexpected := set(guessing.statuses) - {401, 429, 503}:
        raise SystemExit(f"{server.name} answers a wrong password with {unexpected}")
    return times, guessing.statuses


def summary(kind, turns):
    answers = [answer for times, _ in turns for answer in times[kind]]
    waited = sorted(wait for wait, _ in answers)
    attempts = sum((statuses for _, statuses in turns), Counter())
    return {
        "median_ms": round(statistics.median(waited), 1),
        "p99_ms": round(waited[math.ceil(0.99 * len(waited)) - 1], 1),
        "requests": len(waited),
        "refused": sum(status not in (200, None) for _, status in answers),
        "unanswered": sum(status is None for _, status in answers),
        "attempts": {str(status): count for status, count in sorted(attempts.items())},
    }


def described(figures):
    text = f"{figures['median_ms']:,} / {figures['p99_ms']:,}"
    for problem in ("refused", "unanswered"):
        if figures[problem]:
            text += f", {figures[problem]} of {figures['requests']} {problem}"
    return text


def print_row(case, cells, columns=1):
    if len(cells) == 1:  # there is no nginx
        cells = [" | ".join(["-"] * columns), *cells]
    print(f"| {case} | {' | '.join(cells)} |", flush=True)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # the servers are ended on the way out
    if not servers.has_nginx():
        print("skipped: nginx, which is not installed\n")
    print(f"{os.cpu_count()} processors; medians of {ROUNDS} rounds, of latencies {ATTACK_ROUNDS}\n")
    parts = {"requests": requests, "latency": latency}
    results = {name: part() for name, part in parts.items() if ARGUMENTS.only in (None, name)}
    if ARGUMENTS.json:
        settings = {"processors": os.cpu_count(), "attackers": ATTACKERS, "seconds": ATTACK_SECONDS,
                    "rounds": ATTACK_ROUNDS, "cost": COSTS[0], "patience_s": attack.PATIENCE}
        ARGUMENTS.json.write_text(json.dumps({"settings": settings, **results}, indent=2) + "\n")


main()
