#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""What a call over D-Bus costs kvstored, beside what org.freedesktop.DBus.Peer.Ping costs a plain service of GDBus's in the
same run.

dbus_cost.py [--quick] [--json FILE]: prints a line a figure, and writes them all to FILE. measure() gives them to whoever
imports this.
"""

import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent))

from support.bus import Bus  # noqa: E402

BUILD = pathlib.Path(os.environ.get("KVSTORED_BUILDDIR", "build-bench")).resolve()

# Of Ping, with this many calls on their way.
MOST_RATIO = 1.25
IN_FLIGHT = (1, 32)
CALLS = {"get": "Get", "put": "Put", "cas": "CompareAndSwap"}
PING = "Peer.Ping of a plain service"
# Of kvstored itself: shown, but nobody asked for a figure.
OWN_PING = "ping-kvstored"

# Of one caller that has two calls on their way, so that one is being carried out while the other travels.
LEAST_KEYS = 150000
KEYS_A_CALL = 1000
MANY_IN_FLIGHT = 2
MANY = {"get-many": "GetMany", "batch-get": "Batch of GET", "batch-put": "Batch of PUT"}


def cpu_seconds(pid):
    """What all threads of a process have used, by the kernel's own account."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


class Service:
    """A bus, kvstored and a plain service on it, and a caller."""

    def __init__(self, directory):
        self.bus = Bus(directory)
        env = dict(os.environ, XDG_DATA_HOME=f"{directory}/data", XDG_CONFIG_HOME=f"{directory}/config",
                   XDG_RUNTIME_DIR=directory)
        read_end, write_end = os.pipe()
        self.kvstored = subprocess.Popen(
            [BUILD / "src/kvstored", "--http", "none", "--bus", self.bus.address, "--store", "memory:", "--rate-limit", "off",
             "--log-level", "warning", "--ready-fd", str(write_end)],
            env=env, pass_fds=[write_end], stdin=subprocess.DEVNULL)
        os.close(write_end)
        with open(read_end, encoding="utf-8") as file:
            if "READY=1" not in file.read():
                raise SystemExit("kvstored did not start")
        self.plain = subprocess.Popen([BUILD / "tests/bench/dbus/bench-dbus-plain", self.bus.address],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="ascii")
        if self.plain.stdout.readline() != "ready\n":
            raise SystemExit("the plain service did not start")
        self.client = subprocess.Popen([BUILD / "tests/bench/dbus/bench-dbus-client", self.bus.address],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="ascii")

    def run(self, method, calls, in_flight):
        """Seconds that so many calls took, and CPU seconds that the one who was called used for them."""
        called = self.plain if method == "ping" else self.kvstored
        before = cpu_seconds(called.pid)
        self.client.stdin.write(f"{method} {calls} {in_flight}\n")
        self.client.stdin.flush()
        line = self.client.stdout.readline()
        if not line:
            raise SystemExit(f"the caller has ended in {method}")
        return float(line), cpu_seconds(called.pid) - before

    def stop(self):
        self.client.stdin.close()
        self.client.wait(30)
        self.plain.stdin.close()
        self.plain.wait(30)
        self.kvstored.send_signal(signal.SIGTERM)
        self.kvstored.wait(40)
        self.bus.stop()


def measure_calls(service, rounds, calls):
    records = []
    for in_flight in IN_FLIGHT:
        costs = {"ping": [], **{method: [] for method in CALLS}, OWN_PING: []}
        for _ in range(rounds):
            for method, series in costs.items():
                series.append(service.run(method, calls, in_flight)[1] / calls * 1e6)
        for method, title in CALLS.items():
            ratios = [cost / ping for cost, ping in zip(costs[method], costs["ping"])]
            records.append({
                "name": f"dbus-{method}-{in_flight}",
                "title": f"D-Bus {title}, {in_flight} in flight",
                "unit": "us of CPU a call",
                "asked": f"at most {MOST_RATIO} times {PING}",
                "series": {title: costs[method], PING: costs["ping"]},
                "ratios": ratios,
                "held": statistics.median(ratios) <= MOST_RATIO,
            })
        records.append({
            "name": f"dbus-{OWN_PING}-{in_flight}",
            "title": f"D-Bus Peer.Ping of kvstored, {in_flight} in flight",
            "unit": "us of CPU a call",
            "asked": "",
            "series": {"Peer.Ping of kvstored": costs[OWN_PING], PING: costs["ping"]},
            "ratios": [own / ping for own, ping in zip(costs[OWN_PING], costs["ping"])],
            "held": None,
        })
    return records


def measure_many(service, rounds, calls):
    rates = {method: [] for method in MANY}
    busy = {method: [] for method in MANY}
    for _ in range(rounds):
        for method in MANY:
            seconds, cpu = service.run(method, calls, MANY_IN_FLIGHT)
            rates[method].append(calls * KEYS_A_CALL / seconds)
            busy[method].append(calls * KEYS_A_CALL / cpu)
    return [{
        "name": f"dbus-{method}",
        "title": f"D-Bus {title}, {KEYS_A_CALL:,} keys",
        "unit": "keys a second",
        "asked": f"at least {LEAST_KEYS:,} keys a second",
        "series": {title: rates[method], "of kvstored's CPU time": busy[method]},
        "ratios": [rate / LEAST_KEYS for rate in rates[method]],
        "held": statistics.median(rates[method]) >= LEAST_KEYS,
    } for method, title in MANY.items()]


def measure(quick):
    """A record for each figure: {"name", "title", "unit", "asked", "series", "ratios", "held"}."""
    with tempfile.TemporaryDirectory(prefix="kv-") as directory:
        service = Service(directory)
        try:
            # What is read must be there; and whatever happens only once has happened then.
            service.run("batch-put", 5, 1)
            service.run("swap-init", 1, 1)
            for method in ("ping", *CALLS, OWN_PING):
                service.run(method, 1000, 32)
            return (measure_calls(service, *((5, 2000) if quick else (11, 10000)))
                    + measure_many(service, *((5, 50) if quick else (11, 200))))
        finally:
            service.stop()


def spread(values, digits):
    return (f"{statistics.median(values):,.{digits}f} "
            f"({min(values):,.{digits}f} to {max(values):,.{digits}f})")


def show(record):
    digits = 0 if record["unit"] == "keys a second" else 1
    series = ", ".join(f"{label} {spread(values, digits)}" for label, values in record["series"].items())
    verdict = f"; {record['asked']}: {'held' if record['held'] else 'NOT HELD'}" if record["asked"] else ""
    print(f"{record['title']}: {series} {record['unit']}; ratio {spread(record['ratios'], 2)}{verdict}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less work, wider spread")
    parser.add_argument("--json", metavar="FILE", help="where to write the figures")
    options = parser.parse_args()

    records = measure(options.quick)
    for record in records:
        show(record)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(records, indent=2) + "\n")


if __name__ == "__main__":
    main()
