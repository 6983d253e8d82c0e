# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""GET with 16 requests sent at once on each connection, beside one at a time."""

import contextlib

from bench.load import Load
from bench.peers import Kvstored, Nginx
from bench.records import SAMPLE_COLUMNS, alternate, figure, pick, sample_table

CONNECTIONS = 32
DEPTH = 16
ONE, DEEP = "one at a time", f"{DEPTH} at once"


def measure(quick):
    rounds, seconds = (2, 1) if quick else (6, 2)
    with contextlib.ExitStack() as stack:
        contestants = {}
        for peer in (Kvstored(), Nginx()):
            stack.enter_context(peer)
            for words, depth in ((ONE, 1), (DEEP, DEPTH)):
                load = stack.enter_context(Load(peer, peer.gets(), CONNECTIONS, depth))
                contestants[f"{peer.name}, {words}"] = lambda load=load: load.run(seconds)
        samples = alternate(rounds, contestants, seldom=[label for label in contestants if "nginx" in label])

    one, deep = f"kvstored, {ONE}", f"kvstored, {DEEP}"
    ours = {label: samples[label] for label in (one, deep)}
    return [
        figure(
            "pipelined-throughput", "GET, 16 at once against one at a time: throughput", "/s",
            pick(ours, "throughput"), ratio=(deep, one), at_least=6, than="times",
        ),
        figure(
            "pipelined-cpu", "GET, one at a time against 16 at once: CPU a request", "µs", pick(ours, "cpu"),
            ratio=(one, deep), at_least=6, than="times",
        ),
        # wrk gives a latency for 16 answers together, which compares with nothing.
        sample_table("pipelined", "GET, pipelined, 32 connections", samples, SAMPLE_COLUMNS[:2]),
    ]
