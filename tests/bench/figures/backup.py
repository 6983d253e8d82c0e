# SPDX-FileCopyrightText: 2026 the kvstore authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A dump of 1,000,000 keys, and restores of it: what each takes for a key, and how much memory for all of them.

The restores are merged into a store that has nothing, into one that has all of it already, and put in place of that.
"""

import contextlib
import pathlib
import socket
import time

from bench.peers import Kvstored, PeerError
from bench.records import figure

MANY, FEW = 1_000_000, 50_000
SECONDS = 120
TYPE = b"Content-Type: application/x-ndjson\r\n"


def read_status(pid, name):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    raise PeerError(f"the kernel does not tell {name}")


@contextlib.contextmanager
def watch_memory(daemon, grown, fills=False):
    """Adds to grown by how many MiB the daemon's memory exceeded what it had before; or what it has afterwards, if it is
    filled meanwhile."""
    pid = daemon.processes[0].pid
    before = read_status(pid, "VmRSS")
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
    yield
    grown.append(read_status(pid, "VmHWM") - (read_status(pid, "VmRSS") if fills else before))


def exchange(daemon, request, body=b""):
    """One request, on a connection that is closed behind it: the body of the answer, which has to be 200."""
    with socket.create_connection(("127.0.0.1", daemon.port), SECONDS) as connection:
        connection.sendall(request)
        connection.sendall(body)
        parts = []
        while part := connection.recv(1 << 20):
            parts.append(part)
    head, _, answer = b"".join(parts).partition(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise PeerError(f"kvstored answered {head!r}")
    return answer


def dump(daemon):
    """Of HTTP/1.0, so that there are no chunks to be taken off."""
    return exchange(daemon, b"GET /v1/dump HTTP/1.0\r\n\r\n")


def restore(daemon, text, query=b""):
    head = b"POST /v1/restore" + query + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + TYPE
    return exchange(daemon, head + b"Content-Length: %d\r\n\r\n" % len(text), text)


def timed(samples, keys, function):
    start = time.monotonic()
    result = function()
    samples.append((time.monotonic() - start) * 1e6 / keys)
    return result


def measure(quick):
    keys = FEW if quick else MANY
    times = {name: [] for name in ("dump", "restore", "restore again", "restore in place")}
    grown = {"dump": [], "restore": []}
    for _ in range(1 if quick else 3):
        with Kvstored() as one, Kvstored() as other:
            one.fill_up_to(keys)
            with watch_memory(one, grown["dump"]):
                text = timed(times["dump"], keys, lambda: dump(one))
            if text.count(b"\n") != keys + 2:
                raise PeerError("the dump is not whole")
            with watch_memory(other, grown["restore"], fills=True):
                timed(times["restore"], keys, lambda: restore(other, text))
            timed(times["restore again"], keys, lambda: restore(other, text))
            timed(times["restore in place"], keys, lambda: restore(other, text, b"?mode=replace"))
    return [
        figure("backup-time", f"A dump and restores of {keys:,} keys: time for a key", "µs", times),
        figure("backup-memory", f"Memory beyond the keys, with {keys:,} of them", "MiB", grown, at_most=8),
    ]
