# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Both doors of a daemon open on the same store."""

import concurrent.futures
import time

import pytest
from dbus_door import DbusDoor
from http_door import HttpDoor
from words import Event

from support.carriers import both_carriers
from support.limits import SOON

pytestmark = both_carriers


@pytest.fixture(params=[(HttpDoor, DbusDoor), (DbusDoor, HttpDoor)], ids=["http-dbus", "dbus-http"])
def two_doors(request, shared_kvstored):
    doors = [door(shared_kvstored) for door in request.param]
    yield doors
    for door in doors:
        door.close()


def test_what_one_writes_the_other_reads(two_doors, key):
    writer, reader = two_doors
    assert writer.put(key, "value") == "created"
    assert reader.get(key) == ("found", "value")
    assert reader.put(key, "other") == "replaced"
    assert writer.swap(key, "other", "third") == "swapped"
    assert reader.delete(key) == "deleted"
    assert writer.get(key) == ("not-found", None)


def test_what_one_changes_the_other_watches(two_doors, key):
    writer, watcher = two_doors
    watch = watcher.watch(key)
    assert watch.next() == Event("now", key, "")
    writer.put(key, "one", ttl=3600)
    writer.swap(key, "one", "two")
    writer.batch(("put", key, "three", 0))
    assert [watch.next() for _ in range(4)] == [
        Event("put", key, "one"),
        Event("swap", key, "two"),
        Event("put", key, "three"),
        Event("expired", key, ""),
    ]
    watch.close()


def test_a_watch_goes_on_at_the_other_door(two_doors, key):
    first, second = two_doors
    watch = first.watch(key)
    assert watch.next() == Event("now", key, "")
    first.put(key, "one")
    assert watch.next() == Event("put", key, "one")
    watch.close()
    first.put(key, "two")
    other = second.watch(key, since=watch.revision)
    assert other.next() == Event("put", key, "two")
    other.close()


def test_both_count_the_same(two_doors, key):
    first, second = two_doors
    first.put(key, "value")
    second.get(key)
    # The streams of the tests before this end when the service has noticed that their clients have left.
    deadline = time.monotonic() + SOON
    while first.status().watches:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert first.status() == second.status()


def test_one_of_many_swaps_wins_each_round(shared_kvstored, key):
    """Four clients at two doors want to be the one who takes each turn."""
    rounds = 100
    doors = [HttpDoor(shared_kvstored), DbusDoor(shared_kvstored), HttpDoor(shared_kvstored), DbusDoor(shared_kvstored)]
    doors[0].put(key, "0")

    def play(door):
        wins = 0
        while True:
            turn = int(door.get(key)[1])
            if turn == rounds:
                return wins
            outcome = door.swap(key, str(turn), str(turn + 1))
            assert outcome in ("swapped", "mismatch")
            wins += outcome == "swapped"

    with concurrent.futures.ThreadPoolExecutor(len(doors)) as pool:
        wins = list(pool.map(play, doors))
    assert sum(wins) == rounds
    for door in doors:
        door.close()
