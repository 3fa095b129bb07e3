"""Clients of the load test: `ab` for requests per second, threads for logins."""

import base64
import re
import socket
import subprocess
import threading
import time
from collections import Counter

from servers import PASSWORD, TOKEN


def address(number):
    """An address of loopback, a new one for each number. Failed attempts are counted by address."""
    return f"127.{1 + number // 65536}.{number // 256 % 256}.{number % 256}"


def basic(user, password=PASSWORD):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


BEARER = f"Bearer {TOKEN}"


class Connection:
    """A connection that is kept alive, from this address."""

    def __init__(self, server, source="127.0.0.1", patience=60):
        at = ("127.0.0.1", server.port)
        self.socket = socket.create_connection(at, patience, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def get(self, path, authorization=None):
        """The status."""
        lines = [f"GET {path} HTTP/1.1", "Host: localhost"]
        if authorization:
            lines.append(f"Authorization: {authorization}")
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
                raise ConnectionError("the server closed the connection")
            self.unread += received
        taken, self.unread = self.unread[:found], self.unread[found:]
        return taken


def load(server, credentials, connections, seconds):
    """Requests per second, and microseconds of processor time that the server takes for one. There is one `ab` for each
    credential, each from an address of its own, all at the same time."""
    def ab(number, authorization):
        header = ["-H", f"Authorization: {authorization}"] if authorization else []
        return subprocess.Popen(
            ["ab", "-q", "-k", "-t", str(seconds), "-n", "100000000", "-s", "60", "-c", str(connections),
             "-B", address(number), *header, f"http://127.0.0.1:{server.port}{server.path}"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    before, per_second, requests = server.processor_time(), 0, 0
    for running in [ab(*one) for one in enumerate(credentials)]:
        said, _ = running.communicate()
        number = lambda name: int(found[1]) if (found := re.search(name + r": +(\d+)", said)) else 0
        done, refused = number("Complete requests"), number("Non-2xx responses")
        if not done or refused:
            raise SystemExit(f"{server.name} refused a valid credential: {done} responses, {refused} not 2xx")
        requests += done
        per_second += done / float(re.search(r"Time taken for tests: +([\d.]+)", said)[1])
    return per_second, 1e6 * (server.processor_time() - before) / requests


def logins(server, users, at_a_time):
    """First requests of these users per second, each from an address of its own, and the processor time of one."""
    waiting, statuses = iter(users), Counter()
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                number = next(waiting, None)
            if number is None:
                return
            with Connection(server, address(number)) as connection:
                status = connection.get(server.path, basic(f"user-{number}"))
            with lock:
                statuses[status] += 1

    started, before = time.monotonic(), server.processor_time()
    in_threads([work] * at_a_time)
    took = time.monotonic() - started
    if statuses != {200: len(users)}:
        raise SystemExit(f"{server.name} refused a valid credential: {dict(statuses)}")
    return len(users) / took, 1e6 * (server.processor_time() - before) / len(users)


def in_threads(works):
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
