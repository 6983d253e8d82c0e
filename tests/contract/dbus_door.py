# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""The door that is D-Bus."""

import collections
import re

from gi.repository import GLib
from words import FOLDER, Copy, Event, Held, If, Op, Outcome, OutOfReach, Refused, Result, Told, blame, figures, get, read_time

from support.bus import BusError

YES = GLib.Variant("b", True)


def pack(value):
    """Text, or bytes where it cannot be text."""
    return GLib.Variant("ay", value.encode("utf-8")) if "\0" in value else GLib.Variant("s", value)


def unpack(value, details):
    """The value of which a reply or a signal tells that, with those details."""
    return bytes(details["value_bytes"]).decode("utf-8") if "value_bytes" in details else value


class DbusDoor:
    """Over D-Bus. What text on D-Bus cannot hold goes by the methods that take bytes."""

    name = "dbus"
    max_batch = 1024
    max_value = 2 * 1024 * 1024

    ERRORS = {
        "NotFound": "not-found", "ConditionFailed": "mismatch", "InvalidKey": "invalid-key",
        "InvalidValue": "invalid-value", "InvalidArgument": "invalid-argument", "TooLarge": "too-large",
        "Unprocessable": "unprocessable", "NotANumber": "not-a-number", "OutOfReach": "out-of-reach",
    }
    KINDS = {0: "now", 1: "put", 2: "delete", 3: "swap", 4: "expired", 5: "snapshot_end"}
    STATUSES = {200: "found", 201: "created", 204: "replaced", 404: "not-found"}
    # The conditions that a method takes as options. The others are asked in a transaction.
    OPTIONS = {"put": ("absent", "present", "revision"), "delete": ("revision",), "touch": ("revision",), "incr": ()}

    def __init__(self, daemon):
        self.daemon = daemon
        self.client = daemon.bus()

    def close(self):
        self.client.close()

    def _call(self, method, signature, *arguments):
        """The word of an error and its message, or None and what the method returned."""
        try:
            return None, self.client.call(method, signature, *arguments)
        except BusError as error:
            prefix, _, name = error.name.rpartition(".")
            assert prefix == "org.kvstore.Error", error.name
            return self.ERRORS[name], error.message

    # -- the contract

    def put(self, key, value, ttl=None):
        options = {} if ttl is None else {"ttl": GLib.Variant("t", ttl)}
        error, reply = self._put(key, value, options)
        return error or ("created" if reply[1] else "replaced")

    def _put(self, key, value, options):
        if "\0" in value:
            return self._call("PutBytes", "(saya{sv})", key, value.encode("utf-8"), options)
        return self._call("Put", "(ssa{sv})", key, value, options)

    def list(self, prefix, cursor=None, delimiter=None, limit=None, values=False):
        options = {"values": GLib.Variant("b", values)}
        if delimiter is not None:
            options["delimiter"] = GLib.Variant("s", delimiter)
        error, reply = self._call("List", "(ssua{sv})", prefix, cursor or "", limit or 0, options)
        if error:
            return blame(reply)
        items, following, _revision = reply
        return [(name, self._read_item(details)) for name, details in items], following or None

    def _read_item(self, details):
        return FOLDER if "folder" in details else unpack(details.get("value"), details)

    def count(self, prefix):
        return self.client.call("Count", "(s)", prefix)[0]

    def get(self, key):
        error, reply = self._read(key)
        return (error, None) if error else ("found", reply[0])

    def _read(self, key):
        """As _call(), with the value as text, whatever it holds."""
        error, reply = self._call("Get", "(s)", key)
        if error != "invalid-value":
            return error, reply
        value, details = self.client.call("GetBytes", "(s)", key)
        return None, (bytes(value).decode("utf-8"), details)

    def delete(self, key):
        return self._call("Delete", "(sa{sv})", key, {})[0] or "deleted"

    def swap(self, key, expected, new):
        return self._call("CompareAndSwap", "(sss)", key, expected, new)[0] or "swapped"

    def batch(self, *entries):
        calls = []
        for method, key, *rest in entries:
            value, ttl = (*rest, None, None)[:2]
            options = {} if ttl is None else {"ttl": GLib.Variant("t", ttl)}
            calls.append((method.upper(), key, value or "", options))
        error, reply = self._call("Batch", "(a(sssa{sv}))", calls)
        if error:
            # D-Bus names what is wrong with the entry, HTTP says only that one cannot be processed.
            return "unprocessable" if error == "invalid-key" else error
        results = []
        for entry, (status, value, _details) in zip(entries, reply, strict=True):
            word = "deleted" if (entry[0], status) == ("delete", 204) else self.STATUSES[status]
            results.append((word, value if word == "found" else None))
        return results

    def watch(self, *keys, since=None):
        return self._open_watch(keys, (), {} if since is None else {"since": GLib.Variant("t", since)})

    def _open_watch(self, keys, prefixes, options):
        # One client a watch: its signals are then this watch's alone.
        client = self.daemon.bus()
        client.listen()
        path = client.call("Watch", "(asasa{sv})", list(keys), list(prefixes), options)
        return DbusWatch(client, path)

    def status(self):
        return figures(self.client.call("GetStatus"))

    # -- beyond it

    def _write_options(self, op):
        options = {}
        if op.ttl is not None:
            options["ttl"] = GLib.Variant("d", op.ttl)
        if op.expires_at is not None:
            options["expires_at"] = GLib.Variant("s", op.expires_at)
        if op.by is not None:
            options["by"] = GLib.Variant("x", op.by)
        for name in ("keepttl", "prev"):
            if getattr(op, name):
                options[name] = YES
        return options

    def look(self, key):
        error, reply = self._read(key)
        if error:
            assert error == "not-found"
            return None
        value, details = reply
        return Held(value, details["revision"], read_time(details.get("expires")))

    def _lose(self, op, word, message):
        """The result of who is told why nothing was done."""
        if word != "mismatch":
            return Result(word, None, 0)
        told = re.search(r"it is at revision (\d+)$|there is no such key$", message)
        revision = int(told[1] or 0)
        # The message has no value: it is read.
        held = self.look(op.key) if revision else None
        return Result(word, held and held.value, revision)

    def run(self, op, absent=False, present=False, revision=None):
        # To delete or touch a key is to want it to be there.
        asked = {"absent": absent or None, "present": op.kind not in ("delete", "touch") and present or None, "revision": revision}
        asked = {name: operand for name, operand in asked.items() if operand is not None}
        if not set(asked) <= set(self.OPTIONS[op.kind]):
            return self._run_by_transaction(op, asked)
        options = self._write_options(op)
        for name, operand in asked.items():
            options[f"if_{name}"] = YES if operand is True else GLib.Variant("t", operand)
        if op.kind == "put":
            error, reply = self._put(op.key, op.value, options)
            return self._lose(op, error, reply) if error else Result("created" if reply[1] else "replaced", None, reply[0])
        if op.kind == "incr":
            error, reply = self._call("Increment", "(sx)", op.key, 1 if op.by is None else op.by)
            return self._lose(op, error, reply) if error else Result("counted", str(reply[0]), reply[1])
        error, reply = self._call(op.kind.capitalize(), "(sa{sv})", op.key, options)
        word = {"delete": "deleted", "touch": "replaced"}[op.kind]
        return self._lose(op, error, reply) if error else Result(word, None, reply)

    def _run_by_transaction(self, op, asked):
        outcome = self.txn([If(op.key, *condition) for condition in asked.items()], [op], [get(op.key)])
        if isinstance(outcome, Refused):
            return Result(outcome.word, None, 0)
        (result,) = outcome.results
        if outcome.succeeded:
            return result._replace(revision=0 if result.word == "not-found" else outcome.revision)
        # There is nothing to delete or to touch, whatever was asked.
        if result.word == "not-found" and op.kind in ("delete", "touch"):
            return Result("not-found", None, 0)
        return Result("mismatch", result.value, result.revision or 0)

    def swap_on(self, key, new, expected=None, revision=None):
        if expected is None:
            result = self.run(Op("put", key, new, keepttl=True), revision=revision)
            return result._replace(word="swapped") if result.word == "replaced" else result
        error, reply = self._call("CompareAndSwap", "(sss)", key, expected, new)
        return self._lose(get(key), error, reply) if error else Result("swapped", None, reply)

    def _write_operation(self, op):
        options = self._write_options(op)
        if "\0" in (op.value or ""):
            options["value_bytes"] = pack(op.value)
            return "PUT", op.key, "", options
        return {"incr": "INCREMENT"}.get(op.kind, op.kind.upper()), op.key, op.value or "", options

    def _write_condition(self, condition):
        if condition.operand is True:
            operand = YES
        else:
            operand = pack(condition.operand) if isinstance(condition.operand, str) else GLib.Variant("t", condition.operand)
        return condition.key, {condition.kind: operand}

    def _read_result(self, op, result):
        status, value, details = result
        word = self.STATUSES[status]
        if (op.kind, word) == ("delete", "replaced"):
            word = "deleted"
        elif op.kind == "incr":
            word = "counted"
        prev = details.get("prev")
        return Result(
            word,
            unpack(value, details) if word in ("found", "counted") else None,
            details["revision"] if word == "found" else None,
            prev and (unpack(*prev), prev[1]["revision"]),
        )

    def txn(self, conditions, then=(), otherwise=()):
        error, reply = self._call(
            "Transaction", "(a(sa{sv})a(sssa{sv})a(sssa{sv}))",
            [self._write_condition(condition) for condition in conditions],
            [self._write_operation(op) for op in then],
            [self._write_operation(op) for op in otherwise],
        )
        if error:
            at = re.match(r"Entry (\d+) of \d+ in (conditions|then|else): ", reply)
            return Refused(error, at and f"{at[2].replace('conditions', 'if')}/{int(at[1]) - 1}")
        succeeded, results, revision = reply
        ops = then if succeeded else otherwise
        # What was written is at the revision of the transaction.
        assert all(details["revision"] == revision for status, _, details in results if status in (201, 204))
        return Outcome(succeeded, [self._read_result(*pair) for pair in zip(ops, results, strict=True)], revision)

    def batch_atomic(self, *ops):
        outcome = self.txn((), ops)
        if isinstance(outcome, Refused):
            # As with batch().
            return "unprocessable" if outcome.word == "invalid-key" else outcome.word
        return [result[:2] for result in outcome.results], outcome.revision

    def watch_on(self, keys=(), prefixes=(), since=None, prev=False, values=True):
        options = {} if since is None else {"since": GLib.Variant("t", since)}
        if prev:
            options["prev"] = YES
        if not values:
            options["values"] = GLib.Variant("b", False)
        try:
            watch = self._open_watch(keys, prefixes, options)
        except BusError as error:
            assert error.name == "org.kvstore.Error.OutOfReach"
            return OutOfReach(*map(int, re.findall(r"\d{15,}", error.message)[-2:]))
        watch.values = values
        return watch


class DbusWatch(Copy):
    def __init__(self, client, path):
        self.client = client
        self.path = path
        self.revision = None
        self.values = True
        self.told = collections.deque()

    def _read(self):
        path, name, (told,) = self.client.next_signal()
        assert path == self.path
        if name == "Reset":
            self.told.append(Told("reset", None, None, told["current"]))
            return
        assert name == "Changed"
        for revision, kind, key, value, details in told:
            if kind in DbusDoor.KINDS:
                self.told.append(self._read_change(revision, DbusDoor.KINDS[kind], key, value, details))

    def _read_value(self, value, details):
        return unpack(value, details) if self.values or value else None

    def _read_change(self, revision, kind, key, value, details):
        prev = details.get("prev")
        prev = prev and (self._read_value(*prev), prev[1]["revision"])
        there = kind in ("put", "swap") or details.get("present", False)
        value = self._read_value(value, details) if there else None
        return Told(kind, key or None, value, revision, not details.get("more", False), prev)

    def next_told(self):
        while not self.told:
            self._read()
        return self.told.popleft()

    def next(self):
        while (told := self.next_told()).kind == "snapshot_end":
            pass
        if told.kind != "now":
            self.revision = told.revision
        return Event(told.kind, told.key, told.value or "")

    def close(self):
        self.client.close()
