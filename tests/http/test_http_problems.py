# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""What is wrong, for programs: application/problem+json under /v1, and elsewhere for those who ask for it."""

import pathlib
import re

import pytest

from support.wire import build_request

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PROBLEM = "application/problem+json"
TEXT = "text/plain; charset=utf-8"
JSON = {"Content-Type": "application/json"}
ASKS = {"Accept": PROBLEM}


def read_problem(response):
    """The members of a problem, which are in order."""
    assert response.headers["Content-Type"] == PROBLEM
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    problem = response.json
    assert problem["status"] == response.status
    assert problem["type"].startswith("/problems/")
    assert problem["title"] and problem["detail"]
    assert (TOP / "docs" / f"{problem['type'][1:]}.md").exists()
    return problem


def read_types():
    """The names and statuses of the types, from the one table."""
    table = (TOP / "src/http/kv-http-problem.c").read_text(encoding="utf-8")
    types = dict(re.findall(r'\{ "([a-z-]+)", (\d{3}),', table))
    assert len(types) > 10
    return types


def test_each_type_has_its_page_and_each_page_its_type():
    pages = {}
    for page in (TOP / "docs/problems").iterdir():
        text = page.read_text(encoding="utf-8")
        name, status = re.search(r"^`/problems/([a-z-]+)`, status (\d{3})$", text, re.MULTILINE).groups()
        assert page.name == f"{name}.md"
        pages[name] = status
    assert pages == read_types()


@pytest.mark.parametrize("method, path, body, headers, status, name", [
    ("GET", "/v1/nowhere", None, {}, 404, "no-such-path"),
    ("GET", "/v1", None, {}, 404, "no-such-path"),
    ("PUT", "/v1/dump", "x", {}, 405, "method-not-allowed"),
    ("POST", "/v1/restore", "x", {"Content-Type": "text/plain"}, 415, "unsupported-media-type"),
    ("POST", "/v1/restore", "x", JSON, 400, "invalid-request"),
    ("GET", "/v1/dump?x", None, {}, 400, "invalid-parameter"),
    ("GET", "/nowhere", None, ASKS, 404, "no-such-path"),
    ("BREW", "/store/k", None, ASKS, 405, "method-not-allowed"),
    ("POST", "/batch", "[]", ASKS, 415, "unsupported-media-type"),
    ("POST", "/batch", "[", {**ASKS, **JSON}, 400, "invalid-request"),
    ("POST", "/batch", "{}", {**ASKS, **JSON}, 422, "unprocessable"),
    ("PUT", "/store/k", b"\xff", ASKS, 400, "invalid-value"),
    ("PUT", "/store/%00", "v", ASKS, 400, "invalid-key"),
    ("PUT", "/store/k?ttl=-1", "v", ASKS, 400, "invalid-parameter"),
    ("GET", "/watch_key/%00", None, ASKS, 400, "invalid-key"),
    ("POST", "/watch", "[]", {**ASKS, **JSON}, 400, "invalid-request"),
])
def test_tells_the_type(shared_kvstored, method, path, body, headers, status, name):
    response = shared_kvstored.request(method, path, body, headers)
    assert response.status == status
    problem = read_problem(response)
    assert problem["type"] == f"/problems/{name}"
    assert read_types()[name] == str(status)
    assert ("Allow" in response.headers) == (status == 405)


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/*", PROBLEM + ";q=0", "text/html"])
@pytest.mark.parametrize("method, path, status, text", [
    ("GET", "/nowhere", 404, "There is nothing at this path\n"),
    ("POST", "/store/k", 405, "This path does not answer that method\n"),
    ("PUT", "/store/k?ttl=x", 400, '"ttl" is a whole number of seconds, 0 or more\n'),
    ("POST", "/batch", 415, "This takes a body of Content-Type: application/json\n"),
])
def test_clients_of_old_get_their_line_of_text(shared_kvstored, method, path, status, text, accept):
    response = shared_kvstored.request(method, path, "v", {"Accept": accept})
    assert (response.status, response.text) == (status, text)
    assert response.headers["Content-Type"] == TEXT
    assert set(response.headers) - {"allow", "connection"} == {"date", "content-type", "x-content-type-options", "content-length"}


def test_head_has_no_body(shared_kvstored):
    with shared_kvstored.connect() as connection:
        response = connection.request("HEAD", "/v1/nowhere")
        assert (response.status, response.headers["Content-Type"], response.body) == (404, PROBLEM, b"")
        assert connection.request("GET", "/status").status == 200


def test_names_the_parameter(shared_kvstored):
    problem = read_problem(shared_kvstored.request("GET", "/v1/dump?prefix=a&x=1"))
    assert problem["parameter"] == "prefix"
    problem = read_problem(shared_kvstored.request("POST", "/v1/restore?dryrun=true", "x", JSON))
    assert problem["parameter"] == "dryrun" and '"dry_run"' in problem["detail"]
    problem = read_problem(shared_kvstored.request("GET", "/v1/dump?%3Cscript%3E=1"))
    assert problem["parameter"] == "<script>"
    problem = read_problem(shared_kvstored.request("GET", "/v1/dump?%ff=1"))
    assert problem["parameter"] == "%ff"


def test_tells_the_limit_before_the_body_has_come(shared_kvstored):
    length = 3 * 1024 * 1024
    for accept, is_problem in ((PROBLEM, True), ("*/*", False)):
        with shared_kvstored.connect() as connection:
            connection.send(build_request("PUT", "/store/k", None, {"Accept": accept, "Content-Length": str(length)}))
            response = connection.read_response()
            assert response.status == 413
            if is_problem:
                assert read_problem(response)["limit"] == 2 * 1024 * 1024
            else:
                assert response.text == "The body is longer than this takes\n"


def test_chunks_that_are_malformed(shared_kvstored):
    """Refused in the middle of a body, when the bytes of the head may have moved."""
    head = "POST /v1/restore HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with shared_kvstored.connect() as connection:
        connection.send(head.encode() + b"2\r\n{}")
        connection.send(b"\r\nz\r\n")
        response = connection.read_response()
        assert read_problem(response)["type"] == "/problems/invalid-request"
    for accept, kind in ((PROBLEM, PROBLEM), ("*/*", TEXT)):
        head = f"PUT /store/k HTTP/1.1\r\nHost: a\r\nAccept: {accept}\r\nTransfer-Encoding: chunked\r\n\r\n"
        with shared_kvstored.connect() as connection:
            connection.send(head.encode() + b"1\r\nx")
            connection.send(b"\r\nz\r\n")
            response = connection.read_response()
            assert (response.status, response.headers["Content-Type"]) == (400, kind)


@pytest.mark.parametrize("data, status", [
    (b"GET /v1/nowhere HTTP/1.1\r\n\r\n", 400),
    (b"GET /v1/dump HTTP/1.1\r\nHost: a\r\nHost: a\r\nAccept: application/problem+json\r\n\r\n", 400),
    (b"GET /v1/dump HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    (b"GET /v1/dump HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    (b"PUT /v1/dump HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    (b"PUT /v1/dump HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n", 417),
])
def test_a_head_that_cannot_be_read_gets_text(shared_kvstored, data, status):
    """Nobody knows what it asks for."""
    with shared_kvstored.connect() as connection:
        connection.send(data)
        response = connection.read_response()
        assert (response.status, response.headers["Content-Type"]) == (status, TEXT)


def test_rate_limit(start_kvstored):
    daemon = start_kvstored(rate_limit="1:2")
    with daemon.connect() as connection:
        connection.request("GET", "/store/k")
        connection.request("GET", "/store/k")
        response = connection.request("GET", "/v1/dump")
        problem = read_problem(response)
        assert problem["type"] == "/problems/too-many-requests"
        assert str(problem["retry_after"]) == response.headers["Retry-After"]
        response = connection.request("GET", "/store/k")
        assert (response.status, response.text) == (429, "Too many requests; see Retry-After\n")


def test_points_into_a_batch(shared_kvstored):
    body = '[{"method":"GET","key":"a"},{"method":"PUT","key":"a","value":"v","ttl":"soon"}]'
    problem = read_problem(shared_kvstored.request("POST", "/batch", body, {**JSON, **ASKS}))
    assert problem["parameter"] == "/1/ttl"


def test_shows_the_key_decoded(shared_kvstored):
    problem = read_problem(shared_kvstored.request("PUT", "/store/a%22%2Fb?ttl=x", "v", ASKS))
    assert problem["key"] == 'a"/b'
