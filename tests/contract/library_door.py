# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""The door that is the library, in a process that uses it: contract-library.c."""

import collections
import os
import select
import subprocess
import time
import urllib.parse

from words import FOLDER, Copy, Event, Held, Outcome, OutOfReach, Refused, Result, Status, Told, blame, quote

from support.daemon import find_program
from support.limits import SOON


def encode(value):
    return "-" if value is None else quote(value)


def decode(word):
    return urllib.parse.unquote(word, errors="strict")


def decode_value(word):
    """What stands behind "=", or None of none."""
    return decode(word[1:]) if word.startswith("=") else None


class LibraryDoor:
    """In a process that uses the library: contract-library.c."""

    name = "library"
    max_batch = None
    max_value = None

    def __init__(self, _daemon):
        self.process = subprocess.Popen(
            [find_program("tests", "contract", "contract-library")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.buffer = b""
        self.watches = {}

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(SOON) == 0
        self.process.stdout.close()

    def _read_line(self):
        deadline = time.monotonic() + SOON
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.process.stdout], [], [], max(deadline - time.monotonic(), 0))
            if not ready:
                raise TimeoutError("the library does not answer")
            data = os.read(self.process.stdout.fileno(), 1 << 20)
            assert data, "the program ended"
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.decode("ascii")

    def read(self):
        """Reads one line: puts an event where it belongs, or returns an answer."""
        line = self._read_line()
        if not line.startswith("event "):
            return line
        _, number, kind, key, value, revision, whole, *before = line.split(" ")
        # The library gives what was there before to whoever looks at it.
        told = Told(
            kind, None if kind in ("reset", "snapshot_end") else decode(key), decode_value(value), int(revision),
            whole == "whole", self._read_entry(*before),
        )
        self.watches.setdefault(int(number), collections.deque()).append(told)
        return None

    def ask(self, *words):
        self.process.stdin.write(" ".join(words).encode("ascii") + b"\n")
        self.process.stdin.flush()
        answer = None
        while answer is None:
            answer = self.read()
        return answer

    def _read_entry(self, value, revision):
        return None if value == "-" else (decode_value(value), int(revision))

    # -- the contract

    def _do(self, *words):
        """The word and the value that it comes to."""
        word, value = (*self.ask(*words).split(" "), "-")[:2]
        return word, decode_value(value)

    def put(self, key, value, ttl=None):
        return self._do("put", encode(key), encode(value), *([] if ttl is None else [f"ttl={ttl}"]))[0]

    def list(self, prefix, cursor=None, delimiter=None, limit=None, values=False):
        words = [encode(prefix) or "-", cursor or "-", encode(delimiter), str(limit or 100), "values" if values else "-"]
        answer = self.ask("list", *words)
        if answer.startswith("invalid "):
            return blame(decode(answer))
        following, *rest = answer.split(" ")
        items = []
        for kind, name, value in zip(*[iter(rest)] * 3, strict=True):
            items.append((decode(name), FOLDER if kind == "folder" else decode(value) if values else None))
        return items, None if following == "-" else following

    def count(self, prefix):
        return int(self.ask("count", encode(prefix) or "-"))

    def get(self, key):
        return self._do("get", encode(key))

    def delete(self, key):
        return self._do("delete", encode(key))[0]

    def swap(self, key, expected, new):
        word = self._do("swap", encode(key), encode(expected), encode(new))[0]
        return "swapped" if word == "replaced" else word

    def batch(self, *entries):
        words = []
        for method, key, *rest in entries:
            words += ["|", "then", method, encode(key)]
            if method == "put":
                value, ttl = (*rest, None)[:2]
                words += [encode(value), *([] if ttl is None else [f"ttl={ttl}"])]
        answer = self.ask("batch", *words)
        if answer == "invalid-key":
            # A front end calls a batch with a bad entry that, whatever is wrong with the entry.
            return "unprocessable"
        results = [result.split(" ") for result in answer.split(" | ")[1:]]
        return [(word, decode_value(value)) for word, value, *_ in results]

    def watch(self, *keys, since=None):
        return self._open_watch(keys, (), since)[0]

    def _open_watch(self, keys, prefixes, since):
        """A watch, whether it begins there, and its answer to how far back it could."""
        words = [f"key={quote(key)}" for key in keys] + [f"prefix={quote(prefix)}" for prefix in prefixes]
        _, number, how, *history = self.ask("watch", "-" if since is None else str(since), *words).split(" ")
        return LibraryWatch(self, int(number)), how == "resumes", OutOfReach(*map(int, history))

    def status(self):
        return Status(*map(int, self.ask("status").split(" ")))

    # -- beyond it

    def look(self, key):
        _, value, revision, expires = self.ask("look", encode(key)).split(" ")
        if value == "-":
            return None
        return Held(decode_value(value), int(revision), None if expires == "-" else int(expires) / 1e6)

    def _write_operation(self, op):
        words = [op.kind, encode(op.key)]
        if op.kind == "put":
            words.append(encode(op.value))
        elif op.kind == "incr":
            words.append(str(1 if op.by is None else op.by))
        if op.ttl is not None:
            words.append(f"ttl={op.ttl:f}")
        if op.expires_at is not None:
            words.append(f"expires_at={quote(op.expires_at)}")
        return words + ["keepttl"] * op.keepttl + ["prev"] * op.prev

    def _write_condition(self, kind, operand):
        return kind if operand is True else f"{kind}={quote(str(operand))}"

    def _read_result(self, kind, result):
        """What an operation of that kind came to."""
        if " " not in result:
            # It could not be made.
            return Result(result, None, 0)
        word, value, entry_revision, revision, *before = result.split(" ")
        if kind == "incr" and word in ("created", "replaced"):
            word = "counted"
        return Result(word, decode_value(value), int(entry_revision) if word == "found" else int(revision), self._read_entry(*before))

    def run(self, op, absent=False, present=False, revision=None):
        asked = {"absent": absent or None, "present": present or None, "revision": revision}
        words = [self._write_condition(*pair) for pair in asked.items() if pair[1] is not None]
        result = self._read_result(op.kind, self.ask(*self._write_operation(op), *words))
        if op.kind in ("delete", "touch") and result.word == "mismatch" and result.revision == 0:
            # The front ends say of what is to be deleted or touched that it is not there, whatever else was asked. To the
            # library a condition comes first; that nothing is there it tells by a result without an entry.
            return result._replace(word="not-found")
        if result.word in ("not-a-number", "not-found"):
            return Result(result.word, None, result.revision)
        return result

    def swap_on(self, key, new, expected=None, revision=None):
        words = ["swap-at", encode(key), str(revision)] if expected is None else ["swap", encode(key), encode(expected)]
        result = self._read_result("swap", self.ask(*words, encode(new)))
        return result._replace(word="swapped") if result.word == "replaced" else result

    def txn(self, conditions, then=(), otherwise=()):
        words = []
        for condition in conditions:
            words += ["|", "if", "get", encode(condition.key), self._write_condition(*condition[1:])]
        for name, ops in (("then", then), ("else", otherwise)):
            for op in ops:
                words += ["|", name, *self._write_operation(op)]
        answer = self.ask("txn", *words)
        if " " not in answer:
            # An operation that cannot be made is not of a transaction yet: who makes it knows which it is.
            return Refused(answer)
        verdict, *results = answer.split(" | ")
        word, branch, revision = verdict.split(" ")
        ops = then if branch == "then" else otherwise
        results = [self._read_result(op.kind, result) for op, result in zip(ops, results, strict=True)]
        if word == "refused":
            return self._find_blame(branch, results)
        assert all(result.revision == int(revision) for result in results if result.word in ("created", "replaced", "deleted"))
        told = [result._replace(revision=result.revision if result.word == "found" else None) for result in results]
        return Outcome(branch == "then", told, int(revision))

    def _find_blame(self, branch, results):
        at = next(i for i, result in enumerate(results) if result.word != "aborted")
        assert results[at].word in ("not-a-number", "not-found")
        return Refused(results[at].word, f"{branch}/{at}")

    def batch_atomic(self, *ops):
        outcome = self.txn((), ops)
        if isinstance(outcome, Refused):
            # As with batch().
            return "unprocessable" if outcome.word == "invalid-key" else outcome.word
        return [result[:2] for result in outcome.results], outcome.revision

    def watch_on(self, keys=(), prefixes=(), since=None, prev=False, anyway=False):
        watch, resumes, history = self._open_watch(keys, prefixes, since)
        if since is not None and not resumes and not anyway:
            watch.close()
            return history
        watch.prev = prev
        return watch

    def flood(self, key, count, size):
        """Puts many values while nothing can be told of them. Gives the last revision."""
        return int(self.ask("flood", encode(key), str(count), str(size)).split(" ")[1])


class LibraryWatch(Copy):
    def __init__(self, door, number):
        self.door = door
        self.number = number
        self.told = door.watches.setdefault(number, collections.deque())
        self.prev = False
        self.revision = None

    def next_told(self):
        while not self.told:
            assert self.door.read() is None
        told = self.told.popleft()
        return told if self.prev else told._replace(prev=None)

    def next(self):
        while (told := self.next_told()).kind in ("snapshot_end", "reset"):
            pass
        if told.kind != "now":
            self.revision = told.revision
        return Event(told.kind, told.key, told.value or "")

    def close(self):
        assert self.door.ask("unwatch", str(self.number)) == "ended"
