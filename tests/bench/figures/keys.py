# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""GET from a store of 10,000,000 keys beside one of 1,000, and from what lies between.

The keys are drawn at random in both.
"""

import contextlib
import pathlib
import sys

from bench import machine
from bench.load import ANY_KEY, Load
from bench.peers import Kvstored, http_request
from bench.records import alternate, curve, figure

FEW = 1000
MOST = 10_000_000

# A key of 13 bytes with a value of 32 takes about 140; the table doubles as it grows.
BYTES_PER_KEY = 220


def affordable(count):
    """So many keys, or the power of ten that fits into the memory that is free."""
    while count > FEW * 10 and count * BYTES_PER_KEY > machine.available_memory() * 0.8:
        count //= 10
    return count


def resident_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def load_of(daemon, keys):
    return Load(daemon, [http_request("GET", f"/store/key-{ANY_KEY}")], keys=keys)


def measure(quick):
    most = affordable(100_000 if quick else MOST)
    if not quick and most < MOST:
        print(f"bench: too little memory for {MOST:,} keys; {most:,} have to do", file=sys.stderr)
    counts = [most] if quick else [10**power for power in range(4, 8) if 10**power <= most]
    grown, beside, memory = [], [], []
    with contextlib.ExitStack() as stack:
        small, large = stack.enter_context(Kvstored()), stack.enter_context(Kvstored())
        small_load = stack.enter_context(load_of(small, FEW))
        before = resident_bytes(large.processes[0].pid)
        # The large store grows from stage to stage, and each stage has the small one beside it.
        for count in counts:
            large.fill_up_to(count)
            memory.append([(resident_bytes(large.processes[0].pid) - before) / count])
            rounds, seconds = (2, 1) if quick else (7 if count == most else 3, 2)
            with load_of(large, count) as large_load:
                samples = alternate(rounds, {
                    "few": lambda: small_load.run(seconds), "many": lambda load=large_load: load.run(seconds),
                })
            beside.append([sample.cpu for sample in samples["few"]])
            grown.append([sample.cpu for sample in samples["many"]])
    last = {f"{most:,} keys": grown[-1], f"{FEW:,} keys": beside[-1]}
    return [
        figure(
            "many-keys", f"GET from {most:,} keys against {FEW:,}: CPU a request", "µs", last,
            ratio=tuple(last), at_most=1.5, than=f"times {FEW:,} keys",
        ),
        curve(
            "keys-cpu", "GET: CPU a request, by the number of keys", "µs", "keys", [FEW, *counts],
            {"kvstored": [beside[0], *grown]},
        ),
        curve(
            "keys-memory", "Resident memory of a key of 13 bytes with 32", "bytes", "keys", counts,
            {"kvstored": memory},
        ),
    ]
