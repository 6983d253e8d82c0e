# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Watches over D-Bus: what they tell, to whom, and when they end."""

import threading
import time
import xml.etree.ElementTree

import pytest
from gi.repository import GLib

from raw_caller import RawCaller, method_call
from support.bus import NAME, PATH, WATCH_INTERFACE, BusError
from support.limits import SOON

YES = GLib.Variant("b", True)
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
            assert details["present"] is (revision != 0)
            values[key] = value if details["present"] else None

    def progress(self, client=None):
        return read_progress(client or self.client, self.path)

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


def read_progress(client, path):
    parameters = GLib.Variant("(ss)", (WATCH_INTERFACE, "Progress"))
    return client.invoke(NAME, path, "org.freedesktop.DBus.Properties", "Get", parameters)[0]


def transact(client, *operations):
    """Gives the revision."""
    return client.call("Transaction", "(a(sa{sv})a(sssa{sv})a(sssa{sv}))", [], operations, [])[2]


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


@pytest.mark.parametrize("since", [0, 1, 2**53, 2**64 - 1])
def test_resume_from_what_is_not_known(client, other, since):
    revision = put(other, "a", "1")
    with pytest.raises(BusError) as caught:
        Watch(client, ["a"], since=GLib.Variant("t", since))
    assert caught.value.name == "org.kvstore.Error.OutOfReach"
    numbers = [int(word) for word in caught.value.message.replace(",", "").split() if word.isdigit()]
    asked, oldest, current = numbers
    assert asked == min(since, 2**64 - 2)
    assert 1 < oldest <= current == revision
    assert client.call("GetStatus")["watch_requests_count"] == 0
    # What the error names is what there is.
    watch = Watch(client, ["a"], since=GLib.Variant("t", oldest))
    second = put(other, "a", "2")
    while (change := watch.next())[0] != second:
        assert change[0] > oldest
    assert Watch(client, ["a"], since=GLib.Variant("t", current))


def test_progress(client, other):
    put(other, "a", "1")
    watch = Watch(client, ["a"])
    _, revision = watch.read_snapshot()
    assert watch.progress() == revision
    last = [put(other, f"other-{i}", "v") for i in range(10)][-1]
    # The watch learns of it when the service gets there, which nothing tells.
    deadline = time.monotonic() + SOON
    while watch.progress(other) != last:
        assert time.monotonic() < deadline
    resumed = Watch(client, ["a"], since=GLib.Variant("t", last))
    assert resumed.progress() == last
    second = put(other, "a", "2")
    for each in (watch, resumed):
        path, name, (changes,) = client.next_signal()
        assert changes == [(second, PUT, "a", "2", {})]
    assert watch.progress() == resumed.progress() == second


# -- what is told on request


def test_what_was_there_before(client, other):
    first = put(other, "a", "1")
    watch = Watch(client, ["a", "b"], prev=YES)
    watch.read_snapshot()
    second = other.call("CompareAndSwap", "(sss)", "a", "1", "2")
    third = other.call("PutBytes", "(saya{sv})", "a", b"\0", {})[0]
    fourth = delete(other, "a")
    fifth = put(other, "b", "3")
    assert watch.next() == (second, SWAP, "a", "2", {"prev": ("1", {"revision": first})})
    assert watch.next() == (third, PUT, "a", "", {"value_bytes": [0], "prev": ("2", {"revision": second})})
    assert watch.next() == (fourth, DELETE, "a", "", {"prev": ("", {"revision": third, "value_bytes": [0]})})
    assert watch.next() == (fifth, PUT, "b", "3", {})


def test_what_has_expired(client, other):
    watch = Watch(client, ["e"], prev=YES)
    watch.read_snapshot()
    revision = put(other, "e", "1", ttl=GLib.Variant("d", 0.05))
    assert watch.next()[1] == PUT
    _, kind, _, _, details = watch.next()
    value, before = details["prev"]
    assert (kind, value, before["revision"]) == (EXPIRED, "1", revision)


@pytest.mark.parametrize("prev", [{}, {"prev": YES}], ids=["alone", "prev"])
def test_without_values(client, other, prev):
    first = other.call("PutBytes", "(saya{sv})", "a", b"\0", {})[0]
    watch = Watch(client, [], [""], values=GLib.Variant("b", False), **prev)
    assert watch.next() == (first, SNAPSHOT, "a", "", {"present": True})
    assert watch.next()[1] == SNAPSHOT_END
    second = put(other, "a", "x")
    third = delete(other, "a")
    assert watch.next() == (second, PUT, "a", "", {"prev": ("", {"revision": first})} if prev else {})
    assert watch.next() == (third, DELETE, "a", "", {"prev": ("", {"revision": second})} if prev else {})


def test_with_values_as_without_being_asked(client, other):
    watch = Watch(client, ["a"], values=YES, prev=GLib.Variant("b", False))
    watch.read_snapshot()
    first, second = put(other, "a", "1"), put(other, "a", "2")
    assert [watch.next(), watch.next()] == [(first, PUT, "a", "1", {}), (second, PUT, "a", "2", {})]


# -- transactions


def test_a_transaction_comes_in_one_signal(client, other):
    watch = Watch(client, [], ["k"])
    watch.read_snapshot()
    # More than a signal of single changes holds, and less than a transaction is cut at.
    revision = transact(other, *[("PUT", f"k{i}", "v" * 500, {}) for i in range(1024)])
    name, changes = watch.next_signal()
    assert name == "Changed"
    assert [change[:3] for change in changes] == [(revision, PUT, f"k{i}") for i in range(1024)]
    assert [change[4] for change in changes] == [{"more": True}] * 1023 + [{}]


def test_a_resume_sees_a_large_transaction_whole(client, other):
    before = put(other, "before", "v")
    revision = transact(other, *[("PUT", f"k{i}", "v" * 4096, {}) for i in range(1000)])
    for options in ({}, {"prev": YES}):
        watch = Watch(client, [], ["k"], since=GLib.Variant("t", before), **options)
        changes, signals = [], 0
        while not changes or "more" in changes[-1][4]:
            changes += watch.next_signal()[1]
            signals += 1
        # So that the next assertion can fail.
        assert signals > 1
        assert [change[:3] for change in changes] == [(revision, PUT, f"k{i}") for i in range(1000)]
        assert ["more" in change[4] for change in changes] == [True] * 999 + [False]


def test_the_end_of_a_transaction_is_the_last_that_the_watch_sees(client, other):
    watch = Watch(client, ["a", "b"])
    watch.read_snapshot()
    revision = transact(other, *[("PUT", key, "v", {}) for key in ("x", "a", "y", "b", "z")])
    assert watch.next() == (revision, PUT, "a", "v", {"more": True})
    assert watch.next() == (revision, PUT, "b", "v", {})
    last = transact(other, ("DELETE", "a", "", {}), ("PUT", "x", "w", {}))
    assert watch.next() == (last, DELETE, "a", "", {})


def test_a_copy_never_holds_half_a_transaction(client, other, kvstored):
    names = [f"k{i}" for i in range(200)]
    done = threading.Event()

    def write():
        with kvstored.bus() as writer:
            while not done.is_set():
                transact(writer, *[("INCREMENT", name, "", {}) for name in names])

    # So much that the window closes in the midst of a snapshot, which then lies across many transactions.
    for start in range(0, 1500, 500):
        fill = [("PUT", f"kfill{start + i}", "v" * 2000, {}) for i in range(500)]
        other.call("Batch", "(a(sssa{sv}))", fill)
    transact(other, *[("INCREMENT", name, "", {}) for name in names])
    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(5):
            with kvstored.bus() as reader:
                watch = Watch(reader, [], ["k"])
                copy, _ = watch.read_snapshot()
                assert len(copy) == 1700
                assert len({copy[name] for name in names}) == 1
                for _ in range(1000):
                    _, kind, key, value, details = watch.next()
                    assert kind == PUT
                    copy[key] = value
                    assert "more" in details or len({copy[name] for name in names}) == 1
    finally:
        done.set()
        thread.join()


# -- receivers that do not read


def read_until(raw, kind, path):
    """The signals of a watch up to the first that ends with a change of that kind: [(name, argument)]."""
    signals = []
    while not signals or signals[-1][0] != "Changed" or signals[-1][1][-1][1] != kind:
        message = raw.read()
        if message.get_path() == path and message.get_member() in ("Changed", "Reset"):
            signals.append((message.get_member(), message.get_body().unpack()[0]))
    return signals


def test_one_that_falls_behind_is_told_anew(other, kvstored):
    with RawCaller(kvstored.bus_address) as raw:
        body = GLib.Variant("(asasa{sv})", (["a"], ["k"], {}))
        path = raw.read_reply(raw.send(method_call("Watch", body))).get_body().unpack()[0]
        read_until(raw, SNAPSHOT_END, path)
        # It is told a megabyte and a half, and then nothing more before it reads; what follows is more than is remembered.
        put(other, "k", "x" * 1_500_000)
        for _ in range(20):
            for i in range(3):
                put(other, f"k{i}", "x" * 1_000_000)
        revision = put(other, "a", "last")
        name, changes = read_until(raw, PUT, path)[0]
        assert [change[2] for change in changes] == ["k"]
        (name, details), *rest = read_until(raw, SNAPSHOT_END, path)
        assert name == "Reset"
        assert set(details) == {"oldest", "current"}
        assert details["oldest"] <= details["current"] == revision
        told = [change for _, changes in rest for change in changes]
        assert {change[2] for change in told[:-1]} == {"a", "k", "k0", "k1", "k2"}
        assert told[-1][0] == revision
        assert read_progress(other, path) == revision


def test_no_progress_before_the_end_of_a_snapshot(other, kvstored):
    for i in range(4):
        put(other, f"k{i}", "x" * 1_000_000)
    with RawCaller(kvstored.bus_address) as raw:
        body = GLib.Variant("(asasa{sv})", ([], [""], {}))
        path = raw.read_reply(raw.send(method_call("Watch", body))).get_body().unpack()[0]
        assert read_progress(other, path) == 0
        revision = read_until(raw, SNAPSHOT_END, path)[-1][1][-1][0]
        assert read_progress(other, path) == revision


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
    assert refused(client, ["a"], [], values=GLib.Variant("s", "no")) == "InvalidArgument"
    assert refused(client, ["a"], [], prev=GLib.Variant("i", 1)) == "InvalidArgument"
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
