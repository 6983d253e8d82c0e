# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Watches over D-Bus: what they tell, to whom, and when they end."""

import time
import xml.etree.ElementTree

import pytest
from gi.repository import GLib

from support.bus import NAME, PATH, WATCH_INTERFACE, BusError
from support.limits import SOON

SNAPSHOT, PUT, DELETE, SWAP, EXPIRED, SNAPSHOT_END = range(6)


class Watch:
    """A watch of a client, and the signals that come from it."""

    def __init__(self, client, keys=(), prefixes=(), **options):
        self.client = client
        client.listen()
        self.path = client.call("Watch", "(asasa{sv})", keys, prefixes, options)
        self.changes = []

    def next_signal(self):
        path, name, arguments = self.client.next_signal()
        assert path == self.path
        return name, arguments[0]

    def next(self):
        """The next change, as (revision, kind, key, value, details)."""
        while not self.changes:
            name, changes = self.next_signal()
            assert name == "Changed"
            assert changes
            self.changes += changes
        return self.changes.pop(0)

    def read_snapshot(self):
        """The values by key, and the revision at which they were so."""
        values = {}
        while True:
            revision, kind, key, value, details = self.next()
            if kind == SNAPSHOT_END:
                assert (key, value) == ("", "")
                return values, revision
            assert kind == SNAPSHOT
            assert key not in values
            assert details["present"] is (revision != 0)
            values[key] = value if details["present"] else None

    def close(self, client=None):
        (client or self.client).invoke(NAME, self.path, WATCH_INTERFACE, "Close")


@pytest.fixture
def client(kvstored):
    with kvstored.bus() as client:
        yield client


@pytest.fixture
def other(kvstored):
    with kvstored.bus() as other:
        yield other


def put(client, key, value, **options):
    return client.call("Put", "(ssa{sv})", key, value, options)[0]


def delete(client, key):
    return client.call("Delete", "(sa{sv})", key, {})


def await_watches(client, count):
    """Waits until the service has so many watches."""
    deadline = time.monotonic() + SOON
    while client.call("GetStatus")["watch_requests_count"] != count:
        assert time.monotonic() < deadline, "the watches did not end"
        time.sleep(0.01)


# -- what they tell


def test_snapshot_then_changes(client, other):
    first = put(other, "a", "1")
    watch = Watch(client, ["a", "b"])
    values, revision = watch.read_snapshot()
    assert values == {"a": "1", "b": None}
    assert revision == first
    second = put(other, "b", "2")
    third = other.call("CompareAndSwap", "(sss)", "a", "1", "3")
    put(other, "c", "not watched")
    fourth = delete(other, "b")
    assert watch.next() == (second, PUT, "b", "2", {})
    assert watch.next() == (third, SWAP, "a", "3", {})
    assert watch.next() == (fourth, DELETE, "b", "", {})


def test_prefixes(client, other):
    put(other, "menu/1", "a")
    put(other, "other", "b")
    watch = Watch(client, [], ["menu/"])
    assert watch.read_snapshot()[0] == {"menu/1": "a"}
    put(other, "other", "c")
    revision = put(other, "menu/2", "d")
    assert watch.next() == (revision, PUT, "menu/2", "d", {})


def test_the_empty_prefix_is_everything(client, other):
    put(other, "a", "1")
    watch = Watch(client, [], [""])
    assert watch.read_snapshot()[0] == {"a": "1"}
    revision = put(other, "z", "2")
    assert watch.next()[0] == revision


def test_touch_and_increment_are_puts(client, other):
    watch = Watch(client, ["n"])
    watch.read_snapshot()
    _, first = other.call("Increment", "(sx)", "n", 4)
    second = other.call("Touch", "(sa{sv})", "n", {"ttl": GLib.Variant("i", 100)})
    assert watch.next() == (first, PUT, "n", "4", {})
    revision, kind, key, value, details = watch.next()
    assert (revision, kind, key, value) == (second, PUT, "n", "4")
    assert list(details) == ["expires"]


def test_expiry_is_told_unasked(client, other):
    watch = Watch(client, ["e"])
    watch.read_snapshot()
    put(other, "e", "1", ttl=GLib.Variant("d", 0.05))
    assert watch.next()[1] == PUT
    revision, kind, key, value, details = watch.next()
    assert (kind, key, value, details) == (EXPIRED, "e", "", {})
    assert other.get_property("Revision") == revision


def test_bytes(client, other):
    other.call("PutBytes", "(saya{sv})", "a", b"\0", {})
    watch = Watch(client, ["a"])
    _, kind, _, value, details = watch.next()
    assert (kind, value, details) == (SNAPSHOT, "", {"present": True, "value_bytes": [0]})
    assert watch.next()[1] == SNAPSHOT_END
    revision = other.call("PutBytes", "(saya{sv})", "a", b"x\0", {})[0]
    assert watch.next() == (revision, PUT, "a", "", {"value_bytes": [120, 0]})


def count_signals_of_batch(watch, other, round):
    """Writes 1000 keys at once, and counts the signals that tell of them."""
    value = str(round)
    other.call("Batch", "(a(sssa{sv}))", [("PUT", f"k{i}", value, {}) for i in range(1000)])
    seen, signals = [], 0
    while len(seen) < 1000:
        name, changes = watch.next_signal()
        assert name == "Changed"
        seen += changes
        signals += 1
    assert [c[2] for c in seen] == [f"k{i}" for i in range(1000)]
    assert all(a[0] < b[0] for a, b in zip(seen, seen[1:]))
    return signals


def test_many_changes_come_in_few_signals(client, other):
    watch = Watch(client, [], ["k"])
    watch.read_snapshot()
    # They are told while they are made, by another thread: how many lie ready at a time is the scheduler's choice.
    assert any(count_signals_of_batch(watch, other, round) <= 50 for round in range(20))


def test_a_large_snapshot_comes_whole(client, other):
    value = "v" * 10_000
    for start in range(0, 1000, 100):
        other.call(
            "Batch", "(a(sssa{sv}))", [("PUT", f"k{start + i}", value, {}) for i in range(100)]
        )
    # About 10 MB: the window has to open several times.
    values, _ = Watch(client, [], [""]).read_snapshot()
    assert values == {f"k{i}": value for i in range(1000)}


def test_two_watches_share_the_window(client, other):
    for i in range(200):
        put(other, f"k{i}", "v" * 20_000)
    client.listen()
    paths = [client.call("Watch", "(asasa{sv})", [], ["k"], {}) for _ in range(2)]
    ended = set()
    counts = dict.fromkeys(paths, 0)
    while len(ended) < 2:
        path, name, (changes,) = client.next_signal()
        assert name == "Changed"
        counts[path] += sum(c[1] == SNAPSHOT for c in changes)
        if changes[-1][1] == SNAPSHOT_END:
            ended.add(path)
    assert counts == dict.fromkeys(paths, 200)


# -- resuming


def test_resume_after_a_revision(client, other):
    put(other, "a", "0")
    revision = put(other, "a", "1")
    second = put(other, "a", "2")
    third = delete(other, "a")
    watch = Watch(client, ["a"], since=GLib.Variant("t", revision))
    assert watch.next() == (second, PUT, "a", "2", {})
    assert watch.next() == (third, DELETE, "a", "", {})
    fourth = put(other, "a", "4")
    assert watch.next() == (fourth, PUT, "a", "4", {})


@pytest.mark.parametrize("since", [1, 2**53])
def test_resume_from_what_is_not_known(client, other, since):
    revision = put(other, "a", "1")
    watch = Watch(client, ["a"], since=GLib.Variant("t", since))
    assert watch.next_signal() == ("Reset", {"revision": revision})
    assert watch.read_snapshot() == ({"a": "1"}, revision)


# -- whose they are


def test_signals_go_to_the_owner_alone(client, other, kvstored):
    with kvstored.bus() as third:
        third.listen()
        other.listen()
        watch = Watch(client, ["a"])
        watch.read_snapshot()
        put(other, "a", "1")
        assert watch.next()[3] == "1"
        context = GLib.MainContext.default()
        for bystander in (third, other):
            # Behind this answer there is nothing on its way any more.
            bystander.get_owner()
            while context.pending():
                context.iteration(False)
            assert not bystander.signals


def test_close(client, other):
    watch = Watch(client, ["a"])
    watch.read_snapshot()
    await_watches(client, 1)
    watch.close()
    await_watches(client, 0)
    with pytest.raises(BusError) as caught:
        watch.close()
    assert caught.value.name == "org.freedesktop.DBus.Error.UnknownMethod"
    put(other, "a", "1")
    after = Watch(client, ["b"])
    assert after.path != watch.path
    after.read_snapshot()
    assert not client.signals


def test_a_stranger_may_not_close(client, other):
    watch = Watch(client, ["a"])
    watch.read_snapshot()
    with pytest.raises(BusError) as caught:
        watch.close(other)
    assert caught.value.name == "org.kvstore.Error.NotAuthorized"
    put(other, "a", "1")
    assert watch.next()[3] == "1"


def test_a_watch_ends_with_its_caller(client, kvstored):
    with kvstored.bus() as leaver:
        for _ in range(3):
            leaver.call("Watch", "(asasa{sv})", ["a"], [], {})
        await_watches(client, 3)
    await_watches(client, 0)
    text = client.invoke(NAME, PATH, "org.freedesktop.DBus.Introspectable", "Introspect")[0]
    assert xml.etree.ElementTree.fromstring(text).find("node") is None


def test_callers_who_leave_at_once(client, kvstored):
    for _ in range(50):
        with kvstored.bus() as leaver:
            leaver.call("Watch", "(asasa{sv})", [], [""], {})
    await_watches(client, 0)


# -- what is refused


def refused(client, keys, prefixes, **options):
    with pytest.raises(BusError) as caught:
        client.call("Watch", "(asasa{sv})", keys, prefixes, options)
    assert client.call("GetStatus")["watch_requests_count"] == 0
    return caught.value.name.removeprefix("org.kvstore.Error.")


def test_wrong_watches(client):
    assert refused(client, [], []) == "InvalidArgument"
    assert refused(client, [""], []) == "InvalidKey"
    assert refused(client, ["a", "b\n"], []) == "InvalidKey"
    assert refused(client, [], ["b\n"]) == "InvalidKey"
    assert refused(client, ["a"], [], since=GLib.Variant("s", "1")) == "InvalidArgument"
    assert refused(client, ["a"], [], ttl=GLib.Variant("t", 1)) == "InvalidArgument"
    assert refused(client, [f"k{i}" for i in range(1000)], ["p"] * 25) == "TooLarge"


def test_watches_are_counted_by_caller(client, other):
    paths = [client.call("Watch", "(asasa{sv})", ["a"], [], {}) for _ in range(256)]
    with pytest.raises(BusError) as caught:
        client.call("Watch", "(asasa{sv})", ["a"], [], {})
    assert caught.value.name == "org.kvstore.Error.LimitExceeded"
    other.call("Watch", "(asasa{sv})", ["a"], [], {})
    client.invoke(NAME, paths[7], WATCH_INTERFACE, "Close")
    client.call("Watch", "(asasa{sv})", ["a"], [], {})


def test_names_are_counted_by_caller(client, other):
    def watch(caller, n_keys, n_prefixes):
        keys, prefixes = [f"k{i}" for i in range(n_keys)], [f"p{i}" for i in range(n_prefixes)]
        return caller.call("Watch", "(asasa{sv})", keys, prefixes, {})

    def watch_refused(caller, n_keys, n_prefixes):
        with pytest.raises(BusError) as caught:
            watch(caller, n_keys, n_prefixes)
        assert caught.value.name == "org.kvstore.Error.LimitExceeded"
        return caught.value.message

    paths = [watch(client, 1000, 24) for _ in range(15)]
    watch(client, 1000, 23)
    assert "16383 keys and prefixes" in watch_refused(client, 1, 1)
    watch(client, 0, 1)
    watch_refused(client, 1, 0)
    client.invoke(NAME, paths[7], WATCH_INTERFACE, "Close")
    # What is refused takes up no room.
    with pytest.raises(BusError):
        client.call("Watch", "(asasa{sv})", ["a\n"] * 1024, [], {})
    watch(client, 1024, 0)
    watch_refused(client, 0, 1)
    watch(other, 1024, 0)
