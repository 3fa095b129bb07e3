"""The servers of the load test, on free ports of loopback: an example server with the layer, and nginx as a proxy."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import time

USER, TOKEN, PASSWORD = "user-0", "dG9rZW4tb2YtY2k", "correct horse"

# What nginx checks, by the name of the contender. The upstream is the public path of an example server: there, the layer
# forwards requests without authentication.
CHECKS = {
    "none": "",
    "token": "if ($token_is_valid = 0) { return 401; }",
    "user": "auth_basic mcp; auth_basic_user_file {dir}/plain.htpasswd;",
    "file": "auth_basic mcp; auth_basic_user_file {dir}/users.htpasswd;",
}

# Workers keep connections for as long as the other server does, to clients and to the upstream.
NGINX = """
daemon off;
worker_processes auto;
pid {dir}/pid;
error_log {dir}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    map $http_authorization $token_is_valid {{
        default 0;
        "Bearer {token}" 1;
    }}
    upstream example {{
        server 127.0.0.1:{upstream};
        keepalive 64;
        keepalive_requests 100000000;
    }}
    proxy_http_version 1.1;
    proxy_buffering off;
    proxy_set_header Connection "";
    proxy_set_header Authorization "";
    proxy_set_header Host localhost;
    server {{
        listen 127.0.0.1:{port};
        location = /whoami {{
            {check}
            proxy_pass http://example/health;
        }}
        location = /health {{ proxy_pass http://example/health; }}
    }}
}}
"""


class Server:
    """A server that runs. An authenticated request for `path` is answered with 200."""

    path, public_path = "/whoami", "/health"

    def __init__(self, name, port, processes):
        self.name, self.port, self.processes = name, port, processes

    def processor_time(self):
        """The seconds that its processes have run, user and system. Linux alone counts them in `/proc`."""
        return sum(ticks(identifier) for identifier in with_children(self.processes)) / os.sysconf("SC_CLK_TCK")


def ticks(identifier):
    fields = pathlib.Path(f"/proc/{identifier}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def with_children(processes):
    for process in processes:
        yield process.pid
        yield from pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()


def has_nginx():
    return shutil.which("nginx") is not None


def write_users(directory, cost, count):
    """Users named `user-0` and so on. They have the same hash, as to make so many takes long. bcrypt is what both servers
    verify: nginx through crypt() of the C library, which has no Argon2."""
    command = ["htpasswd", "-nbB", "-C", str(cost), "user", PASSWORD]
    line = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    _, line = line.split(":", 1)
    pathlib.Path(directory, "users.htpasswd").write_text("".join(f"user-{n}:{line}\n" for n in range(count)))


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
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def nginx(binary, directory, check):
    """nginx in front of an example server without access control."""
    os.chmod(directory, 0o755)  # its workers are of another user, if it is started by root
    with layer(binary, directory, "token") as upstream:
        port = free_port()
        own = pathlib.Path(directory, f"nginx-{check}")
        own.mkdir()
        pathlib.Path(directory, "plain.htpasswd").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        rules = CHECKS[check].replace("{dir}", directory)
        config = own / "nginx.conf"
        config.write_text(NGINX.format(dir=own, port=port, upstream=upstream.port, token=TOKEN, check=rules))
        command = ["nginx", "-c", str(config), "-e", str(own / "error.log")]
        with running(command, directory, port) as process:
            yield Server("nginx", port, [process, *upstream.processes])


@contextlib.contextmanager
def layer(binary, directory, check):
    """An example server with `McpAuthLayer`."""
    port = free_port()
    credentials = {
        "none": ["--token", f"ci:{TOKEN}"],
        "token": ["--token", f"ci:{TOKEN}"],
        "user": ["--user", f"{USER}:{PASSWORD}"],
        "file": ["--htpasswd", str(pathlib.Path(directory, "users.htpasswd"))],
    }
    with running([binary, "--port", str(port), *credentials[check]], directory, port) as process:
        server = Server("McpAuthLayer", port, [process])
        if check == "none":
            server.path = server.public_path
        yield server
