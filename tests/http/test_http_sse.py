# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Event streams: the frames as they are on the wire."""

import json

import pytest

CR_SYMBOL = "\u240d"


def put(daemon, key, value):
    assert daemon.request("PUT", f"/store/{key}", value).status in (201, 204)


class TestFrames:
    def test_head(self, shared_kvstored, key):
        with shared_kvstored.sse(f"/watch_key/{key}") as stream:
            assert stream.status == 200
            assert stream.headers["Content-Type"].split(";")[0] == "text/event-stream"
            assert "no-" in stream.headers["Cache-Control"]
            assert "Content-Length" not in stream.headers

    def test_exact_bytes(self, shared_kvstored, key):
        put(shared_kvstored, key, "one")
        with shared_kvstored.sse(f"/watch_key/{key}") as stream:
            assert stream.next_frame() == f"event: WATCH key {key}\ndata: one\n\n".encode()
            put(shared_kvstored, key, "two")
            shared_kvstored.request("POST", f"/store/cas/{key}", '{"expected":"two","new":"three"}', {"Content-Type": "application/json"})
            shared_kvstored.request("DELETE", f"/store/{key}")
            shared_kvstored.request("PUT", f"/store/{key}?ttl=0", "gone")
            expected = [("PUT", "two"), ("COMPARE_AND_SWAP", "three"), ("DELETE", ""), ("PUT", "gone"), ("EXPIRED", "")]
            last = 0
            for kind, value in expected:
                frame = stream.next_frame()
                first, rest = frame.split(b"\n", 1)
                number = int(first.removeprefix(b"id: "))
                assert rest == f"event: {kind} key {key}\ndata: {value}\n\n".encode()
                assert last < number < 2**53
                last = number

    def test_absent_key_begins_with_empty_data(self, shared_kvstored, key):
        with shared_kvstored.sse(f"/watch_key/{key}") as stream:
            assert stream.next_frame() == f"event: WATCH key {key}\ndata: \n\n".encode()

    @pytest.mark.parametrize(
        "value, lines",
        [
            ("", [""]),
            ("a\nb", ["a", "b"]),
            ("a\n", ["a", ""]),
            ("\n", ["", ""]),
            ("\n\n\na", ["", "", "", "a"]),
            ("a\rb", [f"a{CR_SYMBOL}b"]),
            ("a\r\nb\r", [f"a{CR_SYMBOL}", f"b{CR_SYMBOL}"]),
            (" lead", [" lead"]),
            ("\0", ["\0"]),
            ("data: x\n\nevent: y\nid: 1", ["data: x", "", "event: y", "id: 1"]),
            (": comment", [": comment"]),
            ("\u2028\u0085\u000b", ["\u2028\u0085\u000b"]),
            ("ünï🗝", ["ünï🗝"]),
        ],
    )
    def test_value_of_any_text_keeps_to_its_frame(self, shared_kvstored, key, value, lines):
        data = "".join(f"data: {line}\n" for line in lines)
        with shared_kvstored.sse(f"/watch_key/{key}") as stream:
            stream.next_frame()
            put(shared_kvstored, key, value.encode())
            first, rest = stream.next_frame().split(b"\n", 1)
            assert first.startswith(b"id: ")
            assert rest.decode() == f"event: PUT key {key}\n{data}\n"
        with shared_kvstored.sse(f"/watch_key/{key}") as stream:
            assert stream.next_frame().decode() == f"event: WATCH key {key}\n{data}\n"

    def test_key_stands_decoded(self, shared_kvstored):
        with shared_kvstored.sse("/watch_key/a%2Fb%20%F0%9F%97%9D%3A") as stream:
            assert stream.next_frame() == "event: WATCH key a/b 🗝:\ndata: \n\n".encode()

    def test_large_value_comes_whole(self, shared_kvstored, key):
        value = ("x" * 1023 + "\n") * 2048
        with shared_kvstored.sse(f"/watch_key/{key}") as stream:
            stream.next_frame()
            put(shared_kvstored, key, value)
            assert stream.next().data == value
            put(shared_kvstored, key, "small")
            assert stream.next().data == "small"
        shared_kvstored.request("DELETE", f"/store/{key}")

    def test_head_request_has_no_stream(self, shared_kvstored, key):
        with shared_kvstored.connect() as connection:
            response = connection.request("HEAD", f"/watch_key/{key}")
            assert connection.request("GET", f"/store/{key}").status == 404
        assert (response.status, response.body) == (200, b"")
        assert response.headers["Content-Type"].split(";")[0] == "text/event-stream"
        # The stream has no length, so an answer about it must not have one (RFC 9110, section 8.6).
        assert "Content-Length" not in response.headers

    def test_head_request_is_refused_as_get_is(self, shared_kvstored, key):
        for method in ("GET", "HEAD"):
            assert shared_kvstored.request(method, f"/watch_key/{key}", headers={"Last-Event-ID": "x"}).status == 400

    def test_bad_keys_are_400(self, shared_kvstored):
        for segment in ("", "%", "%FF", "%0A", "k" * 1025):
            assert shared_kvstored.request("GET", f"/watch_key/{segment}").status == 400


class TestManyKeys:
    def test_each_key_is_told_first_and_then_the_changes_in_order(self, shared_kvstored, key):
        keys = [f"{key}-{i}" for i in range(5)]
        put(shared_kvstored, keys[2], "there")
        with shared_kvstored.sse("/watch", json.dumps(keys)) as stream:
            first = [stream.next() for _ in keys]
            assert sorted((e.kind, e.key, e.data) for e in first) == sorted(
                ("WATCH", k, "there" if k == keys[2] else "") for k in keys
            )
            assert all(e.id is None for e in first)
            for i in range(50):
                put(shared_kvstored, keys[i % 5], str(i))
                put(shared_kvstored, key, "not watched")
            events = [stream.next() for _ in range(50)]
            assert [(e.key, e.data) for e in events] == [(keys[i % 5], str(i)) for i in range(50)]
            ids = [e.id for e in events]
            assert ids == sorted(set(ids))

    def test_thousand_keys(self, shared_kvstored, key):
        keys = [f"{key}-{i}" for i in range(1024)]
        with shared_kvstored.sse("/watch", json.dumps(keys)) as stream:
            assert {stream.next().key for _ in keys} == set(keys)

    def test_post_of_one_key_is_as_a_get(self, shared_kvstored, key):
        put(shared_kvstored, key, "v")
        with shared_kvstored.sse("/watch", json.dumps([key])) as stream:
            assert stream.next_frame() == f"event: WATCH key {key}\ndata: v\n\n".encode()

    def test_batch_is_told_change_by_change(self, shared_kvstored, key):
        body = json.dumps([{"method": "PUT", "key": key, "value": str(i)} for i in range(10)])
        with shared_kvstored.sse(f"/watch_key/{key}") as stream:
            stream.next()
            shared_kvstored.request("POST", "/batch", body, {"Content-Type": "application/json"})
            events = [stream.next() for _ in range(10)]
        assert [e.data for e in events] == [str(i) for i in range(10)]
        assert all(e.id is not None for e in events)


class TestResume:
    def test_goes_on_after_an_id(self, shared_kvstored, key):
        with shared_kvstored.sse(f"/watch_key/{key}") as stream:
            stream.next()
            for i in range(4):
                put(shared_kvstored, key, str(i))
            ids = [stream.next().id for _ in range(4)]
        put(shared_kvstored, key, "4")
        for path, body in ((f"/watch_key/{key}", None), ("/watch", json.dumps([key]))):
            with shared_kvstored.sse(path, body, {"Last-Event-ID": str(ids[1])}) as stream:
                events = [stream.next() for _ in range(3)]
                assert [(e.kind, e.data) for e in events] == [("PUT", "2"), ("PUT", "3"), ("PUT", "4")]
                assert [e.id for e in events][:2] == ids[2:]
                put(shared_kvstored, key, "5")
                assert stream.next().data == "5"

    def test_after_the_last_id_tells_only_what_is_new(self, shared_kvstored, key):
        with shared_kvstored.sse(f"/watch_key/{key}") as stream:
            stream.next()
            put(shared_kvstored, key, "0")
            last = stream.next().id
        with shared_kvstored.sse(f"/watch_key/{key}", headers={"Last-Event-ID": str(last)}) as stream:
            put(shared_kvstored, key, "1")
            assert stream.next()[1:] == ("PUT", key, "1")

    @pytest.mark.parametrize("last", ["0", "1", "9007199254740993", "18446744073709551615"])
    def test_id_out_of_reach_begins_anew(self, shared_kvstored, key, last):
        put(shared_kvstored, key, "v")
        with shared_kvstored.sse(f"/watch_key/{key}", headers={"Last-Event-ID": last}) as stream:
            assert stream.next_frame() == f"event: WATCH key {key}\ndata: v\n\n".encode()
            put(shared_kvstored, key, "w")
            assert stream.next().data == "w"

    @pytest.mark.parametrize("last", ["x", "-1", "1.5", "0x1", "1 2", "9" * 40])
    def test_what_is_no_id_is_400(self, shared_kvstored, key, last):
        response = shared_kvstored.request("GET", f"/watch_key/{key}", headers={"Last-Event-ID": last})
        assert response.status == 400


def test_comment_keeps_an_idle_stream_alive(shared_kvstored, key):
    with shared_kvstored.sse(f"/watch_key/{key}") as stream:
        stream.next_frame()
        block = stream.next_block(timeout=16.5)
        assert block.startswith(b":") and block.endswith(b"\n\n")
        assert block.count(b"\n") == 2
        put(shared_kvstored, key, "v")
        assert stream.next().data == "v"


def test_nothing_is_lost_or_repeated_between_first_frame_and_changes(shared_kvstored, key):
    """A writer counts up without a pause; a watch that begins anywhere must see every number from there."""
    import threading

    stop = threading.Event()

    def write():
        number = 0
        with shared_kvstored.connect() as connection:
            while not stop.is_set():
                connection.request("PUT", f"/store/{key}", str(number))
                number += 1

    put(shared_kvstored, key, "-1")
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(20):
            with shared_kvstored.sse(f"/watch_key/{key}") as stream:
                first = int(stream.next().data)
                assert [int(stream.next().data) for _ in range(50)] == list(range(first + 1, first + 51))
    finally:
        stop.set()
        writer.join()
