# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""What watches cost a write that is none of theirs: 10,000 streams of /v1/watch, each of a prefix of its own."""

import contextlib
import socket
import struct

from bench.figures.connections import affordable
from bench.load import Load
from bench.peers import Kvstored, http_request
from bench.records import alternate, figure, pick

STREAMS = 10000
# Each stream has had all of its snapshot when this has come.
SNAPSHOT_END = b"event: snapshot_end\n"


def await_snapshot(connection):
    text = b""
    while SNAPSHOT_END not in text:
        data = connection.recv(65536)
        if not data:
            raise RuntimeError(f"a stream has ended: {text!r}")
        text += data


@contextlib.contextmanager
def watching(peer, count):
    """So many streams of a peer that have begun, and stay open."""
    connections = []
    try:
        for first in range(0, count, 500):
            group = []
            for number in range(first, min(first + 500, count)):
                connection = socket.create_connection(("127.0.0.1", peer.port), timeout=60)
                connections.append(connection)
                group.append(connection)
                # Closed without a farewell, so that no port is held back for a minute.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.sendall(http_request("GET", f"/v1/watch?prefix=watched-{number}/"))
            for connection in group:
                await_snapshot(connection)
        yield connections
    finally:
        for connection in connections:
            connection.close()


def measure_writes(quick, connections):
    """Three daemons alike, with as many watches as their labels say."""
    rounds, seconds = (3, 1) if quick else (7, 2)
    count = affordable(STREAMS)
    many, one, none = f"{count:,} watches", "one watch", "no watch"
    with contextlib.ExitStack() as stack:
        daemons = {label: stack.enter_context(Kvstored()) for label in (many, one, none)}
        loads = {
            label: stack.enter_context(Load(daemon, [daemon.put(n) for n in range(1000)], connections=connections))
            for label, daemon in daemons.items()
        }
        stack.enter_context(watching(daemons[many], count))
        stack.enter_context(watching(daemons[one], 1))
        contestants = {label: lambda load=load: load.run(seconds) for label, load in loads.items()}
        samples = alternate(rounds, contestants)
    return figure(
        f"watch-prefixes-{connections}", f"A PUT that no watch of a prefix matches, {connections} at a time: CPU", "µs",
        pick(samples, "cpu"), ratio=(many, none), at_most=2, than="times without",
    )


def measure(quick):
    return [measure_writes(quick, connections) for connections in (1, 32)]
