# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""How kvstored stops."""

import signal
import time

import pytest

from support.carriers import both_carriers
from support.limits import SCALE, SOON
from support.wire import build_request


def await_closed(daemon, timeout=SOON):
    """Waits until nobody can connect any more."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            daemon.connect().close()
        except OSError:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_with_status_0(kvstored, number):
    kvstored.request("PUT", "/store/k", "v")
    kvstored.signal(number)
    assert kvstored.wait(SOON) == 0


@both_carriers
def test_idle_connections_do_not_hold_it_up(kvstored):
    with kvstored.connect() as fresh, kvstored.connect() as used:
        assert used.request("GET", "/status").status == 200
        start = time.monotonic()
        kvstored.signal(signal.SIGTERM)
        assert kvstored.wait(SOON) == 0
        assert time.monotonic() - start < 5 * SCALE
        assert fresh.is_at_end() and used.is_at_end()


def test_half_a_head_does_not_hold_it_up_for_long(kvstored):
    with kvstored.connect() as connection:
        connection.send(b"GET /status HTTP/1.1\r\nHost:")
        kvstored.signal(signal.SIGTERM)
        assert kvstored.wait(35 * SCALE) == 0


@both_carriers
def test_request_in_flight_is_finished(kvstored):
    with kvstored.connect() as connection:
        connection.send(b"PUT /store/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345")
        # The daemon has it: it has answered somebody who came later.
        kvstored.request("GET", "/status")
        kvstored.signal(signal.SIGTERM)
        assert await_closed(kvstored)
        assert kvstored.process.poll() is None
        connection.send(b"67890")
        response = connection.read_response()
        assert response.status == 201
        assert connection.is_at_end()
    assert kvstored.wait(SOON) == 0


@both_carriers
def test_answer_in_flight_is_sent_whole(kvstored):
    value = "x" * 2_000_000
    kvstored.request("PUT", "/store/k", value)
    with kvstored.connect() as connection:
        # More than fits into the buffers of the sockets.
        connection.send(build_request("GET", "/store/k") * 4)
        connection.read_head()
        kvstored.signal(signal.SIGTERM)
        assert await_closed(kvstored)
        connection.read_exactly(len(value))
        connection.read_to_end()
    assert kvstored.wait(SOON) == 0


@both_carriers
def test_streams_end_cleanly(kvstored):
    streams = [kvstored.sse(f"/watch_key/k{i}") for i in range(20)]
    for stream in streams:
        stream.next()
    start = time.monotonic()
    kvstored.signal(signal.SIGTERM)
    for stream in streams:
        assert stream.ends()
        stream.close()
    assert kvstored.wait(SOON) == 0
    assert time.monotonic() - start < 5 * SCALE


@both_carriers
def test_streams_tell_what_happened_before_the_end(kvstored):
    with kvstored.sse("/watch_key/k") as stream:
        stream.next()
        for i in range(10):
            kvstored.request("PUT", "/store/k", str(i))
        kvstored.signal(signal.SIGTERM)
        assert [stream.next().data for _ in range(10)] == [str(i) for i in range(10)]
        assert stream.ends()


@both_carriers
def test_stream_that_is_not_read_does_not_hold_it_up(kvstored):
    value = "x" * 2_000_000
    with kvstored.sse("/watch_key/k") as stream:
        stream.next()
        for _ in range(10):
            kvstored.request("PUT", "/store/k", value)
        start = time.monotonic()
        kvstored.signal(signal.SIGTERM)
        assert kvstored.wait(SOON) == 0
        assert time.monotonic() - start < 5 * SCALE


def test_bus_name_is_given_up(kvstored):
    with kvstored.bus() as client:
        client.listen()
        client.call("Watch", "(asasa{sv})", ["k"], [], {})
        assert client.get_owner() is not None
        kvstored.signal(signal.SIGTERM)
        assert kvstored.wait(SOON) == 0
        assert client.get_owner() is None


def test_next_one_can_start_at_once(bus, start_kvstored):
    first = start_kvstored(bus=bus.address)
    port = first.port
    with first.connect() as connection:
        connection.request("GET", "/status")
        first.signal(signal.SIGTERM)
        assert first.wait(SOON) == 0
    second = start_kvstored(http=[f"127.0.0.1:{port}"], bus=bus.address)
    assert second.port == port


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_second_signal_ends_it_at_once(kvstored, number):
    with kvstored.connect() as connection:
        connection.send(b"PUT /store/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345")
        kvstored.request("GET", "/status")
        kvstored.signal(signal.SIGTERM)
        assert await_closed(kvstored)
        kvstored.expected_status = 128 + number
        kvstored.signal(number)
        assert kvstored.wait(SOON) == 128 + number


def test_request_that_never_ends_holds_it_up_for_half_a_minute_at_most(kvstored):
    with kvstored.connect() as connection:
        connection.send(b"PUT /store/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345")
        kvstored.request("GET", "/status")
        start = time.monotonic()
        kvstored.signal(signal.SIGTERM)
        assert kvstored.wait(40 * SCALE) == 0
        assert time.monotonic() - start < 32 * SCALE
