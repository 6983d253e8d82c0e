# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""A start, from when the program is run to its first answer, and the memory of a daemon with nothing to do.

As a person's session would start it: both doors, the default options and nothing stored. Beside it is one that
serves HTTP alone.
"""

import pathlib
import socket
import subprocess
import time

from bench import machine
from bench.interrupts import fresh_directory, hold
from bench.peers import READY_SECONDS, Bus, Kvstored, PeerError, free_port
from bench.records import alternate, figure

BOTH, ALONE = "both doors", "HTTP alone"


def ask(port):
    """Connects until somebody is there, and gives when the status line of the first answer has come."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with socket.socket() as connection:
            connection.settimeout(READY_SECONDS)
            try:
                connection.connect(("127.0.0.1", port))
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise PeerError("kvstored does not answer") from None
                continue
            connection.sendall(b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = connection.recv(4096)
            if not answer.startswith(b"HTTP/1.1 200 "):
                raise PeerError(f"kvstored answered {answer!r}")
            return time.monotonic()


def memory_of(pid):
    """Resident, proportional and private memory in MiB."""
    sizes = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]:
        name, value = line.split(":")
        sizes[name] = int(value.split()[0]) / 1024
    private = sizes["Private_Clean"] + sizes["Private_Dirty"]
    return {"Rss": sizes["Rss"], "Pss": sizes["Pss"], "Private": private}


def start_once(directory, bus):
    """One start: the milliseconds, and the memory."""
    port = free_port()
    command = [
        machine.get_kvstored(), "--http", f"127.0.0.1:{port}", "--bus", bus, "--store", "memory:",
        "--log-level", "warning",
    ]
    environment = Kvstored.environment(directory)
    process = None
    try:
        begin = time.monotonic()
        with hold():
            process = subprocess.Popen(
                command, env=environment, cwd=directory, stdin=subprocess.DEVNULL, close_fds=False,
                start_new_session=True,
            )
        milliseconds = (ask(port) - begin) * 1e3
        memory = memory_of(process.pid)
    finally:
        if process:
            with hold():
                process.terminate()
                process.wait(READY_SECONDS)
    return milliseconds, memory


def measure(quick):
    with fresh_directory() as directory, Bus() as bus:
        starts = alternate(5 if quick else 40, {
            BOTH: lambda: start_once(directory, bus.address), ALONE: lambda: start_once(directory, "none"),
        })
    times = {label: [milliseconds for milliseconds, _ in row] for label, row in starts.items()}
    resident = {label: [memory["Rss"] for _, memory in row] for label, row in starts.items()}
    # With each page that several processes have divided among them, and without these pages.
    resident["both doors, proportional"] = [memory["Pss"] for _, memory in starts[BOTH]]
    resident["both doors, private"] = [memory["Private"] for _, memory in starts[BOTH]]
    return [
        figure("cold-start", "A start, to the first answer", "ms", times, at_most=30),
        figure("idle-memory", "Resident memory with nothing to do", "MiB", resident, at_most=12),
    ]
