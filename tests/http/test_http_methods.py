# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Which path answers which method."""

import pytest

from support.limits import SANITIZED

PATHS = {
    "/store/k": {"GET", "HEAD", "PUT", "DELETE"},
    "/store/cas/k": {"POST"},
    "/watch_key/k": {"GET", "HEAD"},
    "/watch": {"POST"},
    "/batch": {"POST"},
    "/status": {"GET", "HEAD"},
    "/v1/kv/k": {"GET", "HEAD", "PUT", "DELETE"},
    "/v1/touch/k": {"POST"},
    "/v1/incr/k": {"POST"},
    "/v1/cas/k": {"POST"},
    "/v1/keys": {"GET", "HEAD"},
    "/v1/txn": {"POST"},
    "/v1/watch?key=k": {"GET", "HEAD"},
    "/openapi.json": {"GET", "HEAD"},
    "/v1/dump": {"GET", "HEAD"},
    "/v1/restore": {"POST"},
}
METHODS = {"GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "TRACE", "PROPFIND", "get", "X"}


def parse_allow(headers):
    return {method.strip() for method in headers["Allow"].split(",")}


@pytest.mark.parametrize("method, path", [(m, p) for p in PATHS for m in sorted(METHODS - PATHS[p])])
def test_wrong_method_is_405_with_allow(shared_kvstored, path, method):
    keys = shared_kvstored.status()["total_keys"]
    response = shared_kvstored.request(method, path, "x", {"Content-Type": "application/json"})
    assert response.status == 405
    assert parse_allow(response.headers) == PATHS[path] | {"OPTIONS"}
    assert shared_kvstored.status()["total_keys"] == keys


@pytest.mark.parametrize("path", PATHS)
def test_options_tells_the_methods(shared_kvstored, path):
    status, headers, body = shared_kvstored.request("OPTIONS", path)
    assert (status, body) == (204, b"")
    assert parse_allow(headers) == PATHS[path] | {"OPTIONS"}


@pytest.mark.parametrize(
    "path", ["/", "/nowhere", "/status/", "/status/x", "/batch/", "/watch/", "/watch/k", "/watch_key", "/store", "/store/cas/a/b", "/STATUS", "/v1",
             "/v1/", "/v1/kv", "/v1/kv/a/b", "/v1/cas", "/v1/store/k", "/v2/kv/k"]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE", "OPTIONS", "BREW"])
def test_unknown_path_is_404_for_every_method(shared_kvstored, path, method):
    assert shared_kvstored.request(method, path, "x").status == 404


def test_cas_without_a_key_is_the_key_cas(shared_kvstored):
    assert shared_kvstored.request("PUT", "/store/cas", "v").status == 201
    assert shared_kvstored.request("POST", "/store/cas", "v").status == 405
    assert shared_kvstored.request("DELETE", "/store/cas").status == 204


def test_connect_opens_no_tunnel(shared_kvstored):
    answer = shared_kvstored.raw(b"CONNECT localhost:22 HTTP/1.1\r\nHost: localhost:22\r\n\r\nSSH-2.0-x\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/") == 1
    assert shared_kvstored.request("GET", "/status").status == 200


def test_trace_echoes_nothing(shared_kvstored):
    answer = shared_kvstored.request("TRACE", "/status", headers={"X-Secret": "xyzzy"})
    assert answer.status == 405
    assert b"xyzzy" not in answer.body


@pytest.mark.skipif(SANITIZED, reason="a sanitizer holds on to freed memory")
def test_many_methods_cost_no_memory(shared_kvstored):
    """A method that nobody knows must leave nothing behind."""
    with shared_kvstored.connect() as connection:
        for i in range(1000):
            connection.request(f"WARM{i:025d}", "/status")
        before = shared_kvstored.resident_bytes()
        for i in range(20000):
            connection.request(f"M{i:028d}", "/status")
    # Interned, they would take 64 bytes or more each.
    assert shared_kvstored.resident_bytes() - before < 20000 * 40
