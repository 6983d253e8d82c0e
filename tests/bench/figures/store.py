# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""The store without its doors, beside the plain things that it is built of; and a daemon with nothing to do."""

import contextlib
import json
import pathlib
import socket
import subprocess
import time

from bench import machine
from bench.peers import Bus, Kvstored, http_request, key
from bench.records import figure


def run_mode(mode, number=None):
    """One measurement of bench-store, which is a process of its own: what it prints."""
    command = [machine.get_build() / "tests/bench/bench-store", mode] + ([str(number)] if number else [])
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=300).stdout)


def measure_get(quick):
    result = run_mode("get")
    record = figure(
        "store-get", "A lookup in 100,000 keys", "ns",
        {"KvStore": [result["store_ns"]], "g_hash_table_lookup()": [result["table_ns"]]},
        ratio=("KvStore", "g_hash_table_lookup()"), at_most=2.5, than="times g_hash_table_lookup()",
    )
    # The times are the best of the rounds; each round has a ratio.
    middle = sorted(result["ratios"])[len(result["ratios"]) // 2]
    return {**record, "ratios": result["ratios"], "held": middle <= 2.5}


def measure_storm(quick):
    storms = [run_mode("storm", 1) for _ in range(1 if quick else 5)]
    series = {
        "one table, one lock": [storm["one_lock_p999_us"] for storm in storms],
        "KvStore": [storm["store_p999_us"] for storm in storms],
    }
    return figure(
        "store-storm", "A read beside two writers: 99.9th percentile", "µs", series,
        ratio=("one table, one lock", "KvStore"), at_least=20, than="times less than with one lock",
    )


def measure_memory(quick):
    result = run_mode("memory", 200000 if quick else 1000000)
    return figure(
        "store-memory", f"Memory of a key of 13 bytes with 32, of {result['keys']:,}", "bytes",
        {"KvStore": [result["bytes_per_key"]]}, at_most=140,
    )


def measure_overwrite(quick):
    result = run_mode("overwrite", 1000000 if quick else 10000000)
    return figure(
        "store-overwrite", f"One key overwritten {result['times']:,} times, with a TTL: memory grows by",
        "KiB", {"KvStore": [result["grown_bytes"] / 1024]}, at_most=1024,
    )


def measure_expiry(quick):
    runs = [run_mode("expiry", 1000000) for _ in range(2)]
    late = sum(run["served_late"] for run in runs)
    left = sum(run["left"] for run in runs)
    record = figure(
        "store-expiry", f"Expiry of {runs[0]['keys']:,} keys in 10 s: CPU of each", "µs",
        {"KvStore": [run["cpu_us_per_expiry"] for run in runs]}, at_most=3,
    )
    held = record["held"] and late == 0 and left == 0
    return {**record, "held": held, "note": f"served late {late}, left {left}"}


def measure_prefixes(quick):
    runs = [run_mode("prefixes", 10000) for _ in range(1 if quick else 3)]
    series = {
        "no watch": [run["without_ns"] for run in runs],
        "of one length": [run["alike_ns"] for run in runs],
        "of 100 lengths": [run["many_lengths_ns"] for run in runs],
    }
    return figure(
        "store-prefixes", f"A write beside {runs[0]['watches']:,} watches of prefixes, none of which it has", "ns", series,
        ratio=("of 100 lengths", "no watch"), at_most=2, than="times a write without watches",
    )


def switches(pid):
    """How often each thread of a process has gone to sleep of itself: every wake-up ends in that."""
    counts = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text(encoding="ascii").splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                counts[task.name] = int(line.split()[1])
    return counts


WATCHERS = 100


def watch(port, number):
    """A connection that watches a key and has been told its value."""
    watcher = socket.create_connection(("127.0.0.1", port), timeout=10)
    watcher.sendall(http_request("GET", f"/watch_key/{key(number)}"))
    text = b""
    while b"data: " not in text:
        data = watcher.recv(4096)
        if not data:
            raise ConnectionError(f"a watch was answered {text!r}")
        text += data
    return watcher


def measure_idle(quick):
    """Wake-ups of a kvstored that has keys which expire in an hour, watchers and a bus, and nothing to do."""
    seconds = 2 if quick else 30
    with contextlib.ExitStack() as stack:
        bus = stack.enter_context(Bus())
        daemon = stack.enter_context(Kvstored(bus=bus.address))
        daemon.exchange([
            http_request("PUT", f"/store/{key(number)}?ttl=3600", b"value") for number in range(WATCHERS)
        ])
        for number in range(WATCHERS):
            stack.enter_context(watch(daemon.port, number))
        # What ends with the last request has ended by then.
        time.sleep(2)
        pid = daemon.processes[0].pid
        before = switches(pid)
        time.sleep(seconds)
        # A thread that GLib's pool has let go in between is not there any more; ending is no wake-up of ours.
        woken = sum(count - before.get(thread, 0) for thread, count in switches(pid).items())
    return figure(
        "idle-wakeups", f"Wake-ups in {seconds} s with nothing to do, {WATCHERS} watchers connected", "",
        {"kvstored": [woken]}, at_most=seconds // 15 + 1, than="(a comment on each stream every 15 s)",
    )


def measure(quick):
    parts = [measure_get, measure_storm, measure_memory, measure_overwrite, measure_prefixes, measure_idle]
    if not quick:
        # It waits for ten seconds twice, whatever it measures.
        parts.append(measure_expiry)
    return [part(quick) for part in parts]
