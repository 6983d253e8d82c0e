# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Transaction(): conditions, and operations that are carried out as one change."""

import threading

import pytest
from gi.repository import GLib

from support.bus import BusError
from support.daemon import MEMORY, SQLITE

SIGNATURE = "(a(sa{sv})a(sssa{sv})a(sssa{sv}))"
YES = GLib.Variant("b", True)


def text(value):
    return GLib.Variant("s", value)


def number(value):
    return GLib.Variant("t", value)


def put(key, value="v", **options):
    return ("PUT", key, value, options)


def get(key):
    return ("GET", key, "", {})


def delete(key, **options):
    return ("DELETE", key, "", options)


def increment(key, **options):
    return ("INCREMENT", key, "", options)


def touch(key, **options):
    return ("TOUCH", key, "", options)


class Store:
    """Keys that begin with one test's own prefix, which it need not write."""

    def __init__(self, daemon, client, prefix):
        self.daemon = daemon
        self.client = client
        self.prefix = prefix

    def own(self, key):
        return self.prefix + key

    def txn(self, conditions=(), then=(), otherwise=()):
        """Gives whether it succeeded, the results, and the revision."""
        return self.client.call(
            "Transaction", SIGNATURE,
            [(self.own(key), asked) for key, asked in conditions],
            *([(method, self.own(key), value, options) for method, key, value, options in operations]
              for operations in (then, otherwise)),
        )

    def refused(self, *lists):
        """The name of the error and its text; nothing has changed then."""
        before = self.client.get_property("Revision")
        with pytest.raises(BusError) as caught:
            self.txn(*lists)
        assert self.client.get_property("Revision") == before
        return caught.value.name.removeprefix("org.kvstore.Error."), caught.value.message

    def put(self, key, value="v", **options):
        return self.client.call("Put", "(ssa{sv})", self.own(key), value, options)[0]

    def look(self, key):
        """Value and details; None when there is no such key."""
        try:
            return self.client.call("Get", "(s)", self.own(key))
        except BusError as error:
            assert error.name == "org.kvstore.Error.NotFound"
            return None

    def get(self, key):
        found = self.look(key)
        return found and found[0]


@pytest.fixture(params=[MEMORY, SQLITE], ids=["memory", "sqlite"])
def store(request, shared_kvstoreds, carrier, key):
    daemon = shared_kvstoreds(carrier, request.param)
    with daemon.bus() as client:
        yield Store(daemon, client, f"{key}:")


# -- operations


def test_each_operation(store):
    store.put("old", "before")
    store.put("number", "40")
    succeeded, results, _ = store.txn((), [
        put("new"), put("old", "after"), get("old"), increment("number", by=GLib.Variant("i", 2)), increment("fresh"),
        touch("number", ttl=GLib.Variant("d", 100.5)), delete("old"), delete("nothing"), get("nothing"),
    ])  # fmt: skip
    assert succeeded is True
    assert [result[0] for result in results] == [201, 204, 200, 200, 201, 204, 204, 404, 404]
    assert [result[1] for result in results] == ["", "", "after", "42", "1", "", "", "", ""]
    assert [store.get(name) for name in ("new", "old", "number", "fresh")] == ["v", None, "42", "1"]


def test_all_of_it_is_one_revision(store):
    before = store.client.get_property("Revision")
    _, results, revision = store.txn((), [put("a"), put("b"), increment("c"), get("a")])
    assert revision > before
    assert [details for _, _, details in results] == [{"revision": revision}] * 4
    assert [store.look(name)[1] for name in "abc"] == [{"revision": revision}] * 3


def test_without_a_change_it_is_of_a_revision_that_there_was(store):
    written = store.put("a")
    succeeded, results, revision = store.txn((), [get("a"), get("b")])
    assert succeeded is True
    assert results == [(200, "v", {"revision": written}), (404, "", {})]
    assert revision >= written


def test_deadlines(store):
    ttl = number(1000)
    for name in ("kept", "lost", "freed"):
        store.put(name, ttl=ttl)
    until = text("2100-01-02T03:04:05Z")
    store.txn((), [put("kept", keepttl=YES), put("lost"), put("short", ttl=number(0)), put("until", expires_at=until),
                   put("past", expires_at=text("2001-01-01T00:00:00Z")), touch("freed"), put("touched"),
                   touch("touched", expires_at=until)])  # fmt: skip
    assert store.get("short") is None
    assert store.get("past") is None
    assert {name for name in ("kept", "lost", "freed", "until", "touched") if "expires" in store.look(name)[1]} == {
        "kept", "until", "touched",
    }  # fmt: skip
    assert store.look("until")[1]["expires"].startswith("2100-01-02T03:04:0")


def test_what_was_there_before(store):
    first = store.put("a", "one", ttl=number(1000))
    second = store.put("b", "two")
    _, results, revision = store.txn((), [put("a", "new", prev=YES), delete("b", prev=YES), put("c", prev=YES), put("c")])
    value, details = results[0][2].pop("prev")
    assert (value, details["revision"], set(details)) == ("one", first, {"revision", "expires"})
    assert results == [
        (204, "", {"revision": revision}), (204, "", {"revision": revision, "prev": ("two", {"revision": second})}),
        (201, "", {"revision": revision}), (204, "", {"revision": revision}),
    ]  # fmt: skip


def test_values_that_are_no_text(store):
    nul = GLib.Variant("ay", b"a\0b")
    _, results, revision = store.txn((), [put("a", "", value_bytes=nul), get("a"), put("b", "", value_bytes=GLib.Variant("ay", b"text"))])
    assert results[1] == (200, "", {"revision": revision, "value_bytes": [97, 0, 98]})
    assert store.get("b") == "text"
    succeeded, results, _ = store.txn([("a", {"value": nul})], [put("a", "c", prev=YES)])
    assert succeeded is True
    assert results[0][2]["prev"] == ("", {"revision": revision, "value_bytes": [97, 0, 98]})
    assert store.txn([("a", {"not_value": nul})], [get("a")])[0] is True


def test_later_operations_see_earlier_ones(store):
    _, results, _ = store.txn((), [put("a", "1"), increment("a"), get("a"), delete("a"), get("a")])
    assert [result[:2] for result in results] == [(201, ""), (200, "2"), (200, "2"), (204, ""), (404, "")]
    assert store.get("a") is None


def test_values_that_are_too_much_for_a_reply(store):
    big = "x" * 2_000_000
    store.put("a", big)
    _, results, _ = store.txn((), [get("a")] * 8 + [get("a"), put("b"), put("a", "small", prev=YES)])
    assert [result[0] for result in results] == [200] * 8 + [413, 201, 204]
    assert results[7][1] == big
    assert results[8][1] == "" and results[8][2]["value_omitted"] is True
    assert results[10][2]["prev"][1]["value_omitted"] is True
    assert store.get("a") == "small"


# -- conditions


@pytest.mark.parametrize("there, condition, holds", [
    (False, {"absent": YES}, True), (True, {"absent": YES}, False),
    (False, {"present": YES}, False), (True, {"present": YES}, True),
    (True, {"value": text("v")}, True), (True, {"value": text("w")}, False), (False, {"value": text("")}, False),
    (True, {"not_value": text("v")}, False), (True, {"not_value": text("w")}, True), (False, {"not_value": text("v")}, True),
    (True, {"revision": number(1)}, False), (False, {"revision": number(1)}, False),
    (True, {"not_revision": number(1)}, True), (False, {"not_revision": number(1)}, True),
    (True, {"value": GLib.Variant("ay", b"v")}, True), (True, {"value": GLib.Variant("ay", b"\xff")}, False),
])  # fmt: skip
def test_each_condition(store, there, condition, holds):
    if there:
        store.put("a")
    assert store.txn([("a", condition)], [put("b", "then")], [put("b", "else")])[0] is holds
    assert store.get("b") == ("then" if holds else "else")


def test_revision(store):
    condition = [("a", {"revision": number(store.put("a"))})]
    assert store.txn(condition, [put("a", "new")])[0] is True
    succeeded, results, _ = store.txn(condition, [put("a", "newer")], [get("a")])
    assert succeeded is False
    assert results[0][1] == "new"


def test_all_of_them_have_to_hold(store):
    store.put("a")
    assert store.txn([("a", {"present": YES}), ("b", {"present": YES})], [put("c")])[:2] == (False, [])
    assert store.get("c") is None
    assert store.txn([("a", {"present": YES}), ("b", {"absent": YES})], [put("c")])[0] is True


# -- all or nothing


def test_what_cannot_be_added_to(store):
    store.put("a", "no number")
    name, message = store.refused((), [put("b"), increment("a")])
    assert name == "NotANumber"
    assert message.startswith("Entry 2 of 2 in then: ")
    assert store.get("b") is None


def test_what_cannot_be_touched(store):
    name, message = store.refused([("x", {"present": YES})], [get("x")], [put("b"), delete("x"), touch("x"), put("c")])
    assert name == "NotFound"
    assert message.startswith("Entry 3 of 4 in else: ")
    assert store.get("b") is None


def test_a_transfer_never_shows_a_half(store):
    store.put("a", "100")
    store.put("b", "0")
    condition = [("a", {"present": YES})]
    done = threading.Event()
    sums = []

    def read():
        with store.daemon.bus() as client:
            other = Store(store.daemon, client, store.prefix)
            while not done.is_set():
                values = other.txn((), [get("a"), get("b")])[1]
                sums.append(int(values[0][1]) + int(values[1][1]))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(100):
        store.txn(condition, [increment("a", by=GLib.Variant("i", -1)), increment("b")])
    done.set()
    reader.join()
    assert (store.get("a"), store.get("b")) == ("0", "100")
    assert sums and set(sums) == {100}


# -- what is refused


@pytest.mark.parametrize("error, lists, where, what", [
    ("InvalidArgument", ([("k", {})], [get("k")]), "Entry 1 of 1 in conditions: ", "absent"),
    ("InvalidArgument", ([("k", {"absent": YES}), ("k", {"absent": YES, "present": YES})], [get("k")]), "Entry 2 of 2 in conditions: ", "one of"),
    ("InvalidArgument", ([("k", {"absent": GLib.Variant("b", False)})], [get("k")]), "Entry 1 of 1 in conditions: ", "absent"),
    ("InvalidArgument", ([("k", {"abscent": YES})], [get("k")]), "Entry 1 of 1 in conditions: ", "abscent"),
    ("InvalidArgument", ([("k", {"revision": number(0)})], [get("k")]), "Entry 1 of 1 in conditions: ", "revision"),
    ("InvalidArgument", ([("k", {"value": number(1)})], [get("k")]), "Entry 1 of 1 in conditions: ", "value"),
    ("InvalidKey", ([("\n", {"absent": YES})], [get("k")]), "Entry 1 of 1 in conditions: ", ""),
    ("InvalidArgument", ((), [put("k"), ("put", "k", "v", {})]), "Entry 2 of 2 in then: ", "INCREMENT"),
    ("InvalidArgument", ((), [put("k"), get("k"), ("GET", "k", "v", {})]), "Entry 3 of 3 in then: ", "GET takes no value"),
    ("InvalidArgument", ((), [("TOUCH", "k", "v", {})]), "Entry 1 of 1 in then: ", "TOUCH takes no value"),
    ("InvalidArgument", ((), [put("k", "v", value_bytes=GLib.Variant("ay", b""))]), "Entry 1 of 1 in then: ", "value_bytes"),
    ("InvalidArgument", ((), [put("k", if_absent=YES)]), "Entry 1 of 1 in then: ", "if_absent"),
    ("InvalidArgument", ((), [get("k")], [get("k"), increment("k", by=text("1"))]), "Entry 2 of 2 in else: ", "by"),
    ("InvalidArgument", ((), [put("k")], [touch("k", keepttl=YES)]), "Entry 1 of 1 in else: ", "keepttl"),
    ("InvalidArgument", ((), [put("k", ttl=number(1), expires_at=text("2100-01-02T03:04:05Z"))]), "Entry 1 of 1 in then: ", "expires_at"),
    ("InvalidArgument", ((), [delete("k", prev=number(1))]), "Entry 1 of 1 in then: ", "prev"),
    ("InvalidValue", ((), [put("k"), put("l", "", value_bytes=GLib.Variant("ay", b"\xff"))]), "Entry 2 of 2 in then: ", ""),
    ("TooLarge", ((), [put("k"), put("l", "x" * (2 * 1024 * 1024 + 1))]), "Entry 2 of 2 in then: ", ""),
    ("TooLarge", ((), [put("l", "", value_bytes=GLib.Variant("ay", b"x" * (2 * 1024 * 1024 + 1)))]), "Entry 1 of 1 in then: ", ""),
])  # fmt: skip
def test_a_wrong_entry(store, error, lists, where, what):
    name, message = store.refused(*lists)
    assert name == error
    assert message.startswith(where)
    assert what in message
    assert store.get("k") is None


def test_nothing_to_do(store):
    assert store.refused()[0] == "InvalidArgument"
    assert store.refused([("a", {"absent": YES})])[0] == "InvalidArgument"


def test_how_many_there_may_be(store):
    conditions = [("a", {"absent": YES})] * 500
    assert store.txn(conditions, [get("a")] * 500, [get("a")] * 24)[0] is True
    name, message = store.refused(conditions, [get("a")] * 500, [get("a")] * 25)
    assert name == "TooLarge"
    assert "1024" in message
