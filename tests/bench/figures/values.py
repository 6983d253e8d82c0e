# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""GET and PUT of values from 16 bytes to 1 MiB, beside nginx with a file of that size."""

import contextlib

from bench.load import Load
from bench.peers import Kvstored, Nginx
from bench.records import alternate, curve

CONNECTIONS = 8


def measure(quick):
    rounds, seconds = (1, 1) if quick else (3, 1)
    sizes = (16, 65536) if quick else (16, 256, 4096, 65536, 1048576)
    labels = ("kvstored GET", "kvstored PUT", "nginx, a file")
    series = {label: [] for label in labels}
    with contextlib.ExitStack() as stack:
        kvstored = stack.enter_context(Kvstored())
        nginx = stack.enter_context(Nginx(sizes))
        for size in sizes:
            put = kvstored.put(0, b"x" * size)
            kvstored.exchange([put])
            with contextlib.ExitStack() as loads:
                run = {
                    label: loads.enter_context(Load(peer, [request], CONNECTIONS)).run
                    for label, peer, request in zip(
                        labels, (kvstored, kvstored, nginx), (kvstored.get(0), put, nginx.get_file(size))
                    )
                }
                samples = alternate(rounds, {label: lambda run=run[label]: run(seconds) for label in labels})
            for label in labels:
                series[label].append([sample.cpu for sample in samples[label]])
    return [curve("values-cpu", "CPU a request, by the size of the value", "µs", "bytes", sizes, series)]
