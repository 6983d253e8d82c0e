# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""/v1/txn: conditions, and operations that are carried out as one change."""

import json
import threading
from urllib.parse import quote, urlencode

import pytest

from support.daemon import MEMORY, SQLITE

PROBLEM = "application/problem+json"
JSON = {"Content-Type": "application/json"}


def put(key, value="v", **more):
    return {"op": "put", "key": key, "value": value, **more}


def get(key):
    return {"op": "get", "key": key}


class Store:
    """Keys that begin with one test's own prefix, which it need not write."""

    def __init__(self, daemon, prefix):
        self.daemon = daemon
        self.prefix = prefix

    def own(self, parts):
        return [{**part, "key": self.prefix + part["key"]} for part in parts]

    def ask(self, conditions=None, then=None, otherwise=None):
        lists = {"if": conditions, "then": then, "else": otherwise}
        body = {name: self.own(parts) for name, parts in lists.items() if parts is not None}
        return self.daemon.request("POST", "/v1/txn", json.dumps(body), JSON)

    def txn(self, *lists):
        response = self.ask(*lists)
        assert (response.status, response.headers["Content-Type"]) == (200, "application/json"), response.body
        assert str(response.json["revision"]) == response.headers["KV-Revision"]
        return response.json

    def path(self, key):
        return f"/v1/kv/{quote(self.prefix + key, safe='')}"

    def put(self, key, value="v", query=""):
        response = self.daemon.request("PUT", self.path(key) + query, value)
        assert response.status in (201, 204)
        return int(response.headers["KV-Revision"])

    def get(self, key):
        response = self.daemon.request("GET", self.path(key))
        return response.text if response.status == 200 else None


@pytest.fixture(params=[MEMORY, SQLITE], ids=["memory", "sqlite"])
def store(request, shared_kvstoreds, carrier, key):
    return Store(shared_kvstoreds(carrier, request.param), f"{key}:")


class TestOperations:
    def test_each(self, store):
        store.put("old", "before")
        store.put("number", "40")
        answer = store.txn(None, [put("new"), put("old", "after"), get("old"), {"op": "incr", "key": "number", "by": 2},
                                  {"op": "incr", "key": "fresh"}, {"op": "touch", "key": "number", "ttl": 100.5},
                                  {"op": "delete", "key": "old"}, {"op": "delete", "key": "nothing"}, get("nothing")])
        results = answer["results"]
        assert answer["succeeded"] is True
        assert [result["status"] for result in results] == [201, 204, 200, 200, 201, 204, 204, 404, 404]
        assert results[2]["value"] == "after"
        assert (results[3]["value"], results[4]["value"]) == ("42", "1")
        assert (store.get("new"), store.get("old"), store.get("number"), store.get("fresh")) == ("v", None, "42", "1")

    def test_all_of_it_is_one_revision(self, store):
        revision = store.txn(None, [put("a"), put("b"), {"op": "incr", "key": "c"}])["revision"]
        for name in "abc":
            assert store.daemon.request("GET", store.path(name)).headers["KV-Revision"] == str(revision)

    def test_a_read_tells_what_there_is(self, store):
        revision = store.put("a", "\0\"é", "?ttl=100")
        found, = store.txn(None, [get("a")])["results"]
        assert found == {"status": 200, "revision": revision, "value": "\0\"é", "expires": found["expires"]}

    def test_what_was_there_before(self, store):
        revision = store.put("a", "one")
        other = store.put("b", "two")
        answer = store.txn(None, [put("a", "new", prev=True), {"op": "delete", "key": "b", "prev": True}, put("c", prev=True)])
        assert answer["results"] == [{"status": 204, "prev": {"revision": revision, "value": "one"}},
                                     {"status": 204, "prev": {"revision": other, "value": "two"}}, {"status": 201}]

    def test_deadlines(self, store):
        store.put("kept", "v", "?ttl=1000")
        store.put("lost", "v", "?ttl=1000")
        store.put("freed", "v", "?ttl=1000")
        store.txn(None, [put("kept", keepttl=True), put("lost"), put("short", ttl=0), put("until", expires_at="2100-01-02T03:04:05Z"),
                         {"op": "touch", "key": "freed", "persist": True}, put("long", ttl=1e300)])
        heads = {name: store.daemon.request("HEAD", store.path(name)) for name in
                 ("kept", "lost", "short", "until", "freed", "long")}
        assert heads.pop("short").status == 404
        assert {name for name, head in heads.items() if "KV-Expires" in head.headers} == {"kept", "until", "long"}
        assert heads["until"].headers["KV-Expires"].startswith("2100-01-02T03:04:0")

    def test_later_operations_see_earlier_ones(self, store):
        results = store.txn(None, [put("a", "1"), {"op": "incr", "key": "a"}, get("a"), {"op": "delete", "key": "a"}, get("a")])["results"]
        assert [result["status"] for result in results] == [201, 200, 200, 204, 404]
        assert results[2]["value"] == "2"
        assert store.get("a") is None

    def test_values_that_are_too_much_for_an_answer(self, store):
        big = "x" * 2_000_000
        store.put("a", big)
        results = store.txn(None, [get("a")] * 40)["results"]
        assert results[0]["value"] == big
        assert results[-1] == {"status": 413}


class TestConditions:
    @pytest.mark.parametrize("there, condition, holds", [
        (False, {"absent": True}, True), (True, {"absent": True}, False),
        (False, {"present": True}, False), (True, {"present": True}, True),
        (True, {"value": "v"}, True), (True, {"value": "w"}, False), (False, {"value": ""}, False),
        (True, {"not_value": "v"}, False), (True, {"not_value": "w"}, True), (False, {"not_value": "v"}, True),
        (True, {"revision": 1}, False), (False, {"revision": 1}, False),
        (True, {"not_revision": 1}, True), (False, {"not_revision": 1}, True),
    ])
    def test_each(self, store, there, condition, holds):
        if there:
            store.put("a")
        answer = store.txn([{"key": "a", **condition}], [put("b", "then")], [put("b", "else")])
        assert answer["succeeded"] is holds
        assert store.get("b") == ("then" if holds else "else")

    def test_revision(self, store):
        revision = store.put("a")
        condition = [{"key": "a", "revision": revision}]
        assert store.txn(condition, [put("a", "new")])["succeeded"] is True
        answer = store.txn(condition, [put("a", "newer")], [get("a")])
        assert answer["succeeded"] is False
        assert answer["results"][0]["value"] == "new"

    def test_all_of_them_have_to_hold(self, store):
        store.put("a")
        assert store.txn([{"key": "a", "present": True}, {"key": "b", "present": True}], [put("c")])["succeeded"] is False
        assert store.get("c") is None
        assert store.txn([{"key": "a", "present": True}, {"key": "b", "absent": True}], [put("c")])["succeeded"] is True

    def test_nothing_to_do_where_they_do_not_hold(self, store):
        answer = store.txn([{"key": "a", "present": True}], [put("b")])
        assert (answer["succeeded"], answer["results"]) == (False, [])

    def test_an_expired_key_is_absent(self, store):
        store.put("a", "v", "?ttl=0")
        assert store.txn([{"key": "a", "absent": True}], [put("a")])["results"] == [{"status": 201}]

    def test_values_with_nul(self, store):
        store.put("a", "v\0w")
        assert store.txn([{"key": "a", "value": "v"}], [get("a")])["succeeded"] is False
        assert store.txn([{"key": "a", "value": "v\0w"}], [get("a")])["succeeded"] is True


class TestFailures:
    def test_a_value_that_is_no_number(self, store):
        store.put("a", "text")
        response = store.ask(None, [put("b"), {"op": "incr", "key": "a"}, put("c")])
        assert (response.status, response.headers["Content-Type"]) == (409, PROBLEM)
        assert (response.json["type"], response.json["parameter"]) == ("/problems/not-a-number", "/then/1")
        assert (store.get("b"), store.get("a"), store.get("c")) == (None, "text", None)

    def test_a_sum_that_is_out_of_range(self, store):
        store.put("a", str(2**63 - 1))
        assert store.ask(None, [put("b"), {"op": "incr", "key": "a"}]).status == 409
        assert store.get("b") is None

    def test_a_touch_of_nothing(self, store):
        response = store.ask([{"key": "x", "present": True}], [get("a")], [put("b"), {"op": "touch", "key": "a", "ttl": 1}])
        assert (response.status, response.json["parameter"]) == (404, "/else/1")
        assert response.json["type"] == "/problems/no-such-key"
        assert store.get("b") is None


class TestWatched:
    def test_it_is_told_whole_and_once(self, store):
        query = urlencode({"prefix": store.prefix})
        with store.daemon.sse(f"/v1/watch?{query}") as stream:
            stream.next_block()
            while stream.next_json().kind != "snapshot_end":
                pass
            revision = store.txn(None, [put("a"), put("b"), put("b", "w"), {"op": "delete", "key": "a"}, put("c")])["revision"]
            events = [stream.next_json(), stream.next_json()]
        assert [(event.data["key"][len(store.prefix):], event.id) for event in events] == [("b", None), ("c", revision)]
        assert {event.data["revision"] for event in events} == {revision}


class TestRefusals:
    @pytest.mark.parametrize("body, parameter", [
        ([], None), ({}, "/then"), ({"then": []}, "/then"), ({"if": [{"key": "a", "absent": True}]}, "/then"),
        ({"then": {}}, "then"), ({"than": [put("a")]}, "than"), ({"then": [5]}, "/then/0"),
        ({"then": [put("a"), {"op": "put", "key": "a"}]}, "/then/1/value"), ({"then": [{"key": "a"}]}, "/then/0/op"),
        ({"then": [{"op": "got", "key": "a"}]}, "/then/0/op"), ({"then": [{"op": "get\0", "key": "a"}]}, "/then/0/op"),
        ({"then": [{"op": "get", "key": ""}]}, "/then/0/key"), ({"then": [{"op": "get", "key": "a\n"}]}, "/then/0/key"),
        ({"then": [{"op": "get", "key": 1}]}, "/then/0/key"), ({"then": [{"op": "get", "key": "a", "value": "v"}]}, "/then/0/value"),
        ({"then": [put("a", 1)]}, "/then/0/value"), ({"then": [put("a", ttl=-1)]}, "/then/0/ttl"),
        ({"then": [put("a", ttl="1")]}, "/then/0/ttl"), ({"then": [put("a", expires_at="soon")]}, "/then/0/expires_at"),
        ({"then": [put("a", ttl=1, keepttl=True)]}, "/then/0/keepttl"), ({"then": [put("a", keepttl=1)]}, "/then/0/keepttl"),
        ({"then": [put("a", prev="yes")]}, "/then/0/prev"), ({"then": [put("a", ttls=1)]}, "/then/0/ttls"),
        ({"then": [{"op": "incr", "key": "a", "by": 1.5}]}, "/then/0/by"),
        ({"then": [{"op": "touch", "key": "a"}]}, "/then/0/ttl"),
        ({"then": [{"op": "touch", "key": "a", "persist": False}]}, "/then/0/persist"),
        ({"then": [{"op": "touch", "key": "a", "persist": True, "ttl": 1}]}, "/then/0/persist"),
        ({"if": [{"key": "a"}], "then": [put("a")]}, "/if/0"), ({"if": [{"absent": True}], "then": [put("a")]}, "/if/0/key"),
        ({"if": [{"key": "a", "absent": False}], "then": [put("a")]}, "/if/0/absent"),
        ({"if": [{"key": "a", "absent": True, "value": "v"}], "then": [put("a")]}, "/if/0/value"),
        ({"if": [{"key": "a", "revision": 0}], "then": [put("a")]}, "/if/0/revision"),
        ({"if": [{"key": "a", "revision": "1"}], "then": [put("a")]}, "/if/0/revision"),
        ({"if": [{"key": "a", "value": 1}], "then": [put("a")]}, "/if/0/value"),
        ({"if": [{"key": "a", "exists": True}], "then": [put("a")]}, "/if/0/exists"),
        ({"then": [get("a")], "else": [put("a"), None]}, "/else/1"),
    ])
    def test_a_bad_part_is_named(self, shared_kvstored, body, parameter):
        response = shared_kvstored.request("POST", "/v1/txn", json.dumps(body), JSON)
        assert (response.status, response.headers["Content-Type"]) == (422, PROBLEM), response.body
        assert response.json.get("parameter") == parameter

    def test_nothing_is_done(self, store):
        assert store.ask(None, [put("a"), {"op": "nothing", "key": "b"}]).status == 422
        assert store.get("a") is None

    def test_too_many_parts(self, shared_kvstored):
        body = {"if": [{"key": "a", "absent": True}], "then": [get("a")] * 1023, "else": [get("a")]}
        response = shared_kvstored.request("POST", "/v1/txn", json.dumps(body), JSON)
        assert (response.status, response.json["limit"]) == (413, 1024)
        del body["else"]
        assert shared_kvstored.request("POST", "/v1/txn", json.dumps(body), JSON).status == 200

    def test_a_value_that_is_too_long(self, shared_kvstored):
        body = {"then": [put("a", "x" * (2 * 1024 * 1024 + 1))]}
        response = shared_kvstored.request("POST", "/v1/txn", json.dumps(body), JSON)
        assert (response.status, response.json["parameter"]) == (413, "/then/0/value")

    def test_a_query(self, shared_kvstored):
        response = shared_kvstored.request("POST", "/v1/txn?x=1", json.dumps({"then": [get("a")]}), JSON)
        assert (response.status, response.json["parameter"]) == (400, "x")

    def test_no_json(self, shared_kvstored):
        assert shared_kvstored.request("POST", "/v1/txn", "{", JSON).status == 400
        assert shared_kvstored.request("POST", "/v1/txn", "{}").status == 415


def test_many_writers_transfer(store):
    """What is moved from one key to another is never seen twice or not at all, and nothing gets lost."""
    store.txn(None, [put("a", "100"), put("b", "100")])
    failures = []

    def transfer(here, there):
        for _ in range(50):
            answer = store.txn(None, [{"op": "incr", "key": here, "by": -1}, {"op": "incr", "key": there, "by": 1}, get("a"), get("b")])
            if int(answer["results"][2]["value"]) + int(answer["results"][3]["value"]) != 200:
                failures.append(answer)

    threads = [threading.Thread(target=transfer, args=names) for names in ("ab", "ba", "ab", "ba")]
    for thread in threads:
        thread.start()
    for _ in range(50):
        results = store.txn(None, [get("a"), get("b")])["results"]
        assert sum(int(result["value"]) for result in results) == 200
    for thread in threads:
        thread.join()
    assert not failures
    assert (store.get("a"), store.get("b")) == ("100", "100")


def test_it_costs_as_a_batch_does(start_kvstored):
    daemon = start_kvstored("--bus", "none", "--rate-limit", "1:20")
    body = json.dumps({"then": [get("a")] * 640})
    assert daemon.request("POST", "/v1/txn", json.dumps({"then": [get("a")] * 320}), JSON).status == 200
    assert daemon.request("POST", "/v1/txn", body, JSON).status == 429
