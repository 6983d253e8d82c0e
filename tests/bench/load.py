# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""The load: wrk, always pinned to the same core, and what wrk cannot do.

A Load is prepared once (the requests go to a file that load.lua reads) and run in every round:

    with Load(peer, peer.gets(), connections=32) as load:
        sample = load.run(seconds=2)
"""

import contextlib
import dataclasses
import itertools
import json
import os
import socket
import struct
import subprocess
import time

from bench import machine
from bench.interrupts import end_with_parent, hold
from bench.peers import PeerError, read_answer

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "load.lua")

# Nine hashes in a request stand for the number of a key that is drawn anew each time.
ANY_KEY = "#########"


class LoadError(PeerError):
    """wrk met an answer that was no success, or no answer."""


@dataclasses.dataclass
class Sample:
    """What one round of one contestant came to. Times are microseconds."""

    cpu: float  # of all processes that serve, a request
    throughput: float  # requests a second
    p50: float
    p99: float
    p999: float
    requests: int


def parse_wrk(text):
    """The line of JSON that load.lua prints after what wrk prints by itself."""
    lines = text.strip().splitlines()
    try:
        result = json.loads(lines[-1])
        failed, requests = result["failed"], result["requests"]
    except (IndexError, ValueError, KeyError, TypeError):
        raise LoadError(f"wrk said: {text}") from None
    if failed or not requests:
        raise LoadError(f"{failed} of {requests} requests failed: {text}")
    return result


def write_requests(file, requests):
    """Each after its length and a line end, as load.lua reads them."""
    for request in requests:
        file.write(b"%d\n%b" % (len(request), request))


def prepare_client():
    os.sched_setaffinity(0, machine.cores_for_load())
    end_with_parent()


class Load:
    """Connections that send one of the requests, await the answer, and send another.

    depth: how many requests a connection sends at once.
    keys: how many there are, where requests hold ANY_KEY.
    """

    numbers = itertools.count()

    def __init__(self, peer, requests, connections=32, depth=1, keys=0):
        self.peer = peer
        self.connections = connections
        self.keys = keys
        if depth > 1:
            requests = [b"".join(requests[i:i + depth]) for i in range(0, len(requests) - depth + 1, depth)]
        # In the peer's folder, which goes with the peer.
        self.path = os.path.join(peer.directory, f"requests-{next(self.numbers)}")
        with open(self.path, "wb") as file:
            write_requests(file, requests)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        os.unlink(self.path)

    def command(self, seconds):
        return [
            "wrk", "-t1", f"-c{self.connections}", f"-d{seconds}s", "--timeout", "60s", "-s", SCRIPT,
            f"http://127.0.0.1:{self.peer.port}", "--", self.path, str(self.keys),
        ]

    @contextlib.contextmanager
    def start(self, seconds):
        """A wrk that runs, and does not outlive the block."""
        wrk = None
        try:
            with hold():
                wrk = subprocess.Popen(
                    self.command(seconds), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT, text=True, start_new_session=True, preexec_fn=prepare_client,
                )
            yield wrk
        finally:
            if wrk:
                wrk.kill()
                wrk.wait()
                wrk.stdout.close()

    def finish(self, wrk, seconds):
        output, _ = wrk.communicate(timeout=seconds + 90)
        return parse_wrk(output)

    def run(self, seconds):
        """A Sample over all that wrk sent. Opening its few connections is in it, and costs next to nothing."""
        before = self.peer.cpu_nanoseconds()
        with self.start(seconds) as wrk:
            result = self.finish(wrk, seconds)
        cpu = self.peer.cpu_nanoseconds() - before
        return make_sample(result, cpu / 1e3 / result["requests"])

    def run_settled(self, seconds, settle):
        """A Sample whose CPU time begins when the connections have been open for a while.

        Opening thousands of them costs more than what they ask for. The peer itself tells how many requests it
        has answered in between.
        """
        with self.start(seconds + settle + 1) as wrk:
            time.sleep(settle)
            answers, before = self.peer.count_answers(), self.peer.cpu_nanoseconds()
            time.sleep(seconds)
            answers, cpu = self.peer.count_answers() - answers, self.peer.cpu_nanoseconds() - before
            result = self.finish(wrk, seconds + settle + 1)
        if answers <= 0:
            raise LoadError(f"{self.peer.name} has answered nothing in {seconds} s")
        return make_sample(result, cpu / 1e3 / answers)


def make_sample(result, cpu):
    return Sample(
        cpu=cpu, throughput=result["requests"] / (result["microseconds"] / 1e6), p50=result["p50"],
        p99=result["p99"], p999=result["p99.9"], requests=result["requests"],
    )


@contextlib.contextmanager
def idle_connections(peer, count):
    """So many connections to a peer that have each been answered once and stay open."""
    connections = []
    request = peer.get(0)
    try:
        for first in range(0, count, 500):
            group = []
            for _ in range(first, min(first + 500, count)):
                connection = socket.create_connection(("127.0.0.1", peer.port), timeout=60)
                connections.append(connection)
                group.append(connection)
                # Closed without a farewell, so that no port is held back for a minute.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.sendall(request)
            for connection in group:
                with connection.makefile("rb") as reader:
                    read_answer(reader)
        yield connections
    finally:
        for connection in connections:
            connection.close()
