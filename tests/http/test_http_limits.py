# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Limits that the command line sets: rate, length of values, connections."""

import json
import time

import pytest

from support.limits import SANITIZED
from support.wire import build_request

JSON = {"Content-Type": "application/json"}


class TestRate:
    def test_over_the_limit_is_429_with_retry_after(self, start_kvstored):
        daemon = start_kvstored(rate_limit="1:10")
        with daemon.connect() as connection:
            start = time.monotonic()
            responses = [connection.request("GET", "/store/k") for _ in range(30)]
            elapsed = time.monotonic() - start
            statuses = [r.status for r in responses]
            # Ten at once, and one more for each second that has passed.
            assert 10 <= statuses.count(404) <= 10 + int(elapsed) + 1
            assert set(statuses) == {404, 429}
            refused = next(r for r in responses if r.status == 429)
            assert int(refused.headers["Retry-After"]) >= 1
            assert refused.headers["Content-Type"] == "text/plain; charset=utf-8"

    def test_is_counted_over_all_connections(self, start_kvstored):
        daemon = start_kvstored(rate_limit="1:10")
        start = time.monotonic()
        statuses = [daemon.request("GET", "/store/k").status for _ in range(30)]
        assert 10 <= statuses.count(404) <= 10 + int(time.monotonic() - start) + 1

    def test_retry_after_is_kept(self, start_kvstored):
        daemon = start_kvstored(rate_limit="1:1")
        with daemon.connect() as connection:
            response = connection.request("GET", "/store/k")
            while response.status != 429:
                response = connection.request("GET", "/store/k")
            # This one waits for the clock, as a client is told to.
            time.sleep(int(response.headers["Retry-After"]))
            assert connection.request("GET", "/store/k").status == 404

    def test_nothing_is_stored_over_the_limit(self, start_kvstored):
        daemon = start_kvstored(rate_limit="1:5")
        with daemon.connect() as connection:
            statuses = [connection.request("PUT", f"/store/k{i}", "v").status for i in range(20)]
        created = statuses.count(201)
        assert set(statuses) == {201, 429}
        time.sleep(1)
        assert daemon.status()["total_keys"] == created

    def test_default_does_not_trouble_a_script(self, start_kvstored):
        daemon = start_kvstored(rate_limit=None)
        with daemon.connect() as connection:
            assert {connection.request("GET", "/store/k").status for _ in range(2000)} == {404}

    def test_default_stops_a_loop_that_has_run_away(self, start_kvstored):
        daemon = start_kvstored(rate_limit=None)
        request = b"GET /store/k HTTP/1.1\r\nHost: localhost\r\n\r\n"
        start = time.monotonic()
        with daemon.connect() as connection:
            served = 0
            for _ in range(200):
                connection.send(request * 200)
                served += sum(connection.read_response().status == 404 for _ in range(200))
        # Where everything is slow, 40,000 requests may take so long that all of them are allowed.
        assert served <= 10_000 + 5_000 * (time.monotonic() - start) + 1

    def test_off_is_off(self, start_kvstored):
        daemon = start_kvstored(rate_limit="off")
        request = b"GET /store/k HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with daemon.connect() as connection:
            for _ in range(100):
                connection.send(request * 200)
                assert {connection.read_response().status for _ in range(200)} == {404}

    def test_unix_socket_is_limited_too(self, start_kvstored, directory):
        daemon = start_kvstored(http=[f"unix:{directory}/kv"], rate_limit="1:5")
        with daemon.connect() as connection:
            statuses = [connection.request("GET", "/store/k").status for _ in range(20)]
        assert set(statuses) == {404, 429}


class TestValueSize:
    def test_option_sets_it(self, start_kvstored):
        daemon = start_kvstored("--max-value-size", "100")
        assert daemon.request("PUT", "/store/k", "x" * 101).status == 413
        assert daemon.request("GET", "/store/k").status == 404
        assert daemon.request("PUT", "/store/k", "x" * 100).status == 201
        for size, status in ((101, 413), (100, 204)):
            body = json.dumps({"expected": "x" * 100, "new": "y" * size})
            assert daemon.request("POST", "/store/cas/k", body, JSON).status == status
        for size, status in ((101, 413), (100, 200)):
            body = json.dumps([{"method": "PUT", "key": "k", "value": "z" * size}])
            assert daemon.request("POST", "/batch", body, JSON).status == status

    def test_a_larger_one_holds_for_json_too(self, start_kvstored):
        daemon = start_kvstored("--max-value-size", str(20_000_000))
        value = "x" * 20_000_000
        assert daemon.request("PUT", "/store/k", value).status == 201
        body = json.dumps([{"method": "PUT", "key": "k", "value": value}])
        assert daemon.request("POST", "/batch", body, JSON).status == 200

    def test_413_comes_before_the_body(self, shared_kvstored):
        with shared_kvstored.connect() as connection:
            connection.send(b"PUT /store/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2097153\r\n\r\n")
            response = connection.read_response()
            assert response.status == 413
            assert response.headers["Connection"] == "close"

    def test_413_reads_the_same_whoever_says_it(self, shared_kvstored):
        by_head = shared_kvstored.raw(b"PUT /store/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2097153\r\n\r\n")
        keys = json.dumps(["k"] * 1025)
        by_route = shared_kvstored.raw(build_request("POST", "/watch", keys, {**JSON, "Connection": "close"}))
        assert by_head.splitlines()[0] == by_route.splitlines()[0] == b"HTTP/1.1 413 Content Too Large"

    def test_413_reaches_a_client_that_sends_all_first(self, shared_kvstored):
        assert shared_kvstored.request("PUT", "/store/k", b"x" * (2 * 1024 * 1024 + 1)).status == 413

    @pytest.mark.skipif(SANITIZED, reason="a sanitizer holds on to freed memory")
    def test_body_over_the_limit_costs_no_memory(self, shared_kvstored):
        before = shared_kvstored.resident_bytes()
        head = b"PUT /store/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000000\r\n\r\n"
        with shared_kvstored.connect() as connection:
            connection.send(head)
            for _ in range(300):
                connection.send_while_read(b"x" * 1_000_000)
        assert shared_kvstored.resident_bytes() - before < 20_000_000
        assert shared_kvstored.request("GET", "/store/k").status == 404


class TestConnections:
    def test_one_too_many_does_not_disturb_the_others(self, start_kvstored):
        daemon = start_kvstored("--max-connections", "4")
        daemon.expected_output = "Connections are refused"
        connections = [daemon.connect() for _ in range(4)]
        for connection in connections:
            assert connection.request("GET", "/store/k").status == 404
        with daemon.connect() as fifth:
            # It is turned away, or waits; it is not served while the others are there.
            fifth.sock.settimeout(0.3)
            fifth.send_while_read(b"GET /store/k HTTP/1.1\r\nHost: localhost\r\n\r\n")
            try:
                answer = fifth.read_to_end()
            except TimeoutError:
                answer = b""
            assert answer == b"" or answer.startswith(b"HTTP/1.1 503 ")
        for connection in connections:
            assert connection.request("GET", "/store/k").status == 404
            connection.close()
        assert daemon.request("GET", "/store/k").status == 404


@pytest.mark.parametrize("number", [1, 2, 8])
def test_any_number_of_threads(start_kvstored, number):
    daemon = start_kvstored("--http-threads", str(number))
    connections = [daemon.connect() for _ in range(2 * number + 1)]
    for i, connection in enumerate(connections):
        assert connection.request("PUT", f"/store/{i}", str(i)).status == 201
    for i, connection in enumerate(connections):
        assert connection.request("GET", f"/store/{len(connections) - 1 - i}").status == 200
        connection.close()
