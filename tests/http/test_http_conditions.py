# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Conditional requests (RFC 9110, section 13), on both paths to a key."""

import threading

import pytest

PATHS = ("/store", "/v1/kv")


@pytest.fixture(params=PATHS)
def path(request, key):
    return f"{request.param}/{key}"


def put(daemon, path, value="v"):
    """Stores a value, and gives its tag."""
    return daemon.request("PUT", path, value).headers["ETag"]


def assert_failed(response, tag):
    """A condition did not hold: the loser is told what is there."""
    assert response.status == 412
    if tag is None:
        assert "ETag" not in response.headers and "KV-Revision" not in response.headers
    else:
        assert response.headers["ETag"] == tag
        assert response.headers["KV-Revision"] == tag.strip('"')


class TestGet:
    def test_not_modified(self, shared_kvstored, path):
        tag = put(shared_kvstored, path, "some value")
        for method in ("GET", "HEAD"):
            for wanted in (tag, f"W/{tag}", "*", f'"1", W/"x",,{tag}'):
                response = shared_kvstored.request(method, path, headers={"If-None-Match": wanted})
                assert (response.status, response.body) == (304, b"")
                assert response.headers["ETag"] == tag
                assert response.headers["Cache-Control"] == "no-cache"
                assert "Content-Length" not in response.headers and "Content-Type" not in response.headers

    def test_is_modified(self, shared_kvstored, path):
        old = put(shared_kvstored, path, "old")
        tag = put(shared_kvstored, path, "new")
        response = shared_kvstored.request("GET", path, headers={"If-None-Match": old})
        assert (response.status, response.body, response.headers["ETag"]) == (200, b"new", tag)

    def test_goes_on_behind_304(self, shared_kvstored, path):
        tag = put(shared_kvstored, path, "v")
        with shared_kvstored.connect() as connection:
            for _ in range(3):
                assert connection.request("GET", path, headers={"If-None-Match": tag}).status == 304
                assert connection.request("GET", path).body == b"v"

    def test_if_match(self, shared_kvstored, path):
        tag = put(shared_kvstored, path)
        for wanted in (tag, "*", f'"1", {tag}'):
            assert shared_kvstored.request("GET", path, headers={"If-Match": wanted}).status == 200
        for wanted in ('"1"', f"W/{tag}", '"x", "y"'):
            response = shared_kvstored.request("GET", path, headers={"If-Match": wanted})
            assert_failed(response, tag)
            assert b"value" not in response.body

    def test_if_match_comes_first(self, shared_kvstored, path):
        tag = put(shared_kvstored, path)
        headers = {"If-Match": '"1"', "If-None-Match": tag}
        assert_failed(shared_kvstored.request("GET", path, headers=headers), tag)
        headers = {"If-Match": tag, "If-None-Match": tag}
        assert shared_kvstored.request("GET", path, headers=headers).status == 304

    def test_of_an_absent_key_is_404_whatever_is_asked(self, shared_kvstored, path):
        for headers in ({"If-Match": "*"}, {"If-Match": '"1"'}, {"If-None-Match": "*"}, {"If-None-Match": '"1"'}):
            assert shared_kvstored.request("GET", path, headers=headers).status == 404

    @pytest.mark.parametrize("name, value", [
        ("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"), ("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("If-Modified-Since", "nonsense"), ("If-Range", '"1"'), ("Range", "bytes=0-0"),
    ])
    def test_dates_and_ranges_are_read_over(self, shared_kvstored, path, name, value):
        put(shared_kvstored, path, "some value")
        response = shared_kvstored.request("GET", path, headers={name: value})
        assert (response.status, response.body) == (200, b"some value")


class TestPut:
    def test_creates_only(self, shared_kvstored, path):
        headers = {"If-None-Match": "*"}
        first = shared_kvstored.request("PUT", path, "one", headers)
        assert first.status == 201
        assert_failed(shared_kvstored.request("PUT", path, "two", headers), first.headers["ETag"])
        assert shared_kvstored.request("GET", path).body == b"one"

    def test_replaces_only(self, shared_kvstored, path):
        headers = {"If-Match": "*"}
        assert_failed(shared_kvstored.request("PUT", path, "one", headers), None)
        assert shared_kvstored.request("GET", path).status == 404
        put(shared_kvstored, path, "one")
        assert shared_kvstored.request("PUT", path, "two", headers).status == 204

    def test_at_one_revision(self, shared_kvstored, path):
        old = put(shared_kvstored, path, "one")
        tag = put(shared_kvstored, path, "two")
        assert_failed(shared_kvstored.request("PUT", path, "three", {"If-Match": old}), tag)
        assert_failed(shared_kvstored.request("PUT", path, "three", {"If-Match": f"W/{tag}"}), tag)
        response = shared_kvstored.request("PUT", path, "three", {"If-Match": tag})
        assert response.status == 204 and response.headers["ETag"] != tag
        assert_failed(shared_kvstored.request("PUT", path, "four", {"If-Match": tag}), response.headers["ETag"])
        assert shared_kvstored.request("GET", path).body == b"three"

    def test_at_one_of_several(self, shared_kvstored, path):
        tag = put(shared_kvstored, path)
        others = ", ".join(f'"{n}"' for n in range(1, 200))
        assert_failed(shared_kvstored.request("PUT", path, "w", {"If-Match": others}), tag)
        assert shared_kvstored.request("PUT", path, "w", {"If-Match": f"{others}, {tag}"}).status == 204

    def test_at_any_other(self, shared_kvstored, path):
        assert shared_kvstored.request("PUT", path, "v", {"If-None-Match": '"1"'}).status == 201
        tag = put(shared_kvstored, path)
        assert_failed(shared_kvstored.request("PUT", path, "w", {"If-None-Match": f'"1", W/{tag}'}), tag)
        assert shared_kvstored.request("PUT", path, "w", {"If-None-Match": '"1"'}).status == 204

    def test_both(self, shared_kvstored, path):
        tag = put(shared_kvstored, path)
        assert_failed(shared_kvstored.request("PUT", path, "w", {"If-Match": tag, "If-None-Match": "*"}), tag)
        assert_failed(shared_kvstored.request("PUT", path, "w", {"If-Match": tag, "If-None-Match": tag}), tag)
        headers = {"If-Match": "*", "If-None-Match": '"1"'}
        assert shared_kvstored.request("PUT", path, "w", headers).status == 400
        assert shared_kvstored.request("PUT", path, "w", {"If-Match": tag, "If-None-Match": '"1"'}).status == 204

    def test_one_of_many_wins(self, shared_kvstored, path):
        put(shared_kvstored, path, "0")
        lost = []

        def count():
            with shared_kvstored.connect() as connection:
                for _ in range(20):
                    now = connection.request("GET", path)
                    while True:
                        headers = {"If-Match": now.headers["ETag"]}
                        if connection.request("PUT", path, str(int(now.body) + 1), headers).status == 204:
                            break
                        lost.append(1)
                        now = connection.request("GET", path)

        threads = [threading.Thread(target=count) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert shared_kvstored.request("GET", path).body == b"120"


class TestDelete:
    def test_at_one_revision(self, shared_kvstored, path):
        old = put(shared_kvstored, path)
        tag = put(shared_kvstored, path)
        assert_failed(shared_kvstored.request("DELETE", path, headers={"If-Match": old}), tag)
        assert_failed(shared_kvstored.request("DELETE", path, headers={"If-None-Match": "*"}), tag)
        assert shared_kvstored.request("DELETE", path, headers={"If-Match": tag}).status == 204

    def test_of_an_absent_key_is_404_whatever_is_asked(self, shared_kvstored, path):
        for headers in ({"If-Match": "*"}, {"If-Match": '"1"'}, {"If-None-Match": "*"}):
            assert shared_kvstored.request("DELETE", path, headers=headers).status == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("value", ["", "17", "\"17", "17\"", "w/\"17\"", "*, \"1\"", "\"1\" \"2\"", ",", "\"a b\"", "W/"])
def test_malformed_is_400_and_changes_nothing(shared_kvstored, path, method, name, value):
    put(shared_kvstored, path, "before")
    response = shared_kvstored.request(method, path, "after" if method == "PUT" else None, {name: value})
    assert response.status == 400
    if method != "HEAD" and path.startswith("/v1"):
        assert response.json["parameter"] == name
    assert shared_kvstored.request("GET", path).body == b"before"


def test_one_line_only(shared_kvstored, path):
    """What could be read in two ways is refused with the head."""
    put(shared_kvstored, path, "before")
    data = f'PUT {path} HTTP/1.1\r\nHost: a\r\nIf-Match: "1"\r\nIf-Match: *\r\nContent-Length: 1\r\n\r\nx'
    with shared_kvstored.connect() as connection:
        connection.send(data.encode())
        assert connection.read_response().status == 400
    assert shared_kvstored.request("GET", path).body == b"before"


def test_expired_key_is_not_there(shared_kvstored, path):
    shared_kvstored.request("PUT", f"{path}?ttl=0", "v")
    assert_failed(shared_kvstored.request("PUT", path, "w", {"If-Match": "*"}), None)
    assert shared_kvstored.request("PUT", path, "w", {"If-None-Match": "*"}).status == 201


def test_412_on_the_paths_of_the_contract_is_a_line_of_text(shared_kvstored, key):
    tag = put(shared_kvstored, f"/store/{key}", "secret")
    response = shared_kvstored.request("PUT", f"/store/{key}", "w", {"If-Match": '"1"'})
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.text == f"The condition does not hold: the revision is {tag[1:-1]}\n"
