# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""The machine under the benchmarks: what it is, what its cores do, and the time that its kernel accounts."""

import datetime
import os
import pathlib
import platform
import resource
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parents[2]

# Whose version a reader of the figures would want to know: Debian's name of the package for each.
PACKAGES = {
    "wrk": "wrk", "nginx": "nginx-light", "webdis": "webdis", "redis": "redis-server", "etcd": "etcd-server",
    "libsoup": "libsoup-3.0-0", "GLib": "libglib2.0-0", "dbus": "dbus", "valgrind": "valgrind",
}


def get_build():
    """The folder of the build that is measured: ./dev bench names it."""
    return pathlib.Path(os.environ.get("KVSTORED_BUILDDIR") or TOP / "build-bench").resolve()


def get_kvstored():
    return str(get_build() / "src" / "kvstored")


# -- Cores: who serves and who loads never share one where there are two.

CORES = sorted(os.sched_getaffinity(0))


def cores_for_load():
    return CORES[:1]


def cores_for_server(workers=1):
    """As many as there are workers, and the load generator's only where there is no other."""
    free = CORES[1:] or CORES
    return free[:workers] if len(free) >= workers else CORES


# -- CPU time


def cpu_nanoseconds(pid):
    """The CPU time, user and system, that the kernel has accounted to a process.

    This is the process's CPU clock (clock_getcpuclockid(3), spelt out because Python does not have it): the sum
    of what /proc/PID/task/*/schedstat tells, in nanoseconds, and of the threads that have ended and are no longer
    there.
    """
    return time.clock_gettime_ns((~pid << 3) | 2)


# -- Limits


def raise_file_limit():
    """Allows this process and its children as many open files as they can have; gives that number."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def available_memory():
    """In bytes, what programs can still have without swapping."""
    for line in pathlib.Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


# -- Facts


def say_output(*command):
    """What a command prints; nothing where there is no such command or it fails."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, cwd=TOP)
    except (OSError, subprocess.SubprocessError):
        return ""
    return result.stdout.strip()


def processor_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def describe():
    """What the figures depend on, without a name or a path of the machine."""
    versions = {}
    for name, package in PACKAGES.items():
        version = say_output("dpkg-query", "-W", "-f=${Version}", package)
        if version:
            versions[name] = version
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "commit": say_output("git", "describe", "--always", "--dirty", "--exclude=*") or "unknown",
        "kvstored": say_output(get_kvstored(), "--version"),
        "processor": processor_name(),
        "cores": len(CORES),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "versions": versions,
    }
