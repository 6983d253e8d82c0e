# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Requests that come faster than they are answered, slower than anybody would wait, or all at once."""

import json
import select
import socket

import pytest

from support.limits import SANITIZED
from support.wire import build_request

JSON = {"Content-Type": "application/json"}


def mixed_requests(key, number):
    """Some requests of every kind: (method, bytes, the status and the body of the answer; None: not looked at)."""
    swap = json.dumps({"expected": "one", "new": "two"})
    batch = json.dumps([{"method": "GET", "key": key}])
    kinds = [
        ("PUT", build_request("PUT", f"/store/{key}", "one"), {201, 204}, b""),
        ("GET", build_request("GET", f"/store/{key}"), {200}, b"one"),
        ("POST", build_request("POST", f"/store/cas/{key}", swap, JSON), {204}, b""),
        ("HEAD", build_request("HEAD", f"/store/{key}"), {200}, b""),
        ("POST", build_request("POST", "/batch", batch, JSON), {200}, b'[{"status":200,"value":"two"}]'),
        ("OPTIONS", build_request("OPTIONS", "*"), {204}, b""),
        ("GET", build_request("GET", "/nowhere"), {404}, None),
        ("GET", build_request("GET", "/status", "ignored"), {200}, None),
        ("PUT", f"PUT /store/{key} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
         + b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", {204}, b""),
        ("GET", build_request("GET", f"/store/{key}"), {200}, b"abc"),
        ("BREW", build_request("BREW", "/status"), {405}, None),
        ("DELETE", build_request("DELETE", f"/store/{key}"), {204}, b""),
        ("GET", build_request("GET", f"/store/{key}"), {404}, b""),
    ]
    return [kinds[i % len(kinds)] for i in range(number)]


def read_and_check(connection, requests):
    for number, (method, _, statuses, body) in enumerate(requests):
        response = connection.read_response(method)
        assert response.status in statuses, number
        assert body is None or response.body == body, number


@pytest.mark.parametrize("number", [16, 200])
def test_mixed_requests_are_answered_in_order(shared_kvstored, key, number):
    requests = mixed_requests(key, number)
    with shared_kvstored.connect() as connection:
        connection.send(b"".join(data for _, data, _, _ in requests))
        read_and_check(connection, requests)
        assert connection.request("DELETE", f"/store/{key}").status in (204, 404)


REFUSED = {
    "bad-line": b"PUT /store/{key} HTTP/1.1\r\nHost : localhost\r\nContent-Length: 5\r\n\r\nafter",
    "two-lengths": b"PUT /store/{key} HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\nafter",
    "bad-chunk": b"PUT /store/{key} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;\0\r\nafter\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("refused", REFUSED)
@pytest.mark.parametrize("number", [16, 200])
def test_nothing_behind_a_refused_one_is_run(shared_kvstored, key, number, refused):
    requests = mixed_requests(key, number)
    # The last before the refused one leaves the key with a value that is looked at afterwards.
    middle = number // 2
    requests[middle - 1] = ("PUT", build_request("PUT", f"/store/{key}", "before"), {201, 204}, b"")
    data = [data for _, data, _, _ in requests]
    bad = REFUSED[refused].replace(b"{key}", key.encode())
    with shared_kvstored.connect() as connection:
        connection.send_while_read(b"".join([*data[:middle], bad, *data[middle:]]))
        read_and_check(connection, requests[:middle])
        response = connection.read_response()
        assert (response.status, response.headers["Connection"]) == (400, "close")
        assert connection.is_at_end()
    assert shared_kvstored.request("GET", f"/store/{key}").body == b"before"
    assert shared_kvstored.request("DELETE", f"/store/{key}").status == 204


def test_bodies_that_trickle_in_are_kept_apart(shared_kvstored, key):
    """Four clients send their requests byte by byte in turns; a fifth, in between, is served at once."""
    requests = [
        build_request("PUT", f"/store/{key}-0", "0" * 300),
        build_request("PUT", f"/store/{key}-1", "1" * 300),
        build_request("POST", "/batch", json.dumps([{"method": "PUT", "key": f"{key}-2", "value": "2" * 300}]), JSON),
        f"PUT /store/{key}-3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        + b"3\r\n333\r\n" * 100 + b"0\r\n\r\n",
    ]
    connections = [shared_kvstored.connect() for _ in requests]
    with shared_kvstored.connect() as other:
        for connection in connections:
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for position in range(max(map(len, requests))):
            for connection, data in zip(connections, requests):
                connection.send(data[position : position + 1])
            if position % 16 == 0:
                assert other.request("GET", f"/store/{key}").status == 404
        for connection in connections:
            assert connection.read_response().status in (200, 201)
            connection.close()
        for i in range(len(requests)):
            assert other.request("GET", f"/store/{key}-{i}").body == str(i).encode() * 300
            assert other.request("DELETE", f"/store/{key}-{i}").status == 204


def send_until_nobody_reads(connection, request):
    """Sends the request again and again, and gives the bytes that were taken before nothing went on any more."""
    sock = connection.sock
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    sock.setblocking(False)
    data = request * max(64 * 1024 // len(request), 1)
    position = sent = 0
    while select.select([], [sock], [], 1)[1]:
        n = sock.send(data[position:])
        sent += n
        position = (position + n) % len(data)
        assert sent < 64_000_000, "it reads for ever"
    return sent


@pytest.mark.skipif(SANITIZED, reason="a sanitizer holds on to freed memory")
@pytest.mark.parametrize("length", [0, 100_000], ids=["short-answers", "long-answers"])
def test_client_that_does_not_read_is_not_read_from(shared_kvstored, key, length):
    value = b"x" * length
    shared_kvstored.request("PUT", f"/store/{key}", value)
    request = build_request("GET", f"/store/{key}")
    with shared_kvstored.connect() as connection:
        before = shared_kvstored.resident_bytes()
        sent = send_until_nobody_reads(connection, request)
        assert shared_kvstored.resident_bytes() - before < 2_000_000
        assert shared_kvstored.request("GET", f"/store/{key}").body == value

        # It has forgotten nothing: once it is read from, it answers.
        connection.sock.settimeout(10)
        for _ in range(min(sent // len(request), 200)):
            response = connection.read_response()
            assert (response.status, response.body) == (200, value)
    assert shared_kvstored.request("DELETE", f"/store/{key}").status == 204
