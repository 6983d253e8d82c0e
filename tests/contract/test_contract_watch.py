# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Watches of keys and prefixes, asked at every door: what they show, in which order, and how they go on."""

import pytest
from doors import DOORS, FRONT_ENDS
from words import OutOfReach, Told, delete, incr, put, touch

# Those where a watch can begin out of reach, and whose reader can be slow. A watch over D-Bus that is out of reach is refused, and GDBus,
# which the tests use, reads on its own: tests/dbus/test_dbus_watch.py has a caller that does not.
BEGIN_ANEW = [name for name in DOORS if "dbus" not in name]


def open_watch(door, *arguments, **options):
    """A watch, what its snapshot has shown, and the revision of that."""
    watch = door.watch_on(*arguments, **options)
    return watch, *watch.read_snapshot()


class TestSnapshot:
    def test_shows_what_is_there_and_then_every_change(self, door, key):
        door.put(f"{key}/a", "a\0")
        door.put(f"{key}/b", "b", ttl=3600)
        door.put(f"{key}-other", "v")
        revisions = {name: door.look(name).revision for name in (f"{key}/a", f"{key}/b")}
        watch, shown, end = open_watch(door, [f"{key}/a", f"{key}/none"], [f"{key}/"])
        assert shown == {f"{key}/a": ("a\0", revisions[f"{key}/a"]), f"{key}/b": ("b", revisions[f"{key}/b"])}
        assert end >= max(revisions.values())
        written = [
            door.run(put(f"{key}/c", "one")), door.run(incr(f"{key}/n", 3)), door.run(touch(f"{key}/c")),
            door.swap_on(f"{key}/c", "two", expected="one"), door.run(delete(f"{key}/a")),
        ]  # fmt: skip
        door.put(f"{key}-other", "unseen")
        assert [watch.next_told() for _ in written] == [
            Told(kind, f"{key}/{name}", value, result.revision)
            for result, (kind, name, value) in zip(written, [
                ("put", "c", "one"), ("put", "n", "3"), ("put", "c", "one"), ("swap", "c", "two"), ("delete", "a", None),
            ])
        ]  # fmt: skip
        watch.close()

    def test_of_every_key(self, door, key):
        door.put(key, "v")
        watch, shown, _ = open_watch(door, [], [""])
        assert shown[key] == ("v", door.look(key).revision)
        result = door.run(put(f"~{key}"))
        assert watch.next_told() == Told("put", f"~{key}", "v", result.revision)
        watch.close()

    def test_of_a_key_and_prefixes_of_it_is_told_once(self, door, key):
        watch, shown, _ = open_watch(door, [f"{key}/a"], [key, f"{key}/"])
        assert shown == {}
        revisions = [door.run(put(f"{key}/a", value)).revision for value in "12"]
        assert [watch.next_told() for _ in revisions] == [
            Told("put", f"{key}/a", value, revision) for value, revision in zip("12", revisions)
        ]
        watch.close()

    def test_of_many_keys_is_whole(self, door, key):
        names = [f"{key}/{i}" for i in range(300)]
        for start in (0, 100, 200):
            door.batch(*(("put", name, name) for name in names[start:start + 100]))
        watch, shown, _ = open_watch(door, [], [f"{key}/"])
        assert {name: value for name, (value, _) in shown.items()} == {name: name for name in names}
        watch.close()


class TestWhatIsTold:
    def test_what_was_there_before(self, door, key):
        watch, _, _ = open_watch(door, [key], prev=True)
        created = door.run(put(key, "one\0")).revision
        replaced = door.run(put(key, "two")).revision
        touched = door.run(touch(key, ttl=3600)).revision
        deleted = door.run(delete(key)).revision
        short = door.run(put(key, "three", ttl=0.05)).revision
        told = [watch.next_told() for _ in range(6)]
        assert [(one.kind, one.value, one.prev) for one in told] == [
            ("put", "one\0", None), ("put", "two", ("one\0", created)), ("put", "two", ("two", replaced)),
            ("delete", None, ("two", touched)), ("put", "three", None), ("expired", None, ("three", short)),
        ]  # fmt: skip
        assert [one.revision for one in told[:5]] == [created, replaced, touched, deleted, short]
        assert told[5].revision > short
        watch.close()

    def test_nothing_of_it_unasked(self, door, key):
        door.put(key, "one")
        watch, _, _ = open_watch(door, [key])
        revision = door.run(put(key, "two")).revision
        assert watch.next_told() == Told("put", key, "two", revision, True, None)
        watch.close()

    # The library hands out the entries themselves, which costs nothing.
    @pytest.mark.parametrize("door", FRONT_ENDS, indirect=True)
    @pytest.mark.parametrize("prev", [False, True])
    def test_without_values(self, door, key, prev):
        first = door.run(put(key, "one")).revision
        watch = door.watch_on([key], values=False, prev=prev)
        shown = []
        while not shown or shown[-1].kind != "snapshot_end":
            shown.append(watch.next_told())
        assert [(told.key, told.value, told.revision) for told in shown[:-1]] == [(key, None, first)]
        second = door.run(put(key, "two\0")).revision
        third = door.run(delete(key)).revision
        assert [watch.next_told() for _ in range(2)] == [
            Told("put", key, None, second, True, (None, first) if prev else None),
            Told("delete", key, None, third, True, (None, second) if prev else None),
        ]
        watch.close()

    def test_expiry_in_its_time(self, door, key):
        """In the order of the deadlines, and each with a revision of its own."""
        watch, _, _ = open_watch(door, [], [f"{key}/"])
        revision = door.txn((), [put(f"{key}/long", ttl=0.1), put(f"{key}/short", ttl=0.05)]).revision
        told = [watch.next_told() for _ in range(4)]
        assert [(one.kind, one.key, one.whole) for one in told] == [
            ("put", f"{key}/long", False), ("put", f"{key}/short", True),
            ("expired", f"{key}/short", True), ("expired", f"{key}/long", True),
        ]  # fmt: skip
        assert told[0].revision == told[1].revision == revision < told[2].revision < told[3].revision
        watch.close()

    def test_key_that_is_dead_when_it_is_written(self, door, key):
        watch, _, _ = open_watch(door, [key], prev=True)
        revision = door.run(put(key, "v", ttl=0)).revision
        told = [watch.next_told() for _ in range(2)]
        assert [(one.kind, one.value, one.prev) for one in told] == [("put", "v", None), ("expired", None, ("v", revision))]
        watch.close()


class TestTransactions:
    def test_are_told_whole(self, door, key):
        names = [f"{key}/{i}" for i in range(50)]
        watch, _, _ = open_watch(door, [], [f"{key}/"])
        for value in "12":
            outcome = door.txn((), [put(name, value) for name in names])
            told = [watch.next_told() for _ in names]
            assert {(one.key, one.value) for one in told} == {(name, value) for name in names}
            assert {one.revision for one in told} == {outcome.revision}
            assert [one.whole for one in told] == [False] * 49 + [True]
        watch.close()

    def test_end_where_they_end_for_the_watch(self, door, key):
        """Whatever else they have changed behind that."""
        names = [f"{key}/{i}" for i in range(6)]
        watch, _, _ = open_watch(door, [names[1], names[3]])
        revision = door.txn((), [put(name) for name in names]).revision
        assert [watch.next_told() for _ in range(2)] == [
            Told("put", names[1], "v", revision, False), Told("put", names[3], "v", revision),
        ]  # fmt: skip
        watch.close()

    def test_tell_what_they_come_to(self, door, key):
        door.put(f"{key}/a", "old")
        before = door.look(f"{key}/a").revision
        watch, _, _ = open_watch(door, [], [f"{key}/"], prev=True)
        ops = [put(f"{key}/a", "1"), incr(f"{key}/a"), put(f"{key}/b"), delete(f"{key}/b"), put(f"{key}/c")]
        revision = door.txn((), ops).revision
        assert [watch.next_told() for _ in range(2)] == [
            Told("put", f"{key}/a", "2", revision, False, ("old", before)), Told("put", f"{key}/c", "v", revision),
        ]  # fmt: skip
        watch.close()

    def test_that_fail_are_not_told(self, door, key):
        watch, _, _ = open_watch(door, [], [f"{key}/"])
        door.txn((), [put(f"{key}/a"), touch(f"{key}/none", ttl=1)])
        revision = door.run(put(f"{key}/mark")).revision
        assert watch.next_told() == Told("put", f"{key}/mark", "v", revision)
        watch.close()


class TestResume:
    def test_has_neither_gap_nor_double(self, door, key):
        """Wherever it begins, it tells the rest, and goes on."""
        revisions = [door.run(put(f"{key}/{i % 3}", str(i))).revision for i in range(9)]
        for at, since in enumerate(list(revisions)):
            watch = door.watch_on([f"{key}/0"], [f"{key}/"], since=since)
            assert [watch.next_told().revision for _ in revisions[at + 1:]] == revisions[at + 1:]
            revisions.append(door.run(put(f"{key}/new")).revision)
            assert watch.next_told() == Told("put", f"{key}/new", "v", revisions[-1])
            watch.close()

    def test_after_a_snapshot(self, door, key):
        door.put(f"{key}/a", "one")
        watch, _, end = open_watch(door, [], [f"{key}/"])
        watch.close()
        revision = door.run(put(f"{key}/b")).revision
        watch = door.watch_on([], [f"{key}/"], since=end)
        assert watch.next_told() == Told("put", f"{key}/b", "v", revision)
        watch.close()

    def test_begins_with_a_whole_transaction(self, door, key):
        names = [f"{key}/{i}" for i in range(3)]
        before = door.run(put(key)).revision
        first = door.txn((), [put(name, "1") for name in names]).revision
        second = door.txn((), [put(name, "2") for name in names]).revision
        for since, left in ((before, [first, second]), (first, [second])):
            watch = door.watch_on([], [f"{key}/"], since=since)
            for revision in left:
                told = [watch.next_told() for _ in names]
                assert [(one.revision, one.whole) for one in told] == [(revision, False)] * 2 + [(revision, True)]
            watch.close()

    def test_tells_of_expiry_and_of_what_was_before(self, door, key):
        start = door.run(put(key, "one")).revision
        second = door.run(put(key, "two", ttl=0)).revision
        # Whoever looks finds it gone, and that is told.
        assert door.look(key) is None
        watch = door.watch_on([key], since=start, prev=True)
        told = [watch.next_told() for _ in range(2)]
        assert [(one.kind, one.value, one.prev) for one in told] == [
            ("put", "two", ("one", start)), ("expired", None, ("two", second)),
        ]  # fmt: skip
        watch.close()

    @pytest.mark.parametrize("since", [0, 1, 2**53])
    def test_out_of_reach_is_told(self, door, key, since):
        revision = door.run(put(key)).revision
        refused = door.watch_on([key], since=since)
        assert isinstance(refused, OutOfReach)
        assert refused.oldest < revision <= refused.current
        watch = door.watch_on([key], since=refused.oldest)
        assert watch.next_told() == Told("put", key, "v", revision)
        watch.close()

    @pytest.mark.parametrize("door", BEGIN_ANEW, indirect=True)
    def test_out_of_reach_begins_anew_where_it_may(self, door, key):
        """By Last-Event-ID, with which a browser comes back, and in the library."""
        revision = door.run(put(key)).revision
        watch = door.watch_on([key], since=1, anyway=True)
        reset = watch.next_told()
        assert reset.kind == "reset" and reset.revision >= revision
        shown, end = watch.read_snapshot()
        assert shown == {key: ("v", revision)} and end >= reset.revision
        later = door.run(put(key, "later")).revision
        assert watch.next_told() == Told("put", key, "later", later)
        watch.close()

    @pytest.mark.parametrize("door", BEGIN_ANEW, indirect=True)
    def test_who_falls_behind_is_told_so_and_shown_all(self, door, key):
        watch, _, _ = open_watch(door, [], [key])
        last = door.flood(key, 20, 2 * 1024 * 1024)
        mark = door.run(put(f"{key}/mark")).revision
        while (told := watch.next_told()).kind != "reset":
            assert (told.kind, told.key) == ("put", key) and told.revision < last
        assert told.revision >= last
        shown, end = watch.read_snapshot()
        assert {name: revision for name, (_, revision) in shown.items()} in (
            # What is written while a snapshot is taken may also follow it.
            {key: last, f"{key}/mark": mark}, {key: last},
        )  # fmt: skip
        if f"{key}/mark" not in shown:
            assert watch.next_told() == Told("put", f"{key}/mark", "v", mark)
        assert door.run(delete(key)).revision == watch.next_told().revision > end
        watch.close()
