# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Bad input, raw over a socket. Whatever comes, the daemon goes on serving and stores nothing of it."""

import random

import pytest

from support.wire import build_request

# What would be stored if the request that follows a bad one were run, or a bad one were taken for a good one.
SMUGGLED = b"PUT /store/smuggled HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"


@pytest.fixture(autouse=True)
def unharmed(shared_kvstored):
    """After each test the daemon serves, and has no key more than before."""
    before = shared_kvstored.status()["total_keys"]
    yield
    status = shared_kvstored.status()
    assert status["status"] == "OK"
    assert status["total_keys"] == before
    assert shared_kvstored.request("GET", "/store/smuggled").status == 404


def answers(daemon, data):
    """The statuses of all answers to some bytes, behind which the daemon closes."""
    with daemon.connect() as connection:
        connection.send_while_read(data)
        statuses = []
        while connection.buffer or connection.fill():
            statuses.append(connection.read_response().status)
        return statuses


def put_head(*lines, target="/store/smuggled", version="HTTP/1.1"):
    return "\r\n".join([f"PUT {target} {version}", *lines, "", ""]).encode("latin-1")


def put(*lines, body=b"x", **parts):
    return put_head("Host: localhost", *lines, **parts) + body


BAD_HEADS = {
    # Framing that two readers may understand in two ways.
    "two-lengths": put("Content-Length: 1", "Content-Length: 2"),
    "two-equal-lengths": put("Content-Length: 1", "Content-Length: 1"),
    "length-list": put("Content-Length: 1, 1"),
    "length-plus": put("Content-Length: +1"),
    "length-minus": put("Content-Length: -1"),
    "length-hex": put("Content-Length: 0x1"),
    "length-blank-inside": put("Content-Length: 1 1"),
    "length-empty": put("Content-Length:"),
    "length-text": put("Content-Length: x"),
    "length-fraction": put("Content-Length: 1.0"),
    "length-nul": put("Content-Length: 1\0"),
    "length-and-chunked": put("Content-Length: 1", "Transfer-Encoding: chunked", body=b"1\r\nx\r\n0\r\n\r\n"),
    "chunked-and-length": put("Transfer-Encoding: chunked", "Content-Length: 1", body=b"1\r\nx\r\n0\r\n\r\n"),
    "two-encodings": put("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=b"1\r\nx\r\n0\r\n\r\n"),
    "chunked-in-http-1.0": put("Transfer-Encoding: chunked", body=b"1\r\nx\r\n0\r\n\r\n", version="HTTP/1.0"),
    # Hosts.
    "no-host": put_head("Content-Length: 1") + b"x",
    "two-hosts": put("Host: localhost", "Content-Length: 1"),
    "two-hosts-that-differ": put("Host: example.org", "Content-Length: 1"),
    "host-with-blank": put_head("Host: local host", "Content-Length: 1") + b"x",
    "host-with-path": put_head("Host: localhost/x", "Content-Length: 1") + b"x",
    "host-with-user": put_head("Host: me@localhost", "Content-Length: 1") + b"x",
    # Lines.
    "bare-lf": put("Content-Length: 1").replace(b"\r\n", b"\n"),
    "one-bare-lf": put("Content-Length: 1").replace(b"localhost\r\n", b"localhost\n"),
    "lf-in-the-end": put("Content-Length: 1").replace(b"\r\n\r\n", b"\r\n\n"),
    "bare-cr": put("X: a\rb", "Content-Length: 1"),
    "cr-cr-lf": put("Content-Length: 1").replace(b"localhost\r\n", b"localhost\r\r\n"),
    "folded": put("X: a", " b", "Content-Length: 1"),
    "folded-by-tab": put("X: a", "\tb", "Content-Length: 1"),
    "folded-at-once": b"PUT /store/smuggled HTTP/1.1\r\n Host: localhost\r\nContent-Length: 1\r\n\r\nx",
    "blank-before-colon": put("X : a", "Content-Length: 1"),
    "length-with-blank-before-colon": put("Content-Length : 1"),
    "no-colon": put("Nonsense", "Content-Length: 1"),
    "no-name": put(": a", "Content-Length: 1"),
    "nul-in-name": put("X\0Y: a", "Content-Length: 1"),
    "nul-in-value": put("X: a\0b", "Content-Length: 1"),
    "control-in-value": put("X: a\x01b", "Content-Length: 1"),
    "del-in-value": put("X: a\x7fb", "Content-Length: 1"),
    "bad-name": put("X(Y): a", "Content-Length: 1"),
    "name-beyond-ascii": put("X\xe4: a", "Content-Length: 1"),
    # Request lines.
    "empty-method": b" /store/smuggled HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx",
    "method-with-controls": b"PU\x01T /store/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "method-beyond-ascii": b"P\xdcT /store/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no-version": b"PUT /store/smuggled\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx",
    "no-target": b"PUT HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "two-blanks": put("Content-Length: 1", target=" /store/smuggled"),
    "blank-in-target": put("Content-Length: 1", target="/store/smuggled x"),
    "blank-at-the-end": put("Content-Length: 1", version="HTTP/1.1 "),
    "tab-for-blank": put("Content-Length: 1").replace(b"PUT ", b"PUT\t"),
    "absolute-form": put("Content-Length: 1", target="http://localhost/store/smuggled"),
    "absolute-form-elsewhere": put("Content-Length: 1", target="http://example.org/store/smuggled"),
    "authority-form": put("Content-Length: 1", target="localhost:80"),
    "asterisk-form": put("Content-Length: 1", target="*"),
    "relative-target": put("Content-Length: 1", target="store/smuggled"),
    "control-in-target": put("Content-Length: 1", target="/store/smuggled\x01"),
    "nul-in-target": put("Content-Length: 1", target="/store/smuggled\0"),
    "bytes-beyond-ascii-in-target": put("Content-Length: 1", target="/store/\xe4"),
    "bad-version": put("Content-Length: 1", version="HTTP/1.x"),
    "short-version": put("Content-Length: 1", version="HTTP/1"),
    "long-version": put("Content-Length: 1", version="HTTP/1.10"),
    "lower-case-version": put("Content-Length: 1", version="http/1.1"),
    "other-protocol": put("Content-Length: 1", version="RTSP/1.0"),
    # No HTTP at all.
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n",
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "redis": b"*1\r\n$4\r\nPING\r\n",
    "nul-bytes": b"\0" * 100 + b"\r\n\r\n",
    "http-0.9": b"GET /status\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_HEADS)
def test_bad_head_is_400_and_ends_the_connection(shared_kvstored, name):
    assert answers(shared_kvstored, BAD_HEADS[name] + SMUGGLED) == [400]


@pytest.mark.parametrize("name", BAD_HEADS)
def test_bad_head_behind_a_good_one(shared_kvstored, name):
    good = build_request("GET", "/status")
    assert answers(shared_kvstored, good + BAD_HEADS[name] + SMUGGLED) == [200, 400]


OTHER_REFUSALS = {
    "http-2": (505, put("Content-Length: 1", version="HTTP/2.0")),
    "http-2-preface": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "http-0.9-in-full": (505, put("Content-Length: 1", version="HTTP/0.9")),
    "unknown-expectation": (417, put("Content-Length: 1", "Expect: the-unexpected")),
    "gzip-encoding": (501, put("Transfer-Encoding: gzip, chunked", body=b"1\r\nx\r\n0\r\n\r\n")),
    "chunked-not-last": (501, put("Transfer-Encoding: chunked, gzip", body=b"1\r\nx\r\n0\r\n\r\n")),
    "chunked-twice": (501, put("Transfer-Encoding: chunked, chunked", body=b"1\r\nx\r\n0\r\n\r\n")),
    "identity-encoding": (501, put("Transfer-Encoding: identity", "Content-Length: 1")),
    "chunked-by-another-name": (501, put("Transfer-Encoding: xchunked", body=b"1\r\nx\r\n0\r\n\r\n")),
    "long-target": (431, put("Content-Length: 1", target="/store/" + "a" * 100_000)),
    "long-header": (431, put("X: " + "a" * 100_000, "Content-Length: 1")),
    "long-name": (431, put("X" * 100_000 + ": a", "Content-Length: 1")),
    "many-headers": (431, put(*[f"X{i}: a" for i in range(10_000)], "Content-Length: 1")),
    "endless-head": (431, put_head("Host: localhost")[:-2] + b"X: a\r\n" * 100_000),
    "endless-line": (431, b"PUT /store/smuggled HTTP/1.1\r\nX: " + b"a" * 1_000_000),
    "length-over-the-limit": (413, put("Content-Length: 2097153")),
    "length-of-63-bits": (413, put("Content-Length: 999999999999999999")),
}


@pytest.mark.parametrize("name", OTHER_REFUSALS)
def test_other_refusals_end_the_connection(shared_kvstored, name):
    status, data = OTHER_REFUSALS[name]
    assert answers(shared_kvstored, data + SMUGGLED) == [status]


@pytest.mark.parametrize("number", ["18446744073709551616", "18446744073709551617", "9223372036854775808", "1" * 100])
def test_length_that_wraps_around_is_refused(shared_kvstored, number):
    assert answers(shared_kvstored, put(f"Content-Length: {number}") + SMUGGLED)[0] in (400, 413)


BAD_CHUNKS = {
    "no-size": b"\r\nx\r\n0\r\n\r\n",
    "text-size": b"z\r\nx\r\n0\r\n\r\n",
    "plus-size": b"+1\r\nx\r\n0\r\n\r\n",
    "minus-size": b"-1\r\nx\r\n0\r\n\r\n",
    "prefixed-size": b"0x1\r\nx\r\n0\r\n\r\n",
    "blank-before-size": b" 1\r\nx\r\n0\r\n\r\n",
    "wrapping-size": b"10000000000000001\r\nx\r\n0\r\n\r\n",
    "huge-size": b"ffffffffffffffffffffffff\r\nx\r\n0\r\n\r\n",
    "size-line-without-cr": b"1\nx\r\n0\r\n\r\n",
    "data-without-end": b"1\r\nxy0\r\n\r\n",
    "data-with-bare-lf": b"1\r\nx\n0\r\n\r\n",
    "data-too-long": b"1\r\nxx\r\n0\r\n\r\n",
    "data-too-short": b"5\r\nx\r\n0\r\n\r\n" + b"y" * 20,
    "last-chunk-without-cr": b"1\r\nx\r\n0\n\r\n",
    "cr-in-extension": b"1;a\rb\r\nx\r\n0\r\n\r\n",
    "lf-in-extension": b"1;a\nb\r\nx\r\n0\r\n\r\n",
    "nul-in-size": b"1\0\r\nx\r\n0\r\n\r\n",
    "endless-extension": b"1;" + b"a" * 200_000,
    "endless-size": b"0" * 200_000,
    "endless-trailers": b"1\r\nx\r\n0\r\n" + b"X: a\r\n" * 100_000,
    "bad-trailer": b"1\r\nx\r\n0\r\nno colon\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_bad_chunks_are_refused(shared_kvstored, name):
    data = put("Transfer-Encoding: chunked", body=BAD_CHUNKS[name])
    found = answers(shared_kvstored, data + SMUGGLED)
    assert len(found) == 1 and found[0] in (400, 413, 431)


CUT_OFF = {
    "nothing": b"",
    "method": b"PU",
    "request-line": b"PUT /store/smuggled HTTP/1.1\r\n",
    "head": b"PUT /store/smuggled HTTP/1.1\r\nHost: localhost\r\nContent-Len",
    "end-of-head": b"PUT /store/smuggled HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r",
    "whole-body": put("Content-Length: 1", body=b""),
    "half-body": put("Content-Length: 10", body=b"12345"),
    "all-but-a-byte": put("Content-Length: 2097152", body=b"x" * 2097151),
    "chunk-size": put("Transfer-Encoding: chunked", body=b"5"),
    "chunk-data": put("Transfer-Encoding: chunked", body=b"5\r\nab"),
    "chunk-boundary": put("Transfer-Encoding: chunked", body=b"5\r\nabcde\r\n"),
    "last-chunk": put("Transfer-Encoding: chunked", body=b"5\r\nabcde\r\n0\r\n"),
    "expect": put("Content-Length: 5", "Expect: 100-continue", body=b""),
}


@pytest.mark.parametrize("name", CUT_OFF)
@pytest.mark.parametrize("how", ["half-closed", "closed"])
def test_request_that_is_cut_off_stores_nothing(shared_kvstored, name, how):
    with shared_kvstored.connect() as connection:
        connection.send(CUT_OFF[name])
        if how == "half-closed":
            connection.shut_write()
            rest = connection.read_to_end()
            assert b"HTTP/1.1 2" not in rest


def test_slow_request_is_as_a_quick_one(shared_kvstored, key):
    with shared_kvstored.connect() as connection:
        for data in (
            build_request("PUT", f"/store/{key}", "väl"),
            put_head("Host: localhost", "Transfer-Encoding: chunked", target=f"/store/{key}")
            + b"2;x=y\r\nab\r\n001\r\nc\r\n0\r\nTrailer: t\r\n\r\n",
            build_request("GET", f"/store/{key}"),
            build_request("DELETE", f"/store/{key}"),
        ):
            for i in range(len(data)):
                connection.send(data[i : i + 1])
            response = connection.read_response()
            assert response.status in (200, 201, 204)
            if response.status == 200:
                assert response.body == b"abc"


def test_pipelined_requests_are_answered_in_order(shared_kvstored, key):
    requests = b"".join(
        build_request("PUT", f"/store/{key}", str(i)) + build_request("GET", f"/store/{key}") for i in range(50)
    )
    with shared_kvstored.connect() as connection:
        connection.send(requests + build_request("DELETE", f"/store/{key}"))
        for i in range(50):
            assert connection.read_response().status == (204 if i else 201)
            assert connection.read_response().body == str(i).encode()
        assert connection.read_response().status == 204


def test_nothing_runs_behind_a_close(shared_kvstored):
    data = build_request("GET", "/status", headers={"Connection": "close"})
    assert answers(shared_kvstored, data + SMUGGLED) == [200]


def test_body_of_a_get_is_no_request(shared_kvstored):
    data = build_request("GET", "/status", SMUGGLED) + build_request("GET", "/nowhere", headers={"Connection": "close"})
    assert answers(shared_kvstored, data) == [200, 404]


def test_body_of_a_refused_request_is_no_request(shared_kvstored):
    last = build_request("GET", "/watch", headers={"Connection": "close"})
    for method, path, status in (
        ("POST", "/status", 405),
        ("PUT", "/nowhere", 404),
        ("POST", "/batch", 415),
        ("PUT", "/store/%FF", 400),
    ):
        # A refusal that goes out before the body has come ends the connection.
        found = answers(shared_kvstored, build_request(method, path, SMUGGLED) + last)
        assert found in ([status, 405], [status])


class TestChunked:
    @pytest.mark.parametrize(
        "body, value",
        [
            (b"0\r\n\r\n", b""),
            (b"5\r\nabcde\r\n0\r\n\r\n", b"abcde"),
            (b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n", b"abcde"),
            (b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
            (b"000a\r\n0123456789\r\n000\r\n\r\n", b"0123456789"),
            (b"1;name=value\r\na\r\n1;x=\"y z\"\r\nb\r\n0;last\r\n\r\n", b"ab"),
            (b"1\r\na\r\n0\r\nTrailer: ignored\r\nOther: too\r\n\r\n", b"a"),
            (b"1\r\n\xc3\r\n1\r\n\xa4\r\n0\r\n\r\n", "ä".encode()),
        ],
    )
    def test_good_ones_are_taken(self, shared_kvstored, key, body, value):
        head = put_head("Host: localhost", "Transfer-Encoding: chunked", target=f"/store/{key}")
        with shared_kvstored.connect() as connection:
            connection.send(head + body)
            assert connection.read_response().status == 201
            # The connection is where it should be: right behind the body.
            assert connection.request("GET", f"/store/{key}").body == value
            assert connection.request("DELETE", f"/store/{key}").status == 204

    def test_name_of_the_encoding_in_any_case(self, shared_kvstored, key):
        head = put_head("Host: localhost", "transfer-ENCODING: Chunked", target=f"/store/{key}")
        with shared_kvstored.connect() as connection:
            connection.send(head + b"1\r\na\r\n0\r\n\r\n")
            assert connection.read_response().status == 201
            assert connection.request("DELETE", f"/store/{key}").status == 204

    def test_many_small_chunks(self, shared_kvstored, key):
        head = put_head("Host: localhost", "Transfer-Encoding: chunked", target=f"/store/{key}")
        with shared_kvstored.connect() as connection:
            connection.send(head + b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n")
            assert connection.read_response().status == 201
            assert connection.request("GET", f"/store/{key}").body == b"x" * 50_000
            assert connection.request("DELETE", f"/store/{key}").status == 204

    def test_over_the_limit_is_413_before_it_has_all_come(self, shared_kvstored):
        head = put_head("Host: localhost", "Transfer-Encoding: chunked")
        with shared_kvstored.connect() as connection:
            # The last chunk never comes.
            connection.send_while_read(head + b"10000\r\n" + b"x" * 65536 + b"\r\n" + b"200000\r\n" + b"x" * 0x1F0001)
            assert connection.read_response().status == 413
            connection.read_to_end()


class TestExpect:
    def test_continue_comes_before_the_body(self, shared_kvstored, key):
        with shared_kvstored.connect() as connection:
            connection.send(
                put_head("Host: localhost", "Content-Length: 3", "Expect: 100-Continue", target=f"/store/{key}")
            )
            assert connection.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
            connection.send(b"abc")
            response = connection.read_response()
            assert response.status == 201
            assert connection.request("GET", f"/store/{key}").body == b"abc"
            assert connection.request("DELETE", f"/store/{key}").status == 204

    @pytest.mark.parametrize(
        "head, status",
        [
            (put_head("Host: localhost", "Content-Length: 2097153", "Expect: 100-continue"), 413),
            (b"POST /batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", 415),
            (b"PUT /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", 404),
            (b"POST /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", 405),
        ],
    )
    def test_refusal_comes_instead_of_continue(self, shared_kvstored, head, status):
        # The client that is refused sends no body; what it sends next must not be taken for one, nor a body for a request.
        with shared_kvstored.connect() as connection:
            connection.send(head)
            first, headers = connection.read_head()
            assert first == status
            connection.read_exactly(int(headers["Content-Length"]))
            if headers.get("Connection") != "close":
                pytest.fail("what comes behind a refused expectation could be either")
            assert connection.is_at_end()


class TestOldVersion:
    def test_is_answered_and_closed(self, shared_kvstored):
        with shared_kvstored.connect() as connection:
            connection.send(b"GET /status HTTP/1.0\r\n\r\n")
            response = connection.read_response()
            assert response.status == 200
            assert connection.is_at_end()

    def test_put_with_a_length(self, shared_kvstored, key):
        with shared_kvstored.connect() as connection:
            connection.send(f"PUT /store/{key} HTTP/1.0\r\nContent-Length: 1\r\n\r\nx".encode())
            assert connection.read_response().status == 201
            assert connection.is_at_end()
        assert shared_kvstored.request("DELETE", f"/store/{key}").status == 204

    def test_can_be_kept_alive(self, shared_kvstored):
        with shared_kvstored.connect() as connection:
            for _ in range(3):
                connection.send(b"GET /status HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                response = connection.read_response()
                assert response.headers["Connection"].lower() == "keep-alive"

    def test_later_minor_version_is_1_1(self, shared_kvstored):
        with shared_kvstored.connect() as connection:
            connection.send(build_request("GET", "/status", version="HTTP/1.2"))
            assert connection.read_response().status == 200


class TestTolerated:
    """What looks odd, but says only one thing."""

    @pytest.mark.parametrize(
        "data",
        [
            b"\r\nGET /status HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET /status HTTP/1.1\r\nhOST:localhost\r\n\r\n",
            b"GET /status HTTP/1.1\r\nHost: \t localhost \t\r\n\r\n",
            b"GET /status HTTP/1.1\r\nHost: [::1]:3000\r\n\r\n",
            b"GET /status HTTP/1.1\r\nHost: localhost\r\nX:\r\n\r\n",
            b"GET /status HTTP/1.1\r\nHost: localhost\r\nX: a\r\nX: b\r\n\r\n",
            b"GET /status HTTP/1.1\r\nHost: localhost\r\nX: \xe4\xf6\r\n\r\n",
            b"GET /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
            b"GET /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 00\r\n\r\n",
            b"GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        ],
    )
    def test_is_served(self, shared_kvstored, data):
        with shared_kvstored.connect() as connection:
            connection.send(data)
            response = connection.read_response()
            assert response.status == 200
            assert connection.request("GET", "/nowhere").status == 404


def test_large_head_within_the_limit_is_taken(shared_kvstored):
    response = shared_kvstored.request("GET", "/status", headers={"X": "a" * 65_000})
    assert response.status == 200


def test_client_that_reads_nothing_does_not_stop_others(shared_kvstored, key):
    value = "x" * 1_000_000
    shared_kvstored.request("PUT", f"/store/{key}", value)
    slow = [shared_kvstored.connect() for _ in range(8)]
    for connection in slow:
        connection.send(build_request("GET", f"/store/{key}") * 20)
    assert len(shared_kvstored.request("GET", f"/store/{key}").body) == len(value)
    for connection in slow:
        connection.close()
    assert shared_kvstored.request("DELETE", f"/store/{key}").status == 204


def test_random_bytes(shared_kvstored):
    """The same bytes each time, so that a failure can be seen again."""
    numbers = random.Random(20260101)
    pieces = [b"GET ", b"PUT ", b"/status", b"/store/smuggled", b" HTTP/1.1", b"\r\n", b"\r\n\r\n", b"Host: localhost", b"\n",
              b"Content-Length: 5", b"Transfer-Encoding: chunked", b"\0", b"\xff", b":", b" ", b"5", b"\t", b"%", b"x" * 50]
    for _ in range(300):
        data = b"".join(numbers.choice(pieces) for _ in range(numbers.randint(1, 20)))
        with shared_kvstored.connect() as connection:
            connection.send_while_read(data)
            connection.shut_write()
            assert connection.read_to_end()[:9] in (b"", b"HTTP/1.1 ")
    shared_kvstored.request("DELETE", "/store/smuggled")


def test_line_end_behind_a_body_begins_no_request(shared_kvstored, key):
    # RFC 9112, section 2.2: some clients send one. It is neither answered nor waited upon.
    with shared_kvstored.connect() as connection:
        body = b"value"
        connection.send(
            f"PUT /store/{key} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body + b"\r\n"
        )
        assert connection.read_response().status == 201
        connection.send(b"\r\n")
        connection.send(f"DELETE /store/{key} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert connection.read_response().status == 204
        assert connection.is_at_end()


def test_options_of_the_whole_server(shared_kvstored):
    with shared_kvstored.connect() as connection:
        connection.send(b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        response = connection.read_response()
        assert response.status == 204
        assert response.headers["Allow"] == "GET, HEAD, PUT, POST, DELETE, OPTIONS"
