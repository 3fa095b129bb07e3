"""The two servers of the load test, on free ports of loopback, with one password file."""

import contextlib
import os
import pathlib
import socket
import subprocess
import time

PASSWORD = "correct horse"

# `return 200` would answer before it asks for a password: a small file instead. Its workers keep
# connections for as long as the other server does.
NGINX = """
daemon off;
worker_processes auto;
pid {dir}/nginx.pid;
error_log {dir}/nginx.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    default_type text/plain;
    root {dir}/www;
    open_file_cache max=10;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            auth_basic mcp;
            auth_basic_user_file {dir}/users.htpasswd;
        }}
        location = /health {{ }}
    }}
}}
"""


class Server:
    """A server that runs. `ok` is what it answers at `path` to who is let in."""

    def __init__(self, name, port, path, ok, process):
        self.name, self.port, self.path, self.ok, self.process = name, port, path, ok, process


def write_users(directory, cost, count):
    """Users named `user-0` and so on, with one hash, since making as many takes its time."""
    command = ["htpasswd", "-nbB", "-C", str(cost), "user", PASSWORD]
    line = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    _, line = line.split(":", 1)
    file = pathlib.Path(directory, "users.htpasswd")
    file.write_text("".join(f"user-{n}:{line}\n" for n in range(count)))
    return file


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    for _ in range(1000):
        if process.poll() is not None:
            raise SystemExit(f"{process.args[0]} has ended: see its log")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise SystemExit(f"{process.args[0]} does not listen")


@contextlib.contextmanager
def running(command, directory, port):
    with open(pathlib.Path(directory, "log"), "ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            wait_for(port, process)
            yield process
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def nginx(directory):
    www = pathlib.Path(directory, "www")
    www.mkdir()
    for name in ("guarded", "health"):
        (www / name).write_text("ok")
    os.chmod(directory, 0o755)  # its workers are of another user, if it is started by root
    port = free_port()
    config = pathlib.Path(directory, "nginx.conf")
    config.write_text(NGINX.format(dir=directory, port=port))
    command = ["nginx", "-c", str(config), "-e", str(pathlib.Path(directory, "nginx.log"))]
    with running(command, directory, port) as process:
        yield Server("nginx", port, "/guarded", 200, process)


@contextlib.contextmanager
def ours(binary, directory, users):
    port = free_port()
    command = [binary, "--port", str(port), "--htpasswd", str(users)]
    with running(command, directory, port) as process:
        yield Server("mcp-auth-layer", port, "/guarded", 404, process)
