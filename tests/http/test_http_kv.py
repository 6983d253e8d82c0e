# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""/v1/kv and what else is done to one key under /v1."""

import datetime
import json
import threading

import pytest

from support.limits import SOON

TEXT = "text/plain; charset=utf-8"
PROBLEM = "application/problem+json"
JSON = {"Content-Type": "application/json"}


class Key:
    """One key, asked through every path that there is to it."""

    def __init__(self, daemon, name):
        self.daemon = daemon
        self.name = name

    def ask(self, method, path, body=None, headers=()):
        response = self.daemon.request(method, f"/v1/{path.replace('KEY', self.name)}", body, dict(headers))
        if response.status >= 400 and method != "HEAD":
            assert response.headers["Content-Type"] == PROBLEM
            assert response.json["status"] == response.status
        if "ETag" in response.headers:
            assert response.headers["ETag"] == f'"{response.headers["KV-Revision"]}"'
            assert response.headers["Cache-Control"] == "no-cache"
        return response

    def put(self, value, query="", **headers):
        return self.ask("PUT", f"kv/KEY{query}", value, headers)

    def get(self):
        return self.ask("GET", "kv/KEY")

    def post(self, path, body=None, headers=()):
        return self.ask("POST", path, body, headers)

    def cas(self, body, headers=()):
        return self.post("cas/KEY", json.dumps(body), {**JSON, **dict(headers)})


@pytest.fixture
def one(shared_kvstored, key):
    return Key(shared_kvstored, key)


def seconds_left(response):
    expires = datetime.datetime.fromisoformat(response.headers["KV-Expires"].replace("Z", "+00:00"))
    # It is told to the nearest millisecond, so that it may be half of one early.
    earliest = expires - datetime.timedelta(microseconds=500)
    return (earliest - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


def assert_type(response, status, name):
    assert (response.status, response.json["type"]) == (status, f"/problems/{name}")


class TestGet:
    def test_gives_the_value_with_its_revision(self, one):
        put = one.put("some välue\n")
        assert put.status == 201 and put.body == b""
        get = one.get()
        assert (get.status, get.text, get.headers["Content-Type"]) == (200, "some välue\n", TEXT)
        assert get.headers["X-Content-Type-Options"] == "nosniff"
        assert get.headers["ETag"] == put.headers["ETag"]
        assert "KV-Expires" not in get.headers and "KV-Expires" not in put.headers
        head = one.ask("HEAD", "kv/KEY")
        assert head.headers == {**get.headers, "date": head.headers["Date"]} and head.body == b""

    def test_of_an_absent_key_is_a_problem(self, one):
        response = one.get()
        assert_type(response, 404, "no-such-key")
        assert response.json["key"] == one.name
        assert response.headers["Cache-Control"] == "no-cache"
        assert one.ask("HEAD", "kv/KEY").status == 404

    def test_is_the_same_key_as_elsewhere(self, one):
        one.daemon.request("PUT", f"/store/{one.name}", "v")
        assert one.get().body == b"v"
        one.put("w")
        assert one.daemon.request("GET", f"/store/{one.name}").body == b"w"

    def test_takes_no_parameters(self, one):
        one.put("v")
        assert one.ask("GET", "kv/KEY?").status == 200
        for query in ("?x", "?ttl=5", "?prev", "?="):
            assert_type(one.ask("GET", f"kv/KEY{query}"), 400, "invalid-parameter")


class TestPut:
    def test_creates_then_replaces(self, one):
        first, second = one.put("one"), one.put("two")
        assert (first.status, second.status) == (201, 204)
        assert int(second.headers["KV-Revision"]) > int(first.headers["KV-Revision"])
        assert one.get().body == b"two"

    @pytest.mark.parametrize("value", [b"\xff", b"\xed\xa0\x80"])
    def test_bad_value_is_400(self, one, value):
        assert_type(one.put(value), 400, "invalid-value")
        assert one.get().status == 404

    def test_too_long_a_value_is_413(self, one):
        response = one.put(b"x" * (2 * 1024 * 1024 + 1))
        assert_type(response, 413, "too-large")
        assert response.json["limit"] == 2 * 1024 * 1024

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    @pytest.mark.parametrize("segment", ["", "%", "%zz", "%FF", "%00", "k" * 1025])
    def test_bad_key_is_400(self, shared_kvstored, method, segment):
        response = shared_kvstored.request(method, f"/v1/kv/{segment}", "v" if method == "PUT" else None)
        assert_type(response, 400, "invalid-key")

    @pytest.mark.parametrize("query, least, most", [
        ("?ttl=60", 55, 60), ("?ttl=3600.5", 3595, 3600.5), ("?ttl=060", 55, 60), ("?%74tl=60&prev=false", 55, 60),
    ])
    def test_ttl(self, one, query, least, most):
        response = one.put("v", query)
        assert response.status == 201
        assert least < seconds_left(response) <= most
        assert one.get().headers["KV-Expires"][:19] == response.headers["KV-Expires"][:19]

    def test_fraction_of_a_second(self, one):
        stream = one.daemon.sse(f"/watch_key/{one.name}")
        stream.next()
        one.put("v", "?ttl=0.05")
        assert [stream.next().kind, stream.next().kind] == ["PUT", "EXPIRED"]
        assert one.get().status == 404
        stream.close()

    @pytest.mark.parametrize("query", ["?ttl=0", "?ttl=0.0", "?expires_at=1999-12-31T23:59:59Z", "?expires_at=0001-01-01T00:00:00Z"])
    def test_past_expires_at_once(self, one, query):
        assert one.put("v", query).status == 201
        assert one.get().status == 404

    @pytest.mark.parametrize("time", ["2100-01-02T03:04:05Z", "2100-01-02T05:04:05%2B02:00", "2100-01-02T05:04:05+02:00",
                                      "2100-01-02%2003:04:05.000z"])
    def test_expires_at(self, one, time):
        assert one.put("v", f"?expires_at={time}").headers["KV-Expires"].startswith("2100-01-02T03:04:0")
        left = seconds_left(one.get())
        wanted = datetime.datetime(2100, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
        assert abs((wanted - datetime.datetime.now(datetime.timezone.utc)).total_seconds() - left) < 5

    def test_keepttl(self, one):
        one.put("one", "?ttl=3600")
        response = one.put("two", "?keepttl")
        assert response.status == 204 and 3500 < seconds_left(response) <= 3600
        assert 3500 < seconds_left(one.get()) <= 3600
        assert "KV-Expires" not in one.put("three", "?keepttl=false").headers
        assert "KV-Expires" not in one.put("four", "?keepttl").headers
        assert "KV-Expires" not in one.get().headers

    def test_prev_gives_what_was_replaced(self, one):
        first = one.put("one", "?prev")
        assert (first.status, first.body) == (201, b"") and "KV-Previous-Revision" not in first.headers
        second = one.put("two", "?prev=true")
        assert (second.status, second.body, second.headers["Content-Type"]) == (200, b"one", TEXT)
        assert second.headers["KV-Previous-Revision"] == first.headers["KV-Revision"]
        assert second.headers["ETag"] == one.get().headers["ETag"]
        assert one.put("three", "?prev=false").status == 204
        assert one.get().body == b"three"

    @pytest.mark.parametrize("query, name", [
        ("?ttl=", "ttl"), ("?ttl", "ttl"), ("?ttl=-1", "ttl"), ("?ttl=1.", "ttl"), ("?ttl=.5", "ttl"), ("?ttl=1e3", "ttl"),
        ("?ttl=abc", "ttl"), ("?ttl=1%20", "ttl"), ("?ttl=99999999999999", "ttl"), ("?ttl=1&ttl=1", "ttl"),
        ("?ttl=1&keepttl", "keepttl"), ("?ttl=1&expires_at=2100-01-01T00:00:00Z", "expires_at"),
        ("?keepttl&expires_at=2100-01-01T00:00:00Z", "expires_at"), ("?keepttl=1", "keepttl"), ("?keepttl=", "keepttl"),
        ("?expires_at=tomorrow", "expires_at"), ("?expires_at=4102444800", "expires_at"),
        ("?expires_at=2100-02-30T00:00:00Z", "expires_at"), ("?prev=yes", "prev"), ("?prev&prev", "prev"),
        ("?keep_ttl", "keep_ttl"), ("?TTL=5", "TTL"), ("?ttl=%zz", "ttl"), ("?x", "x"), ("?%ff=1", "%ff"),
    ])
    def test_bad_query_is_400_and_names_it(self, one, query, name):
        response = one.put("v", query)
        assert_type(response, 400, "invalid-parameter")
        assert (response.json["parameter"], response.json["key"]) == (name, one.name)
        assert one.get().status == 404

    def test_loser_is_told_what_is_there(self, one):
        put = one.put("ä\0\"", "?ttl=3600")
        response = one.put("mine", **{"If-None-Match": "*"})
        assert_type(response, 412, "condition-failed")
        assert response.json["value"] == "ä\0\""
        assert str(response.json["revision"]) == put.headers["KV-Revision"]
        assert response.headers["ETag"] == put.headers["ETag"] and "KV-Expires" in response.headers
        # Nothing else is needed to try again.
        assert one.put("mine", **{"If-Match": response.headers["ETag"]}).status == 204


class TestDelete:
    def test_deletes(self, one):
        put = one.put("v")
        response = one.ask("DELETE", "kv/KEY")
        assert (response.status, response.body) == (204, b"")
        assert int(response.headers["KV-Revision"]) > int(put.headers["KV-Revision"])
        assert "ETag" not in response.headers
        assert_type(one.ask("DELETE", "kv/KEY"), 404, "no-such-key")

    def test_prev_gives_what_was_deleted(self, one):
        put = one.put("v")
        response = one.ask("DELETE", "kv/KEY?prev")
        assert (response.status, response.body) == (200, b"v")
        assert response.headers["KV-Previous-Revision"] == put.headers["KV-Revision"]
        assert one.ask("DELETE", "kv/KEY?prev").status == 404

    @pytest.mark.parametrize("query", ["?ttl=5", "?prev=1", "?previous", "?prev&prev=true"])
    def test_bad_query_is_400_and_deletes_nothing(self, one, query):
        one.put("v")
        assert_type(one.ask("DELETE", f"kv/KEY{query}"), 400, "invalid-parameter")
        assert one.get().status == 200


class TestTouch:
    def test_gives_another_deadline(self, one):
        put = one.put("v", "?ttl=60")
        response = one.post("touch/KEY?ttl=3600.5")
        assert (response.status, response.body) == (204, b"")
        assert 3590 < seconds_left(response) <= 3600.5
        assert int(response.headers["KV-Revision"]) > int(put.headers["KV-Revision"])
        get = one.get()
        assert get.body == b"v" and get.headers["ETag"] == response.headers["ETag"]
        response = one.post("touch/KEY?expires_at=2100-01-01T12:00:00.5Z")
        assert response.headers["KV-Expires"].startswith("2100-01-01T12:00:00")

    def test_takes_the_deadline_away(self, one):
        one.put("v", "?ttl=60")
        assert "KV-Expires" not in one.post("touch/KEY?persist").headers
        assert "KV-Expires" not in one.get().headers

    def test_zero_expires_at_once(self, one):
        one.put("v")
        assert one.post("touch/KEY?ttl=0").status == 204
        assert_type(one.post("touch/KEY?ttl=60"), 404, "no-such-key")

    @pytest.mark.parametrize("query, name", [
        ("", "ttl"), ("?", "ttl"), ("?persist=false", "ttl"), ("?ttl=x", "ttl"), ("?ttl=1&persist", "persist"),
        ("?persist&expires_at=2100-01-01T00:00:00Z", "expires_at"), ("?keepttl", "keepttl"), ("?ttl=1&ttl=2", "ttl"),
    ])
    def test_bad_query_is_400_and_names_it(self, one, query, name):
        put = one.put("v")
        response = one.post(f"touch/KEY{query}")
        assert_type(response, 400, "invalid-parameter")
        assert response.json["parameter"] == name
        assert one.get().headers["ETag"] == put.headers["ETag"]

    def test_on_condition(self, one):
        put = one.put("v")
        response = one.post("touch/KEY?ttl=60", headers={"If-Match": '"1"'})
        assert_type(response, 412, "condition-failed")
        assert response.headers["ETag"] == put.headers["ETag"]
        assert one.post("touch/KEY?ttl=60", headers={"If-Match": put.headers["ETag"]}).status == 204
        one.ask("DELETE", "kv/KEY")
        assert one.post("touch/KEY?ttl=60", headers={"If-Match": "*"}).status == 404


class TestIncrement:
    def test_counts(self, one):
        first = one.post("incr/KEY")
        assert (first.status, first.body, first.headers["Content-Type"]) == (201, b"1", TEXT)
        second = one.post("incr/KEY?by=41")
        assert (second.status, second.body) == (200, b"42")
        assert one.post("incr/KEY?by=-50").body == b"-8"
        assert one.post("incr/KEY?by=0").body == b"-8"
        get = one.get()
        assert get.body == b"-8" and int(get.headers["KV-Revision"]) > int(second.headers["KV-Revision"])

    def test_keeps_the_deadline(self, one):
        one.put("5", "?ttl=3600")
        response = one.post("incr/KEY")
        assert response.body == b"6" and 3500 < seconds_left(response) <= 3600

    @pytest.mark.parametrize("value, by", [
        ("x", 1), ("", 1), ("1.0", 1), ("010", 1), ("+1", 1), (" 1", 1), ("9223372036854775807", 1),
        ("-9223372036854775808", -1), ("9223372036854775808", 0), ("1\0", 1),
    ])
    def test_what_has_no_sum_is_409(self, one, value, by):
        put = one.put(value)
        response = one.post(f"incr/KEY?by={by}")
        assert_type(response, 409, "not-a-number")
        assert response.headers["ETag"] == put.headers["ETag"]
        assert str(response.json["revision"]) == put.headers["KV-Revision"]
        assert one.get().text == value

    @pytest.mark.parametrize("query, name", [
        ("?by=", "by"), ("?by", "by"), ("?by=1.5", "by"), ("?by=+1", "by"), ("?by=x", "by"), ("?by=9223372036854775808", "by"),
        ("?by=1&by=1", "by"), ("?bye=1", "bye"), ("?ttl=5", "ttl"),
    ])
    def test_bad_query_is_400_and_names_it(self, one, query, name):
        response = one.post(f"incr/KEY{query}")
        assert_type(response, 400, "invalid-parameter")
        assert response.json["parameter"] == name
        assert one.get().status == 404

    def test_on_condition(self, one):
        assert_type(one.post("incr/KEY", headers={"If-Match": "*"}), 412, "condition-failed")
        put = one.put("5")
        assert one.post("incr/KEY", headers={"If-None-Match": "*"}).json["value"] == "5"
        assert one.post("incr/KEY", headers={"If-Match": put.headers["ETag"]}).body == b"6"

    def test_none_is_lost(self, one):
        def count():
            with one.daemon.connect() as connection:
                for _ in range(100):
                    assert connection.request("POST", f"/v1/incr/{one.name}").status in (200, 201)

        threads = [threading.Thread(target=count) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SOON)
        assert one.get().body == b"800"


class TestSwap:
    def test_by_value(self, one):
        one.put("one", "?ttl=3600")
        response = one.cas({"expected": "one", "new": "two"})
        assert (response.status, response.body) == (204, b"")
        assert 3500 < seconds_left(response) <= 3600
        get = one.get()
        assert get.body == b"two" and get.headers["ETag"] == response.headers["ETag"]

    def test_by_revision(self, one):
        revision = int(one.put("one").headers["KV-Revision"])
        assert one.cas({"revision": revision, "new": "two"}).status == 204
        response = one.cas({"revision": revision, "new": "three"})
        assert_type(response, 412, "condition-failed")
        assert response.json["value"] == "two"

    def test_loser_is_told_what_is_there(self, one):
        put = one.put("ä\0")
        response = one.cas({"expected": "one", "new": "two"})
        assert_type(response, 412, "condition-failed")
        assert (response.json["value"], response.json["key"]) == ("ä\0", one.name)
        assert str(response.json["revision"]) == put.headers["KV-Revision"]
        assert response.headers["ETag"] == put.headers["ETag"]
        assert one.get().text == "ä\0"

    def test_of_an_absent_key_is_404(self, one):
        assert_type(one.cas({"expected": "", "new": "v"}), 404, "no-such-key")
        assert_type(one.cas({"revision": 1, "new": "v"}), 404, "no-such-key")

    def test_counts_as_a_swap(self, start_kvstored):
        daemon = start_kvstored()
        revision = int(daemon.request("PUT", "/v1/kv/k", "v").headers["KV-Revision"])
        for body in ({"revision": revision, "new": "w"}, {"expected": "w", "new": "x"}, {"revision": revision, "new": "y"}):
            daemon.request("POST", "/v1/cas/k", json.dumps(body), JSON)
        status = daemon.status()
        assert (status["successful_cas_operations"], status["failed_cas_operations"]) == (2, 1)

    @pytest.mark.parametrize("body, name", [
        ({"new": "v"}, "expected"), ({"expected": "v"}, "new"), ({"expected": 5, "new": "v"}, "expected"),
        ({"expected": "v", "new": None}, "new"), ({"expected": "v", "revision": 1, "new": "v"}, "revision"),
        ({"revision": 0, "new": "v"}, "revision"), ({"revision": -1, "new": "v"}, "revision"),
        ({"revision": 1.0, "new": "v"}, "revision"), ({"revision": "1", "new": "v"}, "revision"),
        ({"revision": None, "new": "v"}, "revision"), ({"expected": "v", "nwe": "v", "new": "v"}, "nwe"),
        ({"expected": "v", "new": "v", "x" * 100: 1}, "x" * 64),
    ])
    def test_wrong_shape_is_422_and_names_it(self, one, body, name):
        put = one.put("v")
        response = one.cas(body)
        assert_type(response, 422, "unprocessable")
        assert response.json["parameter"] == name
        assert one.get().headers["ETag"] == put.headers["ETag"]

    def test_bad_bodies(self, one):
        one.put("v")
        assert_type(one.post("cas/KEY", "{}"), 415, "unsupported-media-type")
        assert_type(one.post("cas/KEY", "{", JSON), 400, "invalid-request")
        assert_type(one.post("cas/KEY", "[]", JSON), 422, "unprocessable")
        assert_type(one.post("cas/KEY", '{"new":"a","new":"b"}', JSON), 422, "unprocessable")
        assert_type(one.post("cas/KEY?ttl=5", '{"expected":"v","new":"b"}', JSON), 400, "invalid-parameter")
        assert one.cas({"expected": "v", "new": "x" * (2 * 1024 * 1024 + 1)}).json["parameter"] == "new"
        assert one.get().body == b"v"

    def test_on_condition(self, one):
        put = one.put("v")
        revision = int(put.headers["KV-Revision"])
        assert one.cas({"expected": "v", "new": "w"}, {"If-Match": '"1"'}).status == 412
        assert one.cas({"revision": revision, "new": "w"}, {"If-Match": '"1"'}).status == 412
        assert one.cas({"revision": revision, "new": "w"}, {"If-None-Match": "*"}).status == 412
        assert one.get().body == b"v"
        assert one.cas({"revision": revision, "new": "w"}, {"If-Match": f'"1", {put.headers["ETag"]}'}).status == 204


class TestAtomicBatch:
    ENTRIES = '[{"method":"PUT","key":"KEY","value":"one"},{"method":"GET","key":"KEY"},{"method":"PUT","key":"KEY2","value":"x"},' \
              '{"method":"DELETE","key":"KEY3"},{"method":"GET","key":"KEY3"}]'

    def post(self, one, query, entries=ENTRIES):
        return one.daemon.request("POST", f"/batch{query}", entries.replace("KEY", one.name), JSON)

    def test_is_one_revision(self, one):
        response = self.post(one, "?atomic=true")
        assert response.json == [{"status": 201}, {"status": 200, "value": "one"}, {"status": 201}, {"status": 404}, {"status": 404}]
        for name in (one.name, f"{one.name}2"):
            assert one.daemon.request("GET", f"/v1/kv/{name}").headers["KV-Revision"] == response.headers["KV-Revision"]

    @pytest.mark.parametrize("query", ["", "?atomic=false", "?other=1"])
    def test_otherwise_each_has_its_own(self, one, query):
        response = self.post(one, query)
        assert response.status == 200 and "KV-Revision" not in response.headers
        revisions = [one.daemon.request("GET", f"/v1/kv/{one.name}{n}").headers["KV-Revision"] for n in ("", "2")]
        assert revisions[0] != revisions[1]

    def test_of_reads_changes_nothing(self, one):
        before = one.put("v").headers["KV-Revision"]
        response = self.post(one, "?atomic=true", '[{"method":"GET","key":"KEY"},{"method":"GET","key":"none"}]')
        assert response.json == [{"status": 200, "value": "v"}, {"status": 404}]
        assert "KV-Revision" not in response.headers
        assert one.get().headers["KV-Revision"] == before

    @pytest.mark.parametrize("query", ["?atomic", "?atomic=", "?atomic=1", "?atomic=true&atomic=true", "?atomic=%zz"])
    def test_doubtful_is_400_and_runs_nothing(self, one, query):
        assert self.post(one, query).status == 400
        assert one.get().status == 404

    def test_bad_entry_runs_nothing(self, one):
        response = self.post(one, "?atomic=true", '[{"method":"PUT","key":"KEY","value":"v"},{"method":"PUT","key":"KEY"}]')
        assert response.status == 422
        assert one.get().status == 404

    def test_nobody_sees_a_part(self, one):
        """Two keys that are always written together are never read apart."""
        stop = threading.Event()

        def write():
            number = 0
            while not stop.is_set():
                number += 1
                self.post(one, "?atomic=true", json.dumps(
                    [{"method": "PUT", "key": f"KEY{n}", "value": str(number)} for n in range(2)]))

        thread = threading.Thread(target=write)
        thread.start()
        try:
            for _ in range(200):
                response = self.post(one, "?atomic=true", '[{"method":"GET","key":"KEY0"},{"method":"GET","key":"KEY1"}]')
                assert len({entry.get("value") for entry in response.json}) == 1
        finally:
            stop.set()
            thread.join()


@pytest.mark.parametrize("path", ["kv/k", "touch/k", "incr/k", "cas/k", "dump", "restore"])
def test_an_unknown_parameter_is_refused_everywhere(shared_kvstored, path):
    methods = shared_kvstored.request("OPTIONS", f"/v1/{path}").headers["Allow"].split(", ")
    for method in set(methods) - {"OPTIONS", "HEAD"}:
        body = {"cas/k": '{"expected":"","new":""}'}.get(path, "v")
        response = shared_kvstored.request(method, f"/v1/{path}?nonsense=1", body, JSON)
        assert_type(response, 400, "invalid-parameter")
        assert response.json["parameter"] == "nonsense"
