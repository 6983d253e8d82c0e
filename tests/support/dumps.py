# SPDX-FileCopyrightText: 2026 the kvstore authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Dumps as both doors give and take them, and what is hard to dump."""

import json
import zlib

MIB = 1024 * 1024

HEAD = '{"kvstore":"dump","version":1}\n'

HOSTILE = {
    "quotes\"\\/": "\"\\/'",
    "nul": "\0a\0",
    "controls": "".join(chr(i) for i in range(1, 32)) + "\x7f\x80",
    "lines": '{"end":true,"entries":0}\r\n{"end":true,"entries":0}\n',
    "ünï🗝": "😀\u2028\u2029\ufeff\uffff\U0010ffff",
    "empty": "",
    "long": "\1" * (2 * MIB),
    "k" * 1024: "v",
}

# What becomes of these, where MODES_BEFORE is what there was: what a restore counts, and what it leaves.
MODES_BEFORE = {"same": "2", "other": "old", "late": "old", "alone": "old"}
MODES_ENTRIES = [
    {"key": "new", "value": "1"},
    {"key": "same", "value": "2"},
    {"key": "other", "value": "3"},
    {"key": "late", "value": "4", "expires_at": "2020-01-02T03:04:05Z"},
]
MERGED = {"new": "1", "same": "2", "other": "3", "late": "old", "alone": "old"}
REPLACED = {"new": "1", "same": "2", "other": "3"}
# mode, dry_run, (created, replaced, unchanged, deleted, expired), what is left
MODES = [
    (None, None, (1, 1, 1, 0, 1), MERGED),
    ("merge", False, (1, 1, 1, 0, 1), MERGED),
    ("replace", None, (1, 2, 0, 2, 1), REPLACED),
    (None, True, (1, 1, 1, 0, 1), MODES_BEFORE),
    ("replace", True, (1, 2, 0, 2, 1), MODES_BEFORE),
]


def make_dump(entries, head=HEAD):
    lines = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries]
    return head + "".join(lines) + '{"end":true,"entries":%d}\n' % len(lines)


def read_dump(body):
    """The entries of a dump by their keys, whose head and end are in order."""
    assert body.endswith(b"\n")
    lines = [json.loads(line) for line in body[:-1].split(b"\n")]
    head, entries, end = lines[0], lines[1:-1], lines[-1]
    assert head["kvstore"] == "dump" and head["version"] == 1
    assert end == {"end": True, "entries": len(entries)}
    assert all(entry["revision"] <= head["revision"] for entry in entries)
    by_key = {entry["key"]: entry for entry in entries}
    assert len(by_key) == len(entries)
    return by_key


def read_values(body):
    return {key: entry["value"] for key, entry in read_dump(body).items()}


def read_revision(body):
    """What the first line says."""
    return json.loads(body.split(b"\n", 1)[0])["revision"]


def add_up(body):
    """A sum over all entries, their revisions left out, that does not depend on their order; and their number."""
    lines = body.split(b"\n")[1:-2]
    return sum(zlib.crc32(line[: line.rindex(b',"revision"')]) for line in lines), len(lines)


def many_entries(n):
    """A dump of many small entries, in pieces."""
    yield HEAD.encode()
    for start in range(0, n, 1000):
        yield "".join('{"key":"user:%d:name","value":"the name of number %d"}\n' % (i, i) for i in range(start, start + 1000)).encode()
    yield b'{"end":true,"entries":%d}\n' % n
