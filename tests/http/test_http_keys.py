# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""/v1/keys: pages of keys in byte order, folders, counts."""

import json
import re
from urllib.parse import quote, urlencode

import pytest

PROBLEM = "application/problem+json"
JSON = {"Content-Type": "application/json"}


class Keys:
    """The keys below a prefix that is one test's own."""

    def __init__(self, daemon, prefix):
        self.daemon = daemon
        self.prefix = prefix

    def put(self, *names, query=""):
        for name in names:
            path = quote(self.prefix + name, safe="")
            assert self.daemon.request("PUT", f"/v1/kv/{path}{query}", f"value of {name}").status == 201

    def ask(self, **parameters):
        query = urlencode({"prefix": self.prefix, **parameters})
        return self.daemon.request("GET", f"/v1/keys?{query}")

    def page(self, **parameters):
        response = self.ask(**parameters)
        assert (response.status, response.headers["Content-Type"]) == (200, "application/json")
        return response.json

    def names(self, page):
        """Keys as text, folders as text in a list."""
        return [item["key"][len(self.prefix):] if "key" in item else [item["prefix"][len(self.prefix):]]
                for item in page["items"]]


@pytest.fixture
def keys(shared_kvstored, key):
    return Keys(shared_kvstored, f"{key}:")


class TestPages:
    def test_byte_order(self, keys):
        names = ["b", "a", "B", "a/b", "a b", "ä", "a\"b\\", "€", "😀", "a%2Fb", "z&=+#?"]
        keys.put(*names)
        page = keys.page()
        assert keys.names(page) == sorted(names, key=lambda name: name.encode())
        assert page["next_cursor"] is None
        assert "Link" not in keys.ask().headers

    def test_an_item_tells_of_its_key(self, keys):
        keys.put("plain")
        keys.put("mortal", query="?ttl=100")
        mortal, plain = keys.page()["items"]
        assert plain == {"key": f"{keys.prefix}plain", "revision": plain["revision"], "size": len("value of plain")}
        got = keys.daemon.request("GET", f"/v1/kv/{quote(keys.prefix + 'mortal')}")
        assert str(mortal["revision"]) == got.headers["KV-Revision"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", mortal["expires"])
        assert mortal["expires"][:16] == got.headers["KV-Expires"][:16]

    def test_values(self, keys):
        keys.put("a", "b")
        value = "\0\n\"\\\u2028€"
        assert keys.daemon.request("PUT", f"/v1/kv/{keys.prefix}c", value).status == 201
        assert [item["value"] for item in keys.page(values="true")["items"]] == ["value of a", "value of b", value]
        assert all("value" not in item for item in keys.page(values="false")["items"])

    def test_many_values_end_a_page(self, keys):
        for name in "abcd":
            assert keys.daemon.request("PUT", f"/v1/kv/{keys.prefix}{name}", "x" * 2_000_000).status == 201
        first = keys.page(values="true")
        assert keys.names(first) == ["a", "b", "c"]
        assert keys.names(keys.page(values="true", cursor=first["next_cursor"])) == ["d"]
        assert keys.names(keys.page()) == ["a", "b", "c", "d"]

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
    def test_pages_neither_repeat_nor_leave_out(self, keys, limit):
        names = [f"{n:02}" for n in range(20)]
        keys.put(*names)
        seen, cursor = [], {}
        while True:
            page = keys.page(limit=limit, **cursor)
            assert len(page["items"]) <= limit
            seen += keys.names(page)
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert seen == names

    def test_keys_that_come_and_go_between_pages(self, keys):
        keys.put("b", "d", "f")
        first = keys.page(limit=2)
        assert keys.names(first) == ["b", "d"]
        keys.put("a", "e")
        assert keys.daemon.request("DELETE", f"/v1/kv/{keys.prefix}d").status == 204
        assert keys.names(keys.page(cursor=first["next_cursor"])) == ["e", "f"]

    def test_link(self, keys):
        keys.put("ä/1", "ä/2", "ä/3", "ö")
        response = keys.ask(limit=1, delimiter="ä/", values="false")
        link = re.fullmatch(r'<(/v1/keys\?[!-~]+)>; rel="next"', response.headers["Link"])
        following = keys.daemon.request("GET", link[1])
        assert keys.names(response.json) == [["ä/"]]
        assert keys.names(following.json) == ["ö"]
        assert "Link" not in following.headers

    def test_a_link_as_long_as_it_gets(self, keys):
        prefix = keys.prefix + "ä" * ((1020 - len(keys.prefix)) // 2)
        for end in "ab":
            assert keys.daemon.request("PUT", f"/v1/kv/{quote(prefix + end)}", "").status == 201
        response = keys.ask(limit=1, prefix=prefix)
        link = re.fullmatch(r'<(.*)>; rel="next"', response.headers["Link"])
        assert [item["key"] for item in keys.daemon.request("GET", link[1]).json["items"]] == [prefix + "b"]

    def test_the_default_limit(self, keys):
        entries = [{"method": "PUT", "key": f"{keys.prefix}{n:03}", "value": ""} for n in range(101)]
        assert keys.daemon.request("POST", "/batch", json.dumps(entries), JSON).status == 200
        assert len(keys.page()["items"]) == 100
        assert len(keys.page(limit=1000)["items"]) == 101

    def test_expired_keys_are_not_listed(self, keys):
        keys.put("a", "c")
        keys.put("b", query="?ttl=0")
        assert keys.names(keys.page()) == ["a", "c"]
        assert keys.page(count_only="true")["count"] == 2

    def test_the_revision_is_where_a_watch_goes_on(self, keys):
        keys.put("a")
        page = keys.page()
        keys.put("b")
        query = urlencode({"prefix": keys.prefix, "since": page["revision"]})
        with keys.daemon.sse(f"/v1/watch?{query}") as stream:
            stream.next_block()
            assert stream.next_json().data["key"] == f"{keys.prefix}b"

    def test_nothing(self, keys):
        page = keys.page()
        assert (page["items"], page["next_cursor"]) == ([], None)

    def test_head(self, keys):
        keys.put("a")
        path = "/v1/keys?" + urlencode({"prefix": keys.prefix})
        head, get = (keys.daemon.request(method, path) for method in ("HEAD", "GET"))
        assert (head.status, head.body) == (200, b"")
        assert head.headers["Content-Length"] == get.headers["Content-Length"]


class TestFolders:
    def test_deeper_keys_are_folded(self, keys):
        keys.put("a", "a/1", "a/2", "a/b/c", "b", "c/1")
        assert keys.names(keys.page(delimiter="/")) == ["a", ["a/"], "b", ["c/"]]
        assert keys.names(keys.page(delimiter="/", prefix=f"{keys.prefix}a/")) == ["a/1", "a/2", ["a/b/"]]

    def test_a_delimiter_of_several_bytes(self, keys):
        keys.put("a::b", "a:c", "a::d", "é::e")
        assert keys.names(keys.page(delimiter="::")) == [["a::"], "a:c", ["é::"]]

    @pytest.mark.parametrize("limit", [1, 2, 3])
    def test_pages_of_folders(self, keys, limit):
        keys.put(*(f"{folder}/{n}" for folder in "abc" for n in range(5)), "b", "d")
        seen, cursor = [], {}
        while True:
            page = keys.page(limit=limit, delimiter="/", **cursor)
            seen += keys.names(page)
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert seen == [["a/"], "b", ["b/"], ["c/"], "d"]


class TestCount:
    def test_count(self, keys):
        keys.put("a", "a/1", "a/2", "b")
        answer = keys.page(count_only="true")
        assert answer == {"count": 4, "revision": answer["revision"]}
        assert keys.page(count_only="true", prefix=f"{keys.prefix}a/")["count"] == 2
        assert keys.page(count_only="true", prefix=f"{keys.prefix}x")["count"] == 0

    def test_of_all(self, start_kvstored):
        daemon = start_kvstored("--bus", "none")
        assert daemon.request("GET", "/v1/keys?count_only").json["count"] == 0
        assert daemon.request("PUT", "/v1/kv/a", "").status == 201
        assert daemon.request("GET", "/v1/keys?prefix=&count_only").json["count"] == 1


class TestRefusals:
    @pytest.mark.parametrize("query, parameter", [
        ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=-1", "limit"), ("limit=", "limit"), ("limit=1.5", "limit"),
        ("limit=1&limit=1", "limit"), ("prefix=a&prefix=a", "prefix"), ("prefix=%00", "prefix"), ("prefix=%ff", "prefix"),
        ("prefix=" + "a" * 1025, "prefix"), ("delimiter=", "delimiter"), ("delimiter=%0a", "delimiter"),
        ("delimiter=" + "a" * 65, "delimiter"), ("values=yes", "values"), ("count_only=1", "count_only"),
        ("cursor=", "cursor"), ("cursor=AQBh", "cursor"), ("cursor=%00", "cursor"), ("cursor=a&cursor=a", "cursor"),
        ("count_only&limit=1", "limit"), ("count_only&delimiter=/", "delimiter"), ("count_only&cursor=a", "cursor"),
        ("count_only&values", "values"), ("limits=1", "limits"), ("after=a", "after"), ("key=a", "key"),
    ])
    def test_a_bad_parameter_is_named(self, shared_kvstored, query, parameter):
        response = shared_kvstored.request("GET", f"/v1/keys?{query}")
        assert (response.status, response.headers["Content-Type"]) == (400, PROBLEM)
        assert response.json["parameter"] == parameter

    def test_a_cursor_that_was_tampered_with(self, keys):
        keys.put("a", "b")
        cursor = keys.page(limit=1)["next_cursor"]
        for place, was in enumerate(cursor):
            changed = cursor[:place] + ("A" if was != "A" else "B") + cursor[place + 1:]
            response = keys.ask(cursor=changed)
            assert (response.status, response.json.get("parameter")) == (400, "cursor"), changed

    @pytest.mark.parametrize("other", [{"prefix": ""}, {"delimiter": "/"}])
    def test_a_cursor_of_another_listing(self, keys, other):
        keys.put("a", "b")
        cursor = keys.page(limit=1)["next_cursor"]
        assert keys.ask(cursor=cursor, **other).status == 400

    def test_a_cursor_goes_with_another_limit_and_values(self, keys):
        keys.put("a", "b", "c")
        cursor = keys.page(limit=1)["next_cursor"]
        assert keys.names(keys.page(cursor=cursor, limit=5, values="true")) == ["b", "c"]


def test_a_page_costs_by_what_it_may_hold(start_kvstored):
    daemon = start_kvstored("--bus", "none", "--rate-limit", "1:20")
    assert daemon.request("GET", "/v1/keys?limit=320").status == 200
    response = daemon.request("GET", "/v1/keys?limit=640")
    assert (response.status, response.headers["Content-Type"]) == (429, PROBLEM)
    assert int(response.headers["Retry-After"]) >= 1


def test_many_keys(start_kvstored):
    """So many that the index is made in a thread, and the first answers come later."""
    daemon = start_kvstored("--bus", "none", "--rate-limit", "off")
    for first in range(0, 5000, 1000):
        entries = [{"method": "PUT", "key": f"k{n:05}", "value": ""} for n in range(first, first + 1000)]
        assert daemon.request("POST", "/batch", json.dumps(entries), JSON).status == 200
    seen, path = [], "/v1/keys?limit=700"
    while path:
        response = daemon.request("GET", path)
        seen += [item["key"] for item in response.json["items"]]
        path = re.match("<(.*?)>", response.headers["Link"])[1] if "Link" in response.headers else None
    assert seen == [f"k{n:05}" for n in range(5000)]
