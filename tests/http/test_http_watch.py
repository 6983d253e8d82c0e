# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""/v1/watch: streams in JSON, of keys and prefixes, that resume without a gap or say that they cannot."""

import contextlib
import json
import random
import re
import threading
from urllib.parse import quote, urlencode

import pytest

from support.daemon import MEMORY, SQLITE, Daemon
from support.sse import RETRY

JSON = {"Content-Type": "application/json"}
FUTURE = 2**53


@contextlib.contextmanager
def running(directory, **settings):
    """A kvstored that finds what an earlier one in the same directory has left."""
    daemon = Daemon(directory, store=SQLITE, **settings)
    try:
        yield daemon
    finally:
        daemon.stop()


def put(daemon, key, value="v", query=""):
    response = daemon.request("PUT", f"/v1/kv/{quote(key, safe='')}{query}", value)
    assert response.status in (201, 204)
    return int(response.headers["KV-Revision"])


def delete(daemon, key):
    response = daemon.request("DELETE", f"/v1/kv/{quote(key, safe='')}")
    assert response.status == 204
    return int(response.headers["KV-Revision"])


def put_together(daemon, values):
    """Puts them as one change, and gives its revision."""
    entries = [{"method": "PUT", "key": key, "value": value} for key, value in values.items()]
    response = daemon.request("POST", "/batch?atomic=true", json.dumps(entries), JSON)
    assert response.status == 200
    return int(response.headers["KV-Revision"])


def watch(daemon, query, last=None):
    """A stream that has begun. query: text, or pairs to be escaped."""
    query = query if isinstance(query, str) else urlencode(query)
    stream = daemon.sse(f"/v1/watch?{query}", headers={} if last is None else {"Last-Event-ID": str(last)})
    assert stream.status == 200, stream.connection.buffer
    assert stream.next_block() == RETRY
    return stream


def read_snapshot(stream):
    """What the snapshot shows, by key, and the id that it is of."""
    shown = {}
    while (event := stream.next_json()).kind != "snapshot_end":
        assert event.id is None and event.data.pop("snapshot") is True
        if event.kind == "put":
            shown[event.data.pop("key")] = event.data
        else:
            shown.pop(event.data["key"], None)
    assert event.data == {"revision": event.id}
    return shown, event.id


def refused(daemon, query, headers=(), method="GET"):
    response = daemon.request(method, f"/v1/watch{query}", headers=headers)
    assert response.headers["Content-Type"] == "application/problem+json"
    return response.status, response.json


class TestEvents:
    def test_head(self, shared_kvstored, key):
        with shared_kvstored.sse(f"/v1/watch?key={key}") as stream:
            assert stream.status == 200
            assert stream.headers["Content-Type"] == "text/event-stream"
            assert stream.headers["Cache-Control"] == "no-store"
            assert stream.headers["X-Content-Type-Options"] == "nosniff"
            assert "Content-Length" not in stream.headers

    def test_head_request_has_no_stream(self, shared_kvstored, key):
        with shared_kvstored.connect() as connection:
            response = connection.request("HEAD", f"/v1/watch?key={key}")
            assert (response.status, response.body) == (200, b"")
            assert response.headers["Content-Type"] == "text/event-stream"
            assert "Content-Length" not in response.headers
            assert connection.request("HEAD", f"/v1/watch?key={key}&since=1").status == 410
            assert connection.request("HEAD", "/v1/watch").status == 400
            assert connection.request("GET", f"/store/{key}").status == 404

    def test_exact_bytes(self, shared_kvstored, key):
        first = put(shared_kvstored, key, "one")
        with watch(shared_kvstored, [("key", key)]) as stream:
            shown = f'event: put\ndata: {{"key":"{key}","revision":{first},"value":"one","snapshot":true}}\n\n'
            assert stream.next_frame().decode() == shown
            end = stream.next_json()
            assert (end.kind, end.id) == ("snapshot_end", end.data["revision"]) and end.id >= first
            second = put(shared_kvstored, key, "two")
            swap = '{"expected":"two","new":"three"}'
            shared_kvstored.request("POST", f"/store/cas/{key}", swap, JSON)
            gone = delete(shared_kvstored, key)
            expected = [
                (second, "put", ',"value":"two"'),
                (None, "put", ',"value":"three","cause":"swap"'),
                (gone, "delete", ""),
            ]
            for revision, kind, rest in expected:
                frame = stream.next_frame().decode()
                revision = revision or int(re.match("id: ([0-9]+)", frame)[1])
                assert frame == f'id: {revision}\nevent: {kind}\ndata: {{"key":"{key}","revision":{revision}{rest}}}\n\n'

    def test_expiry(self, shared_kvstored, key):
        with watch(shared_kvstored, f"key={key}&prev") as stream:
            read_snapshot(stream)
            revision = put(shared_kvstored, key, "v", "?ttl=0.05")
            event = stream.next_json()
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event.data.pop("expires"))
            assert event == (revision, "put", {"key": key, "revision": revision, "value": "v", "prev": None})
            event = stream.next_json()
            assert event.kind == "expired" and event.id == event.data["revision"] > revision
            assert event.data["prev"] == {"revision": revision, "value": "v"}

    @pytest.mark.parametrize("prev", ["", "&prev", "&prev=true", "&prev=false"])
    @pytest.mark.parametrize("values", ["", "&values", "&values=true", "&values=false"])
    def test_values_and_what_was_there_before(self, shared_kvstored, key, values, prev):
        def tell(revision, value):
            return {"revision": revision} | ({} if values == "&values=false" else {"value": value})

        first = put(shared_kvstored, key, "1")
        with watch(shared_kvstored, f"key={key}{values}{prev}") as stream:
            assert read_snapshot(stream)[0] == {key: tell(first, "1")}
            second = put(shared_kvstored, key, "2")
            third = delete(shared_kvstored, key)
            fourth = put(shared_kvstored, key, "4")
            expected = [
                (second, "put", tell(second, "2"), tell(first, "1")),
                (third, "delete", {"revision": third}, tell(second, "2")),
                (fourth, "put", tell(fourth, "4"), None),
            ]
            for revision, kind, data, before in expected:
                before = {"prev": before} if prev in ("&prev", "&prev=true") else {}
                assert stream.next_json() == (revision, kind, {"key": key, **data, **before})

    @pytest.mark.parametrize("name", ["a&b=c", "a+b", "a b", "%41", "a/b", "ünï🗝", '"\\', "a\u2028b", "?#;", "id: 1", "k" * 1024],
                             ids=range(11))
    def test_any_key(self, shared_kvstored, name):
        for query in ([("key", name)], [("prefix", name)], [("prefix", name[:1]), ("key", name)]):
            with watch(shared_kvstored, query) as stream:
                read_snapshot(stream)
                revision = put(shared_kvstored, name)
                put(shared_kvstored, "~other")
                assert stream.next_json() == (revision, "put", {"key": name, "revision": revision, "value": "v"})
            delete(shared_kvstored, name)

    @pytest.mark.parametrize(
        "value", ["", "\n", "a\nb\r\nc\r", "\0", "\u2028\u2029\u0085", 'q"\\/', "\u007f\u001f\u000b", "data: x\n\nevent: put\n", "ünï🗝", "x" * 2097152],
        ids=range(10),
    )
    def test_any_value_stays_in_its_line(self, shared_kvstored, key, value):
        with watch(shared_kvstored, f"key={key}&prev") as stream:
            read_snapshot(stream)
            put(shared_kvstored, key, value.encode())
            assert stream.next_json().data["value"] == value
            put(shared_kvstored, key, "other")
            assert stream.next_json().data["prev"]["value"] == value
            put(shared_kvstored, key, value.encode())
            stream.next_json()
        with watch(shared_kvstored, f"key={key}") as stream:
            assert read_snapshot(stream)[0][key]["value"] == value
        delete(shared_kvstored, key)

    def test_snapshot_shows_what_is_there_and_nothing_else(self, shared_kvstored, key):
        names = [f"{key}/{i}" for i in range(300)]
        for name in names:
            put(shared_kvstored, name, name)
        put(shared_kvstored, key)
        revision = delete(shared_kvstored, names[7])
        query = [("prefix", f"{key}/"), ("key", names[3]), ("key", f"{key}-none"), ("key", names[7]), ("prefix", f"{key}/1")]
        with watch(shared_kvstored, query) as stream:
            shown, end = read_snapshot(stream)
            assert {name: data["value"] for name, data in shown.items()} == {name: name for name in names if name != names[7]}
            assert end >= revision

    def test_prefix_of_all_keys(self, shared_kvstored, key):
        with watch(shared_kvstored, "prefix=&values=false") as stream:
            read_snapshot(stream)
            revision = put(shared_kvstored, key)
            assert stream.next_json() == (revision, "put", {"key": key, "revision": revision})

    def test_quiet_stream_is_told_how_far_it_has_come(self, shared_kvstored, key):
        with watch(shared_kvstored, f"key={key}") as stream:
            _, end = read_snapshot(stream)
            revision = put(shared_kvstored, key + "-other")
            assert revision > end
            event = stream.next_json(timeout=16.5)
            assert event == (event.id, "progress", {"revision": event.id}) and event.id >= revision
            put(shared_kvstored, key)
            assert stream.next_json().kind == "put"
        with watch(shared_kvstored, f"key={key}", event.id) as stream:
            assert stream.next_json().data["key"] == key


class TestTransactions:
    def test_are_told_whole_with_one_id(self, shared_kvstored, key):
        names = [f"{key}/{i}" for i in range(50)]
        with watch(shared_kvstored, [("prefix", f"{key}/")]) as stream:
            read_snapshot(stream)
            for _ in range(3):
                revision = put_together(shared_kvstored, dict.fromkeys(names, "v"))
                events = [stream.next_json() for _ in names]
                assert {event.data["key"] for event in events} == set(names)
                assert {event.data["revision"] for event in events} == {revision}
                assert [event.id for event in events] == [None] * 49 + [revision]

    def test_id_stands_where_the_revision_ends_for_the_stream(self, shared_kvstored, key):
        """Whatever else the transaction has changed behind that."""
        names = [f"{key}/{i}" for i in range(6)]
        with watch(shared_kvstored, [("key", names[1]), ("key", names[3])]) as stream:
            read_snapshot(stream)
            revision = put_together(shared_kvstored, dict.fromkeys(names, "v"))
            assert [(e.id, e.data["key"]) for e in (stream.next_json(), stream.next_json())] == [
                (None, names[1]), (revision, names[3])]

    def test_resume_begins_with_a_whole_one(self, shared_kvstored, key):
        names = [f"{key}/{i}" for i in range(3)]
        with watch(shared_kvstored, [("prefix", f"{key}/")]) as stream:
            _, end = read_snapshot(stream)
            first = put_together(shared_kvstored, dict.fromkeys(names, "1"))
            assert stream.next_json().id is None
        # Cut off in the midst of it, a client comes back after what came before.
        with watch(shared_kvstored, [("prefix", f"{key}/")], end) as stream:
            assert [stream.next_json().id for _ in names] == [None, None, first]


class TestResume:
    def test_goes_on_after_an_id(self, shared_kvstored, key):
        revisions = [put(shared_kvstored, key, str(i)) for i in range(5)]
        for query, last in ((f"key={key}", revisions[1]), (f"prefix={key}&since={revisions[1]}", None)):
            with watch(shared_kvstored, query, last) as stream:
                assert [stream.next_json()[:2] for _ in revisions[2:]] == [(revision, "put") for revision in revisions[2:]]
                revisions.append(put(shared_kvstored, key))
                assert stream.next_json().id == revisions[-1]

    def test_since_the_current_revision_tells_only_what_is_new(self, shared_kvstored, key):
        current = put(shared_kvstored, key)
        with watch(shared_kvstored, f"key={key}&since={current}") as stream:
            revision = put(shared_kvstored, key)
            assert stream.next_json().id == revision

    def test_last_event_id_goes_before_since(self, shared_kvstored, key):
        """An EventSource that comes back asks at its first address."""
        revisions = [put(shared_kvstored, key, str(i)) for i in range(3)]
        for since in (revisions[0], 0, FUTURE):
            with watch(shared_kvstored, f"key={key}&since={since}", revisions[1]) as stream:
                assert stream.next_json().id == revisions[2]

    @pytest.mark.parametrize("last", [0, 1, FUTURE, 2**64 - 1])
    def test_id_out_of_reach_is_told_and_a_snapshot_follows(self, shared_kvstored, key, last):
        for query in (f"key={key}&key={key}-none", f"key={key}&since=1"):
            put(shared_kvstored, key, "there")
            with watch(shared_kvstored, query, last) as stream:
                event = stream.next_json()
                assert (event.id, event.kind) == (None, "reset")
                assert event.data["oldest"] <= event.data["current"] < FUTURE
                shown, end = read_snapshot(stream)
                assert shown[key]["value"] == "there" and list(shown) == [key]
                assert end >= event.data["current"]
                revision = put(shared_kvstored, key, "later")
                assert stream.next_json().id == revision
            with watch(shared_kvstored, query, event.data["oldest"]) as stream:
                assert stream.next_json().kind != "reset"

    @pytest.mark.parametrize("since", [0, 1, FUTURE, 2**64 - 1])
    def test_since_out_of_reach_is_410(self, shared_kvstored, key, since):
        revision = put(shared_kvstored, key)
        status, problem = refused(shared_kvstored, f"?key={key}&since={since}")
        assert (status, problem["type"], problem["parameter"]) == (410, "/problems/out-of-reach", "since")
        assert problem["oldest"] < revision <= problem["current"]
        with watch(shared_kvstored, f"key={key}&since={problem['oldest']}") as stream:
            assert stream.next_json().kind == "put"

    def test_id_from_before_a_restart(self, directory, carrier, key):
        with running(directory, carrier=carrier) as daemon:
            put(daemon, key, "kept")
            with watch(daemon, f"key={key}") as stream:
                read_snapshot(stream)
                last = put(daemon, key, "kept too")
                assert stream.next_json().id == last
        with running(directory, carrier=carrier) as daemon:
            with watch(daemon, f"key={key}", last) as stream:
                event = stream.next_json()
                assert event.kind == "reset" and event.data["oldest"] > last
                assert read_snapshot(stream)[0] == {key: {"revision": last, "value": "kept too"}}
            assert refused(daemon, f"?key={key}&since={last}")[0] == 410


class Writers:
    """Threads that move one token from key to key, a transaction a move, for as long as the block runs."""

    def __init__(self, daemon, names):
        self.daemon = daemon
        self.names = names
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.write, args=(number,)) for number in range(2)]

    def write(self, number):
        """Every key of a transaction gets the same number, so that one that is told in part shows."""
        shuffled = random.Random(number)
        while not self.stopping.is_set():
            some = shuffled.sample(self.names, 5)
            put_together(self.daemon, dict.fromkeys(some, f"{number}-{shuffled.random()}"))

    def __enter__(self):
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


def read_revision(stream):
    """The changes of one revision, as far as the stream tells it."""
    events = [stream.next_json()]
    while events[-1].id is None:
        events.append(stream.next_json())
    assert {event.data["revision"] for event in events} == {events[-1].id}
    return events


class TestBesideWriters:
    @pytest.fixture(params=[MEMORY, SQLITE])
    def shared_kvstored(self, shared_kvstoreds, carrier, request):
        """Where keys are kept on a disk, changes are shown only once they are there."""
        return shared_kvstoreds(carrier, request.param)

    def test_resumes_without_gap_or_repeat(self, shared_kvstored, key):
        """One stream is never cut off, and says what there is to be seen; another one is, wherever it happens to be."""
        names = [f"{key}/{i:02}" for i in range(20)]
        query = [("prefix", f"{key}/1"), ("key", names[3])]
        seen = [name for name in names if name.startswith(f"{key}/1") or name == names[3]]
        chance = random.Random(5)
        with Writers(shared_kvstored, names), watch(shared_kvstored, query) as steady:
            _, last = read_snapshot(steady)
            first, told = last, []
            while len(told) < 300:
                with watch(shared_kvstored, query, last) as stream:
                    for _ in range(chance.randrange(1, 20)):
                        events = read_revision(stream)
                        told += [event.data for event in events]
                        last = events[-1].id
                    # It may be cut off in the midst of a transaction, of which it has to be told all again.
                    for _ in range(chance.randrange(3)):
                        if stream.next_json().id is not None:
                            break
            expected = []
            while len(expected) < len(told):
                expected += [event.data for event in read_revision(steady)]
        assert told == expected
        assert all(data["revision"] > first and data["key"] in seen for data in told)

    def test_snapshot_is_of_the_revision_that_its_end_tells(self, shared_kvstored, key):
        """What it shows is what comes of all changes up to there, none of them by half, and of no later one."""
        names = [f"{key}/{i}" for i in range(20)]
        query = [("prefix", f"{key}/"), *(("key", name) for name in names[:10])]
        with Writers(shared_kvstored, names), watch(shared_kvstored, query) as steady:
            state, _ = read_snapshot(steady)
            events = read_revision(steady)
            for _ in range(30):
                with watch(shared_kvstored, query) as stream:
                    shown, end = read_snapshot(stream)
                while events[-1].id <= end:
                    state.update({event.data["key"]: {name: event.data[name] for name in ("revision", "value")} for event in events})
                    events = read_revision(steady)
                assert shown == state

    def test_slow_client_is_reset_and_told_the_truth(self, start_kvstored, key):
        daemon = start_kvstored()
        with watch(daemon, f"key={key}&key={key}-end") as stream:
            read_snapshot(stream)
            # More than its socket and the log hold together.
            with daemon.connect() as connection:
                for i in range(60):
                    connection.request("PUT", f"/store/{key}", f"{i:02}" * 500_000)
            put(daemon, f"{key}-end", "end")
            events = []
            while (event := stream.next_json()).kind != "reset":
                events.append(event.data["value"][:2])
            assert events == [f"{i:02}" for i in range(len(events))]
            assert len(events) < 60
            shown, end = read_snapshot(stream)
            assert {name: data["value"][:3] for name, data in shown.items()} == {key: "595", f"{key}-end": "end"}
            revision = put(daemon, key, "later")
            assert stream.next_json()[:2] == (revision, "put")


class TestRefusals:
    @pytest.mark.parametrize("query, parameter", [
        ("", "key"),
        ("?", "key"),
        ("?prev&values", "key"),
        ("?since=1", "key"),
        ("?keys=a", "keys"),
        ("?key=a&x", "x"),
        ("?key=a&Prefix=b", "Prefix"),
        ("?key=a&since=1&since=1", "since"),
        ("?key=a&prev&prev", "prev"),
        ("?key=a&values=true&values=false", "values"),
        ("?key=a&since", "since"),
        ("?key=a&since=", "since"),
        ("?key=a&since=-1", "since"),
        ("?key=a&since=1.5", "since"),
        ("?key=a&since=18446744073709551616", "since"),
        ("?key=a&since=now", "since"),
        ("?key=a&prev=1", "prev"),
        ("?key=a&values=no", "values"),
        ("?key", "key"),
        ("?key=a&prefix", "prefix"),
        ("?key=%zz", "key"),
        ("?prefix=%", "prefix"),
        ("?prefix=" + "p" * 5000, "prefix"),
    ])
    def test_names_the_parameter(self, shared_kvstored, query, parameter):
        status, problem = refused(shared_kvstored, query)
        assert (status, problem["type"], problem["parameter"]) == (400, "/problems/invalid-parameter", parameter)

    @pytest.mark.parametrize("query, parameter", [
        ("?key=", "key"), ("?key=a&key=%00", "key"), ("?key=%ff", "key"), ("?key=" + "k" * 1025, "key"), ("?prefix=%0a", "prefix"),
        ("?prefix=" + "p" * 1025, "prefix"),
    ])
    def test_what_is_no_key(self, shared_kvstored, query, parameter):
        status, problem = refused(shared_kvstored, query)
        assert (status, problem["type"], problem["parameter"]) == (400, "/problems/invalid-key", parameter)

    @pytest.mark.parametrize("last", ["x", "-1", "1.5", "0x1", "1 2", "9" * 40])
    def test_what_is_no_id(self, shared_kvstored, last):
        status, problem = refused(shared_kvstored, "?key=a", {"Last-Event-ID": last})
        assert (status, problem["type"], problem["parameter"]) == (400, "/problems/invalid-parameter", "Last-Event-ID")

    def test_number_of_keys_and_prefixes(self, shared_kvstored, key):
        many = "&".join(f"key={key}-{i}&prefix={key}-{i}" for i in range(512))
        with watch(shared_kvstored, many) as stream:
            read_snapshot(stream)
            revision = put(shared_kvstored, f"{key}-511")
            assert stream.next_json().id == revision
        status, problem = refused(shared_kvstored, f"?{many}&prefix=one")
        assert (status, problem["parameter"], problem["limit"]) == (400, "prefix", 1024)

    def test_refusal_leaves_no_watch(self, shared_kvstored):
        assert shared_kvstored.await_status("watch_requests_count", 0)
        refused(shared_kvstored, "?key=a&since=1")
        refused(shared_kvstored, "?key=a&x")
        assert shared_kvstored.status()["watch_requests_count"] == 0
