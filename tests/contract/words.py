# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""The words in which every door is asked, and in which it answers.

An operation's outcome is one of these words: found, created, replaced, deleted, swapped, counted, not-found, mismatch,
not-a-number, invalid-key, invalid-value, invalid-argument, unprocessable, too-large, out-of-reach. A watch gives events (kind,
key, value), where the kind is now, put, delete, swap or expired.
"""

import datetime
import re
import urllib.parse
from typing import NamedTuple


class Event(NamedTuple):
    kind: str
    key: str
    value: str


def blame(message):
    """The word for a listing that is refused, by what its message names first."""
    return "invalid-" + re.search("prefix|cursor|delimiter|limit", message)[0]


# In place of the value of an item that stands for several keys.
FOLDER = object()


class Status(NamedTuple):
    """The figures that every door tells."""

    keys: int
    gets: int
    puts: int
    deletes: int
    swapped: int
    not_swapped: int
    watches: int


def figures(status):
    """What both /status and GetStatus() tell, as a Status."""
    assert status["status"] == "OK"
    assert status["cas_operations"] == (
        status["successful_cas_operations"] + status["failed_cas_operations"]
    )
    assert status["total_operations"] == sum(
        status[f"{name}_operations"] for name in ("get", "put", "delete", "cas")
    )
    return Status(
        status["total_keys"],
        status["get_operations"],
        status["put_operations"],
        status["delete_operations"],
        status["successful_cas_operations"],
        status["failed_cas_operations"],
        status["watch_requests_count"],
    )


def quote(key):
    return urllib.parse.quote(key, safe="")


def read_time(text):
    """Seconds since the epoch of a time as RFC 3339 has it; None of none."""
    if text is None:
        return None
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


# -- operations and conditions


class Op(NamedTuple):
    """What is to be done with a key: kind is get, put, delete, incr or touch."""

    kind: str
    key: str
    value: str = None
    ttl: float = None
    expires_at: str = None
    keepttl: bool = False
    by: int = None
    prev: bool = False


def get(key):
    return Op("get", key)


def put(key, value="v", **more):
    return Op("put", key, value, **more)


def delete(key, **more):
    return Op("delete", key, **more)


def incr(key, by=None):
    return Op("incr", key, by=by)


def touch(key, **more):
    """Without ttl and expires_at it takes the deadline away."""
    return Op("touch", key, **more)


class If(NamedTuple):
    """What is asked of a key: kind is absent, present, revision, not_revision, value or not_value."""

    key: str
    kind: str
    operand: object = True


# -- answers


class Result(NamedTuple):
    """What came of an operation. revision: of what was found, written, or is there instead: 0 where nothing is. prev: what was
    there before, as (value, revision), where that was asked for."""

    word: str
    value: str = None
    revision: int = None
    prev: tuple = None


class Outcome(NamedTuple):
    """What came of a transaction. Its results have no revisions but those of a get: it has one itself."""

    succeeded: bool
    results: list
    revision: int


class Refused(NamedTuple):
    """Of a transaction that was not carried out, with the operation to blame: then/0 is the first one."""

    word: str
    place: str = None


class Held(NamedTuple):
    """What a key holds; expires is in seconds since the epoch."""

    value: str
    revision: int
    expires: float


class Told(NamedTuple):
    """What a watch of keys and prefixes tells. whole: whether it is the last change of its revision; prev: as in a Result."""

    kind: str
    key: str
    value: str
    revision: int
    whole: bool = True
    prev: tuple = None


class OutOfReach(NamedTuple):
    """In place of a watch."""

    oldest: int
    current: int


class Copy:
    """What a watch has shown of its keys, for those of the doors' watches that tell with next_told()."""

    def read_snapshot(self):
        """What there is, as {key: (value, revision)}, and the revision at which it was so."""
        shown = {}
        while (told := self.next_told()).kind != "snapshot_end":
            shown.pop(told.key, None)
            if told.value is not None and told.kind not in ("delete", "expired"):
                shown[told.key] = (told.value, told.revision)
        return shown, told.revision
