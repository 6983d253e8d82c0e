# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""kvstored, started as a user starts it, in directories of its own."""

import os
import re
import resource
import select
import signal
import socket
import subprocess
import tempfile
import time

from support.bus import BusClient
from support.carriers import CARRIERS
from support.limits import LATER, SOON
from support.sse import EventStream
from support.wire import Connection, build_request

# What most tests are not about, and what those say that are: the file in the daemon's own XDG_DATA_HOME.
MEMORY = "memory:"
SQLITE = "sqlite:"

# What a service that works has no reason to write.
BAD_OUTPUT = re.compile(r"CRITICAL|WARNING|Sanitizer|runtime error|\*\* ERROR|Assertion")

# What the daemon gets of the tests' environment; everything else would be somebody's own setting.
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "G_SLICE", "TMPDIR")
PASSED_ON_PREFIXES = ("ASAN_", "UBSAN_", "LSAN_", "TSAN_")


def find_builddir():
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return os.environ.get("KVSTORED_BUILDDIR") or os.path.join(top, "build")


def find_program(*path):
    program = os.path.join(find_builddir(), *path)
    assert os.access(program, os.X_OK), f"{program} is not there: ./dev test builds it"
    return program


def make_environment(directory, extra=()):
    """The environment of a fresh user, whose home is the directory."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)
    }
    environment.update(HOME=directory, LC_ALL="C.UTF-8", G_DEBUG="fatal-criticals")
    for name in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "CACHE_HOME", "RUNTIME_DIR"):
        path = os.path.join(directory, name.lower())
        os.makedirs(path, mode=0o700, exist_ok=True)
        environment[f"XDG_{name}"] = path
    environment.update(extra)
    return environment


def limit_files(files):
    """What a child runs before anything else, so that no more than (soft, hard) files may be open."""
    return (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, files)) if files else None


def run(arguments, directory, environment=(), files=None, timeout=SOON):
    """Runs kvstored where it is to end by itself."""
    return subprocess.run(
        [find_program("src", "kvstored"), *arguments],
        env=make_environment(directory, environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=limit_files(files),
        timeout=timeout,
        check=False,
    )


class Daemon:
    """A kvstored that runs.

    process: the Popen; addresses: the lines that it wrote when it was ready; http: its first HTTP address as a base
    URL; port: its TCP port; bus_address: the bus that it is on, or None; database: where it keeps its keys if the store is SQLITE.
    """

    def __init__(self, directory, *options, http=("127.0.0.1:0",), bus="none", rate_limit="off",
                 carrier="express", store=MEMORY, environment=(), files=None, launcher=()):
        arguments = [*launcher, find_program("src", "kvstored"), *CARRIERS[carrier]]
        for address in http:
            arguments += ["--http", address]
        if bus is not None:
            arguments += ["--bus", bus]
        if rate_limit is not None:
            arguments += ["--rate-limit", rate_limit]
        self.database = os.path.join(directory, "data_home", "kvstore", "kvstore.db")
        if store != SQLITE:
            arguments += ["--store", store]
        self.directory = directory
        self.bus_address = bus if bus not in ("none", None) else None
        self.expected_output = None
        self.expected_status = 0
        self.told_to_stop = False
        self.stderr = tempfile.TemporaryFile(mode="w+", encoding="utf-8", dir=directory)

        read_fd, write_fd = os.pipe()
        self.process = subprocess.Popen(
            [*arguments, "--ready-fd", str(write_fd), *options],
            env=make_environment(directory, environment),
            pass_fds=[write_fd],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.stderr,
            preexec_fn=limit_files(files),
        )
        os.close(write_fd)
        try:
            self.addresses = self._wait_ready(read_fd)
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            os.close(read_fd)

    def _wait_ready(self, fd):
        """Reads what it writes when it is ready, to the end."""
        text = b""
        deadline = time.monotonic() + SOON
        while True:
            ready, _, _ = select.select([fd], [], [], max(deadline - time.monotonic(), 0))
            assert ready, f"kvstored did not get ready: {self.read_stderr()}"
            data = os.read(fd, 4096)
            if not data:
                break
            text += data
        lines = text.decode().splitlines()
        assert lines[:1] == ["READY=1"], f"kvstored did not start: {self.read_stderr()}"
        return lines[1:]

    @property
    def http(self):
        return next(a for a in self.addresses if a.startswith("http://"))

    @property
    def port(self):
        return int(self.http.rsplit(":", 1)[1])

    def read_stderr(self):
        self.stderr.seek(0)
        return self.stderr.read()

    # -- HTTP

    def connect(self, timeout=SOON, address=None):
        """A connection to an HTTP address of its, the first one if none is named."""
        address = address or next(a for a in self.addresses if not a.startswith("bus "))
        if address.startswith("unix:"):
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(timeout)
            sock.connect(address[len("unix:"):])
        else:
            host, port = address[len("http://"):].rsplit(":", 1)
            sock = socket.create_connection((host.strip("[]"), int(port)), timeout)
        return Connection(sock, timeout)

    def request(self, method, path, body=None, headers=()):
        """One request on a connection of its own: (status, headers, body)."""
        with self.connect() as connection:
            return connection.request(method, path, body, {"Connection": "close", **dict(headers)})

    def raw(self, data, timeout=SOON):
        """Sends bytes and gives whatever comes back until the daemon closes."""
        with self.connect(timeout) as connection:
            connection.send_while_read(data)
            return connection.read_to_end()

    def sse(self, path, body=None, headers=(), method=None):
        """A request for an event stream, whose head has come."""
        connection = self.connect()
        method = method or ("GET" if body is None else "POST")
        if body is not None:
            headers = {"Content-Type": "application/json", **dict(headers)}
        connection.send(build_request(method, path, body, headers))
        return EventStream(connection)

    def status(self):
        """The figures of /status."""
        return self.request("GET", "/status").json

    def await_status(self, name, value, timeout=SOON):
        """Waits until a figure of /status has a value, and tells whether it came to that."""
        deadline = time.monotonic() + timeout
        while self.status()[name] != value:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    # -- D-Bus

    def bus(self):
        """A new caller on the bus that it is on."""
        return BusClient(self.bus_address)

    # -- process

    @property
    def pid(self):
        return self.process.pid

    def resident_bytes(self):
        """The memory that it takes."""
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def count_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def signal(self, number):
        self.told_to_stop = True
        self.process.send_signal(number)

    def wait(self, timeout=LATER):
        return self.process.wait(timeout)

    def stop(self):
        """Ends it, if it still runs, as a service manager would, and checks that it ended well."""
        try:
            # A second signal would end it at once.
            if not self.told_to_stop:
                self.signal(signal.SIGTERM)
            status = self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"kvstored did not stop: {self.read_stderr()}") from None
        output = self.read_stderr()
        self.stderr.close()
        print(output, end="")
        assert status == self.expected_status, f"exit status {status}: {output}"
        bad = [
            line
            for line in output.splitlines()
            if BAD_OUTPUT.search(line)
            and not (self.expected_output and re.search(self.expected_output, line))
        ]
        assert not bad, f"kvstored complained: {output}"
