# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""GET /status."""

import datetime
import re

import pytest

FIGURES = {
    "total_keys", "total_operations", "get_operations", "put_operations", "delete_operations",
    "cas_operations", "successful_cas_operations", "failed_cas_operations", "watch_requests_count",
    "batch_requests_count",
}
UPTIME = re.compile(r"(\d+d )?(\d+h )?(\d+m )?(\d+s )?(\d+ms)?|\d+\.\d{3}s?|0s")
JSON = {"Content-Type": "application/json"}


def test_has_every_member_and_no_other(shared_kvstored):
    response = shared_kvstored.request("GET", "/status")
    assert response.status == 200
    assert response.headers["Content-Type"].split(";")[0] == "application/json"
    status = response.json
    assert set(status) == FIGURES | {"status", "uptime", "server_time", "version"}
    assert status["status"] == "OK"
    assert UPTIME.fullmatch(status["uptime"] + " ") or UPTIME.fullmatch(status["uptime"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", status["version"])
    assert all(type(status[name]) is int and status[name] >= 0 for name in FIGURES)


def test_server_time_is_iso_8601_with_an_offset(shared_kvstored):
    before = datetime.datetime.now(datetime.timezone.utc)
    text = shared_kvstored.request("GET", "/status").json["server_time"]
    after = datetime.datetime.now(datetime.timezone.utc)
    time = datetime.datetime.fromisoformat(text)
    assert time.utcoffset() is not None
    slack = datetime.timedelta(milliseconds=1)
    assert before - slack <= time <= after + slack


def test_counts(kvstored):
    def check(**expected):
        status = kvstored.status()
        expected = {**dict.fromkeys(FIGURES, 0), **expected}
        assert {name: status[name] for name in FIGURES} == expected
        assert status["total_operations"] == sum(
            status[f"{n}_operations"] for n in ("get", "put", "delete", "cas")
        )

    check()
    kvstored.request("PUT", "/store/k", "a")
    kvstored.request("PUT", "/store/k", "b")
    check(total_keys=1, put_operations=2, total_operations=2)
    kvstored.request("GET", "/store/k")
    kvstored.request("HEAD", "/store/k")
    kvstored.request("GET", "/store/absent")
    check(total_keys=1, put_operations=2, get_operations=2, total_operations=4)
    kvstored.request("DELETE", "/store/absent")
    for expected in ("b", "x"):
        kvstored.request("POST", "/store/cas/k", f'{{"expected":"{expected}","new":"c"}}', JSON)
    check(total_keys=1, put_operations=2, get_operations=2, cas_operations=2,
          successful_cas_operations=1, failed_cas_operations=1, total_operations=6)
    kvstored.request("DELETE", "/store/k")
    kvstored.request("PUT", "/store/bad?ttl=x", "a")
    kvstored.request("PUT", "/store/bad", b"\xff")
    check(put_operations=2, get_operations=2, delete_operations=1, cas_operations=2,
          successful_cas_operations=1, failed_cas_operations=1, total_operations=7)


def test_batch_counts_its_entries(kvstored):
    body = '[{"method":"PUT","key":"k","value":"v"},{"method":"GET","key":"k"},{"method":"DELETE","key":"k"}]'
    kvstored.request("POST", "/batch", body, JSON)
    status = kvstored.status()
    assert [status[f"{n}_operations"] for n in ("put", "get", "delete", "total")] == [1, 1, 1, 3]
    assert status["batch_requests_count"] == 0


def test_expired_keys_are_not_counted(kvstored):
    kvstored.request("PUT", "/store/k?ttl=0", "v")
    assert kvstored.status()["total_keys"] == 0


def test_counts_open_streams(kvstored):
    streams = [kvstored.sse("/watch_key/k") for _ in range(3)] + [kvstored.sse("/watch", '["a","b"]')]
    assert kvstored.status()["watch_requests_count"] == 4
    for stream in streams:
        stream.close()
    assert kvstored.await_status("watch_requests_count", 0)


@pytest.mark.parametrize("query", ["?x=1", "?"])
def test_ignores_a_query(shared_kvstored, query):
    assert shared_kvstored.request("GET", f"/status{query}").status == 200
