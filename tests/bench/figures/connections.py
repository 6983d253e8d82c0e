# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""What connections cost: 10,000 that rest beside those that ask, and 1 to 10,000 that all ask."""

import contextlib
import statistics
import time

from bench import machine
from bench.load import Load, idle_connections
from bench.peers import Kvstored, Nginx
from bench.records import curve, figure

# What a daemon, the load generator and this program keep open besides.
RESERVED_FILES = 500


def affordable(count):
    """So many connections, or as many as this user's processes may have open."""
    return min(count, machine.raise_file_limit() - RESERVED_FILES)


def measure_idle(quick):
    """Two daemons alike, of which now the one and now the other has idle connections.

    So what distinguishes the two processes cancels out.
    """
    rounds, seconds = (2, 1) if quick else (8, 2)
    count = affordable(10000)
    label = f"{count:,} idle besides"
    series = {label: [], "none idle": []}
    with contextlib.ExitStack() as stack:
        daemons = [stack.enter_context(Kvstored()) for _ in range(2)]
        loads = [stack.enter_context(Load(daemon, daemon.gets())) for daemon in daemons]
        for number in range(rounds):
            burdened = number % 2
            with idle_connections(daemons[burdened], count):
                # A connection counts as idle when it has rested for a second.
                time.sleep(1.5)
                for which in (0, 1) if number % 4 < 2 else (1, 0):
                    sample = loads[which].run(seconds)
                    series[label if which == burdened else "none idle"].append(sample.cpu)
    record = figure(
        "idle-connections", f"{count:,} idle connections: CPU of an active client's request", "µs", series,
        ratio=(label, "none idle"), at_most=1.05, than="times without",
    )
    # A round burdens the one daemon and the next the other: together, what distinguishes them is gone.
    pairs = record["ratios"]
    record["ratios"] = [(a * b) ** 0.5 for a, b in zip(pairs[::2], pairs[1::2])]
    record["held"] = statistics.median(record["ratios"]) <= 1.05
    return record


def measure_growth(quick):
    rounds, seconds = (1 if quick else 3), 1
    counts = [affordable(count) for count in ((1, 1000) if quick else (1, 10, 100, 1000, 10000))]
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(peer) for peer in (Kvstored(), Nginx())]
        series = {peer.name: [[] for _ in counts] for peer in peers}
        p99 = {peer.name: [[] for _ in counts] for peer in peers}
        for _ in range(rounds):
            for place, count in enumerate(counts):
                for peer in peers:
                    with Load(peer, peer.gets(), count) as load:
                        # All are open before the count begins; 10,000 of them take about a second.
                        settle = 2 if count > 1000 else 1
                        sample = load.run_settled(seconds, settle) if count >= 1000 else load.run(seconds)
                    series[peer.name][place].append(sample.cpu)
                    p99[peer.name][place].append(sample.p99)
    cpu_title = "GET: CPU a request, by the number of connections that ask"
    p99_title = "GET: 99th percentile of latency, by the number of connections that ask"
    return [
        curve("connections-cpu", cpu_title, "µs", "connections", counts, series),
        curve("connections-p99", p99_title, "µs", "connections", counts, p99),
    ]


def measure(quick):
    return [measure_idle(quick), *measure_growth(quick)]
