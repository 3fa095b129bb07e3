"""Those who ask: `ab` for how many requests a second, threads for logins, guesses and latencies."""

import base64
import itertools
import re
import socket
import subprocess
import threading
import time
from collections import Counter
from multiprocessing import get_context

from servers import PASSWORD


def address(number):
    """An address of loopback, a new one for each number. Guesses are counted by address."""
    return f"127.{1 + number // 65536}.{number // 256 % 256}.{number % 256}"


class Connection:
    """A connection that is kept alive, from this address."""

    def __init__(self, server, source="127.0.0.1", patience=120):
        at = ("127.0.0.1", server.port)
        self.socket = socket.create_connection(at, patience, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""

    def get(self, path, user=None, password=None):
        """The status."""
        lines = [f"GET {path} HTTP/1.1", "Host: localhost"]
        if user:
            pair = base64.b64encode(f"{user}:{password}".encode()).decode()
            lines.append(f"Authorization: Basic {pair}")
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode())
        head = self.until(lambda: self.unread.find(b"\r\n\r\n") + 4, 4)
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        body = int(length[1]) if length else 0
        self.until(lambda: body if len(self.unread) >= body else -1, 0)
        return int(head.split()[1])

    def until(self, end, least):
        while (found := end()) < least:
            received = self.socket.recv(65536)
            if not received:
                raise ConnectionError("the server has hung up")
            self.unread += received
        taken, self.unread = self.unread[:found], self.unread[found:]
        return taken

    def close(self):
        self.socket.close()


def requests_per_second(server, users, connections, seconds):
    """By one `ab` for each user, each from an address of its own, all at a time."""
    def ab(number):
        return subprocess.Popen(
            ["ab", "-q", "-k", "-t", str(seconds), "-n", "100000000", "-s", "120",
             "-c", str(connections), "-B", address(number),
             "-A", f"user-{number}:{PASSWORD}", f"http://127.0.0.1:{server.port}{server.path}"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    total = 0
    for running in [ab(number) for number in users]:
        said, _ = running.communicate()
        number = lambda name: int(found[1]) if (found := re.search(name + r": +(\d+)", said)) else 0
        done, other = number("Complete requests"), number("Non-2xx responses")
        if not done or other != (0 if server.ok == 200 else done):
            raise SystemExit(f"{server.name} refused who is right: {done} answers, {other} not 2xx")
        took = float(re.search(r"Time taken for tests: +([\d.]+)", said)[1])
        total += done / took
    return total


def logins_per_second(server, users, at_a_time):
    """The first request of each of them, from an address of its own."""
    waiting, statuses = iter(users), Counter()
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                number = next(waiting, None)
            if number is None:
                return
            connection = Connection(server, address(number))
            status = connection.get(server.path, f"user-{number}", PASSWORD)
            connection.close()
            with lock:
                statuses[status] += 1

    started = time.monotonic()
    in_threads(work, at_a_time)
    took = time.monotonic() - started
    if statuses != {server.ok: len(users)}:
        raise SystemExit(f"{server.name} refused who is right: {dict(statuses)}")
    return len(users) / took


def in_threads(work, count):
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


PAUSE = 0.1  # of a guesser, between an answer and the next guess


class Guessers:
    """In a process of their own, so that who measures does not wait for them: each guesses another
    password of `user-0` again and again. Begins once all are connected."""

    def __init__(self, server, addresses, count):
        fork = get_context("fork")
        self.ready, self.stop, self.statuses = fork.Barrier(2), fork.Event(), fork.Queue()
        self.process = fork.Process(target=self.run, args=(server, addresses, count))

    def __enter__(self):
        self.process.start()
        self.ready.wait()
        time.sleep(0.3)
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.answers = self.statuses.get()
        self.process.join()

    def run(self, server, addresses, count):
        statuses, lock, guesses = Counter(), threading.Lock(), itertools.count()
        connections = [Connection(server, address(next(addresses))) for _ in range(count)]
        for connection in connections:
            connection.get("/health")  # it is accepted: nginx takes one a turn, and turns get long
        waiting = iter(connections)
        self.ready.wait()

        def work():
            with lock:
                connection = next(waiting)
            while not self.stop.is_set():
                with lock:
                    guess = next(guesses)
                try:
                    status = connection.get(server.path, "user-0", f"guess {guess}")
                except OSError:
                    status = "hung up"
                if self.stop.is_set():
                    return
                with lock:
                    statuses[status] += 1
                time.sleep(PAUSE)

        threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        self.stop.wait()
        with lock:
            self.statuses.put(dict(statuses))
        self.statuses.close()
        self.statuses.join_thread()
        for connection in connections:
            connection.close()


PATIENCE = 30  # of who makes a public request


def latencies(server, seconds, most):
    """In milliseconds, of public requests one after the other, a connection each. One that is not
    answered counts with the time that was waited for it."""
    measured, until = [], time.monotonic() + seconds
    while not measured or (len(measured) < most and time.monotonic() < until):
        started = time.monotonic()
        connection = Connection(server, patience=PATIENCE)
        try:
            status = connection.get("/health")
        except TimeoutError:
            status = 200
        measured.append(1000 * (time.monotonic() - started))
        connection.close()
        if status != 200:
            raise SystemExit(f"{server.name} answers {status} at a public path")
        time.sleep(0.02)
    return measured
