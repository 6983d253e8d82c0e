# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""The paths that take JSON: /store/cas/{key}, /batch, and /watch as far as it refuses."""

import json

import pytest

JSON = {"Content-Type": "application/json"}

# A good body for each path; those of /watch open streams, so only refusals of it are asked for here.
GOOD = {
    "/store/cas/json-key": '{"expected":"a","new":"b"}',
    "/batch": '[{"method":"PUT","key":"json-key","value":"v"}]',
    "/watch": '["json-key"]',
}


def post(daemon, path, body, headers=()):
    if not isinstance(body, (str, bytes)):
        body = json.dumps(body)
    return daemon.request("POST", path, body, {**JSON, **dict(headers)})


def nest(opening, depth):
    closing = {"[": "]", '{"a":': "}"}[opening]
    return opening * depth + "1" + closing * depth


@pytest.mark.parametrize("path", GOOD)
class TestEveryPath:
    @pytest.mark.parametrize(
        "content_type",
        [None, "", "text/plain", "text/json", "application/x-www-form-urlencoded", "application/jsonx",
         "application/json5", "xapplication/json", "application/ json", "application", "json",
         "multipart/form-data", "text/plain; application/json", "application/+json", "*/*"],
    )
    def test_other_content_type_is_415(self, shared_kvstored, path, content_type):
        response = post(shared_kvstored, path, GOOD[path], {"Content-Type": content_type})
        assert response.status == 415
        assert shared_kvstored.request("GET", "/store/json-key").status == 404

    @pytest.mark.parametrize(
        "body",
        ["", " ", "{", "[", '{"expected":"a","new":"b"', '["k"', "[,]", "['k']", '{"a":1,}', "[1,]", "nul", "tru",
         "NaN", "[Infinity]", "[01]", "[+1]", "[.5]", "[1.]", "[0x1]", '["\t"]', '["\\x41"]', '["\\u12"]', "[] []", "[]x",
         "// c\n[]", "/* c */ []", "var x = []", '{a:1}', '["a" "b"]', '"', "\ufeff[]", '["\\ud800"]', '["\\udc00\\ud800"]'],
    )
    def test_bad_syntax_is_400(self, shared_kvstored, path, body):
        assert post(shared_kvstored, path, body).status == 400

    @pytest.mark.parametrize(
        "body", [b'["\xff"]', b'["\xc3"]', b'["\xed\xa0\x80"]', b"[\0]", b'["a\0b"]', "[]".encode("utf-16")]
    )
    def test_bad_bytes_are_400(self, shared_kvstored, path, body):
        assert post(shared_kvstored, path, body).status == 400

    @pytest.mark.parametrize("opening", ["[", '{"a":'])
    @pytest.mark.parametrize("depth", [65, 100_000])
    @pytest.mark.parametrize("closed", [True, False])
    def test_deep_nesting_is_400(self, shared_kvstored, path, opening, depth, closed):
        body = nest(opening, depth) if closed else opening * depth
        assert post(shared_kvstored, path, body).status == 400
        assert shared_kvstored.request("GET", "/status").status == 200

    @pytest.mark.parametrize("body", ["null", "true", "1", '"text"', "1.5"])
    def test_what_is_no_container_is_422(self, shared_kvstored, path, body):
        assert post(shared_kvstored, path, body).status == 422

    def test_body_over_the_limit_is_413(self, shared_kvstored, path):
        with shared_kvstored.connect() as connection:
            connection.send(
                f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                "Content-Length: 999999999\r\n\r\n[".encode()
            )
            # Nothing more is sent: the answer must not wait for it.
            response = connection.read_response()
            assert response.status == 413
            assert response.headers["Connection"] == "close"

    def test_no_body_is_400(self, shared_kvstored, path):
        assert shared_kvstored.request("POST", path, None, JSON).status == 400


class TestCas:
    @pytest.mark.parametrize(
        "content_type",
        ["application/json", "APPLICATION/JSON", "application/json;charset=utf-8", "application/json ; charset=UTF-8",
         "application/vnd.kv+json", "application/merge-patch+json; x=y"],
    )
    def test_json_of_any_name_is_taken(self, shared_kvstored, key, content_type):
        shared_kvstored.request("PUT", f"/store/{key}", "a")
        response = post(shared_kvstored, f"/store/cas/{key}", {"expected": "a", "new": "b"}, {"Content-Type": content_type})
        assert response.status == 204

    def test_answers(self, shared_kvstored, key):
        path = f"/store/cas/{key}"
        assert post(shared_kvstored, path, {"expected": "a", "new": "b"}).status == 404
        assert post(shared_kvstored, path, {"expected": "", "new": "b"}).status == 404
        shared_kvstored.request("PUT", f"/store/{key}", "a")
        assert post(shared_kvstored, path, {"expected": "b", "new": "c"}).status == 412
        response = post(shared_kvstored, path, {"expected": "a", "new": "b"})
        assert (response.status, response.body) == (204, b"")
        assert "Content-Length" not in response.headers
        assert shared_kvstored.request("GET", f"/store/{key}").body == b"b"

    @pytest.mark.parametrize(
        "body",
        [{}, [], {"expected": "a"}, {"new": "b"}, {"expected": 1, "new": "b"}, {"expected": "a", "new": None},
         {"expected": ["a"], "new": "b"}, {"Expected": "a", "New": "b"}, ["a", "b"], {"expected": "a", "new": {}}],
    )
    def test_wrong_shape_is_422(self, shared_kvstored, key, body):
        shared_kvstored.request("PUT", f"/store/{key}", "a")
        assert post(shared_kvstored, f"/store/cas/{key}", body).status == 422
        assert shared_kvstored.request("GET", f"/store/{key}").body == b"a"

    def test_member_that_comes_twice_is_refused(self, shared_kvstored, key):
        shared_kvstored.request("PUT", f"/store/{key}", "a")
        body = '{"expected":"x","expected":"a","new":"b"}'
        assert post(shared_kvstored, f"/store/cas/{key}", body).status in (400, 422)
        assert shared_kvstored.request("GET", f"/store/{key}").body == b"a"

    def test_unknown_members_are_ignored(self, shared_kvstored, key):
        shared_kvstored.request("PUT", f"/store/{key}", "a")
        body = {"expected": "a", "extra": [{"deep": None}], "new": "b", "ttl": "x"}
        assert post(shared_kvstored, f"/store/cas/{key}", body).status == 204

    def test_escapes_and_white_space(self, shared_kvstored, key):
        shared_kvstored.request("PUT", f"/store/{key}", "a\0\n🗝/\"")
        body = ' \t\r\n{ "\\u0065xpected" : "\\u0061\\u0000\\n\\ud83d\\uddDD\\/\\"" , "new":"\\u0000"\n}\n'
        assert post(shared_kvstored, f"/store/cas/{key}", body).status == 204
        assert shared_kvstored.request("GET", f"/store/{key}").body == b"\0"

    def test_bad_key_is_400(self, shared_kvstored):
        for segment in ("%00", "%FF", "%", "k" * 1025):
            assert post(shared_kvstored, f"/store/cas/{segment}", {"expected": "a", "new": "b"}).status == 400

    def test_value_over_the_limit_is_413(self, shared_kvstored, key):
        shared_kvstored.request("PUT", f"/store/{key}", "a")
        body = {"expected": "a", "new": "x" * (2 * 1024 * 1024 + 1)}
        assert post(shared_kvstored, f"/store/cas/{key}", body).status == 413
        body["new"] = body["new"][1:]
        assert post(shared_kvstored, f"/store/cas/{key}", body).status == 204


class TestBatch:
    def test_exact_answer(self, shared_kvstored, key):
        response = post(
            shared_kvstored,
            "/batch",
            [
                {"method": "GET", "key": key},
                {"method": "PUT", "key": key, "value": 'v"\\ \n\x01🗝\0'},
                {"method": "PUT", "key": key, "value": 'v"\\ \n\x01🗝\0', "ttl": 3600},
                {"method": "GET", "key": key, "value": "ignored"},
                {"method": "DELETE", "key": key, "more": 1},
                {"method": "DELETE", "key": key},
            ],
        )
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/json"
        assert response.json == [
            {"status": 404},
            {"status": 201},
            {"status": 204},
            {"status": 200, "value": 'v"\\ \n\x01🗝\0'},
            {"status": 204},
            {"status": 404},
        ]

    def test_text_of_the_answer_is_compact(self, shared_kvstored, key):
        response = post(shared_kvstored, "/batch", [{"method": "PUT", "key": key, "value": "v"}, {"method": "GET", "key": key}])
        assert response.body == b'[{"status":201},{"status":200,"value":"v"}]'

    def test_of_nothing_is_an_empty_array(self, shared_kvstored):
        response = post(shared_kvstored, "/batch", [])
        assert (response.status, response.body) == (200, b"[]")

    @pytest.mark.parametrize(
        "entry",
        [
            None, 1, "GET", [], {},
            {"method": "GET"},
            {"key": "k"},
            {"method": "get", "key": "k"},
            {"method": "HEAD", "key": "k"},
            {"method": "POST", "key": "k", "value": "v"},
            {"method": 1, "key": "k"},
            {"method": "GET", "key": 1},
            {"method": "GET", "key": None},
            {"method": "GET", "key": ""},
            {"method": "GET", "key": "a\nb"},
            {"method": "GET", "key": "a\0b"},
            {"method": "DELETE", "key": "k" * 1025},
            {"method": "PUT", "key": "k"},
            {"method": "PUT", "key": "k", "value": None},
            {"method": "PUT", "key": "k", "value": 1},
            {"method": "PUT", "key": "k", "value": "v", "ttl": -1},
            {"method": "PUT", "key": "k", "value": "v", "ttl": 1.5},
            {"method": "PUT", "key": "k", "value": "v", "ttl": "1"},
            {"method": "PUT", "key": "k", "value": "v", "ttl": 2**70},
            {"method": "PUT", "key": "k", "value": "v", "ttl": True},
        ],
        ids=lambda e: json.dumps(e)[:40],
    )
    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_one_bad_entry_is_422_and_none_runs(self, shared_kvstored, key, entry, place):
        entries = [{"method": "PUT", "key": f"{key}-{i}", "value": "v"} for i in range(2)]
        entries.insert(place, entry)
        assert post(shared_kvstored, "/batch", entries).status == 422
        for i in range(2):
            assert shared_kvstored.request("GET", f"/store/{key}-{i}").status == 404

    def test_wrong_shape_is_422(self, shared_kvstored):
        assert post(shared_kvstored, "/batch", {}).status == 422
        assert post(shared_kvstored, "/batch", {"method": "GET", "key": "k"}).status == 422

    def test_entries_at_most(self, shared_kvstored, key):
        entry = {"method": "PUT", "key": key, "value": "v"}
        assert post(shared_kvstored, "/batch", [entry] * 1025).status == 413
        assert shared_kvstored.request("GET", f"/store/{key}").status == 404
        response = post(shared_kvstored, "/batch", [entry] * 1024)
        assert response.status == 200
        assert response.json == [{"status": 201}] + [{"status": 204}] * 1023

    def test_value_over_the_limit_is_413_and_none_runs(self, shared_kvstored, key):
        entries = [
            {"method": "PUT", "key": key, "value": "v"},
            {"method": "PUT", "key": key, "value": "x" * (2 * 1024 * 1024 + 1)},
        ]
        assert post(shared_kvstored, "/batch", entries).status == 413
        assert shared_kvstored.request("GET", f"/store/{key}").status == 404

    def test_ttl_of_zero(self, shared_kvstored, key):
        entries = [{"method": "PUT", "key": key, "value": "v", "ttl": 0}, {"method": "GET", "key": key}]
        assert post(shared_kvstored, "/batch", entries).json == [{"status": 201}, {"status": 404}]


class TestWatch:
    def test_empty_list_is_400(self, shared_kvstored):
        assert post(shared_kvstored, "/watch", []).status == 400

    @pytest.mark.parametrize("body", [{}, {"keys": ["k"]}, [1], ["k", None], [["k"]]])
    def test_wrong_shape_is_422(self, shared_kvstored, body):
        assert post(shared_kvstored, "/watch", body).status == 422

    @pytest.mark.parametrize("body", [[""], ["k", "a\nb"], ["a\0b"], ["k" * 1025]])
    def test_bad_key_is_400(self, shared_kvstored, body):
        assert post(shared_kvstored, "/watch", body).status == 400

    def test_too_many_keys_are_413(self, shared_kvstored):
        assert post(shared_kvstored, "/watch", [f"k{i}" for i in range(1025)]).status == 413
