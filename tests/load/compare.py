"""Compares the two, in rounds that take turns, and prints medians as tables in Markdown."""

import itertools
import os
import statistics
import sys
import tempfile
from collections import Counter

import clients
import servers

BINARY, QUICK = sys.argv[1], "--quick" in sys.argv[2:]
COSTS = [5] if QUICK else [10, 12]
ROUNDS = 1 if QUICK else 5
SECONDS = 1 if QUICK else 3
TEAM = 4 if QUICK else 20
GUESSERS = 20 if QUICK else 100
PROBES = 20 if QUICK else 200

# Numbers of users; who logs in for the first time takes one that nobody had before.
fresh = itertools.count(TEAM)
# Numbers of addresses that nobody has used to log in.
strange = itertools.count(100_000)


def logins(pair, cost):
    def first(server):
        users = [next(fresh) for _ in range(TEAM)]
        return clients.logins_per_second(server, users, at_a_time=8)

    def rate(users, connections):
        return lambda server: clients.requests_per_second(server, users, connections, SECONDS)

    for server in pair:  # whoever is measured later has logged in
        clients.logins_per_second(server, range(TEAM), at_a_time=8)
    rows = [
        (f"cost {cost}: first requests of {TEAM} users, 8 at a time", first),
        (f"cost {cost}: one user, 16 connections", rate([0], 16)),
        (f"cost {cost}: {TEAM} users, a connection each", rate(range(TEAM), 1)),
    ]
    for name, measure in rows:
        rounds = [[measure(server) for server in pair] for _ in range(ROUNDS)]
        nginx, ours = (statistics.median(column) for column in zip(*rounds))
        ratio = statistics.median(b / a for a, b in rounds)
        print(f"| {name} | {nginx:,.1f} | {ours:,.1f} | {ratio:,.2f} |", flush=True)


def public(pair):
    """The latency of a public request, while others guess."""
    def measured(server, addresses):
        if addresses is None:
            return clients.latencies(server, 4 * SECONDS, PROBES), {}
        with clients.Guessers(server, addresses, GUESSERS) as guessers:
            times = clients.latencies(server, 4 * SECONDS, PROBES)
        check(server, guessers.answers)
        return times, guessers.answers

    def shown(rounds):
        median = statistics.median(statistics.median(times) for times, _ in rounds)
        worst = max(max(times) for times, _ in rounds)
        answers = sum((Counter(answers) for _, answers in rounds), Counter())
        answers = ", ".join(f"{count:,} × {status}" for status, count in sorted(answers.items()))
        return f"{median:,.1f} / {worst:,.1f}" + (f" ({answers})" if answers else "")

    for name, addresses in [
        ("nobody", None),
        (f"{GUESSERS} guessers, an address each", strange),
        (f"{GUESSERS} guessers at one address", itertools.repeat(99_999)),
    ]:
        rounds = [[measured(server, addresses) for server in pair] for _ in range(min(ROUNDS, 3))]
        nginx, ours = (shown(column) for column in zip(*rounds))
        print(f"| {name} | {nginx} | {ours} |", flush=True)


def check(server, answers):
    """Nobody guesses right."""
    if unexpected := set(answers) - {401, 429, 503}:
        raise SystemExit(f"{server.name} answers a guess by {unexpected}")


def with_both(cost, measure):
    with tempfile.TemporaryDirectory() as directory:
        users = servers.write_users(directory, cost, TEAM * (1 + 2 * ROUNDS * len(COSTS)))
        with servers.nginx(directory) as nginx, servers.ours(BINARY, directory, users) as ours:
            for server in (nginx, ours):
                bare = clients.Connection(server).get(server.path)
                if bare != 401:
                    raise SystemExit(f"{server.name} answers {bare} to nobody")
            measure((nginx, ours))


if __name__ == "__main__":
    print(f"{os.cpu_count()} cores; medians of {ROUNDS} rounds, of latencies {min(ROUNDS, 3)}\n")
    print("| requests per second | nginx | mcp-auth-layer | ratio |\n| --- | ---: | ---: | ---: |")
    for cost in COSTS:
        with_both(cost, lambda pair: logins(pair, cost))
    print("\n| a public request, in ms, median / worst, while these ask (and are answered) "
          "| nginx | mcp-auth-layer |\n| --- | ---: | ---: |")
    with_both(COSTS[0], public)
