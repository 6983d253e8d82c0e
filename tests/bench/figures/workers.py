# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""GET from two workers beside one.

On a machine of two cores the second worker shares its core with the load generator.
"""

import contextlib

from bench import machine
from bench.load import Load
from bench.peers import Kvstored
from bench.records import alternate, figure, pick, sample_table


def measure(quick):
    rounds, seconds = (2, 1) if quick else (9, 2)
    cores = machine.cores_for_server(2)
    with contextlib.ExitStack() as stack:
        contestants = {}
        for label, workers in (("one worker", 1), ("two workers", 2)):
            peer = stack.enter_context(Kvstored(workers=workers, cores=cores))
            load = stack.enter_context(Load(peer, peer.gets()))
            contestants[label] = lambda load=load: load.run(seconds)
        samples = alternate(rounds, contestants)
    return [
        figure(
            "workers-cpu", "GET from two workers against one: CPU a request", "µs", pick(samples, "cpu"),
            ratio=("two workers", "one worker"), at_most=1.1, than="times one worker",
        ),
        {**sample_table("workers", "GET, one worker and two, 32 connections", samples), "chart": False},
    ]
