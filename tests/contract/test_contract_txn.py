# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Transactions and atomic batches, asked at every door."""

import pytest
from doors import FRONT_ENDS
from words import If, Outcome, Refused, Result, delete, get, incr, put, touch


class TestConditions:
    @pytest.mark.parametrize("kind, operand, of_value, of_other, of_none", [
        ("absent", True, False, False, True),
        ("present", True, True, True, False),
        ("value", "v", True, False, False),
        ("not_value", "v", False, True, True),
        ("value", "", False, False, False),
        ("value", "a\0b", False, False, False),
        ("not_value", "a\0b", True, True, True),
        ("revision", 1, False, False, False),
        ("not_revision", 1, True, True, True),
    ])  # fmt: skip
    def test_each_chooses(self, door, key, kind, operand, of_value, of_other, of_none):
        """With the value that is asked for, with another, and with no such key."""
        door.put(f"{key}/v", "v")
        door.put(f"{key}/other", "vv")
        for name, holds in (("v", of_value), ("other", of_other), ("none", of_none)):
            asked = If(f"{key}/{name}", kind, operand)
            outcome = door.txn([asked], [put(f"{key}/to", "then")], [put(f"{key}/to", "else")])
            assert outcome.succeeded is holds
            assert door.get(f"{key}/to") == ("found", "then" if holds else "else")

    def test_revisions_and_values_as_they_are(self, door, key):
        door.put(key, "a\0b")
        at = door.look(key).revision
        for kind, operand, holds in [
            ("revision", at, True), ("not_revision", at, False), ("revision", at - 1, False), ("not_revision", at + 1, True),
            ("value", "a\0b", True), ("not_value", "a\0b", False), ("value", "a", False),
        ]:  # fmt: skip
            outcome = door.txn([If(key, kind, operand)], [get(key)], [get(key)])
            assert outcome.succeeded is holds, (kind, operand)
            assert outcome.results == [Result("found", "a\0b", at)]

    def test_all_have_to_hold(self, door, key):
        door.put(f"{key}/a", "v")
        there, not_there = If(f"{key}/a", "present"), If(f"{key}/b", "present")
        assert door.txn([there, not_there], [put(f"{key}/c")], [get(f"{key}/a")]).succeeded is False
        assert door.txn([not_there, there], [put(f"{key}/c")], [get(f"{key}/a")]).succeeded is False
        assert door.get(f"{key}/c") == ("not-found", None)
        assert door.txn([there, If(f"{key}/b", "absent")], [put(f"{key}/c")], [get(f"{key}/a")]).succeeded is True
        assert door.get(f"{key}/c") == ("found", "v")

    def test_without_anything_else_to_do(self, door, key):
        assert door.txn([If(key, "present")], [put(key)])[:2] == (False, [])
        assert door.txn([If(key, "absent")], (), [put(key)])[:2] == (True, [])
        assert door.get(key) == ("not-found", None)

    def test_what_has_expired_is_absent(self, door, key):
        door.put(key, "v", ttl=0)
        assert door.txn([If(key, "absent")], [put(key)])[:2] == (True, [Result("created")])

    def test_who_finds_another_revision_learns_what_is_there(self, door, key):
        """The one that is told first wins, the other reads what it has to begin from."""
        door.put(key, "start")
        at = door.look(key).revision
        first = door.txn([If(key, "revision", at)], [put(key, "first")], [get(key)])
        assert first.succeeded and first.revision > at
        second = door.txn([If(key, "revision", at)], [put(key, "second")], [get(key)])
        assert second.succeeded is False
        assert second.results == [Result("found", "first", first.revision)]


class TestOperations:
    def test_each(self, door, key):
        door.put(f"{key}/old", "before")
        door.put(f"{key}/number", "40")
        outcome = door.txn((), [
            put(f"{key}/new"), put(f"{key}/old", "after"), get(f"{key}/old"), incr(f"{key}/number", 2), incr(f"{key}/fresh"),
            touch(f"{key}/number", ttl=1000.5), delete(f"{key}/old"), delete(f"{key}/none"), get(f"{key}/none"),
        ])  # fmt: skip
        assert outcome.succeeded is True
        assert [result[:2] for result in outcome.results] == [
            ("created", None), ("replaced", None), ("found", "after"), ("counted", "42"), ("counted", "1"),
            ("replaced", None), ("deleted", None), ("not-found", None), ("not-found", None),
        ]  # fmt: skip
        assert [door.get(f"{key}/{name}")[1] for name in ("new", "old", "number", "fresh")] == ["v", None, "42", "1"]

    def test_all_of_it_has_one_revision(self, door, key):
        door.put(f"{key}/d", "v")
        before = door.look(f"{key}/d").revision
        outcome = door.txn((), [put(f"{key}/a"), incr(f"{key}/b"), touch(f"{key}/d"), get(f"{key}/a")])
        assert outcome.revision > before
        assert outcome.results[3] == Result("found", "v", outcome.revision)
        assert {door.look(f"{key}/{name}").revision for name in "abd"} == {outcome.revision}

    def test_a_read_alone_changes_nothing(self, door, key):
        door.put(key, "v")
        at = door.look(key).revision
        outcome = door.txn((), [get(key), get(f"{key}/none"), delete(f"{key}/none")])
        assert outcome.results == [Result("found", "v", at), Result("not-found"), Result("not-found")]
        assert outcome.revision >= at
        assert door.look(key).revision == at

    def test_later_ones_see_what_earlier_ones_did(self, door, key):
        outcome = door.txn((), [put(key, "1"), incr(key), get(key), delete(key), get(key), incr(key, -3)])
        assert [result[:2] for result in outcome.results] == [
            ("created", None), ("counted", "2"), ("found", "2"), ("deleted", None), ("not-found", None), ("counted", "-3"),
        ]  # fmt: skip
        assert door.get(key) == ("found", "-3")

    def test_tell_what_was_there_before(self, door, key):
        names = [f"{key}/{name}" for name in "abc"]
        door.put(names[0], "one\0")
        door.put(names[1], "two")
        before = [door.look(name).revision for name in names[:2]]
        outcome = door.txn((), [
            put(names[0], "new", prev=True), delete(names[1], prev=True), put(names[2], "", prev=True), put(names[2]),
        ])  # fmt: skip
        assert outcome.results == [
            Result("replaced", prev=("one\0", before[0])), Result("deleted", prev=("two", before[1])), Result("created"),
            Result("replaced"),
        ]  # fmt: skip

    def test_deadlines(self, door, key):
        names = ("kept", "lost", "freed", "touched", "until", "past", "short")
        for name in names[:3]:
            door.put(f"{key}/{name}", "v", ttl=3600)
        kept = door.look(f"{key}/kept").expires
        until = "2100-01-02T03:04:05Z"
        door.txn((), [
            put(f"{key}/kept", "new", keepttl=True), put(f"{key}/lost"), touch(f"{key}/freed"), put(f"{key}/touched"),
            touch(f"{key}/touched", expires_at=until), put(f"{key}/until", expires_at=until),
            put(f"{key}/past", expires_at="2001-01-01T00:00:00Z"), put(f"{key}/short", ttl=0),
        ])  # fmt: skip
        held = {name: door.look(f"{key}/{name}") for name in names}
        assert abs(held["kept"].expires - kept) < 1
        assert held["lost"].expires is held["freed"].expires is None
        assert abs(held["touched"].expires - 4102542245) < 1 and abs(held["until"].expires - 4102542245) < 1
        assert held["past"] is held["short"] is None


class TestAllOrNothing:
    @pytest.mark.parametrize("value, by", [("text", 1), ("", 1), ("1.0", 1), (" 1", 1), ("01", 1), (str(2**63 - 1), 1), (str(-(2**63)), -1)])
    def test_what_cannot_be_counted(self, door, key, value, by):
        door.put(f"{key}/a", value)
        at = door.look(f"{key}/a").revision
        assert door.txn((), [put(f"{key}/b"), incr(f"{key}/a", by), put(f"{key}/c")]) == Refused("not-a-number", "then/1")
        assert door.look(f"{key}/a")[:2] == (value, at)
        assert door.get(f"{key}/b") == door.get(f"{key}/c") == ("not-found", None)

    def test_what_cannot_be_touched(self, door, key):
        outcome = door.txn([If(key, "present")], [get(key)], [put(f"{key}/b"), delete(f"{key}/none"), touch(key, ttl=1)])
        assert outcome == Refused("not-found", "else/2")
        assert door.get(f"{key}/b") == ("not-found", None)

    def test_the_other_branch_is_no_obstacle(self, door, key):
        outcome = door.txn([If(key, "absent")], [put(key)], [touch(f"{key}/none")])
        assert outcome[:2] == (True, [Result("created")])

    def test_a_bad_key_stops_all(self, door, key):
        for lists in ([[put(key), get("")], ()], [[put(key)], [delete("a\nb")]]):
            refused = door.txn((), *lists)
            # The library does not make such an operation, so that it is of no transaction yet.
            assert refused.place == (None if door.name == "library" else "then/1" if lists[1] == () else "else/0")
            # JSON of the wrong shape, as HTTP sees it.
            assert refused.word == ("unprocessable" if door.name == "http" else "invalid-key")
        assert door.get(key) == ("not-found", None)

    @pytest.mark.parametrize("door", FRONT_ENDS, indirect=True)
    def test_a_value_too_long_stops_all(self, door, key):
        assert door.txn((), [put(f"{key}/a"), put(f"{key}/b", "x" * (door.max_value + 1))]).word == "too-large"
        assert door.get(f"{key}/a") == ("not-found", None)

    @pytest.mark.parametrize("door", FRONT_ENDS, indirect=True)
    def test_has_a_greatest_length(self, door, key):
        conditions = [If(key, "absent")] * 500
        assert door.txn(conditions, [put(key)] * 500, [get(key)] * 25).word == "too-large"
        assert door.get(key) == ("not-found", None)
        assert isinstance(door.txn(conditions, [put(key)] * 500, [get(key)] * 24), Outcome)


class TestAtomicBatch:
    """POST /batch?atomic=true; at the other doors a transaction without conditions."""

    def test_is_one_change(self, door, key):
        names = [f"{key}/{name}" for name in "abcd"]
        door.put(names[2], "v")
        results, revision = door.batch_atomic(
            put(names[0], "one"), get(names[0]), put(names[1], "x", ttl=3600), delete(names[2]), get(names[3]),
        )  # fmt: skip
        assert results == [("created", None), ("found", "one"), ("created", None), ("deleted", None), ("not-found", None)]
        assert door.look(names[0]).revision == door.look(names[1]).revision == revision
        assert door.look(names[1]).expires is not None and door.look(names[2]) is None

    def test_bad_entry_stops_all(self, door, key):
        assert door.batch_atomic(put(key), put("")) == "unprocessable"
        assert door.get(key) == ("not-found", None)

    def test_watch_is_told_the_end_of_it_alone(self, door, key):
        watch = door.watch_on(prefixes=[f"{key}/"])
        watch.read_snapshot()
        _, revision = door.batch_atomic(put(f"{key}/a", "1"), put(f"{key}/b"), delete(f"{key}/b"), put(f"{key}/a", "2"))
        door.put(f"{key}/c", "mark")
        told = watch.next_told()
        assert (told.key, told.value, told.revision, told.whole) == (f"{key}/a", "2", revision, True)
        assert watch.next_told().key == f"{key}/c"
        watch.close()
