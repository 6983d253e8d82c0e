# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""The door that is HTTP: the paths of the contract, and those under /v1."""

import json
import urllib.parse

from words import FOLDER, Copy, Event, Held, Op, Outcome, OutOfReach, Refused, Result, Told, figures, quote, read_time

from support.sse import RETRY

JSON = {"Content-Type": "application/json"}


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
    # Of what is not called the same everywhere.
    PROBLEMS = {"no-such-key": "not-found", "condition-failed": "mismatch", "invalid-parameter": "invalid-argument"}

    def __init__(self, daemon):
        self.daemon = daemon
        self.connection = daemon.connect()

    def close(self):
        self.connection.close()

    def _send(self, method, path, body=None, headers=()):
        response = self.connection.request(method, path, body, headers)
        if response.headers.get("connection") == "close":
            self.connection.close()
            self.connection = self.daemon.connect()
        return response

    def _request(self, method, path, body=None, **kinds):
        if isinstance(body, (dict, list)):
            response = self._send(method, path, json.dumps(body), JSON)
        else:
            response = self._send(method, path, body)
        if response.status == 400:
            word = "invalid-key" if "key" in response.text.lower() else "invalid-value"
        else:
            word = kinds.get(f"status_{response.status}") or self.STATUSES[response.status]
        return word, response

    # -- the contract

    def put(self, key, value, ttl=None):
        query = "" if ttl is None else f"?ttl={ttl}"
        return self._request("PUT", f"/store/{quote(key)}{query}", value.encode("utf-8"))[0]

    def list(self, prefix, cursor=None, delimiter=None, limit=None, values=False):
        """A page: pairs of a name and a value, which is None where it is not asked for and FOLDER where there is none; and a cursor."""
        query = {"prefix": prefix, "cursor": cursor, "delimiter": delimiter, "limit": limit, "values": values and "true"}
        asked = urllib.parse.urlencode({name: value for name, value in query.items() if value})
        response = self._send("GET", f"/v1/keys?{asked}")
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
        return self._send("GET", f"/v1/keys?{query}").json["count"]

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
        return self._read_batch([method for method, *_ in entries], response)

    def _read_batch(self, methods, response):
        results = []
        for method, result in zip(methods, response.json, strict=True):
            word = self.STATUSES[result["status"]]
            if (method, word) == ("delete", "replaced"):
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

    # -- /v1

    def _read_problem(self, response):
        assert response.headers["Content-Type"] == "application/problem+json", response.body
        assert response.json["status"] == response.status
        name = response.json["type"].removeprefix("/problems/")
        return self.PROBLEMS.get(name, name)

    def _read_written(self, response, done):
        """done: what the door calls it when it came to something"""
        # What is there now, or what stands in the way.
        revision = int(response.headers.get("KV-Revision", 0))
        if response.status < 300:
            return Result(done.get(response.status, "replaced"), None, revision)
        word = self._read_problem(response)
        assert response.json.get("revision", 0) == (revision if word in ("mismatch", "not-a-number") else 0)
        return Result(word, response.json.get("value") if word == "mismatch" else None, revision)

    def look(self, key):
        response = self._send("GET", f"/v1/kv/{quote(key)}")
        if response.status == 404:
            return None
        assert response.status == 200 and response.headers["ETag"] == f'"{response.headers["KV-Revision"]}"'
        return Held(response.text, int(response.headers["KV-Revision"]), read_time(response.headers.get("KV-Expires")))

    def run(self, op, absent=False, present=False, revision=None):
        """What one operation comes to, which is to be done on that condition only."""
        headers = {"If-None-Match": "*"} if absent else {"If-Match": "*"} if present else {}
        if revision is not None:
            headers = {"If-Match": f'"{revision}"'}
        query = {"expires_at": op.expires_at, "by": op.by, "ttl": None if op.ttl is None else f"{op.ttl:f}"}
        query = {name: value for name, value in query.items() if value is not None}
        if op.keepttl:
            query["keepttl"] = "true"
        if op.kind == "touch" and not query:
            query["persist"] = "true"
        method, path = {"put": ("PUT", "kv"), "delete": ("DELETE", "kv")}.get(op.kind) or ("POST", op.kind)
        body = op.value.encode("utf-8") if op.kind == "put" else None
        response = self._send(method, f"/v1/{path}/{quote(op.key)}?{urllib.parse.urlencode(query)}", body, headers)
        done = {"put": {201: "created"}, "delete": {204: "deleted"}, "touch": {}, "incr": dict.fromkeys((200, 201), "counted")}
        result = self._read_written(response, done[op.kind])
        return result._replace(value=response.text) if result.word == "counted" else result

    def swap_on(self, key, new, expected=None, revision=None):
        """A compare-and-swap, by one of both."""
        body = {"new": new, **({"revision": revision} if expected is None else {"expected": expected})}
        response = self._send("POST", f"/v1/cas/{quote(key)}", json.dumps(body), JSON)
        return self._read_written(response, {204: "swapped"})

    def _write_operation(self, op):
        members = {name: value for name, value in op._asdict().items() if value is not None and value is not False}
        members["op"] = members.pop("kind")
        if op.kind == "touch" and op.ttl is None and op.expires_at is None:
            members["persist"] = True
        return members

    def _read_result(self, op, result):
        word = self.STATUSES[result["status"]]
        if (op.kind, word) == ("delete", "replaced"):
            word = "deleted"
        elif op.kind == "incr":
            word = "counted"
        prev = result.get("prev")
        return Result(word, result.get("value"), result.get("revision"), prev and (prev["value"], prev["revision"]))

    def txn(self, conditions, then=(), otherwise=()):
        body = {
            "if": [{"key": condition.key, condition.kind: condition.operand} for condition in conditions],
            "then": [self._write_operation(op) for op in then],
            "else": [self._write_operation(op) for op in otherwise],
        }
        response = self._send("POST", "/v1/txn", json.dumps(body), JSON)
        if response.status != 200:
            # The pointer may go on to a member of the operation.
            place = response.json.get("parameter", "").split("/")[1:3]
            return Refused(self._read_problem(response), "/".join(place))
        answer = response.json
        assert response.headers["KV-Revision"] == str(answer["revision"])
        ops = then if answer["succeeded"] else otherwise
        results = [self._read_result(op, result) for op, result in zip(ops, answer["results"], strict=True)]
        return Outcome(answer["succeeded"], results, answer["revision"])

    def batch_atomic(self, *ops):
        """The words and values of the results, and the revision of the change."""
        body = []
        for op in ops:
            entry = {"method": op.kind.upper(), "key": op.key, "value": op.value, "ttl": op.ttl}
            body.append({name: value for name, value in entry.items() if value is not None})
        word, response = self._request("POST", "/batch?atomic=true", body)
        if word != "found":
            return word
        return self._read_batch([op.kind for op in ops], response), int(response.headers["KV-Revision"])

    def watch_on(self, keys=(), prefixes=(), since=None, prev=False, values=True, anyway=False):
        """A watch that says more; OutOfReach where since is, unless it is to begin anyway."""
        query = [("key", key) for key in keys] + [("prefix", prefix) for prefix in prefixes]
        query += [("prev", "true")] * prev + [("values", "false")] * (not values)
        headers = {}
        if anyway:
            headers = {"Last-Event-ID": str(since)}
        elif since is not None:
            query.append(("since", since))
        path = f"/v1/watch?{urllib.parse.urlencode(query)}"
        if since is not None and not anyway:
            # A stream that cannot be is an answer like any other.
            response = self._send("HEAD", path)
            if response.status == 410:
                response = self._send("GET", path)
                assert self._read_problem(response) == "out-of-reach"
                return OutOfReach(response.json["oldest"], response.json["current"])
        stream = self.daemon.sse(path, headers=headers)
        assert stream.status == 200
        assert stream.next_block() == RETRY
        return HttpJsonWatch(stream)

    def flood(self, key, count, size):
        """Puts many values, of which a watch that does not read cannot be told. Gives the last revision."""
        return [self.run(Op("put", key, "x" * size)).revision for _ in range(count)][-1]


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


class HttpJsonWatch(Copy):
    def __init__(self, stream):
        self.stream = stream

    def next_told(self):
        event = self.stream.next_json()
        while event.kind == "progress":
            event = self.stream.next_json()
        data = event.data
        if event.kind == "reset":
            return Told("reset", None, None, data["current"])
        assert event.id in (None, data["revision"])
        kind = data.get("cause", event.kind)
        prev = data.get("prev") and (data["prev"].get("value"), data["prev"]["revision"])
        return Told(kind, data.get("key"), data.get("value"), data["revision"], event.id is not None, prev)

    def close(self):
        self.stream.close()
