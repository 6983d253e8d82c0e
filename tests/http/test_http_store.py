# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""/store/{key}: every answer of the compatibility contract, byte for byte."""

import threading

import pytest

TEXT = "text/plain; charset=utf-8"


class TestGet:
    def test_gives_the_value(self, shared_kvstored, key):
        shared_kvstored.request("PUT", f"/store/{key}", "some value\n")
        status, headers, body = shared_kvstored.request("GET", f"/store/{key}")
        assert (status, body) == (200, b"some value\n")
        assert headers["Content-Type"] == TEXT
        assert headers["Content-Length"] == "11"

    def test_of_an_absent_key_is_404_with_an_empty_body(self, shared_kvstored, key):
        status, headers, body = shared_kvstored.request("GET", f"/store/{key}")
        assert (status, body) == (404, b"")
        assert headers["Content-Length"] == "0"

    def test_of_the_empty_value_is_200(self, shared_kvstored, key):
        shared_kvstored.request("PUT", f"/store/{key}", b"")
        status, headers, body = shared_kvstored.request("GET", f"/store/{key}")
        assert (status, body) == (200, b"")
        assert (headers["Content-Type"], headers["Content-Length"]) == (TEXT, "0")

    def test_ignores_a_query(self, shared_kvstored, key):
        shared_kvstored.request("PUT", f"/store/{key}", "v")
        assert shared_kvstored.request("GET", f"/store/{key}?ttl=nonsense&x").body == b"v"

    def test_ignores_a_range(self, shared_kvstored, key):
        shared_kvstored.request("PUT", f"/store/{key}", "0123456789")
        status, headers, body = shared_kvstored.request(
            "GET", f"/store/{key}", headers={"Range": "bytes=0-1,3-4,0-,-5"}
        )
        assert (status, body) == (200, b"0123456789")
        assert "Content-Range" not in headers


class TestHead:
    def test_is_get_without_the_body(self, shared_kvstored, key):
        shared_kvstored.request("PUT", f"/store/{key}", "some value\n")
        with shared_kvstored.connect() as connection:
            get = connection.request("GET", f"/store/{key}")
            head = connection.request("HEAD", f"/store/{key}")
            # Were there a body, it would stand before this answer.
            again = connection.request("GET", f"/store/{key}")
        for response in (get, head, again):
            response.headers.pop("date", None)
        assert (head.status, head.body) == (200, b"")
        assert head.headers == get.headers == again.headers

    def test_of_an_absent_key_is_404(self, shared_kvstored, key):
        with shared_kvstored.connect() as connection:
            assert connection.request("HEAD", f"/store/{key}").status == 404
            assert connection.request("HEAD", "/nowhere").status == 404
            assert connection.request("HEAD", "/status").status == 200
            assert connection.request("GET", f"/store/{key}").status == 404


class TestPut:
    def test_creates_with_201_and_replaces_with_204(self, shared_kvstored, key):
        status, headers, body = shared_kvstored.request("PUT", f"/store/{key}", "one")
        assert (status, body) == (201, b"")
        assert headers["Content-Length"] == "0"
        assert "Content-Type" not in headers
        status, headers, body = shared_kvstored.request("PUT", f"/store/{key}", "two")
        assert (status, body) == (204, b"")
        # RFC 9110, section 8.6: no Content-Length in a 204.
        assert "Content-Length" not in headers
        assert "Content-Type" not in headers

    @pytest.mark.parametrize(
        "content_type",
        [None, "text/plain", "application/json", "application/x-www-form-urlencoded",
         "multipart/form-data; boundary=x", "text/plain; charset=utf-16", "nonsense", ""],
    )
    def test_does_not_look_at_the_content_type(self, shared_kvstored, key, content_type):
        headers = {"Content-Type": content_type}
        assert shared_kvstored.request("PUT", f"/store/{key}", "a=b&c=ä", headers).status == 201
        assert shared_kvstored.request("GET", f"/store/{key}").text == "a=b&c=ä"

    def test_without_a_body_stores_the_empty_value(self, shared_kvstored, key):
        assert shared_kvstored.request("PUT", f"/store/{key}").status == 201
        assert shared_kvstored.request("GET", f"/store/{key}")[::2] == (200, b"")

    @pytest.mark.parametrize("value", [b"\0", b"a\0b\0", "🗝\n\r\t".encode(), b"%41+", b"\xef\xbb\xbf"])
    def test_stores_the_bytes_as_they_are(self, shared_kvstored, key, value):
        assert shared_kvstored.request("PUT", f"/store/{key}", value).status == 201
        assert shared_kvstored.request("GET", f"/store/{key}").body == value

    @pytest.mark.parametrize(
        "value",
        [b"\xff", b"a\x80", b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"x" * 70000 + b"\xfe"],
        ids=["ff", "continuation", "truncated", "overlong", "surrogate", "beyond", "cut", "late"],
    )
    def test_bad_utf8_is_400_and_stores_nothing(self, shared_kvstored, key, value):
        assert shared_kvstored.request("PUT", f"/store/{key}", value).status == 400
        assert shared_kvstored.request("GET", f"/store/{key}").status == 404
        shared_kvstored.request("PUT", f"/store/{key}", "before")
        assert shared_kvstored.request("PUT", f"/store/{key}", value).status == 400
        assert shared_kvstored.request("GET", f"/store/{key}").body == b"before"

    def test_value_of_the_greatest_length(self, shared_kvstored, key):
        value = b"x" * (2 * 1024 * 1024)
        assert shared_kvstored.request("PUT", f"/store/{key}", value).status == 201
        assert shared_kvstored.request("GET", f"/store/{key}").body == value
        assert shared_kvstored.request("PUT", f"/store/{key}", value).status == 204
        assert shared_kvstored.request("DELETE", f"/store/{key}").status == 204


class TestTtl:
    @pytest.mark.parametrize(
        "ttl",
        ["", "-1", "+1", "1.5", "1e3", "abc", "0x10", "1%20", "%201", "1s", "ttl", "-0", "%00", "1%00",
         "٣", "9" * 21, "1&ttl=1", "1&ttl=2"],
    )
    def test_bad_one_is_400_and_stores_nothing(self, shared_kvstored, key, ttl):
        ttl = ttl.replace("٣", "%D9%A3")
        assert shared_kvstored.request("PUT", f"/store/{key}?ttl={ttl}", "v").status == 400
        assert shared_kvstored.request("GET", f"/store/{key}").status == 404

    @pytest.mark.parametrize("ttl", ["", "-1", "1.5"])
    def test_bad_one_leaves_what_was_there(self, shared_kvstored, key, ttl):
        shared_kvstored.request("PUT", f"/store/{key}", "before")
        assert shared_kvstored.request("PUT", f"/store/{key}?ttl={ttl}", "v").status == 400
        assert shared_kvstored.request("GET", f"/store/{key}").body == b"before"

    @pytest.mark.parametrize("query", ["ttl=3600", "ttl=007", "a=b&ttl=5", "ttl=5&a=b", "%74tl=5", "ttl=18446744073709551615", "", "x", "ttls=abc"])
    def test_good_query_stores(self, shared_kvstored, key, query):
        assert shared_kvstored.request("PUT", f"/store/{key}?{query}", "v").status == 201
        assert shared_kvstored.request("GET", f"/store/{key}").body == b"v"

    def test_zero_expires_at_once(self, shared_kvstored, key):
        assert shared_kvstored.request("PUT", f"/store/{key}?ttl=0", "v").status == 201
        assert shared_kvstored.request("GET", f"/store/{key}").status == 404
        assert shared_kvstored.request("DELETE", f"/store/{key}").status == 404
        assert shared_kvstored.request("PUT", f"/store/{key}?ttl=0", "v").status == 201

    def test_put_over_a_living_key_with_zero_is_204(self, shared_kvstored, key):
        shared_kvstored.request("PUT", f"/store/{key}", "v")
        assert shared_kvstored.request("PUT", f"/store/{key}?ttl=0", "w").status == 204
        assert shared_kvstored.request("GET", f"/store/{key}").status == 404


class TestDelete:
    def test_is_204_then_404(self, shared_kvstored, key):
        shared_kvstored.request("PUT", f"/store/{key}", "v")
        status, headers, body = shared_kvstored.request("DELETE", f"/store/{key}")
        assert (status, body) == (204, b"")
        assert "Content-Length" not in headers
        status, headers, body = shared_kvstored.request("DELETE", f"/store/{key}")
        assert (status, body) == (404, b"")
        assert headers["Content-Length"] == "0"


class TestKeys:
    """A key is one segment of the path, decoded once."""

    @pytest.mark.parametrize(
        "segment, same",
        [
            ("a%62c", "abc"),
            ("%41%2d", "A-"),
            ("a%2Fb", "a%2fb"),
            ("a%252Fb", "a%25%32Fb"),
            ("sp%20ace", "sp%20%61ce"),
            ("plus+", "plus%2B"),
            ("%C3%A4", "%c3%a4"),
            ("%3Fq%23", "%3fq%23"),
            ("!$&'()*+,;=:@-._~", "%21%24%26%27%28%29%2A%2B%2C%3B%3D%3A%40%2D%2E%5F%7E"),
            ("cas%2Fx", "%63as%2Fx"),
            (".", "%2e"),
            ("..", "%2E%2e"),
            ("..%2Fstatus", "%2E.%2fstatus"),
            ("%F0%9F%97%9D", "%f0%9f%97%9d"),
        ],
    )
    def test_escapes_are_decoded(self, shared_kvstored, segment, same):
        assert shared_kvstored.request("PUT", f"/store/{segment}", "v").status == 201
        assert shared_kvstored.request("PUT", f"/store/{same}", "w").status == 204
        assert shared_kvstored.request("GET", f"/store/{segment}").body == b"w"
        assert shared_kvstored.request("DELETE", f"/store/{same}").status == 204

    def test_escaped_slash_and_escaped_escape_differ(self, shared_kvstored):
        assert shared_kvstored.request("PUT", "/store/d%2Fe", "slash").status == 201
        assert shared_kvstored.request("PUT", "/store/d%252Fe", "escape").status == 201
        assert shared_kvstored.request("GET", "/store/d%2Fe").body == b"slash"
        assert shared_kvstored.request("GET", "/store/d%252Fe").body == b"escape"

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
    @pytest.mark.parametrize(
        "segment",
        ["", "%", "a%", "a%4", "%4", "%zz", "%4z", "%z4", "%%41", "%FF", "%C0%AF", "%C3", "%ED%A0%80",
         "%00", "a%00b", "%0A", "%0d", "%1F", "%7F", "k" * 1025, "%C3%A4" * 513, "%61" * 1025],
        ids=lambda s: s if len(s) < 12 else f"{s[:3]}x{len(s)}",
    )
    def test_bad_ones_are_400(self, shared_kvstored, method, segment):
        keys = shared_kvstored.status()["total_keys"]
        body = "v" if method == "PUT" else None
        assert shared_kvstored.request(method, f"/store/{segment}", body).status == 400
        assert shared_kvstored.status()["total_keys"] == keys

    def test_key_of_the_greatest_length(self, shared_kvstored):
        for segment in ("k" * 1024, "%C3%A4" * 512):
            assert shared_kvstored.request("PUT", f"/store/{segment}", "v").status == 201
            assert shared_kvstored.request("GET", f"/store/{segment}").body == b"v"
            assert shared_kvstored.request("DELETE", f"/store/{segment}").status == 204

    @pytest.mark.parametrize("path", ["/store/a/b", "/store/a/", "/store//a", "/store", "//store/a", "/Store/a", "/store/../status", "/./status"])
    def test_other_paths_are_no_keys(self, shared_kvstored, path):
        assert shared_kvstored.request("PUT", path, "v").status == 404
        assert shared_kvstored.request("GET", path).status == 404


class TestConnections:
    def test_one_serves_many_requests(self, shared_kvstored, key):
        with shared_kvstored.connect() as connection:
            for i in range(200):
                assert connection.request("PUT", f"/store/{key}", str(i)).status == (204 if i else 201)
                assert connection.request("GET", f"/store/{key}").body == str(i).encode()

    def test_close_is_honoured(self, shared_kvstored, key):
        with shared_kvstored.connect() as connection:
            response = connection.request("GET", f"/store/{key}", headers={"Connection": "close"})
            assert (response.status, response.headers["Connection"]) == (404, "close")
            assert connection.is_at_end()

    def test_an_error_does_not_end_one(self, shared_kvstored, key):
        with shared_kvstored.connect() as connection:
            assert connection.request("GET", "/nowhere").status == 404
            assert connection.request("POST", f"/store/{key}", "x").status == 405
            assert connection.request("PUT", f"/store/{key}?ttl=x", "x").status == 400
            assert connection.request("GET", f"/store/{key}").status == 404

    def test_many_at_a_time(self, shared_kvstored, key):
        failures = []

        def work(number):
            with shared_kvstored.connect() as connection:
                for i in range(50):
                    value = f"{number}-{i}".encode()
                    connection.request("PUT", f"/store/{key}-{number}", value)
                    if connection.request("GET", f"/store/{key}-{number}").body != value:
                        failures.append((number, i))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures


class TestErrors:
    def test_say_what_is_wrong_in_plain_text(self, shared_kvstored):
        for method, path, status in (
            ("GET", "/nowhere", 404),
            ("POST", "/status", 405),
            ("PUT", "/store/%FF", 400),
            ("POST", "/batch", 415),
        ):
            response = shared_kvstored.request(method, path, "x")
            assert response.status == status
            assert response.headers["Content-Type"] == TEXT
            assert len(response.text.splitlines()) == 1 and response.text.endswith("\n")

    def test_never_show_what_was_sent(self, shared_kvstored):
        for path in ("/store/%3Cscript%3E%FF", "/<script>", "/watch_key/%3Cscript%3E%0A"):
            assert b"script" not in shared_kvstored.request("GET", path).body
