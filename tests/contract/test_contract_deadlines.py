# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Deadlines that are set, kept, moved and taken away, and counters, asked at every door."""

import time

import pytest
from words import incr, put, touch

FUTURE = "2100-01-02T03:04:05Z"
FUTURE_SECONDS = 4102542245

# A deadline is kept by another clock than it is told by: the way there and back takes some microseconds off.
CLOCKS = 0.01


class Bracket:
    """The times between which something was done."""

    def __enter__(self):
        self.start = time.time()
        return self

    def __exit__(self, *_):
        self.end = time.time()

    def expires_after(self, held, seconds):
        return self.start + seconds - CLOCKS <= held.expires <= self.end + seconds + CLOCKS


class TestTtl:
    @pytest.mark.parametrize("ttl", [1000.5, 1000.125, 0x7FFFFFFF + 0.75])
    def test_in_fractions_of_a_second(self, door, key, ttl):
        with Bracket() as bracket:
            assert door.run(put(key, ttl=ttl)).word == "created"
        assert bracket.expires_after(door.look(key), ttl)
        with Bracket() as bracket:
            assert door.run(touch(key, ttl=ttl + 0.5)).word == "replaced"
        assert bracket.expires_after(door.look(key), ttl + 0.5)

    @pytest.mark.parametrize("ttl", [0.000001, 0.05])
    def test_expiry_is_told_unasked(self, door, key, ttl):
        watch = door.watch(key)
        watch.next()
        door.run(put(key, "v", ttl=ttl))
        assert [watch.next()[::2] for _ in range(2)] == [("put", "v"), ("expired", "")]
        assert door.look(key) is None
        watch.close()

    def test_zero_expires_at_once(self, door, key):
        assert door.run(put(key, ttl=0)).word == "created"
        assert door.look(key) is None
        door.put(key, "v")
        assert door.run(touch(key, ttl=0)).word == "replaced"
        assert door.look(key) is None

    def test_beyond_the_clock_is_for_ever(self, door, key):
        # As much as may be said: over HTTP a ttl has an upper limit, just below.
        door.run(put(key, ttl=9223372036853.0))
        held = door.look(key)
        assert held.value == "v" and (held.expires is None or held.expires > FUTURE_SECONDS)


class TestExpiresAt:
    @pytest.mark.parametrize("text", [FUTURE, "2100-01-02T05:04:05+02:00", "2100-01-02T03:04:05.500Z"])
    def test_is_as_it_is_told(self, door, key, text):
        door.run(put(key, expires_at=text))
        seconds = FUTURE_SECONDS + 0.5 * (".5" in text)
        assert abs(door.look(key).expires - seconds) < CLOCKS
        door.run(put(key))
        assert door.look(key).expires is None
        door.run(touch(key, expires_at=text))
        assert abs(door.look(key).expires - seconds) < CLOCKS

    def test_in_the_past_expires_at_once(self, door, key):
        assert door.run(put(key, expires_at="2001-01-01T00:00:00Z")).word == "created"
        assert door.look(key) is None
        door.put(key, "v")
        assert door.run(touch(key, expires_at="1969-12-31T23:59:59Z")).word == "replaced"
        assert door.look(key) is None


class TestKeepttl:
    def test_keeps_what_there_is(self, door, key):
        door.run(put(key, "one", ttl=1000.5))
        before = door.look(key)
        assert door.run(put(key, "two", keepttl=True)).word == "replaced"
        after = door.look(key)
        assert after.value == "two" and abs(after.expires - before.expires) < CLOCKS

    def test_of_none_is_none(self, door, key):
        assert door.run(put(key, "one", keepttl=True)).word == "created"
        assert door.look(key).expires is None
        assert door.run(put(key, "two", keepttl=True)).word == "replaced"
        assert door.look(key).expires is None

    def test_of_an_expired_key_is_none(self, door, key):
        door.put(key, "one", ttl=0)
        assert door.run(put(key, "two", keepttl=True)).word == "created"
        assert door.look(key)[::2] == ("two", None)

    def test_expires_when_the_first_would_have(self, door, key):
        watch = door.watch(key)
        watch.next()
        # Not before it has been written again.
        door.run(put(key, "one", ttl=1))
        door.run(put(key, "two", keepttl=True))
        assert [watch.next().kind for _ in range(3)] == ["put", "put", "expired"]
        watch.close()


class TestTouch:
    def test_moves_the_deadline_and_leaves_the_value(self, door, key):
        door.put(key, "one\0", ttl=3600)
        at = door.look(key).revision
        with Bracket() as bracket:
            touched = door.run(touch(key, ttl=7200))
        held = door.look(key)
        assert touched.revision > at and held[:2] == ("one\0", touched.revision)
        assert bracket.expires_after(held, 7200)

    def test_takes_the_deadline_away(self, door, key):
        door.put(key, "v", ttl=3600)
        touched = door.run(touch(key))
        assert door.look(key) == ("v", touched.revision, None)
        assert door.run(touch(key)).revision > touched.revision

    def test_before_the_deadline_saves_the_key(self, door, key):
        other = key + "-other"
        door.put(key, "v", ttl=1)
        door.run(touch(key))
        watch = door.watch(key, other)
        watch.next(), watch.next()
        door.put(other, "v", ttl=1)
        assert [watch.next()[:2] for _ in range(2)] == [("put", other), ("expired", other)]
        assert door.get(key) == ("found", "v")
        watch.close()

    def test_is_told_as_a_put(self, door, key):
        door.put(key, "v")
        watch = door.watch_on([key])
        watch.read_snapshot()
        touched = door.run(touch(key, ttl=3600))
        told = watch.next_told()
        assert (told.kind, told.value, told.revision) == ("put", "v", touched.revision)
        watch.close()


class TestCounter:
    def test_counts(self, door, key):
        for by, total in ((None, "1"), (41, "42"), (-50, "-8"), (0, "-8"), (8, "0")):
            result = door.run(incr(key, by))
            assert result[:2] == ("counted", total)
            assert door.look(key)[:2] == (total, result.revision)

    def test_from_one_end_to_the_other(self, door, key):
        assert door.run(incr(key, 2**63 - 1))[:2] == ("counted", str(2**63 - 1))
        assert door.run(incr(key, -(2**63)))[:2] == ("counted", "-1")
        assert door.run(incr(key, -(2**63) + 1))[:2] == ("counted", str(-(2**63)))

    @pytest.mark.parametrize("value, by", [(str(2**63 - 1), 1), (str(-(2**63)), -1), ("1", 2**63 - 1), ("-1", -(2**63))])
    def test_stays_within_its_bounds(self, door, key, value, by):
        door.put(key, value)
        held = door.look(key)
        assert door.run(incr(key, by)).word == "not-a-number"
        assert door.look(key) == held

    @pytest.mark.parametrize("value", ["", "text", " 1", "1 ", "+1", "01", "-0", "1.0", "1e3", "0x1", "1\0", str(2**63), "-"])
    def test_counts_numbers_only(self, door, key, value):
        door.put(key, value)
        held = door.look(key)
        assert door.run(incr(key)).word == "not-a-number"
        assert door.look(key) == held

    def test_keeps_the_deadline(self, door, key):
        door.run(put(key, "1", ttl=1000.5))
        before = door.look(key)
        door.run(incr(key, 5))
        after = door.look(key)
        assert after.value == "6" and abs(after.expires - before.expires) < CLOCKS

    def test_begins_anew_where_one_has_expired(self, door, key):
        door.put(key, "41", ttl=0)
        assert door.run(incr(key))[:2] == ("counted", "1")
        assert door.look(key).expires is None

    def test_is_told_as_a_put(self, door, key):
        watch = door.watch_on([key])
        watch.read_snapshot()
        result = door.run(incr(key, 7))
        told = watch.next_told()
        assert (told.kind, told.value, told.revision) == ("put", "7", result.revision)
        watch.close()


@pytest.mark.parametrize("write", [put, touch, incr])
def test_a_bad_key_is_refused(door, write):
    assert door.run(write("a\nb")).word == "invalid-key"
