#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""What it costs to tell one change to 10,000 watchers, beside a bare loop of send() to as many sockets.

Both servers have all their clients at once, and take turns within one run, so that what else the machine does meets both.
Servers run on the first core and clients on the last. The CPU is the kernel's own account of the server's threads, divided
by the frames that its clients have counted; a client that misses a frame, or sees one twice, ends the run.

tests/bench/fanout/fanout.py [--quick] [--json FILE], with KVSTORED_BUILDDIR where the release build is.
"""

import argparse
import contextlib
import json
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(os.environ.get("KVSTORED_BUILDDIR", "build-bench")).resolve()
HERE = BUILD / "tests/bench/fanout"

WATCHERS = 10000
PATIENCE = 120

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[-1]


def on_core(core):
    """What a child runs first: one core is all it gets."""
    return lambda: os.sched_setaffinity(0, {core})


def cpu_nanoseconds(pid):
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total


def private_bytes(pid):
    """Memory that is the process's own, as far as it has ever been written to."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the kernel does not tell Private_Dirty")


class Program:
    """A process of ours, which is not there any more when its block is left, however that happens."""

    def __init__(self, command, core, **options):
        self.process = subprocess.Popen(command, text=True, preexec_fn=on_core(core), **options)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.stop()
            self.process.wait(PATIENCE)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()


class Bare(Program):
    """fanout-bare: the loop and nothing else."""

    def __init__(self):
        super().__init__([HERE / "fanout-bare"], SERVER_CORE, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()


class Kvstored(Program):
    """A kvstored with one worker and a store of its own."""

    def __init__(self, directory):
        environment = dict(os.environ, HOME=directory, XDG_RUNTIME_DIR=directory, XDG_DATA_HOME=f"{directory}/data",
                           XDG_CONFIG_HOME=f"{directory}/config")
        read_end, write_end = os.pipe()
        super().__init__(
            [BUILD / "src/kvstored", "--http", "127.0.0.1:0", "--http-threads", "1", "--bus", "none", "--store",
             "memory:", "--rate-limit", "off", "--log-level", "warning", "--max-connections", str(2 * WATCHERS),
             "--ready-fd", str(write_end)],
            SERVER_CORE, env=environment, pass_fds=[write_end])
        os.close(write_end)
        with os.fdopen(read_end) as ready:
            lines = ready.read().split()
        self.port = int(next(line for line in lines if line.startswith("http://")).rsplit(":", 1)[1])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)


class Clients(Program):
    """The watchers of one server, and the one who writes: fanout-client."""

    def __init__(self, server):
        self.server = server
        super().__init__([HERE / "fanout-client", str(server.port), str(WATCHERS)], CLIENT_CORE,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().split()
        if not answer:
            raise RuntimeError(f"the clients gave up over: {' '.join(map(str, words))}")
        return answer

    def cost(self, *words):
        """Microseconds of the server's CPU a frame, and microseconds from a write to its last frame."""
        before = cpu_nanoseconds(self.server.pid)
        frames, elapsed = self.ask(*words)
        return (cpu_nanoseconds(self.server.pid) - before) / 1000 / int(frames), float(elapsed)

    def stop(self):
        self.process.stdin.close()


def record(name, title, unit, asked, limit, series, ratios):
    """What a figure says. It has held when the middle of its rounds has; where nothing is asked, it has nothing to hold."""
    middle = statistics.median(ratios or next(iter(series.values())))
    return {"name": name, "title": title, "unit": unit, "asked": asked, "series": series, "ratios": ratios,
            "held": None if limit is None else middle <= limit}


def measure_delivery(rounds, changes):
    with contextlib.ExitStack() as programs:
        directory = programs.enter_context(tempfile.TemporaryDirectory())
        servers = {"kvstored": programs.enter_context(Kvstored(directory)),
                   "bare send()": programs.enter_context(Bare())}
        clients = {label: programs.enter_context(Clients(server)) for label, server in servers.items()}
        one = {label: [] for label in servers}
        last = {label: [] for label in servers}
        burst = {label: [] for label in servers}
        for client in clients.values():
            client.ask("open", WATCHERS)
            client.ask("publish", 3)
        for _ in range(rounds):
            for label, client in clients.items():
                cpu, elapsed = client.cost("publish", changes)
                one[label].append(cpu)
                last[label].append(elapsed / 1000)
            for label, client in clients.items():
                burst[label].append(client.cost("burst", 1, 16)[0])

    def ratios(series):
        return [a / b for a, b in zip(series["kvstored"], series["bare send()"])]

    return [
        record("sse-delivery", f"a change told to {WATCHERS:,} watchers, CPU a delivery", "us",
               "at most 1.3 times a bare loop of send()", 1.3, one, ratios(one)),
        record("sse-burst", f"16 changes in one go, {WATCHERS:,} watchers, CPU a delivery", "us",
               "at most 1.3 times a bare loop of send()", 1.3, burst, ratios(burst)),
        record("sse-last", f"a change told to {WATCHERS:,} watchers, from the write to the last", "ms",
               None, None, last, ratios(last)),
    ]


def measure_memory(rounds):
    bytes_each = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as directory, Kvstored(directory) as server, Clients(server) as clients:
            # One, so that what is made for the first of them is not counted as theirs.
            clients.ask("open", 1)
            before = private_bytes(server.pid)
            clients.ask("open", WATCHERS)
            # What is kept for a connection between two requests is let go after a second of rest.
            time.sleep(3)
            bytes_each.append((private_bytes(server.pid) - before) / (WATCHERS - 1))
    return [record("sse-memory", f"{WATCHERS:,} idle watchers, memory of the daemon's own each", "bytes",
                   "at most 2,048", 2048, {"kvstored": bytes_each}, [])]


def allow_files():
    """A descriptor for each watcher, in the server and in its clients, and some more."""
    wanted = WATCHERS + 200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SystemExit(f"this needs {wanted:,} open files a process, and the limit is {hard:,} (ulimit -Hn)")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def measure(quick):
    allow_files()
    return measure_delivery(*((5, 10) if quick else (11, 30))) + measure_memory(1 if quick else 3)


def spread(values):
    digits = 2 if max(values) < 100 else 0
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def show(records):
    for entry in records:
        verdict = f": asked {entry['asked']}: {'held' if entry['held'] else 'NOT HELD'}" if entry["asked"] else ""
        print(f"{entry['title']}{verdict}")
        for label, values in entry["series"].items():
            print(f"  {label:14} {spread(values)} {entry['unit']}")
        if entry["ratios"]:
            print(f"  {'ratio':14} {spread(entry['ratios'])}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="less work, wider spread")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the records there as well")
    options = parser.parse_args()
    records = measure(options.quick)
    show(records)
    if options.json:
        options.json.write_text(json.dumps(records, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
