# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""The three doors of the store, each asked in the same words.

An operation's outcome is one of these words: found, created, replaced, deleted, swapped, not-found, mismatch,
invalid-key, invalid-value, unprocessable, too-large. A watch gives events (kind, key, value), where the kind is now,
put, delete, swap or expired.
"""

import collections
import json
import os
import re
import select
import subprocess
import time
import urllib.parse
from typing import NamedTuple

from gi.repository import GLib

from support.bus import BusError
from support.daemon import SQLITE, find_program
from support.limits import SOON


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


# ---------------------------------------------------------------------------------------------


def quote(key):
    return urllib.parse.quote(key, safe="")


class HttpDoor:
    """Over HTTP, on one connection that is kept alive."""

    name = "http"
    max_batch = 1024
    max_value = 2 * 1024 * 1024

    STATUSES = {
        200: "found", 201: "created", 204: "replaced", 404: "not-found", 412: "mismatch",
        413: "too-large", 422: "unprocessable",
    }
    KINDS = {"WATCH": "now", "PUT": "put", "DELETE": "delete", "COMPARE_AND_SWAP": "swap", "EXPIRED": "expired"}

    def __init__(self, daemon):
        self.daemon = daemon
        self.connection = daemon.connect()

    def close(self):
        self.connection.close()

    def _request(self, method, path, body=None, of_value=False, **kinds):
        if isinstance(body, (dict, list)):
            response = self.connection.request(
                method, path, json.dumps(body), {"Content-Type": "application/json"}
            )
        else:
            response = self.connection.request(method, path, body)
        if response.headers.get("connection") == "close":
            self.connection.close()
            self.connection = self.daemon.connect()
        if response.status == 400:
            word = "invalid-key" if "key" in response.text.lower() else "invalid-value"
        else:
            word = kinds.get(f"status_{response.status}") or self.STATUSES[response.status]
        return word, response

    def put(self, key, value, ttl=None):
        query = "" if ttl is None else f"?ttl={ttl}"
        return self._request("PUT", f"/store/{quote(key)}{query}", value.encode("utf-8"))[0]

    def put_on(self, key, value, ttl=None, keepttl=False, if_absent=False, if_revision=None):
        """What a put under conditions comes to, and the revision that the key is at then, if it is there."""
        query = "?keepttl" if keepttl else "" if ttl is None else f"?ttl={ttl}"
        headers = {"If-None-Match": "*"} if if_absent else {} if if_revision is None else {"If-Match": f'"{if_revision}"'}
        response = self.connection.request("PUT", f"/v1/kv/{quote(key)}{query}", value.encode("utf-8"), headers)
        return self.STATUSES[response.status], int(response.headers.get("KV-Revision", 0))

    def list(self, prefix, cursor=None, delimiter=None, limit=None, values=False):
        """A page: pairs of a name and a value, which is None where it is not asked for and FOLDER where there is none; and a cursor."""
        query = {"prefix": prefix, "cursor": cursor, "delimiter": delimiter, "limit": limit, "values": values and "true"}
        asked = urllib.parse.urlencode({name: value for name, value in query.items() if value})
        response = self.connection.request("GET", f"/v1/keys?{asked}")
        if response.status == 400:
            return f"invalid-{response.json['parameter']}"
        assert response.status == 200
        items = [
            (item["prefix"], FOLDER) if "prefix" in item else (item["key"], item.get("value"))
            for item in response.json["items"]
        ]
        return items, response.json["next_cursor"]

    def count(self, prefix):
        query = urllib.parse.urlencode({"prefix": prefix, "count_only": "true"})
        return self.connection.request("GET", f"/v1/keys?{query}").json["count"]

    def get(self, key):
        word, response = self._request("GET", f"/store/{quote(key)}")
        return word, response.text if word == "found" else None

    def delete(self, key):
        return self._request("DELETE", f"/store/{quote(key)}", status_204="deleted")[0]

    def swap(self, key, expected, new):
        body = {"expected": expected, "new": new}
        return self._request("POST", f"/store/cas/{quote(key)}", body, status_204="swapped")[0]

    def batch(self, *entries):
        body = []
        for method, key, *rest in entries:
            entry = {"method": method.upper(), "key": key}
            entry.update(zip(("value", "ttl"), rest))
            body.append(entry)
        word, response = self._request("POST", "/batch", body)
        if word != "found":
            return word
        results = []
        for entry, result in zip(entries, response.json, strict=True):
            word = self.STATUSES[result["status"]]
            if entry[0] == "delete" and word == "replaced":
                word = "deleted"
            results.append((word, result.get("value")))
        return results

    def watch(self, *keys, since=None):
        headers = {} if since is None else {"Last-Event-ID": str(since)}
        if len(keys) == 1:
            stream = self.daemon.sse(f"/watch_key/{quote(keys[0])}", headers=headers)
        else:
            stream = self.daemon.sse("/watch", json.dumps(keys), headers=headers)
        assert stream.status == 200
        return HttpWatch(stream)

    def status(self):
        return figures(self._request("GET", "/status")[1].json)


class HttpWatch:
    def __init__(self, stream):
        self.stream = stream
        self.revision = None

    def next(self):
        event = self.stream.next()
        if event.id is not None:
            self.revision = event.id
        return Event(HttpDoor.KINDS[event.kind], event.key, event.data)

    def close(self):
        self.stream.close()


# ---------------------------------------------------------------------------------------------


class DbusDoor:
    """Over D-Bus. What text on D-Bus cannot hold goes by the methods that take bytes."""

    name = "dbus"
    max_batch = 1024
    max_value = 2 * 1024 * 1024

    ERRORS = {
        "NotFound": "not-found", "ConditionFailed": "mismatch", "InvalidKey": "invalid-key",
        "InvalidValue": "invalid-value", "InvalidArgument": "invalid-argument", "TooLarge": "too-large",
        "Unprocessable": "unprocessable",
    }
    KINDS = {0: "now", 1: "put", 2: "delete", 3: "swap", 4: "expired"}

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

    def put(self, key, value, ttl=None):
        options = {} if ttl is None else {"ttl": GLib.Variant("t", ttl)}
        if "\0" in value:
            error, reply = self._call("PutBytes", "(saya{sv})", key, value.encode("utf-8"), options)
        else:
            error, reply = self._call("Put", "(ssa{sv})", key, value, options)
        return error or ("created" if reply[1] else "replaced")

    def put_on(self, key, value, ttl=None, keepttl=False, if_absent=False, if_revision=None):
        options = {}
        if ttl is not None:
            options["ttl"] = GLib.Variant("d", ttl)
        if keepttl:
            options["keepttl"] = GLib.Variant("b", True)
        if if_absent:
            options["if_absent"] = GLib.Variant("b", True)
        if if_revision is not None:
            options["if_revision"] = GLib.Variant("t", if_revision)
        error, reply = self._call("Put", "(ssa{sv})", key, value, options)
        if error:
            told = re.search(r"it is at revision (\d+)$|there is no such key$", reply)
            return error, int(told[1] or 0)
        return "created" if reply[1] else "replaced", reply[0]

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
        if "folder" in details:
            return FOLDER
        if "value_bytes" in details:
            return bytes(details["value_bytes"]).decode("utf-8")
        return details.get("value")

    def count(self, prefix):
        return self.client.call("Count", "(s)", prefix)[0]

    def get(self, key):
        error, reply = self._call("GetBytes", "(s)", key)
        return (error, None) if error else ("found", bytes(reply[0]).decode("utf-8"))

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
        words = {200: "found", 201: "created", 204: "replaced", 404: "not-found"}
        results = []
        for entry, (status, value, _details) in zip(entries, reply, strict=True):
            word = "deleted" if (entry[0], status) == ("delete", 204) else words[status]
            results.append((word, value if word == "found" else None))
        return results

    def watch(self, *keys, since=None):
        # One client a watch: its signals are then this watch's alone.
        client = self.daemon.bus()
        client.listen()
        options = {} if since is None else {"since": GLib.Variant("t", since)}
        path = client.call("Watch", "(asasa{sv})", list(keys), [], options)
        return DbusWatch(client, path)

    def status(self):
        return figures(self.client.call("GetStatus"))


class DbusWatch:
    def __init__(self, client, path):
        self.client = client
        self.path = path
        self.revision = None
        self.events = collections.deque()

    def _read(self):
        path, name, (changes,) = self.client.next_signal()
        assert (path, name) == (self.path, "Changed")
        for revision, kind, key, value, details in changes:
            if kind in DbusDoor.KINDS:
                if "value_bytes" in details:
                    value = bytes(details["value_bytes"]).decode("utf-8")
                self.events.append((revision, Event(DbusDoor.KINDS[kind], key, value)))

    def next(self):
        while not self.events:
            self._read()
        revision, event = self.events.popleft()
        if event.kind != "now":
            self.revision = revision
        return event

    def close(self):
        self.client.close()


# ---------------------------------------------------------------------------------------------


def encode(value):
    if value is None:
        return "-"
    return quote(value)


def decode(word):
    return urllib.parse.unquote(word, errors="strict")


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
        _, number, kind, key, value, revision = line.split(" ")
        event = Event(kind, decode(key), decode(value))
        self.watches.setdefault(int(number), collections.deque()).append((int(revision), event))
        return None

    def ask(self, *words):
        self.process.stdin.write(" ".join(words).encode("ascii") + b"\n")
        self.process.stdin.flush()
        answer = None
        while answer is None:
            answer = self.read()
        return answer

    def put(self, key, value, ttl=None):
        return self.ask("put", encode(key), encode(value), "-" if ttl is None else str(ttl))

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
        word, _, value = self.ask("get", encode(key)).partition(" ")
        return word, decode(value) if word == "found" else None

    def delete(self, key):
        return self.ask("delete", encode(key))

    def swap(self, key, expected, new):
        word = self.ask("swap", encode(key), encode(expected), encode(new))
        return "swapped" if word == "replaced" else word

    def batch(self, *entries):
        words = []
        for method, key, *rest in entries:
            if words:
                words.append("|")
            words += [method, encode(key)]
            if method == "put":
                value, ttl = (*rest, None)[:2]
                words += [encode(value), "-" if ttl is None else str(ttl)]
        answer = self.ask("batch", *words)
        if answer == "invalid-key":
            # A front end calls a batch with a bad entry that, whatever is wrong with the entry.
            return "unprocessable"
        results = []
        for result in answer.split(" | ") if answer else []:
            word, _, value = result.partition(" ")
            results.append((word, decode(value) if word == "found" else None))
        return results

    def watch(self, *keys, since=None):
        answer = self.ask("watch", "-" if since is None else str(since), *map(encode, keys))
        return LibraryWatch(self, int(answer.split(" ")[1]))

    def status(self):
        return Status(*map(int, self.ask("status").split(" ")))


class LibraryWatch:
    def __init__(self, door, number):
        self.door = door
        self.number = number
        self.events = door.watches.setdefault(number, collections.deque())
        self.revision = None

    def next(self):
        while not self.events:
            assert self.door.read() is None
        revision, event = self.events.popleft()
        if event.kind != "now":
            self.revision = revision
        return event

    def close(self):
        assert self.door.ask("unwatch", str(self.number)) == "ended"


# The doors by the names that the tests have for them, and what carries HTTP in the daemon behind them.
# Each with what carries HTTP, and what the store of its daemon is: None for the default of the tests, which is memory.
DOORS = {
    "http-express": (HttpDoor, "express", None),
    "http-libsoup": (HttpDoor, "libsoup", None),
    "http-strict": (HttpDoor, "express", SQLITE),
    "dbus": (DbusDoor, "express", None),
    "dbus-strict": (DbusDoor, "express", SQLITE),
    "library": (LibraryDoor, None, None),
}
