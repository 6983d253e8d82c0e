#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""The figures of the store and of its two plainest uses, each beside what it is to be compared with, in one run.

./dev bench store [--quick] [FIGURE...]: prints a line a figure, with its spread, and writes build-bench/bench-store.json.
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
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

BUILD = pathlib.Path(os.environ.get("KVSTORED_BUILDDIR", "build-bench")).resolve()
TICK = os.sysconf("SC_CLK_TCK")


def run_mode(mode, number=None):
    command = [BUILD / "tests/bench/bench-store", mode] + ([str(number)] if number else [])
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=300).stdout)


def spread(values, digits=2):
    return (f"{statistics.median(values):.{digits}f} "
            f"({min(values):.{digits}f} to {max(values):.{digits}f}, n={len(values)})")


def cpu_seconds(pid):
    """User and system time of a process, all threads, by the kernel's own account: in nanoseconds where it keeps them."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def switches(pid):
    """How often each thread of a process has gone to sleep of itself: every wake-up ends in that."""
    counts = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                counts[task.name] = int(line.split()[1])
    return counts


class Server:
    """A process that tells its address: kvstored on a descriptor, bench-soup-constant its port on the first line."""

    def __init__(self, command, env=None, ready=False):
        read_end, write_end = os.pipe()
        if ready:
            command = command + ["--ready-fd", str(write_end)]
        self.process = subprocess.Popen(command, env=env, pass_fds=[write_end] if ready else [],
                                        stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE if not ready else None)
        os.close(write_end)
        if ready:
            text = os.fdopen(read_end).read()
            self.url = next(line for line in text.splitlines() if line.startswith("http://"))
        else:
            os.close(read_end)
            self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        self.pid = self.process.pid

    def stop(self):
        self.process.stdin.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(40)


def start_kvstored(directory, *options, bus="none"):
    env = dict(os.environ, XDG_DATA_HOME=f"{directory}/data", XDG_CONFIG_HOME=f"{directory}/config",
               XDG_RUNTIME_DIR=directory)
    return Server([str(BUILD / "src/kvstored"), "--http", "127.0.0.1:0", "--bus", bus, "--store",
                   "memory:", "--rate-limit", "off", "--log-level", "warning", *options], env,
                  ready=True)


def wrk(url, seconds, connections=16):
    """Requests that wrk made on kept-alive connections."""
    text = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", url], check=True,
                          capture_output=True, text=True, timeout=seconds + 30).stdout
    if "Non-2xx" in text:
        raise SystemExit(f"not all answers were 200:\n{text}")
    return int(next(line for line in text.splitlines() if "requests in" in line).split()[0])


def put(url, key, value, ttl=None):
    import urllib.request
    query = f"?ttl={ttl}" if ttl else ""
    request = urllib.request.Request(f"{url}/store/{key}{query}", data=value, method="PUT")
    urllib.request.urlopen(request, timeout=10).close()


def bench_http(rounds, seconds):
    """CPU of a GET against a SoupServer whose handler answers a constant of the same size, in alternating rounds."""
    with tempfile.TemporaryDirectory() as directory:
        ours = start_kvstored(directory, "--http-threads", "1")
        bare = Server([str(BUILD / "tests/bench/bench-soup-constant")])
        put(ours.url, "key", b"0123456789abcdef0123456789abcdef")
        figures = {"kvstored": [], "soup": []}
        for server, path in ((ours, "/store/key"), (bare, "/store/key")):
            wrk(server.url + path, 1)
        for _ in range(rounds):
            for name, server in (("kvstored", ours), ("soup", bare)):
                before = cpu_seconds(server.pid)
                requests = wrk(server.url + "/store/key", seconds)
                figures[name].append((cpu_seconds(server.pid) - before) / requests * 1e6)
        ours.stop()
        bare.stop()
    return {"kvstored_us": figures["kvstored"], "soup_us": figures["soup"],
            "ratios": [a / b for a, b in zip(figures["kvstored"], figures["soup"])]}


def bench_idle(seconds):
    """Wake-ups of a kvstored that has TTL keys an hour away, 100 watchers and a bus connection, and nothing to do."""
    import socket
    from support.bus import Bus
    with tempfile.TemporaryDirectory() as directory:
        bus = Bus(directory)
        server = start_kvstored(directory, bus=bus.address)
        host, port = server.url.removeprefix("http://").split(":")
        for i in range(100):
            put(server.url, f"key-{i}", b"value", ttl=3600)
        watchers = []
        for i in range(100):
            watcher = socket.create_connection((host, int(port)), timeout=10)
            watcher.sendall(f"GET /watch_key/key-{i} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            while b"data: value\n\n" not in watcher.recv(4096):
                pass
            watchers.append(watcher)
        time.sleep(1)
        before, start = switches(server.pid), time.monotonic()
        time.sleep(seconds)
        after, elapsed = switches(server.pid), time.monotonic() - start
        # One that GLib's pool has let go in between is not there any more; ending is no wake-up of ours.
        woken = sum(count - before.get(thread, 0) for thread, count in after.items())
        for watcher in watchers:
            watcher.close()
        server.stop()
        bus.stop()
    return {"seconds": elapsed, "wake_ups": woken}


def show_get(quick):
    result = run_mode("get")
    print(f"get, 100,000 keys: {result['store_ns']:.0f} ns, g_hash_table_lookup {result['table_ns']:.0f} ns; "
          f"ratio {spread(result['ratios'])} (to be at most 2.5)", flush=True)
    return result


def show_storm(quick):
    storms = [run_mode("storm", 1 if quick else 2) for _ in range(3 if quick else 7)]
    print("read beside two writers, p99.9: "
          f"store {spread([s['store_p999_us'] for s in storms])} us, one lock "
          f"{spread([s['one_lock_p999_us'] for s in storms])} us; ratio "
          f"{spread([s['p999_ratio'] for s in storms], 1)} (to be at least 20)", flush=True)
    return storms


def show_memory(quick):
    result = run_mode("memory")
    print(f"memory, 1,000,000 keys of 13 bytes with 32: {result['bytes_per_key']:.1f} bytes a key "
          "(to be at most 140)", flush=True)
    return result


def show_overwrite(quick):
    result = run_mode("overwrite", 1000000 if quick else 10000000)
    print(f"overwriting one key {result['times']:,} times with a TTL: grown by "
          f"{result['grown_bytes']:,} bytes after the first tenth (to be flat)", flush=True)
    return result


def show_expiry(quick):
    runs = [run_mode("expiry", 200000 if quick else 1000000) for _ in range(1 if quick else 3)]
    print(f"expiry of {runs[0]['keys']:,} keys in 10 s: {spread([r['cpu_us_per_expiry'] for r in runs])} us "
          f"of CPU each (to be at most 3), served late {sum(r['served_late'] for r in runs)}, left "
          f"{sum(r['left'] for r in runs)}, told late on average "
          f"{statistics.median(r['told_late_mean_us'] for r in runs):.0f} us", flush=True)
    return runs


def show_idle(quick):
    result = bench_idle(5 if quick else 40)
    print(f"idle with 100 watchers: {result['wake_ups']} wake-ups in {result['seconds']:.0f} s "
          "(to be the keep-alive comments every 15 s alone)", flush=True)
    return result


def show_http(quick):
    result = bench_http(3 if quick else 7, 2 if quick else 4)
    print(f"GET over HTTP: {spread(result['kvstored_us'], 1)} us of CPU, bare SoupServer "
          f"{spread(result['soup_us'], 1)} us; ratio {spread(result['ratios'])} (to be at most 1.1)", flush=True)
    return result


FIGURES = {"get": show_get, "storm": show_storm, "memory": show_memory, "overwrite": show_overwrite,
           "expiry": show_expiry, "idle": show_idle, "http": show_http}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less work, wider spread")
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help="only these: " + ", ".join(FIGURES))
    options = parser.parse_args()
    unknown = set(options.figures) - set(FIGURES)
    if unknown:
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")

    results = {name: FIGURES[name](options.quick) for name in options.figures or FIGURES}
    (BUILD / "bench-store.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
