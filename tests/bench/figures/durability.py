# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""What it costs to keep the keys: writes beside redis and bare SQLite, reads beside writes, and a start with many keys.

All that writes does so below one folder, on one disk. The clients are one program (durability-client.c), whoever is asked.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import time

from bench import machine
from bench.interrupts import fresh_directory
from bench.load import Load, prepare_client
from bench.peers import READY_SECONDS, Kvstored, Peer, PeerError, free_port
from bench.records import alternate, figure, pick

TOOLS = machine.get_build() / "tests/bench/durability"
WRITERS = 32
PAYLOAD_KEY, PAYLOAD_VALUE = 13, 32


class Redis(Peer):
    """redis that has each write on its disk before it answers."""

    name = "redis, appendfsync always"
    needs = ("redis-server",)

    def start(self):
        self.port = free_port()
        redis = self.spawn([
            "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes",
            "--appendfsync", "always", "--dir", self.directory, "--daemonize", "no",
        ])
        self.await_port(redis, self.port)

    def fill(self):
        """Nothing is read from it."""


class Durable(Kvstored):
    """A kvstored with its keys in a database of its own."""

    def __init__(self, durability, **common):
        # Its journal has a thread of its own.
        super().__init__("--durability", durability, store="sqlite:kvstore.db", cores=machine.CORES, **common)

    def find_file(self):
        return pathlib.Path(self.directory, "kvstore.db")


def run_tool(program, *arguments):
    """What a program of ours prints: a line of JSON."""
    result = subprocess.run(
        [str(TOOLS / program), *map(str, arguments)], capture_output=True, text=True, check=False,
        timeout=300, preexec_fn=prepare_client,
    )
    if result.returncode:
        raise PeerError(f"{program} said: {result.stderr}")
    return json.loads(result.stdout)


def ask(peer, what, connections, seconds):
    return run_tool("durability-client", peer.port, what, connections, seconds)


def per_second(result):
    return result.get("requests", result.get("count")) / (result["microseconds"] / 1e6)


def measure_strict(rounds, seconds):
    """Writes that are on the disk when they are answered: of many clients, and of one."""
    with contextlib.ExitStack() as stack:
        strict = stack.enter_context(Durable("strict", name="kvstored, strict"))
        redis = stack.enter_context(Redis(cores=machine.CORES))
        directory = stack.enter_context(fresh_directory())
        files = iter(range(10 ** 6))
        many = alternate(rounds, {
            "kvstored, strict": lambda: per_second(ask(strict, "put", WRITERS, seconds)),
            redis.name: lambda: per_second(ask(redis, "set", WRITERS, seconds)),
        })
        one = alternate(rounds, {
            "kvstored, strict": lambda: 1e6 / per_second(ask(strict, "put", 1, seconds)),
            "bare SQLite": lambda: 1e6 / per_second(run_tool(
                "bare-sqlite", "write", f"{directory}/{next(files)}.db", seconds)),
            redis.name: lambda: 1e6 / per_second(ask(redis, "set", 1, seconds)),
        })
    return [
        figure("strict-many", f"Strict writes of {WRITERS} clients", "/s", many,
               ratio=("kvstored, strict", redis.name), at_least=1, than="times redis"),
        figure("strict-one", "A strict write of one client", "µs", one,
               ratio=("kvstored, strict", "bare SQLite"), at_most=1.3, than="times a bare transaction"),
    ]


def measure_relaxed(rounds, seconds):
    """The CPU time of a write that is on the disk within a second, beside one that stays in memory."""
    with contextlib.ExitStack() as stack:
        peers = [
            stack.enter_context(Durable("relaxed", name="relaxed")),
            stack.enter_context(Kvstored(name="in memory", cores=machine.CORES)),
        ]
        loads = {peer.name: stack.enter_context(Load(peer, peer.puts())) for peer in peers}
        samples = alternate(rounds, {name: lambda load=load: load.run(seconds) for name, load in loads.items()})
    return [figure("relaxed-cpu", "A relaxed PUT: CPU a request", "µs", pick(samples, "cpu"),
                   ratio=("relaxed", "in memory"), at_most=1.6, than="times one in memory")]


def measure_reads(rounds, seconds):
    """The reads of one client, alone and while others write as fast as they can."""
    def beside_writers(peer):
        with subprocess.Popen(
            [str(TOOLS / "durability-client"), str(peer.port), "put", str(WRITERS), str(seconds + 1)],
            stdout=subprocess.DEVNULL, preexec_fn=prepare_client,
        ) as writers:
            time.sleep(0.3)
            p99 = ask(peer, "get", 1, seconds)["p99"]
            writers.wait(READY_SECONDS + seconds)
        return p99

    with Durable("strict", name="kvstored, strict") as peer:
        ask(peer, "put", WRITERS, 1)
        waits = alternate(rounds, {
            "beside writers": lambda: beside_writers(peer), "alone": lambda: ask(peer, "get", 1, seconds)["p99"],
        })
    return [figure("read-beside-writes", f"GET beside {WRITERS} strict writers: 99th percentile of latency", "µs",
                   waits, ratio=("beside writers", "alone"), at_most=1.5, than="times alone")]


def start_once(peer):
    """Seconds from a start to the daemon's word that it is ready."""
    begin = time.monotonic()
    peer.start()
    seconds = time.monotonic() - begin
    peer.stop()
    return seconds


def measure_load(rounds, keys):
    """A start with many keys, and the size of their file, which nobody else can open while the daemon runs."""
    with Durable("relaxed", name="kvstored") as peer:
        peer.fill_up_to(keys)
        peer.stop()
        starts = alternate(rounds, {
            "kvstored": lambda: start_once(peer),
            "bare scan": lambda: run_tool("bare-sqlite", "load", peer.find_file())["microseconds"] / 1e6,
        })
        size = os.path.getsize(peer.find_file())
    payload = keys * (PAYLOAD_KEY + PAYLOAD_VALUE)
    bound = 1.6 * payload + 60 * keys
    return [
        figure("load-time", f"A start with {keys:,} keys", "s", {"kvstored": starts["kvstored"]}, at_most=3),
        figure("load-ratio", f"A start with {keys:,} keys, beside a bare scan", "s", starts,
               ratio=("kvstored", "bare scan"), at_most=1.5, than="times a scan that fills a GHashTable"),
        figure("file-size", f"The file of {keys:,} keys of {PAYLOAD_KEY} bytes with {PAYLOAD_VALUE}", "bytes a key",
               {"kvstored": [size / keys]}, at_most=bound / keys),
    ]


def measure(quick):
    rounds, seconds = (2, 1) if quick else (7, 2)
    return [
        *measure_strict(rounds, seconds),
        *measure_relaxed(rounds, seconds),
        *measure_reads(rounds, seconds),
        *measure_load(2 if quick else 5, 100_000 if quick else 1_000_000),
    ]
