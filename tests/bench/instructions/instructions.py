#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""How many instructions kvstored spends on each kind of request, counted by valgrind (callgrind).

A count is the same on a busy machine as on a quiet one, so a regression shows where a time would drown in noise. Each kind is
asked so many times, and in another run twice as many times; the difference is what the requests cost, without start and stop.
It is what kvstored does itself, in all its threads: the kernel's part is not in it.

./dev instructions [--quick] [--json FILE] [--update] [KIND...]: prints a table with the change against
reference.json. A change is no failure, as it may be the compiler's; not to be able to count is one.
"""

import argparse
import contextlib
import ctypes
import json
import os
import pathlib
import re
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from support.bus import Bus  # noqa: E402
from support.wire import Connection, build_request  # noqa: E402

BUILD = pathlib.Path(os.environ.get("KVSTORED_BUILDDIR", "build-bench")).resolve()
REFERENCE = HERE / "reference.json"

# Valgrind makes everything slower, some fifty times.
PATIENCE = 120

VALUE = b"0123456789abcdef0123456789abcdef"
JSON = {"Content-Type": "application/json"}
WATCHERS = 100
SETTLE = 0.002


class Server:
    """A kvstored with one worker under callgrind, on a bus of its own where it needs one."""

    def __init__(self, directory, bus):
        self.output = pathlib.Path(directory, "callgrind.out")
        self.bus = bus
        self.connections = contextlib.ExitStack()
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": directory, "XDG_RUNTIME_DIR": directory,
                       "XDG_DATA_HOME": f"{directory}/data", "XDG_CONFIG_HOME": f"{directory}/config"}
        read_end, write_end = os.pipe()
        self.process = subprocess.Popen(
            ["valgrind", "--tool=callgrind", "--quiet", f"--callgrind-out-file={self.output}", BUILD / "src/kvstored",
             "--http", "127.0.0.1:0", "--http-threads", "1", "--bus", bus.address if bus else "none", "--store",
             "memory:", "--rate-limit", "off", "--log-level", "warning", "--ready-fd", str(write_end)],
            env=environment, stdin=subprocess.DEVNULL, pass_fds=[write_end])
        os.close(write_end)
        with os.fdopen(read_end) as ready:
            # It writes when it serves, or its end closes the pipe.
            lines = ready.read().split() if select.select([ready], [], [], PATIENCE)[0] else []
        address = next((line for line in lines if line.startswith("http://")), None)
        if address is None:
            self.kill()
            raise RuntimeError("kvstored did not start under valgrind")
        self.port = int(address.rsplit(":", 1)[1])

    def kill(self):
        self.connections.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def connect(self):
        """A connection that stays until kvstored has ended: how it notices that clients leave one by one would count."""
        return self.connections.enter_context(Connection(socket.create_connection(("127.0.0.1", self.port)), PATIENCE))

    def finish(self):
        """Stops it as a user would. Gives the instructions that it took from its start to its end."""
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(PATIENCE) != 0:
            raise RuntimeError(f"kvstored ended with status {self.process.returncode}")
        total = re.search(r"^totals: ([0-9]+)$", self.output.read_text(errors="replace"), re.MULTILINE)
        if total is None:
            raise RuntimeError("valgrind has counted nothing")
        return int(total[1])


def ask(connection, status, times, *requests):
    """Sends the requests, one after the other, so many times."""
    for _ in range(times):
        for request in requests:
            connection.send(request)
            response = connection.read_response()
            if response.status != status:
                raise RuntimeError(f"the answer to {request!r} was {response.status}")


def put_one(server):
    ask(server.connect(), 201, 1, build_request("PUT", "/store/key", VALUE))


def count_get(server, times):
    ask(server.connect(), 200, times, build_request("GET", "/store/key"))


def count_missing(server, times):
    ask(server.connect(), 404, times, build_request("GET", "/store/absent"))


def count_put(server, times):
    ask(server.connect(), 204, times, build_request("PUT", "/store/key", VALUE))


def count_put_ttl(server, times):
    ask(server.connect(), 204, times, build_request("PUT", "/store/key?ttl=3600", VALUE))


def count_cas(server, times):
    """There and back again: each half is one that holds."""
    values = VALUE.decode(), VALUE.decode()[::-1]
    bodies = [json.dumps({"expected": a, "new": b}) for a, b in (values, values[::-1])]
    ask(server.connect(), 204, times // 2,
        *(build_request("POST", "/store/cas/key", body, JSON) for body in bodies))


def count_batch(server, times):
    """Half of the entries read and half write."""
    entries = [{"method": "PUT", "key": f"key-{i // 2}", "value": VALUE.decode()} if i % 2 == 0 else
               {"method": "GET", "key": f"key-{i // 2}"} for i in range(100)]
    ask(server.connect(), 200, times, build_request("POST", "/batch", json.dumps(entries), JSON))


def count_pipelined(server, times, depth=16):
    connection = server.connect()
    for _ in range(times // depth):
        connection.send(build_request("GET", "/store/key") * depth)
        for _ in range(depth):
            if connection.read_response().status != 200:
                raise RuntimeError("a pipelined GET was refused")


def count_deliveries(server, times):
    deliver(server, times, "/watch_key/key", VALUE)


def count_json_deliveries(server, times):
    deliver(server, times, "/v1/watch?key=key", b'"value":"%b"}' % VALUE)


def deliver(server, times, path, end):
    """Each change is told to all before the next comes."""
    writer = server.connect()
    watchers = []
    # One after the other: several that come at once are accepted together or not, as it happens, and are to drop out.
    while len(watchers) < WATCHERS:
        watcher = server.connect()
        watcher.send(build_request("GET", path))
        watcher.read_head()
        while not watcher.read_until(b"\n\n").startswith((b"event: WATCH", b"id: ")):
            pass
        watchers.append(watcher)
    for _ in range(times // WATCHERS):
        # A main context that has been woken looks once more for what there is. Let that find nothing, each time.
        time.sleep(SETTLE)
        ask(writer, 204, 1, build_request("PUT", "/store/key", VALUE))
        for watcher in watchers:
            if not watcher.read_until(b"\n\n").endswith(end):
                raise RuntimeError("a stream told something else")


def count_dbus_get(server, times):
    with server.bus.connect() as client:
        for _ in range(times):
            client.call("Get", "(s)", "key")


def count_dbus_put(server, times):
    with server.bus.connect() as client:
        for _ in range(times):
            client.call("Put", "(ssa{sv})", "key", VALUE.decode(), {})


# Kind: what one is called, how it is done, how many of them a run has that is to be short, whether there is a bus.
KINDS = {
    "get": ("GET", count_get, 1000, False),
    "get-missing": ("GET of a missing key", count_missing, 1000, False),
    "put": ("PUT", count_put, 1000, False),
    "put-ttl": ("PUT with a time to live", count_put_ttl, 1000, False),
    "cas": ("compare-and-swap", count_cas, 1000, False),
    "batch": ("batch of 100", count_batch, 60, False),
    "pipelined": ("GET, 16 pipelined", count_pipelined, 1600, False),
    "sse": (f"SSE delivery, {WATCHERS} watchers", count_deliveries, 150 * WATCHERS, False),
    "sse-json": (f"/v1/watch delivery, {WATCHERS} watchers", count_json_deliveries, 150 * WATCHERS, False),
    "dbus-get": ("D-Bus Get", count_dbus_get, 400, True),
    "dbus-put": ("D-Bus Put", count_dbus_put, 400, True),
}


def count_run(kind, times):
    """The instructions of a whole run."""
    _, func, _, with_bus = KINDS[kind]
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        bus = None
        if with_bus:
            bus = Bus(directory)
            stack.callback(bus.stop)
        server = Server(directory, bus)
        stack.callback(server.kill)
        put_one(server)
        func(server, times)
        return server.finish()


def count(kind):
    """The instructions of one request of this kind."""
    times = KINDS[kind][2]
    return (count_run(kind, 2 * times) - count_run(kind, times)) / times


def name_tools():
    """What else decides how many instructions there are."""
    compiler = re.search(rb"GCC: \([^)]*\) [0-9.]+|clang version [0-9.]+", (BUILD / "src/kvstored").read_bytes())
    glib = ctypes.CDLL("libglib-2.0.so.0")
    version = [str(ctypes.c_uint.in_dll(glib, f"glib_{part}_version").value) for part in ("major", "minor", "micro")]
    return {"compiler": compiler[0].decode() if compiler else "unknown", "glib": f"GLib {'.'.join(version)}",
            "machine": os.uname().machine}


def measure(quick, kinds=tuple(KINDS)):
    reference = json.loads(REFERENCE.read_text())["instructions"] if REFERENCE.exists() else {}
    records = []
    for kind in kinds:
        counts = [count(kind) for _ in range(1 if quick else 3)]
        before = reference.get(kind)
        records.append({
            "name": f"instructions-{kind}", "title": KINDS[kind][0], "unit": "instructions", "asked": None,
            "series": {"kvstored": counts, "reference": [before] * len(counts) if before else []},
            "ratios": [c / before for c in counts] if before else [], "held": None,
        })
    return records


def show(records):
    print(f"{'instructions a request':28} {'now':>10} {'spread':>8} {'reference':>10} {'change':>8}")
    for record in records:
        counts = record["series"]["kvstored"]
        middle = statistics.median(counts)
        spread = f"{(max(counts) - min(counts)) / middle:.1%}" if len(counts) > 1 else ""
        before, change = "", ""
        if record["ratios"]:
            before = f"{record['series']['reference'][0]:,.0f}"
            change = f"{statistics.median(record['ratios']) - 1:+.1%}"
        print(f"{record['title']:28} {middle:10,.0f} {spread:>8} {before:>10} {change:>8}")


def show_tools():
    if not REFERENCE.exists():
        return
    then, now = json.loads(REFERENCE.read_text())["tools"], name_tools()
    if then != now:
        print(f"The reference was made with {', '.join(then.values())}; these are {', '.join(now.values())}.")


def update(records):
    """Only what has been counted; the rest stays."""
    old = json.loads(REFERENCE.read_text())["instructions"] if REFERENCE.exists() else {}
    new = {r["name"].removeprefix("instructions-"): round(statistics.median(r["series"]["kvstored"])) for r in records}
    merged = {**old, **new}
    content = {"tools": name_tools(), "instructions": {kind: merged[kind] for kind in KINDS if kind in merged}}
    REFERENCE.write_text(json.dumps(content, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="count each once, not three times")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the records there as well")
    parser.add_argument("--update", action="store_true", help="make these counts the reference")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="only these: " + ", ".join(KINDS))
    options = parser.parse_args()
    unknown = set(options.kinds) - set(KINDS)
    if unknown:
        parser.error(f"no such kind: {', '.join(sorted(unknown))}")

    records = measure(options.quick, options.kinds or tuple(KINDS))
    show(records)
    show_tools()
    if options.update:
        update(records)
    if options.json:
        options.json.write_text(json.dumps(records, indent=2) + "\n")


if __name__ == "__main__":
    main()
