# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""GET /healthz and /readyz."""

import signal

import pytest

from support.daemon import SQLITE
from support.wire import Closed


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
class TestBoth:
    def test_say_ok(self, shared_kvstored, path):
        response = shared_kvstored.request("GET", path)
        assert (response.status, response.text) == (200, "ok\n")
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-store"

    def test_answer_head(self, shared_kvstored, path):
        response = shared_kvstored.request("HEAD", path)
        assert (response.status, response.body) == (200, b"")

    def test_refuse_other_methods(self, shared_kvstored, path):
        response = shared_kvstored.request("PUT", path, "x")
        assert response.status == 405
        assert response.headers["Allow"] == "GET, HEAD, OPTIONS"

    def test_say_ok_with_a_journal(self, start_kvstored, path):
        assert start_kvstored(store=SQLITE).request("GET", path).status == 200


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/readyz", 503)])
def test_one_who_stops_lives_but_is_not_ready(start_kvstored, path, status):
    daemon = start_kvstored("--http-threads", "1")
    stream = daemon.sse("/watch_key/k")
    stream.next()
    with daemon.connect() as connection:
        connection.send(f"GET {path} HTTP/1.1\r\n".encode())
        # Whoever is asked after that has that half of a request.
        daemon.request("GET", "/healthz")
        daemon.signal(signal.SIGTERM)
        # Streams are ended when it has begun to stop.
        with pytest.raises(Closed):
            stream.next()
        connection.send(b"Host: x\r\n\r\n")
        response = connection.read_response()
        assert response.status == status
        assert ("stopping" in response.text) == (status == 503)
        assert connection.is_at_end()
    assert daemon.wait() == 0
