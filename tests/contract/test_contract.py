# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""The same questions for every door: over HTTP, over D-Bus, and to the library itself."""

import pytest
from doors import FRONT_ENDS
from words import FOLDER, Event


class TestValues:
    def test_put_creates_then_replaces(self, door, key):
        assert door.put(key, "one") == "created"
        assert door.get(key) == ("found", "one")
        assert door.put(key, "two") == "replaced"
        assert door.get(key) == ("found", "two")

    def test_absent_key_is_not_found(self, door, key):
        assert door.get(key) == ("not-found", None)
        assert door.delete(key) == "not-found"
        assert door.swap(key, "", "new") == "not-found"
        assert door.get(key) == ("not-found", None)

    def test_deleted_key_is_gone(self, door, key):
        door.put(key, "value")
        assert door.delete(key) == "deleted"
        assert door.delete(key) == "not-found"
        assert door.get(key) == ("not-found", None)
        assert door.put(key, "again") == "created"

    @pytest.mark.parametrize(
        "value",
        [
            "",
            " ",
            "line\nline\n",
            "\r\n\r",
            "a\tb\x01\x7f",
            "null",
            "ünï ⚿ 🗝",
            "\ufeffmark",
            "\U0010ffff",
            "with\0zero",
            "\0",
            "x" * 100_000,
        ],
        ids=["empty", "blank", "lines", "cr", "controls", "null", "unicode", "bom", "last", "nul", "only-nul", "long"],
    )
    def test_value_comes_back_as_it_was(self, door, key, value):
        assert door.put(key, value) == "created"
        assert door.get(key) == ("found", value)

    @pytest.mark.parametrize("door", FRONT_ENDS, indirect=True)
    def test_value_of_greatest_length_is_taken_and_longer_is_not(self, door, key):
        longest = "ä" * (door.max_value // 2)
        assert door.put(key, longest + "b") == "too-large"
        assert door.get(key) == ("not-found", None)
        assert door.put(key, longest) == "created"
        assert door.get(key) == ("found", longest)
        assert door.put(key, longest + "b") == "too-large"
        assert door.get(key) == ("found", longest)
        door.delete(key)


class TestKeys:
    @pytest.mark.parametrize(
        "suffix",
        ["", "/a//b", "%2F", "+ &?#=;", "ünï🗝", "..", "\u0080\u2028", "~!*'()[]@:"],
    )
    def test_key_of_any_text_is_a_key_of_its_own(self, door, key, suffix):
        name = f"suffix-{key}{suffix}"
        assert door.put(name, suffix) == "created"
        assert door.get(name) == ("found", suffix)
        assert door.delete(name) == "deleted"

    @pytest.mark.parametrize("name", [".", "..", "cas"])
    def test_name_with_a_meaning_elsewhere_is_a_key(self, door, name):
        assert door.put(name, "value") == "created"
        assert door.get(name) == ("found", "value")
        assert door.delete(name) == "deleted"

    def test_key_of_greatest_length(self, door):
        name = "k" * 1022 + "ä"
        assert door.put(name, "value") == "created"
        assert door.get(name) == ("found", "value")
        assert door.delete(name) == "deleted"

    @pytest.mark.parametrize(
        "name",
        ["", "k" * 1025, "k" * 1023 + "ä", "a\nb", "a\x1f", "\x7f", "a\rb"],
        ids=["empty", "long", "long-in-bytes", "lf", "unit-separator", "del", "cr"],
    )
    def test_bad_key_is_refused_everywhere(self, door, name):
        before = door.status().keys
        assert door.put(name, "value") == "invalid-key"
        if door.name != "library":
            # The library's plain lookup says of what is no key that it is not there.
            assert door.get(name) == ("invalid-key", None)
        assert door.delete(name) == "invalid-key"
        assert door.swap(name, "a", "b") == "invalid-key"
        assert door.status().keys == before


class TestSwap:
    def test_swaps_when_the_value_is_as_expected(self, door, key):
        door.put(key, "one")
        assert door.swap(key, "one", "two") == "swapped"
        assert door.get(key) == ("found", "two")

    def test_refuses_when_it_differs(self, door, key):
        door.put(key, "one")
        for expected in ("", "On", "one ", "oneone", "ONE"):
            assert door.swap(key, expected, "two") == "mismatch"
        assert door.get(key) == ("found", "one")

    def test_swaps_a_value_for_itself(self, door, key):
        door.put(key, "one")
        assert door.swap(key, "one", "one") == "swapped"

    def test_swaps_the_empty_value(self, door, key):
        door.put(key, "")
        assert door.swap(key, "", "") == "swapped"
        assert door.swap(key, "", "x") == "swapped"
        assert door.get(key) == ("found", "x")

    def test_deadline_stays(self, door, key):
        watch = door.watch(key)
        assert watch.next() == Event("now", key, "")
        door.put(key, "one", ttl=1)
        assert door.swap(key, "one", "two") == "swapped"
        assert [watch.next().kind for _ in range(3)] == ["put", "swap", "expired"]
        assert door.get(key) == ("not-found", None)
        watch.close()

    @pytest.mark.parametrize("door", FRONT_ENDS, indirect=True)
    def test_new_value_too_long_is_refused(self, door, key):
        door.put(key, "one")
        assert door.swap(key, "one", "x" * (door.max_value + 1)) == "too-large"
        assert door.get(key) == ("found", "one")


class TestListing:
    def list_all(self, door, prefix, limit, **parameters):
        seen, cursor = [], None
        while True:
            items, cursor = door.list(prefix, cursor, limit=limit, **parameters)
            assert len(items) <= limit
            seen += items
            if cursor is None:
                return seen

    def test_byte_order_in_pages_of_any_size(self, door, key):
        names = sorted((f"{key}:{name}" for name in ["b", "a", "a/b", "a b", "ä", "€", "%", "B"]), key=str.encode)
        for name in reversed(names):
            door.put(name, f"of {name}\0")
        assert self.list_all(door, f"{key}:", 100) == [(name, None) for name in names]
        for limit in (1, 3, 8):
            assert self.list_all(door, f"{key}:", limit, values=True) == [(name, f"of {name}\0") for name in names]

    def test_deeper_keys_are_folded(self, door, key):
        for name in ["a", "a/1", "a/b/c", "b", "c/1"]:
            door.put(f"{key}:{name}", "value")
        for limit in (1, 100):
            assert self.list_all(door, f"{key}:", limit, delimiter="/", values=True) == [
                (f"{key}:a", "value"), (f"{key}:a/", FOLDER), (f"{key}:b", "value"), (f"{key}:c/", FOLDER),
            ]

    def test_what_has_gone_is_neither_listed_nor_counted(self, door, key):
        for name in "abc":
            door.put(f"{key}:{name}", "")
        door.delete(f"{key}:a")
        door.put(f"{key}:b", "", ttl=0)
        assert door.list(f"{key}:") == ([(f"{key}:c", None)], None)
        assert door.count(f"{key}:") == 1
        assert door.count(f"{key}:d") == 0

    def test_a_cursor_is_good_for_its_listing_only(self, door, key):
        for name in "abc":
            door.put(f"{key}:{name}", "")
        _, cursor = door.list(f"{key}:", limit=1)
        assert door.list(f"{key}", cursor) == "invalid-cursor"
        assert door.list(f"{key}:", cursor, delimiter="/") == "invalid-cursor"
        assert door.list(f"{key}:", cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")) == "invalid-cursor"
        assert door.list(f"{key}:", limit=1001) == "invalid-limit"


class TestDeadlines:
    def test_ttl_of_zero_expires_at_once(self, door, key):
        assert door.put(key, "value", ttl=0) == "created"
        assert door.get(key) == ("not-found", None)
        assert door.delete(key) == "not-found"
        assert door.swap(key, "value", "new") == "not-found"

    def test_put_over_an_expired_key_creates(self, door, key):
        door.put(key, "value", ttl=0)
        assert door.put(key, "again") == "created"

    def test_put_without_ttl_clears_the_deadline(self, door, key):
        other = key + "-other"
        watch = door.watch(key, other)
        assert [watch.next().kind for _ in range(2)] == ["now", "now"]
        door.put(key, "short", ttl=1)
        door.put(key, "long")
        door.put(other, "mark", ttl=1)
        assert [watch.next() for _ in range(4)] == [
            Event("put", key, "short"),
            Event("put", key, "long"),
            Event("put", other, "mark"),
            Event("expired", other, ""),
        ]
        assert door.get(key) == ("found", "long")
        watch.close()

    def test_expiry_is_told_when_it_is_due(self, door, key):
        watch = door.watch(key)
        assert watch.next() == Event("now", key, "")
        door.put(key, "value", ttl=1)
        assert [watch.next() for _ in range(2)] == [
            Event("put", key, "value"),
            Event("expired", key, ""),
        ]
        assert door.get(key) == ("not-found", None)
        watch.close()

    @pytest.mark.parametrize("ttl", [1, 3600, 2**32, 2**62])
    def test_ttl_of_any_size_is_taken(self, door, key, ttl):
        assert door.put(key, "value", ttl=ttl) == "created"
        assert door.get(key) == ("found", "value")
        door.delete(key)


class TestBatch:
    def test_runs_in_order(self, door, key):
        assert door.batch(
            ("get", key),
            ("put", key, "one"),
            ("get", key),
            ("put", key, "two"),
            ("get", key),
            ("delete", key),
            ("delete", key),
            ("get", key),
        ) == [
            ("not-found", None),
            ("created", None),
            ("found", "one"),
            ("replaced", None),
            ("found", "two"),
            ("deleted", None),
            ("not-found", None),
            ("not-found", None),
        ]

    @pytest.mark.parametrize("door", FRONT_ENDS, indirect=True)
    def test_of_nothing_does_nothing(self, door):
        assert door.batch() == []

    def test_takes_ttl(self, door, key):
        assert door.batch(("put", key, "value", 0), ("get", key)) == [("created", None), ("not-found", None)]

    def test_bad_entry_stops_all(self, door, key):
        assert door.batch(("put", key, "value"), ("put", "", "value")) == "unprocessable"
        assert door.get(key) == ("not-found", None)

    @pytest.mark.parametrize("door", FRONT_ENDS, indirect=True)
    def test_has_a_greatest_length(self, door, key):
        entries = [("put", key, str(i)) for i in range(door.max_batch)]
        assert door.batch(*entries, ("get", key)) == "too-large"
        assert door.get(key) == ("not-found", None)
        results = door.batch(*entries)
        assert results == [("created", None)] + [("replaced", None)] * (door.max_batch - 1)
        assert door.get(key) == ("found", str(door.max_batch - 1))


class TestWatch:
    """What a key holds when a watch begins is told first; only what comes after that is told as a change."""

    def test_tells_what_is_there_and_then_every_change(self, door, key):
        door.put(key, "before")
        watch = door.watch(key)
        assert watch.next() == Event("now", key, "before")
        door.put(key, "put")
        door.swap(key, "put", "swapped")
        door.swap(key, "put", "not swapped")
        door.delete(key)
        door.delete(key)
        door.batch(("put", key, "batch"), ("get", key))
        assert [watch.next() for _ in range(4)] == [
            Event("put", key, "put"),
            Event("swap", key, "swapped"),
            Event("delete", key, ""),
            Event("put", key, "batch"),
        ]
        watch.close()

    def test_absent_key_is_told_as_empty(self, door, key):
        watch = door.watch(key)
        assert watch.next() == Event("now", key, "")
        watch.close()

    def test_tells_of_its_keys_only_and_in_order(self, door, key):
        first, second = key + "-1", key + "-2"
        watch = door.watch(first, second)
        assert sorted(watch.next() for _ in range(2)) == [Event("now", first, ""), Event("now", second, "")]
        for i in range(20):
            door.put(first, f"a{i}")
            door.put(key, "not watched")
            door.put(second, f"b{i}")
        assert [watch.next() for _ in range(40)] == [
            Event("put", k, f"{letter}{i}") for i in range(20) for k, letter in ((first, "a"), (second, "b"))
        ]
        watch.close()

    def test_key_named_twice_is_watched_once(self, door, key):
        watch = door.watch(key, key)
        assert watch.next() == Event("now", key, "")
        door.put(key, "value")
        assert watch.next() == Event("put", key, "value")
        door.delete(key)
        assert watch.next() == Event("delete", key, "")
        watch.close()

    def test_resumes_where_it_was_left(self, door, key):
        watch = door.watch(key)
        assert watch.next() == Event("now", key, "")
        door.put(key, "one")
        door.put(key, "two")
        assert watch.next() == Event("put", key, "one")
        left_at = watch.revision
        watch.close()
        door.put(key, "three")
        watch = door.watch(key, since=left_at)
        assert [watch.next() for _ in range(2)] == [Event("put", key, "two"), Event("put", key, "three")]
        door.delete(key)
        assert watch.next() == Event("delete", key, "")
        assert watch.revision > left_at
        watch.close()

    @pytest.mark.parametrize("value", ["", "\n", "a\n\nb\n", "tab\t", "ünï🗝"])
    def test_tells_values_whole(self, door, key, value):
        watch = door.watch(key)
        assert watch.next() == Event("now", key, "")
        door.put(key, value)
        assert watch.next() == Event("put", key, value)
        watch.close()

    @pytest.mark.parametrize("door", ["library"], indirect=True)
    def test_counts_in_the_status(self, door, key):
        watch = door.watch(key)
        assert door.status().watches == 1
        watch.close()
        assert door.status().watches == 0


class TestStatus:
    def test_counts_what_succeeded(self, door, key):
        # A daemon is shared with the tests before this one, so what counts is the difference.
        start = door.status()
        door.put(key, "one")
        door.put(key, "two")
        door.get(key)
        door.get(key + "-absent")
        door.swap(key, "two", "three")
        door.swap(key, "two", "four")
        door.delete(key)
        door.delete(key)
        end = door.status()
        assert [b - a for a, b in zip(start, end)][:6] == [0, 1, 2, 1, 1, 1]
