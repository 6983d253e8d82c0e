# SPDX-FileCopyrightText: 2026 the kvstore authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Dumps and restores over HTTP: what comes out goes in again, and what is wrong is told."""

import json
import signal
import threading
import urllib.parse
import urllib.request

import pytest

from support.dumps import (
    HEAD, HOSTILE, MIB, MODES, MODES_BEFORE, MODES_ENTRIES, add_up, make_dump, many_entries, read_dump, read_revision,
)
from support.limits import LATER, SANITIZED, SOON
from support.wire import build_request

NDJSON = {"Content-Type": "application/x-ndjson"}


def dump(daemon):
    return read_dump(daemon.request("GET", "/v1/dump").body)


def restore(daemon, text, query="", headers=NDJSON):
    return daemon.request("POST", f"/v1/restore{query}", text, headers)


def counts(response):
    assert response.status == 200, response.text
    assert response.headers["Content-Type"] == "application/json"
    figures = response.json
    names = ("created", "replaced", "unchanged", "deleted", "expired")
    assert set(figures) == {*names, "dry_run", "revision"}
    return tuple(figures[name] for name in names)


def fill(daemon, n, value):
    assert counts(restore(daemon, make_dump({"key": f"k{i}", "value": value} for i in range(n))))


class TestDump:
    def test_head(self, start_kvstored):
        daemon = start_kvstored()
        response = daemon.request("GET", "/v1/dump")
        assert response.status == 200
        revision = read_revision(response.body)
        assert response.headers["Content-Type"] == "application/x-ndjson"
        assert response.headers["Content-Disposition"] == f'attachment; filename="kvstore-{revision}.ndjson"'
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Transfer-Encoding"] == "chunked"
        assert response.headers["Connection"] == "close"
        assert read_dump(response.body) == {}

    def test_of_head_is_the_head(self, start_kvstored):
        daemon = start_kvstored()
        with daemon.connect() as connection:
            response = connection.request("HEAD", "/v1/dump")
            assert response.status == 200
            assert response.headers["Content-Type"] == "application/x-ndjson"
            assert "Content-Length" not in response.headers
            assert connection.request("GET", "/status").status == 200

    def test_for_a_client_without_chunks(self, start_kvstored):
        daemon = start_kvstored()
        daemon.request("PUT", "/store/k", "v")
        with daemon.connect() as connection:
            connection.send(build_request("GET", "/v1/dump", version="HTTP/1.0"))
            response = connection.read_response()
            assert "Transfer-Encoding" not in response.headers
            assert list(read_dump(response.body)) == ["k"]

    def test_takes_no_parameters(self, start_kvstored):
        daemon = start_kvstored()
        assert daemon.request("GET", "/v1/dump?prefix=a").status == 400
        assert daemon.request("GET", "/v1/dump?").status == 200
        assert daemon.request("POST", "/v1/dump", "").status == 405

    def test_has_deadlines(self, start_kvstored):
        daemon = start_kvstored()
        daemon.request("PUT", "/store/timed?ttl=100", "v")
        daemon.request("PUT", "/store/plain", "v")
        daemon.request("PUT", "/store/gone?ttl=0", "v")
        entries = dump(daemon)
        assert set(entries) == {"timed", "plain"}
        assert entries["timed"]["expires_at"].endswith("Z")
        assert "expires_at" not in entries["plain"]

    def test_follows_what_was_pipelined_before(self, start_kvstored):
        daemon = start_kvstored()
        with daemon.connect() as connection:
            connection.send(
                build_request("PUT", "/store/k", "v") + build_request("GET", "/v1/dump") + build_request("GET", "/status")
            )
            assert connection.read_response().status == 201
            assert list(read_dump(connection.read_response().body)) == ["k"]
            # It closes behind a dump: what follows is not answered.
            assert connection.is_at_end()

    def test_is_of_one_moment(self, start_kvstored):
        """A writer goes round the keys and puts the number of the round there: so at each moment those before some key
        have one number, and the others the one before it."""
        daemon = start_kvstored()
        fill(daemon, 500, "0")
        stop = threading.Event()

        def go_round():
            number = 0
            with daemon.connect() as connection:
                while not stop.is_set():
                    number += 1
                    for start in range(0, 500, 100):
                        batch = [{"method": "PUT", "key": f"k{i}", "value": str(number)} for i in range(start, start + 100)]
                        connection.request("POST", "/batch", json.dumps(batch), {"Content-Type": "application/json"})

        writer = threading.Thread(target=go_round)
        writer.start()
        try:
            for _ in range(30):
                entries = dump(daemon)
                values = [int(entries[f"k{i}"]["value"]) for i in range(500)]
                assert values == sorted(values, reverse=True)
                assert values[0] - values[-1] <= 1
        finally:
            stop.set()
            writer.join()

    def test_slow_reader_gets_what_was_there_and_holds_up_nobody(self, start_kvstored):
        daemon = start_kvstored()
        fill(daemon, 10000, "old" * 300)
        with daemon.connect(LATER) as connection:
            connection.send(build_request("GET", "/v1/dump"))
            status, _ = connection.read_head()
            assert status == 200
            fill(daemon, 10000, "new")
            assert daemon.request("GET", "/store/k1").text == "new"
            entries = read_dump(connection.read_chunks())
            assert len(entries) == 10000
            assert {entry["value"] for entry in entries.values()} == {"old" * 300}

    def test_client_that_leaves_ends_it(self, start_kvstored):
        daemon = start_kvstored("--http-threads", "1")
        fill(daemon, 10000, "x" * 1000)
        files = daemon.count_files()
        for _ in range(10):
            connection = daemon.connect()
            connection.send(build_request("GET", "/v1/dump"))
            connection.read_head()
            connection.close()
        assert len(dump(daemon)) == 10000
        while daemon.count_files() > files:
            daemon.status()

    def test_is_finished_at_a_stop(self, start_kvstored):
        daemon = start_kvstored()
        fill(daemon, 10000, "x" * 1000)
        with daemon.connect(LATER) as connection:
            connection.send(build_request("GET", "/v1/dump"))
            connection.read_head()
            daemon.signal(signal.SIGTERM)
            assert len(read_dump(connection.read_chunks())) == 10000
        assert daemon.wait() == 0


class TestRestore:
    def test_round_trip(self, start_kvstored):
        one, other = start_kvstored(), start_kvstored()
        text = make_dump({"key": key, "value": value} for key, value in HOSTILE.items())
        assert counts(restore(one, text)) == (len(HOSTILE), 0, 0, 0, 0)
        body = one.request("GET", "/v1/dump").body
        other.request("PUT", "/store/more", "v")
        assert counts(restore(other, body, "?mode=replace")) == (len(HOSTILE), 0, 0, 1, 0)
        assert {key: entry["value"] for key, entry in dump(other).items()} == HOSTILE
        assert counts(restore(one, body)) == (0, 0, len(HOSTILE), 0, 0)

    def test_keeps_deadlines(self, start_kvstored):
        one, other = start_kvstored(), start_kvstored()
        one.request("PUT", "/store/k?ttl=1000", "v")
        before = dump(one)["k"]["expires_at"]
        restore(other, one.request("GET", "/v1/dump").body)
        assert dump(other)["k"]["expires_at"][:17] == before[:17]

    @pytest.mark.parametrize("mode, dry_run, expected, left", MODES)
    def test_modes(self, start_kvstored, mode, dry_run, expected, left):
        daemon = start_kvstored()
        for key, value in MODES_BEFORE.items():
            daemon.request("PUT", f"/store/{key}", value)
        revision = read_revision(daemon.request("GET", "/v1/dump").body)
        parameters = {"mode": mode, "dry_run": None if dry_run is None else str(dry_run).lower()}
        query = urllib.parse.urlencode({name: value for name, value in parameters.items() if value is not None})
        response = restore(daemon, make_dump(MODES_ENTRIES), f"?{query}" if query else "")
        assert counts(response) == expected
        assert response.json["dry_run"] is bool(dry_run)
        assert (response.json["revision"] == revision) is bool(dry_run)
        assert {key: entry["value"] for key, entry in dump(daemon).items()} == left

    @pytest.mark.parametrize("query", ["?mode=", "?mode=Replace", "?mode=merge&mode=merge", "?dry_run=1", "?dry_run=", "?dry_run&dry_run", "?dryrun=true", "?mode=merge&x=1", "?mode=%zz"])
    def test_refuses_what_it_does_not_know(self, start_kvstored, query):
        daemon = start_kvstored()
        assert restore(daemon, make_dump(MODES_ENTRIES), query).status == 400
        assert daemon.status()["total_keys"] == 0

    @pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/ndjson", "application/x-ndjsonx"])
    def test_has_to_be_called_what_it_is(self, start_kvstored, kind):
        daemon = start_kvstored()
        assert restore(daemon, make_dump(MODES_ENTRIES), headers={"Content-Type": kind}).status == 415
        assert daemon.status()["total_keys"] == 0

    @pytest.mark.parametrize("kind", ["application/x-ndjson", "Application/X-NDJSON ; charset=utf-8", "application/json"])
    def test_may_be_called(self, start_kvstored, kind):
        assert restore(start_kvstored(), make_dump(MODES_ENTRIES), headers={"Content-Type": kind}).status == 200

    @pytest.mark.parametrize(
        "text, status, message",
        [
            ("", 400, "The dump is not whole: it ends behind line 0"),
            ("x", 400, "Line 1: This is not valid JSON"),
            ("{}\n", 422, "Line 1: This is not the first line of a dump"),
            ('{"kvstore":"dump","version":2}\n', 422, "Line 1: The dump is of a newer version"),
            (HEAD, 400, "The dump is not whole: it ends behind line 1"),
            (HEAD + "[]\n", 422, "Line 2: "),
            (HEAD + '{"key":"k","value":"v"}\n{"key":"","value":"v"}\n', 400, "Line 3: "),
            (HEAD + '{"key":"k","value":"v"}\n{"key":"k","value":1}\n', 422, "Line 3: An entry has"),
            (HEAD + '{"key":"k","value":"v"}\n{"end":true,"entries":2}\n', 422, "Line 3: There should be 2 entries"),
            (HEAD + '{"key":"k","value":"%s"}\n' % ("v" * (2 * MIB + 1)), 413, "Line 2: The value is too long"),
            (HEAD + '{"key":"k","value":"%s' % ("v" * (13 * MIB)), 413, "Line 2: The line is too long"),
        ],
    )
    def test_tells_the_line(self, start_kvstored, text, status, message):
        daemon = start_kvstored()
        with daemon.connect() as connection:
            connection.send_while_read(build_request("POST", "/v1/restore", text, NDJSON))
            response = connection.read_response()
        assert response.status == status
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json["detail"].startswith(message)

    def test_bad_utf8(self, start_kvstored):
        response = restore(start_kvstored(), HEAD.encode() + b'{"key":"k","value":"\xff"}\n')
        assert response.status == 400 and response.json["detail"].startswith("Line 2: ")

    def test_first_error_is_answered_at_once(self, start_kvstored):
        daemon = start_kvstored()
        with daemon.connect() as connection:
            connection.send(build_request("POST", "/v1/restore", None, {**NDJSON, "Content-Length": "1000000000"}))
            connection.send((HEAD + "nonsense\n").encode())
            response = connection.read_response()
            assert response.status == 400 and response.json["detail"].startswith("Line 2: ")
            assert response.headers["Connection"] == "close"
            assert connection.is_at_end()

    def test_deletes_nothing_before_the_end(self, start_kvstored):
        daemon = start_kvstored()
        daemon.request("PUT", "/store/old", "v")
        assert restore(daemon, HEAD + '{"key":"new","value":"v"}\n', "?mode=replace").status == 400
        assert daemon.request("GET", "/store/old").status == 200

    @pytest.mark.parametrize("piece", [1, 7, 1000])
    @pytest.mark.parametrize("chunked", [False, True])
    def test_comes_in_pieces(self, start_kvstored, piece, chunked):
        daemon = start_kvstored()
        text = make_dump({"key": f"k{i}", "value": "ü" * 10} for i in range(20 * piece)).encode()
        framing = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(text))}
        with daemon.connect(LATER) as connection:
            connection.send(build_request("POST", "/v1/restore", None, {**NDJSON, **framing}))
            for start in range(0, len(text), piece):
                part = text[start : start + piece]
                connection.send(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
            if chunked:
                connection.send(b"0\r\n\r\n")
            assert counts(connection.read_response()) == (20 * piece, 0, 0, 0, 0)
            # The connection goes on.
            assert connection.request("GET", "/store/k0").text == "ü" * 10

    def test_malformed_chunks(self, start_kvstored):
        daemon = start_kvstored()
        with daemon.connect() as connection:
            connection.send(build_request("POST", "/v1/restore", None, {**NDJSON, "Transfer-Encoding": "chunked"}))
            connection.send(b"3\r\nabcdef")
            assert connection.read_response().status == 400
            assert connection.is_at_end()

    def test_what_follows_is_answered(self, start_kvstored):
        daemon = start_kvstored()
        request = build_request("POST", "/v1/restore", make_dump(MODES_ENTRIES), NDJSON)
        with daemon.connect() as connection:
            connection.send(build_request("PUT", "/store/a", "v") + request + request + build_request("GET", "/store/new"))
            assert connection.read_response().status == 201
            assert counts(connection.read_response()) == (3, 0, 0, 0, 1)
            assert counts(connection.read_response()) == (0, 0, 3, 0, 1)
            assert connection.read_response().text == "1"

    def test_expect_continue(self, start_kvstored):
        daemon = start_kvstored()
        text = make_dump(MODES_ENTRIES)
        head = {**NDJSON, "Expect": "100-continue", "Content-Length": str(len(text))}
        with daemon.connect() as connection:
            connection.send(build_request("POST", "/v1/restore", None, head))
            assert connection.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue"
            connection.send(text.encode())
            assert counts(connection.read_response())[0] == 3
            connection.send(build_request("POST", "/v1/restore?no", None, head))
            assert connection.read_response().status == 400

    def test_for_a_client_of_http_1_0(self, start_kvstored):
        daemon = start_kvstored()
        with daemon.connect() as connection:
            connection.send(build_request("POST", "/v1/restore", make_dump(MODES_ENTRIES), NDJSON, version="HTTP/1.0"))
            assert counts(connection.read_response())[0] == 3

    def test_client_that_leaves_ends_it(self, start_kvstored):
        daemon = start_kvstored("--http-threads", "1")
        daemon.request("PUT", "/store/old", "v")
        files = daemon.count_files()
        for _ in range(10):
            connection = daemon.connect()
            connection.send(build_request("POST", "/v1/restore?mode=replace", None, {**NDJSON, "Content-Length": "1000000"}))
            connection.send((HEAD + '{"key":"k","value":"v"}\n').encode())
            connection.close()
        while daemon.count_files() > files:
            daemon.status()
        assert daemon.request("GET", "/store/old").status == 200

    def test_is_finished_at_a_stop(self, start_kvstored):
        daemon = start_kvstored()
        text = make_dump(MODES_ENTRIES).encode()
        with daemon.connect() as connection:
            head = {**NDJSON, "Expect": "100-continue", "Content-Length": str(len(text))}
            connection.send(build_request("POST", "/v1/restore", None, head))
            connection.read_until(b"\r\n\r\n")
            connection.send(text[:50])
            daemon.signal(signal.SIGTERM)
            connection.send(text[50:])
            assert counts(connection.read_response())[0] == 3
        assert daemon.wait() == 0


def count_until_refused(daemon):
    with daemon.connect() as connection:
        for n in range(1000):
            if connection.request("GET", "/store/k").status == 429:
                return n
    raise AssertionError("it is never refused")


def test_entries_count_for_the_rate_limit(start_kvstored):
    """It is not refused half way, and leaves nothing for what comes next."""
    daemon = start_kvstored(rate_limit="1:20")
    text = make_dump({"key": f"k{i}", "value": "v"} for i in range(3000))
    assert counts(restore(daemon, text)) == (3000, 0, 0, 0, 0)
    assert count_until_refused(daemon) <= SOON


def test_a_few_entries_are_one_request(start_kvstored):
    daemon = start_kvstored(rate_limit="1:20")
    restore(daemon, make_dump({"key": f"k{i}", "value": "v"} for i in range(31)))
    assert count_until_refused(daemon) >= 19


def peak_bytes(daemon):
    with open(f"/proc/{daemon.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))


def forget_peak(daemon):
    with open(f"/proc/{daemon.pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
    return daemon.resident_bytes()


def write_in_pieces(connection, pieces):
    """Sends a restore whose length is not told, as a program would that makes it on the way."""
    connection.send(build_request("POST", "/v1/restore", None, {**NDJSON, "Transfer-Encoding": "chunked"}))
    for piece in pieces:
        connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
    connection.send(b"0\r\n\r\n")
    return connection.read_response()


def fetch_dump(daemon):
    """A dump that may be long; an error when it is not whole."""
    with urllib.request.urlopen(f"{daemon.http}/v1/dump", timeout=LATER) as response:
        return response.read()


def test_a_million_keys_go_round_in_little_memory(start_kvstored, carrier):
    n = 1_000_000 if carrier == "express" and not SANITIZED else 50_000
    one, other = start_kvstored(), start_kvstored()
    with one.connect(LATER) as connection:
        assert counts(write_in_pieces(connection, many_entries(n))) == (n, 0, 0, 0, 0)
    # Of what it took only the keys are left, and the log of the last changes.
    if not SANITIZED:
        assert peak_bytes(one) - one.resident_bytes() < 16 * MIB
    before = forget_peak(one)
    body = fetch_dump(one)
    if not SANITIZED:
        assert peak_bytes(one) - before < 8 * MIB
    with other.connect(LATER) as connection:
        assert counts(connection.request("POST", "/v1/restore?mode=replace", body, NDJSON)) == (n, 0, 0, 0, 0)
    assert add_up(fetch_dump(other)) == add_up(body)
    assert add_up(body)[1] == n
    before = forget_peak(other)
    with other.connect(LATER) as connection:
        assert counts(connection.request("POST", "/v1/restore", body, NDJSON)) == (0, 0, n, 0, 0)
    if not SANITIZED:
        assert peak_bytes(other) - before < 8 * MIB
