# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""What kvstored uses: descriptors, memory, processor time, wake-ups."""

import os
import resource
import socket
import struct
import time

import pytest

from support.carriers import both_carriers
from support.daemon import run
from support.limits import SANITIZED, SOON
from support.wire import Closed, build_request

needs_true_memory = pytest.mark.skipif(SANITIZED, reason="a sanitizer holds on to freed memory")


def cpu_seconds(daemon):
    with open(f"/proc/{daemon.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wake_ups(daemon):
    """Voluntary context switches of each thread so far."""
    switches = {}
    for task in os.listdir(f"/proc/{daemon.pid}/task"):
        with open(f"/proc/{daemon.pid}/task/{task}/status", encoding="ascii") as file:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in file)
        switches[f"{fields['Name']}-{task}"] = int(fields["voluntary_ctxt_switches"])
    return switches


def wake_ups_when_settled(daemon):
    """The same, once what it still does for the requests before is over: what it does by itself comes again."""
    deadline = time.monotonic() + SOON
    before, after = None, wake_ups(daemon)
    while before != after and time.monotonic() < deadline:
        time.sleep(1.5)
        before, after = after, wake_ups(daemon)
    return after


def await_equal(function, expected, timeout=SOON):
    deadline = time.monotonic() + timeout
    while function() != expected and time.monotonic() < deadline:
        time.sleep(0.01)
    return function() == expected


def count_files_when_warm(daemon):
    """Its descriptors when every worker has served, and nobody is connected."""
    connections = [daemon.connect() for _ in range(8)]
    for connection in connections:
        connection.request("GET", "/status")
    daemon.sse("/watch_key/k").close()
    most = daemon.count_files()
    for connection in connections:
        connection.close()
    assert daemon.await_status("watch_requests_count", 0)
    deadline = time.monotonic() + SOON
    while daemon.count_files() > most - len(connections) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    return daemon.count_files()


class TestDescriptors:
    @both_carriers
    def test_connections_in_a_row_leave_none_behind(self, kvstored):
        before = count_files_when_warm(kvstored)
        for i in range(3000):
            with kvstored.connect() as connection:
                if i % 3 == 0:
                    # The client that only closes, in the middle of a kept-alive connection, is the one that leaked.
                    assert connection.request("GET", "/store/k").status == 404
                elif i % 3 == 1:
                    connection.send(b"GET /st")
        assert await_equal(kvstored.count_files, before)

    @both_carriers
    def test_streams_leave_none_behind(self, kvstored):
        before = count_files_when_warm(kvstored)
        for _ in range(5):
            streams = [kvstored.sse("/watch_key/k") for _ in range(50)]
            assert kvstored.status()["watch_requests_count"] == 50
            for stream in streams:
                stream.close()
            assert kvstored.await_status("watch_requests_count", 0)
        assert await_equal(kvstored.count_files, before)

    def test_bus_clients_leave_none_behind(self, kvstored):
        before = count_files_when_warm(kvstored)
        for _ in range(20):
            with kvstored.bus() as client:
                client.listen()
                client.call("Watch", "(asasa{sv})", ["k"], [], {})
        assert kvstored.await_status("watch_requests_count", 0)
        assert await_equal(kvstored.count_files, before)

    @both_carriers
    def test_storm_on_few_descriptors(self, start_kvstored):
        daemon = start_kvstored(files=(64, 64))
        daemon.expected_output = "Connections are refused|Cannot accept connections"
        connections = []
        for _ in range(200):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", daemon.port))
            connections.append(sock)
        start, cpu = time.monotonic(), cpu_seconds(daemon)
        time.sleep(1)
        assert cpu_seconds(daemon) - cpu < (time.monotonic() - start) / 2, "it spins"
        for sock in connections:
            sock.close()
        # Until it has noticed that they left, their places are taken.
        deadline = time.monotonic() + SOON
        while daemon.request("GET", "/status").status != 200:
            assert time.monotonic() < deadline
        for _ in range(50):
            while (status := daemon.request("PUT", "/store/k", "v").status) == 503:
                assert time.monotonic() < deadline
            assert status in (201, 204)

    @both_carriers
    def test_limit_that_falls_under_it(self, kvstored):
        """accept() fails with EMFILE here: the limit is lowered behind the daemon's back."""
        kvstored.expected_output = "Cannot accept connections"
        files = count_files_when_warm(kvstored) + 5
        _, hard = resource.prlimit(kvstored.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(kvstored.pid, resource.RLIMIT_NOFILE, (files, hard))
        connections = [kvstored.connect() for _ in range(40)]
        start, cpu = time.monotonic(), cpu_seconds(kvstored)
        time.sleep(1)
        assert cpu_seconds(kvstored) - cpu < (time.monotonic() - start) / 2, "it spins"
        for connection in connections:
            connection.close()
        assert kvstored.request("GET", "/status").status == 200
        for _ in range(100):
            assert kvstored.request("GET", "/status").status == 200

    @pytest.mark.parametrize("files", [12, 20, 40])
    def test_too_few_descriptors_to_start_are_a_clear_failure(self, directory, files):
        limit = (files, files)
        result = run(["--http", "127.0.0.1:0", "--bus", "none", "--http-threads", "2"], directory, files=limit)
        assert result.returncode == 1
        assert f"Only {files} files" in result.stderr

    @both_carriers
    def test_just_enough_descriptors_to_start(self, bus, start_kvstored):
        daemon = start_kvstored("--http-threads", "2", files=(41, 41), bus=bus.address)
        with daemon.bus() as client:
            client.call("Watch", "(asasa{sv})", ["k"], [], {})
            with daemon.connect() as connection:
                assert connection.request("PUT", "/store/k", "v").status == 201
                assert connection.request("GET", "/store/k").body == b"v"

    @both_carriers
    def test_soft_limit_is_raised(self, start_kvstored):
        daemon = start_kvstored(files=(256, 4096))
        with open(f"/proc/{daemon.pid}/limits", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("Max open files"))
        assert line.split()[3:5] == ["4096", "4096"]
        connections = [daemon.connect() for _ in range(600)]
        assert {c.request("GET", "/store/k").status for c in connections} == {404}
        for connection in connections:
            connection.close()


class TestVanishedClients:
    @both_carriers
    @pytest.mark.parametrize("how", ["close", "reset"])
    def test_are_noticed_on_streams_without_a_write(self, kvstored, how):
        streams = [kvstored.sse(f"/watch_key/k{i}") for i in range(20)]
        for stream in streams:
            stream.next()
        assert kvstored.status()["watch_requests_count"] == 20
        for stream in streams[:15]:
            if how == "reset":
                stream.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            stream.close()
        assert kvstored.await_status("watch_requests_count", 5)
        kvstored.request("PUT", "/store/k19", "v")
        assert streams[19].next().data == "v"

    def test_are_noticed_on_the_bus(self, kvstored):
        clients = [kvstored.bus() for _ in range(5)]
        for client in clients:
            client.call("Watch", "(asasa{sv})", ["k"], [], {})
        assert kvstored.status()["watch_requests_count"] == 5
        for client in clients[:4]:
            client.close()
        assert kvstored.await_status("watch_requests_count", 1)
        clients[4].close()

    @both_carriers
    @needs_true_memory
    def test_slow_reader_of_a_stream_is_not_queued_for(self, kvstored):
        """What a client does not read must not pile up: it is told the newest, and what was before is let go."""
        value = "x" * 1_000_000
        with kvstored.sse("/watch_key/k") as stream:
            stream.next()
            kvstored.request("PUT", "/store/k", value)
            before = kvstored.resident_bytes()
            for _ in range(200):
                kvstored.request("PUT", "/store/k", value)
            kvstored.request("PUT", "/store/k", "last")
            assert kvstored.resident_bytes() - before < 100_000_000
            event = stream.next()
            while event.data != "last":
                assert event.data in (value, "")
                event = stream.next()


class TestIdle:
    @both_carriers
    def test_no_wake_ups(self, kvstored):
        with kvstored.bus() as client:
            client.listen()
            client.call("Watch", "(asasa{sv})", ["k"], [""], {})
            for i in range(100):
                assert kvstored.request("PUT", f"/store/k{i}?ttl=3600", "v").status == 201
            streams = [kvstored.sse(f"/watch_key/k{i}") for i in range(100)]
            for stream in streams:
                stream.next()
            with kvstored.connect() as connection:
                assert connection.request("GET", "/status").status == 200

                before = wake_ups_when_settled(kvstored)
                cpu = cpu_seconds(kvstored)
                time.sleep(2)
                after = wake_ups(kvstored)
                assert after == before
                assert cpu_seconds(kvstored) == cpu
            for stream in streams:
                stream.close()

    @both_carriers
    def test_no_wake_ups_when_fresh(self, kvstored):
        before = wake_ups_when_settled(kvstored)
        time.sleep(2)
        assert wake_ups(kvstored) == before


class TestMemory:
    @both_carriers
    @needs_true_memory
    def test_overwriting_leaves_it_flat(self, kvstored):
        request = build_request("PUT", "/store/k?ttl=3600", "x" * 100)
        with kvstored.connect() as connection:

            def overwrite(times):
                for _ in range(times // 100):
                    connection.send(request * 100)
                    for _ in range(100):
                        assert connection.read_response().status in (201, 204)

            # The log of changes is a ring: it is full after these.
            overwrite(70_000)
            before = kvstored.resident_bytes()
            overwrite(30_000)
            assert kvstored.resident_bytes() - before < 2_000_000

    @both_carriers
    def test_stream_of_a_client_that_left_is_ended(self, kvstored):
        stream = kvstored.sse("/watch_key/k")
        stream.next()
        stream.connection.shut_write()
        try:
            stream.next(timeout=1)
        except (Closed, TimeoutError):
            pass
        stream.close()
        assert kvstored.await_status("watch_requests_count", 0)
