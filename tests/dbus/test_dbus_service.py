# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""The service on its bus: its name, its limits, the command lines that people use, and a bus that goes away."""

import itertools
import os
import shutil
import signal
import subprocess
import time

import pytest
from gi.repository import Gio, GLib

from raw_caller import RawCaller
from support.bus import INTERFACE, NAME, PATH, Bus, BusError
from support.daemon import run
from support.limits import LATER, SOON


@pytest.fixture
def client(kvstored):
    with kvstored.bus() as client:
        yield client


# -- by hand


def shell(kvstored, *arguments):
    assert shutil.which(arguments[0]), f"{arguments[0]} is not installed: ./dev setup test does that"
    return subprocess.run(
        arguments,
        env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": kvstored.bus_address, "LC_ALL": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=SOON,
        check=False,
    )


def busctl(kvstored, *arguments):
    verb, *rest = arguments
    return shell(
        kvstored, "busctl", f"--address={kvstored.bus_address}", verb, NAME, PATH, INTERFACE, *rest
    )


def gdbus(kvstored, method, *arguments):
    return shell(
        kvstored, "gdbus", "call", "--session", "--dest", NAME, "--object-path", PATH,
        "--method", f"{INTERFACE}.{method}", *arguments,
    )


def test_busctl(kvstored):
    done = busctl(kvstored, "call", "Put", "ssa{sv}", "greeting", "hello", "1", "ttl", "t", "60")
    assert done.returncode == 0
    assert done.stdout.startswith("tb ") and done.stdout.endswith(" true\n")
    assert busctl(kvstored, "call", "Get", "s", "greeting").stdout.startswith('sa{sv} "hello" 2 ')
    assert busctl(kvstored, "get-property", "Keys").stdout == "t 1\n"
    done = busctl(kvstored, "call", "Get", "s", "nothing")
    assert done.returncode != 0
    assert "There is no such key" in done.stdout


def test_gdbus(kvstored):
    done = gdbus(kvstored, "Put", "greeting", "hello", "{'ttl': <1.5>}")
    assert done.returncode == 0, done.stdout
    assert "true" in done.stdout
    done = gdbus(kvstored, "Increment", "n", "3")
    assert done.stdout.startswith("(int64 3, ")
    done = gdbus(kvstored, "Get", "nothing")
    assert done.returncode != 0
    assert "org.kvstore.Error.NotFound: There is no such key" in done.stdout


def test_introspection_by_hand(kvstored):
    done = shell(kvstored, "busctl", f"--address={kvstored.bus_address}", "introspect", NAME, PATH)
    assert ".CompareAndSwap" in done.stdout


# -- limits


def count_until_refused(client):
    for n in itertools.count():
        try:
            client.call("Get", "(s)", "nothing")
        except BusError as error:
            if error.name == "org.kvstore.Error.LimitExceeded":
                assert "retry after 1 s" in error.message
                return n
            assert error.name == "org.kvstore.Error.NotFound"


def test_rate_limit_by_caller(bus, start_kvstored):
    kvstored = start_kvstored(bus=bus.address, rate_limit="1:20")
    with kvstored.bus() as first, kvstored.bus() as second:
        assert 20 <= count_until_refused(first) <= 20 + SOON
        with pytest.raises(BusError) as caught:
            first.get_property("Keys")
        assert caught.value.name == "org.kvstore.Error.LimitExceeded"
        assert 20 <= count_until_refused(second) <= 20 + SOON


@pytest.mark.parametrize("method, signature, arguments", [
    ("Batch", "(a(sssa{sv}))", ([("GET", "k", "", {})] * 640,)),
    ("GetMany", "(as)", (["k"] * 640,)),
    ("Watch", "(asasa{sv})", (["k"] * 320, ["p"] * 320, {})),
    ("List", "(ssua{sv})", ("", "", 640, {})),
])
def test_many_entries_count_for_many_requests(bus, start_kvstored, method, signature, arguments):
    kvstored = start_kvstored(bus=bus.address, rate_limit="1:20")
    with kvstored.bus() as client:
        client.call(method, signature, *arguments)
        assert count_until_refused(client) <= SOON


def test_a_call_leaves_nothing_behind(bus, kvstored):
    """Neither a match rule on the bus nor an object, for those who call and go."""

    def count_rules():
        with bus.connect() as client:
            rules = client.invoke(
                "org.freedesktop.DBus", "/org/freedesktop/DBus",
                "org.freedesktop.DBus.Debug.Stats", "GetAllMatchRules",
            )[0]
            return len(rules.get(client.get_owner(), []))

    try:
        before = count_rules()
    except BusError:
        pytest.skip("this bus tells nothing of its match rules")
    for _ in range(20):
        with kvstored.bus() as client:
            client.call("Put", "(ssa{sv})", "a", "1", {})
    assert count_rules() == before

    def await_rules(number):
        deadline = time.monotonic() + SOON
        while count_rules() != number:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    with kvstored.bus() as client:
        client.call("Watch", "(asasa{sv})", ["a"], [], {})
        # The answer may be here before the bus has been asked.
        await_rules(before + 1)
    await_rules(before)


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_a_deaf_watcher_costs_little_and_misses_nothing(bus, kvstored, client):
    """64 MiB of changes go by while a watcher does not read: the bus must not be made to keep them."""
    with RawCaller(bus.address) as deaf:
        body = GLib.Variant("(asasa{sv})", ([], ["k"], {}))
        deaf.call(NAME, PATH, INTERFACE, "Watch", body=body)
        before = resident_bytes(bus.process.pid)
        value = "v" * (256 * 1024)
        for i in range(256):
            last = client.call("Put", "(ssa{sv})", f"k{i % 10}", value, {})[0]
        assert resident_bytes(bus.process.pid) - before < 16 * 1024 * 1024

        # Once it reads, it comes to know how things are now. What it missed comes as a snapshot (kind 0), whole at
        # kind 5; a revision in a snapshot is not yet the end of it.
        values = {}
        done = False
        while not done:
            for revision, kind, key, text, _ in deaf.read_changes():
                if kind != 5:
                    values[key] = text
                done = kind != 0 and revision == last
        assert values == {f"k{i}": value for i in range(10)}


def test_a_caller_who_is_gone_before_its_watch(bus, client):
    """Nobody tells that it has left: it had done so before anybody wanted to know."""
    for _ in range(20):
        with RawCaller(bus.address) as hasty:
            message = Gio.DBusMessage.new_method_call(NAME, PATH, INTERFACE, "Watch")
            message.set_body(GLib.Variant("(asasa{sv})", ([], [""], {})))
            hasty.send(message)
    deadline = time.monotonic() + SOON
    while client.call("GetStatus")["watch_requests_count"] != 0:
        assert time.monotonic() < deadline, "the watches of those who left did not end"
        time.sleep(0.01)


# -- life


def test_the_name_is_somebody_elses(bus, kvstored, directory):
    done = run(["--http", "127.0.0.1:0", "--bus", bus.address], directory)
    assert done.returncode != 0
    assert NAME in done.stderr
    with kvstored.bus() as client:
        assert client.get_property("Keys") == 0


def test_stop_gives_the_name_back(kvstored):
    with kvstored.bus() as client:
        assert client.get_owner() is not None
        client.call("Watch", "(asasa{sv})", ["a"], [], {})
        kvstored.signal(signal.SIGTERM)
        assert kvstored.wait() == 0
        assert client.get_owner() is None


def test_calls_that_came_before_the_stop_are_answered(kvstored):
    with kvstored.bus() as client:
        replies = []
        for i in range(200):
            client.connection.call(
                NAME, PATH, INTERFACE, "Put", GLib.Variant("(ssa{sv})", (f"k{i}", "1", {})), None,
                Gio.DBusCallFlags.NO_AUTO_START, SOON * 1000, None,
                lambda source, result: replies.append(source.call_finish(result)),
            )
        # In order behind them, so that all of them have come in when this is answered.
        client.call("GetStatus")
        kvstored.signal(signal.SIGTERM)
        client.iterate_until(lambda: len(replies) == 200)
        assert kvstored.wait() == 0


def test_a_bus_that_comes_back(directory, start_kvstored):
    first = Bus(directory)
    kvstored = start_kvstored(bus=first.address.split(",")[0])
    with first.connect() as client:
        revision = client.call("Put", "(ssa{sv})", "a", "1", {})[0]
        client.call("Watch", "(asasa{sv})", ["a"], [], {})
        assert client.call("GetStatus")["watch_requests_count"] == 1
        first.stop()
    second = Bus(directory)
    try:
        with second.connect() as client:
            deadline = time.monotonic() + LATER
            while client.get_owner() is None:
                assert time.monotonic() < deadline, "it did not come back"
                time.sleep(0.05)
            assert client.call("Get", "(s)", "a") == ("1", {"revision": revision})
            assert client.call("GetStatus")["watch_requests_count"] == 0
            kvstored.signal(signal.SIGTERM)
            assert kvstored.wait() == 0
            assert client.get_owner() is None
    finally:
        second.stop()


def test_a_bus_that_does_not_come_back(directory, start_kvstored):
    bus = Bus(directory)
    kvstored = start_kvstored(bus=bus.address.split(",")[0])
    bus.stop()
    kvstored.signal(signal.SIGTERM)
    assert kvstored.wait() == 0
