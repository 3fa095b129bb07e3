"""Password guessing, and how long other clients wait meanwhile."""

import itertools
import threading
import time
from collections import Counter
from multiprocessing import get_context

from clients import Connection, basic, in_threads
from servers import USER

PAUSE = 0.1  # seconds of an attacker, between a response and the next attempt
PATIENCE = 30  # seconds of a client that waits for a response
PER_SECOND = 3  # requests of each kind, few enough that their own hashes are no load


class PasswordGuessing:
    """Clients that try other passwords for one user, in a process of their own, so that they do not delay the
    measurement. It begins when all of them are connected, and ends when all have their last response."""

    def __init__(self, server, addresses, count):
        fork = get_context("fork")
        self.ready, self.stop, self.results = fork.Barrier(2), fork.Event(), fork.Queue()
        self.process = fork.Process(target=self.run, args=(server, addresses, count), daemon=True)

    def __enter__(self):
        self.process.start()
        self.ready.wait(timeout=60)
        time.sleep(0.3)
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.statuses = self.results.get(timeout=120)
        self.process.join()

    def run(self, server, addresses, count):
        statuses, lock, passwords = Counter(), threading.Lock(), itertools.count()
        connections = [Connection(server, next(addresses)) for _ in range(count)]
        for connection in connections:
            connection.get(server.public_path)  # until the server has accepted it
        self.ready.wait(timeout=60)

        def attempts_of(connection):
            while not self.stop.is_set():
                with lock:
                    password = f"wrong {next(passwords)}"
                try:
                    status = connection.get(server.path, basic(USER, password))
                except OSError:
                    status = "closed"
                with lock:
                    statuses[status] += 1
                if status == "closed":
                    return
                self.stop.wait(PAUSE)

        in_threads([lambda connection=connection: attempts_of(connection) for connection in connections])
        self.results.put(statuses)


def wait_times(server, kinds, seconds):
    """What clients of each kind wait for, in milliseconds, with the status; `None` if there was no response in time.
    `kinds` has a path, and functions that return the credential and the address of the next request.

    Requests begin at fixed times, on connections of their own, whether or not earlier ones have their responses. A
    client that sent its next request after the last response would hardly notice when the server hangs."""
    measured = {kind: [] for kind in kinds}
    begin = time.monotonic()

    def request(kind, at):
        path, credential, source = kinds[kind]
        credential, source = credential(), source()
        time.sleep(max(0, at - time.monotonic()))
        try:
            with Connection(server, source, patience=PATIENCE) as connection:
                status = connection.get(path, credential)
        except (TimeoutError, ConnectionError):
            status = None
        measured[kind].append((1000 * (time.monotonic() - at), status))

    count = seconds * PER_SECOND * len(kinds)
    times = [begin + 0.05 + number / PER_SECOND / len(kinds) for number in range(count)]
    in_threads([lambda kind=kind, at=at: request(kind, at) for kind, at in zip(itertools.cycle(kinds), times)])
    return measured
