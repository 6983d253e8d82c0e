# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Who is measured: how each is started and stopped, how its CPU time is taken, what a GET and a PUT of it are.

Every peer listens on a free loopback port, writes into a fresh directory only, runs on the server's cores, and is
stopped by the id of the session that it was started in. All are context managers:

    with Nginx() as nginx, Kvstored() as kvstored:
        ...
"""

import base64
import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import time

from bench import machine
from bench.interrupts import end_with_parent, fresh_directory, hold

READY_SECONDS = 20
STOP_SECONDS = 40

VALUE = b"0123456789abcdef0123456789abcdef"
KEY_COUNT = 1000


class PeerError(Exception):
    """A peer that did not start, or did not do what it is asked."""


def key(number):
    """All keys are of one length, so that requests for different ones differ in nothing else."""
    return f"key-{number:09d}"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def http_request(method, path, body=None, content_type=None):
    """The bytes of a request as wrk would write it, with no more headers than needed."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
    if content_type:
        head += f"Content-Type: {content_type}\r\n"
    if body is not None:
        head += f"Content-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + (body or b"")


def is_running(pid):
    """Whether a process is there, and not only still to be waited for."""
    try:
        # What follows the name, which is in parentheses and may hold anything, is the state.
        state = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


class Process:
    """A process in a session of its own, by whose id it and its children are found, accounted and ended."""

    def __init__(self, command, directory, cores, environment=None, **popen):
        self.output = pathlib.Path(directory) / f"{pathlib.Path(command[0]).name}.out"

        def prepare():
            os.sched_setaffinity(0, cores)
            end_with_parent()

        popen.setdefault("stdin", subprocess.DEVNULL)
        with open(self.output, "wb") as output:
            popen.setdefault("stdout", output)
            self.popen = subprocess.Popen(
                command, cwd=directory, env=environment, stderr=output, start_new_session=True,
                preexec_fn=prepare, **popen,
            )
        self.pid = self.popen.pid

    def pids(self):
        """Itself and what it has started."""
        found = []
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                with contextlib.suppress(OSError, ProcessLookupError):
                    if os.getsid(int(entry.name)) == self.pid:
                        found.append(int(entry.name))
        return found

    def cpu_nanoseconds(self):
        return sum(machine.cpu_nanoseconds(pid) for pid in self.pids())

    def check(self):
        """Raises PeerError if it has ended."""
        if self.popen.poll() is not None:
            text = self.output.read_text(errors="replace").strip()
            raise PeerError(f"{self.popen.args[0]} ended with status {self.popen.returncode}: {text[-1000:]}")

    def stop(self):
        """Asks it to end, and after a while makes it and its children."""
        if self.popen.stdin:
            self.popen.stdin.close()
        if self.popen.stdout:
            self.popen.stdout.close()
        self.popen.terminate()
        try:
            self.popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait()
        while any(is_running(pid) for pid in self.pids()):
            time.sleep(0.005)


class Peer:
    """What all peers have in common. A subclass says how it is started, and what to ask it."""

    name = None
    needs = ()  # the programs that it is made of

    def __init__(self, cores=None, name=None):
        self.cores = cores or machine.cores_for_server()
        self.name = name or self.name
        self.processes = []
        self.directory = None
        self.port = None

    @classmethod
    def is_installed(cls):
        return all(shutil.which(program) for program in cls.needs)

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        with self.stack:
            self.directory = self.stack.enter_context(fresh_directory())
            self.start()
            self.fill()
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *error):
        with hold():
            self.stack.close()

    def spawn(self, command, **options):
        with hold():
            process = Process(command, self.directory, self.cores, **options)
            self.processes.append(process)
            self.stack.callback(process.stop)
        return process

    def await_port(self, process, port):
        """Returns when somebody listens there."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            process.check()
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise PeerError(f"{self.name} does not listen") from None
                time.sleep(0.02)

    def await_answer(self, process):
        """Returns when it stores a key: some listen before they can, and answer 503 until then."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            process.check()
            try:
                self.exchange([self.put(0)])
                return
            except (PeerError, OSError):
                if time.monotonic() > deadline:
                    raise PeerError(f"{self.name} does not get ready") from None
                time.sleep(0.05)

    def stop(self):
        """Ends its processes, so that start() can be called again."""
        with hold():
            while self.processes:
                self.processes.pop().stop()

    def write(self, name, text):
        path = pathlib.Path(self.directory) / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def start(self):
        """Starts its processes and sets its port."""
        raise NotImplementedError

    def fill(self):
        """Stores the keys that a GET asks for."""
        self.exchange([self.put(number) for number in range(KEY_COUNT)])

    def get(self, number):
        """The request for the value of key number."""
        raise NotImplementedError

    def put(self, number, value=VALUE):
        """The request that sets it."""
        raise NotImplementedError

    def gets(self):
        return [self.get(number) for number in range(KEY_COUNT)]

    def puts(self):
        return [self.put(number) for number in range(KEY_COUNT)]

    def exchange(self, requests):
        """Sends requests on one connection, one after the other, and gives the last answer's body."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            reader = connection.makefile("rb")
            for request in requests:
                connection.sendall(request)
                body = read_answer(reader)
        return body

    def cpu_nanoseconds(self):
        """The CPU time of all processes that serve."""
        for process in self.processes:
            process.check()
        return sum(process.cpu_nanoseconds() for process in self.processes)


def read_answer(reader):
    """The body of the next answer, which has to be a good one."""
    line = reader.readline()
    length = None
    fields = line.split(None, 2)
    if len(fields) < 2 or not fields[1].startswith(b"2"):
        raise PeerError(f"a request was answered {line!r}")
    chunked = False
    while (header := reader.readline().strip()) != b"":
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        chunked |= name.lower() == b"transfer-encoding" and value.strip().lower() == b"chunked"
    if not chunked:
        return reader.read(length or 0)
    body = b""
    while size := int(reader.readline(), 16):
        body += reader.read(size)
        reader.readline()
    reader.readline()
    return body


class Answers:
    """The answers on a connection, of which nothing is wanted but that they are good, and how many."""

    START = b"HTTP/1.1 "
    GOOD = b"HTTP/1.1 20"

    def __init__(self, connection):
        self.connection = connection
        self.number = 0
        self.rest = b""

    def await_number(self, number):
        """Returns when so many have come. They have no body."""
        while self.number < number:
            data = self.connection.recv(1 << 18)
            if not data:
                raise PeerError(f"the connection was closed after {self.number} answers")
            data = self.rest + data
            good = data.count(self.GOOD)
            # What could be the beginning of one stays for the next time.
            self.rest = data[-len(self.GOOD) + 1:]
            if data.count(self.START, 0, -2) != good:
                at = next(m for m in data.split(self.START)[1:] if not m.startswith(b"20"))
                raise PeerError(f"a request was answered {at[:40]!r}")
            self.number += good


# -- Ours


class Kvstored(Peer):
    """kvstored with one worker, its keys in memory, no bus and no rate limit, unless told otherwise."""

    name = "kvstored"

    def __init__(self, *options, workers=1, rate_limit="off", bus="none", store="memory:", **common):
        common.setdefault("cores", machine.cores_for_server(workers))
        super().__init__(**common)
        self.options = [
            "--http", "127.0.0.1:0", "--bus", bus, "--store", store, "--log-level", "warning",
            "--rate-limit", rate_limit, "--http-threads", str(workers),
            "--max-connections", "100000", *options,
        ]

    @staticmethod
    def knows(*options):
        """Whether the daemon has these options."""
        command = [machine.get_kvstored(), *options, "--version"]
        return subprocess.run(command, capture_output=True, check=False, timeout=30).returncode == 0

    @staticmethod
    def environment(directory):
        """A fresh user's, in which nobody's settings are found."""
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": directory, "LC_ALL": "C.UTF-8"}
        for name in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "CACHE_HOME", "RUNTIME_DIR"):
            path = os.path.join(directory, name.lower())
            os.makedirs(path, mode=0o700, exist_ok=True)
            environment[f"XDG_{name}"] = path
        return environment

    def start(self):
        read_end, write_end = os.pipe()
        with open(read_end, encoding="utf-8") as ready:
            try:
                process = self.spawn(
                    [machine.get_kvstored(), *self.options, "--ready-fd", str(write_end)],
                    environment=self.environment(self.directory), pass_fds=[write_end],
                )
            finally:
                os.close(write_end)
            if not select.select([ready], [], [], READY_SECONDS)[0]:
                raise PeerError("kvstored does not get ready")
            lines = ready.read().splitlines()
        for line in lines:
            if line.startswith("http://"):
                self.port = int(line.rsplit(":", 1)[1])
        if self.port is None:
            process.popen.wait(READY_SECONDS)
            process.check()

    def get(self, number):
        return http_request("GET", f"/store/{key(number)}")

    def put(self, number, value=VALUE):
        return http_request("PUT", f"/store/{key(number)}", value)

    def fill_up_to(self, count):
        """Stores count keys, many at once: the next lot is on its way while one is being answered."""
        lot = 512
        head, tail = "PUT /store/key-", f" HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(VALUE)}\r\n\r\n"
        tail += VALUE.decode()
        with socket.create_connection(("127.0.0.1", self.port), timeout=120) as connection:
            answers = Answers(connection)
            for first in range(0, count, lot):
                numbers = range(first, min(first + lot, count))
                connection.sendall("".join([f"{head}{number:09d}{tail}" for number in numbers]).encode())
                answers.await_number(first)
            answers.await_number(count)

    def count_answers(self):
        """How many GETs it has answered since it was started."""
        return json.loads(self.exchange([http_request("GET", "/status")]))["get_operations"]


# -- The others


class Nginx(Peer):
    """nginx with one worker that answers from its configuration.

    It parses a request and writes an answer with about the size and the headers of kvstored's, and does nothing
    between the two.
    """

    name = "nginx"
    needs = ("nginx",)

    GET_HEADERS = {
        "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff",
        "ETag": '"1795486807442383"', "KV-Revision": "1795486807442383",
    }
    PUT_HEADERS = {"ETag": '"1795486807442383"', "KV-Revision": "1795486807442383"}

    def __init__(self, file_sizes=(), **common):
        super().__init__(**common)
        self.file_sizes = file_sizes

    def start(self):
        self.port = free_port()
        files = machine.raise_file_limit()
        user = "user root;" if os.geteuid() == 0 else ""
        paths = "\n".join(
            f"{kind}_temp_path {self.directory}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config = self.write("nginx.conf", f"""
            daemon off; {user} worker_processes 1; worker_rlimit_nofile {files};
            pid {self.directory}/nginx.pid; error_log stderr error;
            events {{ worker_connections {max(files - 100, 512)}; }}
            http {{
              access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; default_type text/plain;
              {paths}
              server {{
                listen 127.0.0.1:{self.port} backlog=4096;
                location /store/ {{ {add_headers(self.GET_HEADERS)} return 200 "{VALUE.decode()}"; }}
                location /put/ {{ {add_headers(self.PUT_HEADERS)} return 204; }}
                location /file/ {{ root {self.directory}; open_file_cache max=100 inactive=1h;
                                   open_file_cache_valid 1h; sendfile on; }}
                location = /count {{ stub_status; }}
              }}
            }}
            """)
        for size in self.file_sizes:
            (pathlib.Path(self.directory) / "file").mkdir(exist_ok=True)
            self.write(f"file/{size}", "x" * size)
        process = self.spawn(["nginx", "-p", self.directory, "-c", config])
        self.await_port(process, self.port)

    def fill(self):
        self.exchange([self.get(0), self.put(0)])

    def get(self, number):
        return http_request("GET", f"/store/{key(number)}")

    def put(self, number, value=VALUE):
        return http_request("PUT", f"/put/{key(number)}", value)

    def get_file(self, size):
        return http_request("GET", f"/file/{size}")

    def count_answers(self):
        """The third number of the line "accepts handled requests"."""
        return int(self.exchange([http_request("GET", "/count")]).splitlines()[2].split()[2])


def add_headers(headers):
    return " ".join(f"add_header {name} '{value}';" for name, value in headers.items())


class Webdis(Peer):
    """webdis with one thread, and the redis behind it on a unix socket. Both are counted."""

    name = "webdis + redis"
    needs = ("webdis", "redis-server")

    def start(self):
        path = f"{self.directory}/redis.sock"
        redis = self.spawn([
            "redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no",
            "--dir", self.directory, "--daemonize", "no",
        ])
        deadline = time.monotonic() + READY_SECONDS
        while not os.path.exists(path):
            redis.check()
            if time.monotonic() > deadline:
                raise PeerError("redis-server does not get ready")
            time.sleep(0.02)
        self.port = free_port()
        config = self.write("webdis.json", json.dumps({
            "redis_host": path, "redis_port": 0, "redis_auth": None,
            "http_host": "127.0.0.1", "http_port": self.port, "threads": 1, "pool_size": 20, "daemonize": False,
            "database": 0, "verbosity": 0, "logfile": f"{self.directory}/webdis.log",
        }))
        webdis = self.spawn(["webdis", config])
        self.await_port(webdis, self.port)
        self.await_answer(webdis)

    def get(self, number):
        return http_request("GET", f"/GET/{key(number)}.txt")

    def put(self, number, value=VALUE):
        return http_request("PUT", f"/SET/{key(number)}", value)


class Etcd(Peer):
    """One etcd, asked through its JSON gateway. It writes to disk what the others keep in memory."""

    name = "etcd"
    needs = ("etcd",)

    def start(self):
        self.port = free_port()
        client, peer = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{free_port()}"
        process = self.spawn([
            "etcd", "--name", "bench", "--data-dir", f"{self.directory}/data", "--logger", "zap",
            "--log-level", "error", "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", f"bench={peer}",
        ], environment={"PATH": os.environ.get("PATH", ""), "HOME": self.directory})
        self.await_port(process, self.port)
        self.await_answer(process)

    def get(self, number):
        return self.call("range", key=key(number).encode())

    def put(self, number, value=VALUE):
        return self.call("put", key=key(number).encode(), value=value)

    @staticmethod
    def call(method, **fields):
        body = json.dumps({name: base64.b64encode(value).decode() for name, value in fields.items()})
        return http_request("POST", f"/v3/kv/{method}", body.encode(), "application/json")


class BareSoup(Peer):
    """A SoupServer with one handler that answers a constant."""

    name = "SoupServer"

    def start(self):
        process = self.spawn(
            [str(machine.get_build() / "tests/bench/bench-soup-constant")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        line = process.popen.stdout.readline()
        if not line:
            process.popen.wait(READY_SECONDS)
            process.check()
        self.port = int(line)

    def fill(self):
        self.exchange([self.get(0)])

    def get(self, number):
        return http_request("GET", f"/store/{key(number)}")


class Bus(Peer):
    """A message bus with nobody on it. It is not measured; kvstored is started on it."""

    name = "dbus-daemon"
    needs = ("dbus-daemon",)

    def start(self):
        process = self.spawn(
            [
                "dbus-daemon", "--session", "--nofork", "--print-address=1",
                f"--address=unix:path={self.directory}/bus",
            ],
            environment=Kvstored.environment(self.directory), stdout=subprocess.PIPE,
        )
        self.address = process.popen.stdout.readline().decode().strip()
        if not self.address:
            process.popen.wait(READY_SECONDS)
            process.check()

    def fill(self):
        """It stores nothing."""
