# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Writes on a condition, and compare-and-swap, asked at every door: who wins, and what the loser is told."""

import concurrent.futures

import pytest
from words import Result, delete, incr, put, touch

# What each operation needs to come to something on any key that there is, and the word for it then.
WRITES = {"put": (put, "replaced"), "delete": (delete, "deleted"), "touch": (touch, "replaced"), "incr": (incr, "counted")}

each_write = pytest.mark.parametrize("write, done", WRITES.values(), ids=WRITES)


class TestByRevision:
    @each_write
    def test_at_the_one_that_is_there(self, door, key, write, done):
        door.put(key, "7")
        at = door.look(key).revision
        result = door.run(write(key), revision=at)
        assert result.word == done and result.revision > at

    @each_write
    def test_loser_is_told_what_is_there(self, door, key, write, done):
        door.put(key, "6")
        at = door.look(key).revision
        door.put(key, "7", ttl=3600)
        held = door.look(key)
        assert held.revision > at
        for stale in (at, 1, held.revision + 1):
            assert door.run(write(key), revision=stale) == Result("mismatch", "7", held.revision)
        assert door.look(key)[:2] == held[:2]

    @pytest.mark.parametrize("write, word", [(put, "mismatch"), (delete, "not-found"), (touch, "not-found"), (incr, "mismatch")])
    def test_of_an_absent_key(self, door, key, write, word):
        """What can only be done with a key that is there is not found; the others tell that nothing is there."""
        assert door.run(write(key), revision=17) == Result(word, None, 0)
        assert door.look(key) is None

    def test_of_an_expired_key(self, door, key):
        result = door.run(put(key, "v", ttl=0))
        assert door.run(put(key), revision=result.revision) == Result("mismatch", None, 0)

    def test_one_of_many_wins(self, door, key):
        """Some who have read the same revision write at once."""
        if door.name == "library":
            others = [door]
        else:
            others = [type(door)(door.daemon) for _ in range(4)]
        door.put(key, "start")
        for _ in range(10):
            at = door.look(key).revision
            with concurrent.futures.ThreadPoolExecutor(len(others)) as pool:
                results = list(pool.map(lambda other: other.run(put(key), revision=at), others))
            (won,) = [result.revision for result in results if result.word == "replaced"]
            assert [result.revision for result in results if result.word == "mismatch"] == [won] * (len(others) - 1)
            assert door.look(key).revision == won
        for other in others:
            if other is not door:
                other.close()


class TestAbsentAndPresent:
    def test_creates_only(self, door, key):
        created = door.run(put(key, "one"), absent=True)
        assert created.word == "created" and created.revision > 0
        assert door.run(put(key, "two"), absent=True) == Result("mismatch", "one", created.revision)
        assert door.get(key) == ("found", "one")
        door.delete(key)
        assert door.run(put(key, "three"), absent=True).word == "created"

    def test_creates_where_one_has_expired(self, door, key):
        door.put(key, "v", ttl=0)
        assert door.run(put(key), absent=True).word == "created"

    def test_replaces_only(self, door, key):
        assert door.run(put(key, "one"), present=True) == Result("mismatch", None, 0)
        assert door.look(key) is None
        door.put(key, "one")
        result = door.run(put(key, "two"), present=True)
        assert result.word == "replaced" and door.look(key)[:2] == ("two", result.revision)

    def test_counts_only_what_is_there_or_what_is_not(self, door, key):
        assert door.run(incr(key), present=True) == Result("mismatch", None, 0)
        created = door.run(incr(key, 5), absent=True)
        assert created[:2] == ("counted", "5")
        assert door.run(incr(key), absent=True) == Result("mismatch", "5", created.revision)
        assert door.run(incr(key), present=True)[:2] == ("counted", "6")

    @pytest.mark.parametrize("write, done", [(delete, "deleted"), (touch, "replaced")])
    def test_what_has_to_be_there_anyway(self, door, key, write, done):
        assert door.run(write(key), present=True) == Result("not-found", None, 0)
        assert door.run(write(key), absent=True) == Result("not-found", None, 0)
        door.put(key, "v")
        at = door.look(key).revision
        assert door.run(write(key), absent=True) == Result("mismatch", "v", at)
        assert door.run(write(key), present=True).word == done

    @pytest.mark.parametrize("write", [delete, touch])
    def test_what_is_not_there_is_not_found(self, door, key, write):
        assert door.run(write(key)) == Result("not-found", None, 0)


class TestSwap:
    """The contract's swap is asked in test_contract.py."""

    def test_by_value(self, door, key):
        door.put(key, "one", ttl=3600)
        before = door.look(key)
        swapped = door.swap_on(key, "two", expected="one")
        assert swapped.word == "swapped" and swapped.revision > before.revision
        held = door.look(key)
        assert held[:2] == ("two", swapped.revision) and abs(held.expires - before.expires) < 1

    def test_by_revision(self, door, key):
        door.put(key, "one", ttl=3600)
        before = door.look(key)
        swapped = door.swap_on(key, "two", revision=before.revision)
        assert swapped.word == "swapped" and swapped.revision > before.revision
        held = door.look(key)
        assert held[:2] == ("two", swapped.revision) and abs(held.expires - before.expires) < 1

    @pytest.mark.parametrize("by", [{"expected": "one"}, {"revision": 17}], ids=["value", "revision"])
    def test_loser_is_told_what_is_there(self, door, key, by):
        door.put(key, "ä")
        at = door.look(key).revision
        assert door.swap_on(key, "two", **by) == Result("mismatch", "ä", at)
        assert door.look(key)[:2] == ("ä", at)

    def test_of_an_absent_key(self, door, key):
        assert door.swap_on(key, "v", expected="") == Result("not-found", None, 0)
        # By revision it is a Put() over D-Bus, and those may create.
        word = "mismatch" if door.name == "dbus" else "not-found"
        assert door.swap_on(key, "v", revision=17) == Result(word, None, 0)
        assert door.look(key) is None

    def test_a_loop_of_swaps_loses_nothing(self, door, key):
        """As one writes who has read, and begins anew from what the loser is told."""
        door.put(key, "0")
        revision = 17
        for turn in range(10):
            result = door.swap_on(key, str(turn), revision=revision)
            assert result.word == "mismatch"
            result = door.swap_on(key, result.value + "+", revision=result.revision)
            assert result.word == "swapped"
        assert door.get(key) == ("found", "0" + "+" * 10)
