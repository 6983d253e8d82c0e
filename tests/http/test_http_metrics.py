# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""GET /metrics: its form, and that each figure follows what happens, at both doors."""

import math
import os
import re
import threading

import pytest

from support.bus import BusError
from support.daemon import SQLITE, Daemon
from support.metrics import (
    OPENMETRICS, PROMETHEUS, await_figure, read_openmetrics, read_prometheus, scrape,
)
from support.wire import build_request

PAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "docs", "metrics.md")
JSON = {"Content-Type": "application/json"}

# What a Prometheus 2 of today asks with.
SCRAPER = ("application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
           "text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def requests(figures, route, method, status):
    return figures.get("kvstore_http_requests_total", route=route, method=method, status=str(status))


def await_durations(daemon, count, route, method):
    """Waits until so many have been measured: the turn of the loop that has answered the last one may not be over."""
    return await_figure(daemon, count, "kvstore_http_request_duration_seconds_count", route=route, method=method)


class TestForm:
    @pytest.mark.parametrize(
        ("accept", "expected"),
        [
            (None, OPENMETRICS),
            ("*/*", OPENMETRICS),
            (SCRAPER, OPENMETRICS),
            (BROWSER, OPENMETRICS),
            ("application/openmetrics-text", OPENMETRICS),
            ("text/plain", PROMETHEUS),
            ("text/plain;version=0.0.4", PROMETHEUS),
            ("text/*;q=0.5, application/*;q=0.4", PROMETHEUS),
            ("text/plain;q=0.3, application/openmetrics-text;q=0.4", OPENMETRICS),
            ("image/png", OPENMETRICS),
        ],
    )
    def test_is_what_was_asked_for(self, shared_kvstored, accept, expected):
        response = shared_kvstored.request("GET", "/metrics", headers={"Accept": accept} if accept else {})
        assert response.status == 200
        assert response.headers["Content-Type"] == expected
        assert response.headers["Vary"] == "Accept"
        assert response.headers["Cache-Control"] == "no-store"
        (read_openmetrics if expected == OPENMETRICS else read_prometheus)(response.text)

    def test_both_forms_have_the_same_samples(self, start_kvstored, bus):
        daemon = start_kvstored(bus=bus.address, store=SQLITE)
        daemon.request("PUT", "/store/k", "v")
        old = daemon.request("GET", "/metrics", headers={"Accept": "text/plain"})
        old = read_prometheus(old.text).samples
        new = scrape(daemon).samples
        # The first scrape is in the second.
        assert set(old) <= set(new)
        assert {name for name, _ in new} - {name for name, _ in old} <= {"kvstore_http_requests_total"}
        for (name, labels), value in old.items():
            if name == "kvstore_keys":
                assert new[name, labels] == value

    def test_head_is_like_get_without_its_body(self, shared_kvstored):
        response = shared_kvstored.request("HEAD", "/metrics")
        assert (response.status, response.body) == (200, b"")
        assert response.headers["Content-Type"] == OPENMETRICS
        assert int(response.headers["Content-Length"]) > 1000

    def test_other_methods_are_refused(self, shared_kvstored):
        response = shared_kvstored.request("POST", "/metrics", "x")
        assert response.status == 405
        assert response.headers["Allow"] == "GET, HEAD, OPTIONS"

    def test_page_names_what_there_is(self, start_kvstored, bus):
        daemon = start_kvstored(bus=bus.address, store=SQLITE)
        suffixes = {"counter": "_total", "info": "_info"}
        shown = {
            f"{family.name}{suffixes.get(family.type, '')}": family.type
            for family in scrape(daemon).families.values()
        }
        with open(PAGE, encoding="utf-8") as file:
            rows = re.findall(r"^\| `([a-z_]+)(?:\{[a-z,_]+\})?` \| (\w+) \|", file.read(), re.MULTILINE)
        assert dict(rows) == shown
        assert len(rows) == len(shown)

    def test_page_names_the_labels(self, start_kvstored, bus):
        daemon = start_kvstored(bus=bus.address, store=SQLITE)
        daemon.request("GET", "/store/k")
        shown = {}
        for (name, labels), _ in scrape(daemon).samples.items():
            name = re.sub("_(bucket|count|sum)$", "", name)
            shown.setdefault(name, set()).update(label for label, _ in labels if label != "le")
        with open(PAGE, encoding="utf-8") as file:
            rows = re.findall(r"^\| `([a-z_]+)(?:\{([a-z,_]+)\})?` \|", file.read(), re.MULTILINE)
        assert {name: set(filter(None, labels.split(","))) for name, labels in rows} == shown


class TestRequests:
    def test_are_counted_by_route_method_and_status(self, kvstored):
        kvstored.request("PUT", "/store/a", "v")
        kvstored.request("PUT", "/store/b", "v")
        kvstored.request("PUT", "/store/b", "w")
        kvstored.request("GET", "/store/a")
        kvstored.request("HEAD", "/store/a?x=y")
        kvstored.request("GET", "/store/absent")
        kvstored.request("DELETE", "/store/a")
        kvstored.request("POST", "/store/cas/b", '{"expected":"x","new":"y"}', JSON)
        kvstored.request("POST", "/batch", "[]")
        kvstored.request("OPTIONS", "/store/a")
        kvstored.request("GET", "/nothing/here")
        kvstored.request("POST", "/store/a", "v")
        figures = scrape(kvstored)
        expected = {
            ("/store/{key}", "PUT", 201): 2,
            ("/store/{key}", "PUT", 204): 1,
            ("/store/{key}", "GET", 200): 1,
            ("/store/{key}", "HEAD", 200): 1,
            ("/store/{key}", "GET", 404): 1,
            ("/store/{key}", "DELETE", 204): 1,
            ("/store/cas/{key}", "POST", 412): 1,
            ("/batch", "POST", 415): 1,
            ("*", "OPTIONS", 204): 1,
            ("unknown", "GET", 404): 1,
            ("unknown", "POST", 405): 1,
        }
        assert {key: requests(figures, *key) for key in expected} == expected
        assert figures.sum("kvstore_http_requests_total") == sum(expected.values())

    def test_that_cannot_be_read_are_counted_too(self, kvstored):
        kvstored.raw(b"nonsense\r\n\r\n")
        kvstored.raw(b"GET /store/a HTTP/9.9\r\n\r\n")
        figures = scrape(kvstored)
        assert requests(figures, "unknown", "other", 400) == 1
        assert requests(figures, "unknown", "other", 505) == 1

    def test_streams_are_counted_when_they_begin(self, kvstored):
        with kvstored.sse("/watch_key/k"):
            assert requests(scrape(kvstored), "/watch_key/{key}", "GET", 200) == 1

    def test_dumps_are_counted(self, kvstored):
        assert kvstored.request("GET", "/v1/dump").status == 200
        assert requests(scrape(kvstored), "/v1/dump", "GET", 200) == 1

    def test_that_are_pipelined_are_all_counted(self, kvstored):
        with kvstored.connect() as connection:
            connection.send(build_request("GET", "/store/absent") * 100)
            for _ in range(100):
                assert connection.read_response().status == 404
        assert requests(scrape(kvstored), "/store/{key}", "GET", 404) == 100
        await_durations(kvstored, 100, "/store/{key}", "GET")

    def test_durations_are_counted_as_often_as_requests(self, kvstored):
        for i in range(20):
            kvstored.request("PUT", f"/store/{i}", "v")
            kvstored.request("GET", f"/store/{i}")
        kvstored.request("HEAD", "/store/1")
        kvstored.request("BREW", "/store/1")
        await_durations(kvstored, 1, "unknown", "any")
        for method, count in (("GET", 21), ("PUT", 20)):
            pairs = {"route": "/store/{key}", "method": method}
            figures = await_durations(kvstored, count, **pairs)
            # The parser has seen to it that the buckets rise and that the last one is the count.
            total = figures.get("kvstore_http_request_duration_seconds_sum", **pairs)
            assert 0 < total < count * 60
            bounds = [1e-05, 2.5e-05, 5e-05, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                      0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]
            below = [figures.get("kvstore_http_request_duration_seconds_bucket", le=str(le), **pairs) for le in bounds]
            least = sum((n - before) * low for n, before, low in
                        zip([*below, count], [0, *below], [0, *bounds], strict=True))
            assert least <= total
            if below[-1] == count:
                assert total <= sum((n - before) * le for n, before, le in
                                    zip(below, [0, *below[:-1]], bounds, strict=True))

    def test_bounds_go_from_ten_microseconds_to_ten_seconds(self, shared_kvstored):
        bounds = [
            float(dict(labels)["le"])
            for (name, labels) in scrape(shared_kvstored).samples
            if name == "kvstore_http_request_duration_seconds_bucket" and ("route", "/status") in labels
        ]
        assert (bounds[0], bounds[-2], bounds[-1]) == (1e-05, 10, math.inf)

    def test_cardinality_does_not_grow_with_what_clients_make_up(self, kvstored):
        def make_up(seed):
            for i in range(20):
                kvstored.request("GET", f"/made/up/{seed}/{i}")
                kvstored.request("GET", f"/store/{seed}-{i}?{seed}={i}")
                kvstored.request(f"M{seed}{i}", "/status")
                kvstored.request("GET", "/store/%ff", headers={f"X-{seed}-{i}": f"{seed}"})
                kvstored.request("PUT", f"/store/{seed}%22%5C%0A{i}", "v")

        make_up("A")
        before = set(scrape(kvstored).samples)
        make_up("B")
        after = set(scrape(kvstored).samples)
        # The first scrape is known by now.
        assert {dict(labels).get("route") for _, labels in after - before} <= {"/metrics"}
        assert len(after) < 1500

    def test_beside_load_none_is_lost(self, kvstored):
        n_threads, n_requests = 4, 200

        def load():
            with kvstored.connect() as connection:
                for i in range(n_requests):
                    assert connection.request("PUT", f"/store/{i}", "v").status in (201, 204)

        threads = [threading.Thread(target=load) for _ in range(n_threads)]
        for thread in threads:
            thread.start()
        last = 0
        while any(thread.is_alive() for thread in threads):
            figures = scrape(kvstored)
            count = figures.sum("kvstore_http_requests_total", route="/store/{key}", method="PUT")
            assert count >= last
            last = count
        for thread in threads:
            thread.join()
        figures = scrape(kvstored)
        assert figures.sum("kvstore_http_requests_total", route="/store/{key}", method="PUT") == 800
        assert figures.get("kvstore_operations_total", operation="put", outcome="written") == 800


class TestConnections:
    def test_are_counted(self, start_kvstored):
        daemon = start_kvstored("--max-connections", "2")
        daemon.expected_output = "Connections are refused"
        with daemon.connect() as first, daemon.connect() as second:
            first.request("GET", "/healthz")
            second.request("GET", "/healthz")
            assert daemon.request("GET", "/healthz").status == 503
            figures = read_openmetrics(first.request("GET", "/metrics").text)
        assert figures.get("kvstore_http_connections") == 2
        assert figures.get("kvstore_http_connections_accepted_total") == 3
        assert figures.get("kvstore_http_connections_refused_total") == 1


class TestStore:
    def test_keys_and_bytes_follow_the_table(self, kvstored):
        assert scrape(kvstored).get("kvstore_entries_bytes") == 0
        kvstored.request("PUT", "/store/key", "x" * 1000)
        one = scrape(kvstored).get("kvstore_entries_bytes")
        assert 1003 <= one <= 1100
        kvstored.request("PUT", "/store/key", "x" * 500)
        kvstored.request("PUT", "/store/kez", "x" * 1500)
        figures = scrape(kvstored)
        assert figures.get("kvstore_keys") == 2
        assert figures.get("kvstore_entries_bytes") == 2 * one
        kvstored.request("DELETE", "/store/key")
        kvstored.request("DELETE", "/store/kez")
        figures = scrape(kvstored)
        assert (figures.get("kvstore_keys"), figures.get("kvstore_entries_bytes")) == (0, 0)

    def test_operations_are_those_of_the_status_page(self, kvstored):
        kvstored.request("PUT", "/store/k", "a")
        kvstored.request("GET", "/store/k")
        kvstored.request("GET", "/store/absent")
        kvstored.request("POST", "/store/cas/k", '{"expected":"a","new":"b"}', JSON)
        kvstored.request("POST", "/store/cas/k", '{"expected":"a","new":"b"}', JSON)
        kvstored.request("DELETE", "/store/k")
        status, figures = kvstored.status(), scrape(kvstored)
        for operation, outcome, name in [
            ("get", "found", "get_operations"),
            ("put", "written", "put_operations"),
            ("delete", "deleted", "delete_operations"),
            ("swap", "swapped", "successful_cas_operations"),
            ("swap", "failed", "failed_cas_operations"),
        ]:
            counted = figures.get("kvstore_operations_total", operation=operation, outcome=outcome)
            assert counted == status[name] == 1

    def test_expirations_are_counted(self, kvstored):
        kvstored.request("PUT", "/store/k?ttl=0", "v")
        figures = await_figure(kvstored, 1, "kvstore_expirations_total")
        assert figures.get("kvstore_keys") == 0

    def test_log_tells_how_far_it_reaches(self, kvstored):
        before = scrape(kvstored)
        assert before.get("kvstore_log_changes") == 0
        assert before.get("kvstore_log_oldest_revision") == before.get("kvstore_revision")
        for i in range(10):
            kvstored.request("PUT", "/store/k", f"{i}")
        after = scrape(kvstored)
        assert after.get("kvstore_log_changes") == 10
        assert after.get("kvstore_log_oldest_revision") == before.get("kvstore_log_oldest_revision")
        assert after.get("kvstore_revision") == before.get("kvstore_revision") + 10
        assert after.get("kvstore_revision") == int(kvstored.request("GET", "/store/k").headers["KV-Revision"])
        assert after.get("kvstore_log_bytes") > 0

    def test_memory_has_no_journal(self, kvstored):
        assert not any(name.startswith("kvstore_journal") for name in scrape(kvstored).families)
        assert scrape(kvstored).get("kvstore_writable") == 1


class TestWatches:
    def test_streams_and_what_they_are_given(self, kvstored):
        with kvstored.sse("/watch_key/k") as one, kvstored.sse("/watch", '["k","l"]') as two:
            assert one.next().kind == "WATCH"
            assert [two.next().key for _ in range(2)] == ["k", "l"]
            kvstored.request("PUT", "/store/k", "v")
            assert one.next().kind == two.next().kind == "PUT"
            figures = await_figure(kvstored, 5, "kvstore_http_stream_events_total")
            assert figures.get("kvstore_http_streams") == 2
            assert figures.get("kvstore_watches") == 2
            await_figure(kvstored, 0, "kvstore_log_lag_changes")
        await_figure(kvstored, 0, "kvstore_http_streams")
        await_figure(kvstored, 0, "kvstore_watches")

    def test_a_resume_from_too_far_back_is_a_reset(self, kvstored):
        with kvstored.sse("/watch_key/k", headers={"Last-Event-ID": "1"}) as stream:
            stream.next()
            assert scrape(kvstored).get("kvstore_http_stream_resets_total") == 1

    def test_watches_over_dbus(self, kvstored):
        with kvstored.bus() as client:
            client.call("Watch", "(asasa{sv})", ["k"], [], {})
            await_figure(kvstored, 1, "kvstore_dbus_watch_events_total")
            client.call("Put", "(ssa{sv})", "k", "v", {})
            figures = await_figure(kvstored, 2, "kvstore_dbus_watch_events_total")
            assert figures.get("kvstore_dbus_watches") == 1
            assert figures.get("kvstore_watches") == 1
            assert figures.get("kvstore_dbus_watch_resets_total") == 0
        await_figure(kvstored, 0, "kvstore_dbus_watches")


class TestBus:
    def test_calls_are_counted_by_outcome(self, kvstored):
        with kvstored.bus() as client:
            client.call("Put", "(ssa{sv})", "k", "v", {})
            client.call("Get", "(s)", "k")
            for key in ("absent", "absent", "bad\n"):
                with pytest.raises(BusError):
                    client.call("Get", "(s)", key)
            with pytest.raises(BusError):
                client.call("Get", "(u)", 1)
        figures = scrape(kvstored)
        for method, outcome, count in [
            ("Put", "ok", 1),
            ("Get", "ok", 1),
            ("Get", "NotFound", 2),
            ("Get", "InvalidKey", 1),
            ("Get", "other", 1),
            ("Delete", "ok", 0),
        ]:
            assert figures.get("kvstore_dbus_calls_total", method=method, outcome=outcome) == count
        assert figures.sum("kvstore_dbus_calls_total") == 6
        assert figures.get("kvstore_operations_total", operation="put", outcome="written") == 1

    def test_a_lost_bus_is_seen(self, kvstored, bus):
        assert scrape(kvstored).get("kvstore_dbus_connected") == 1
        bus.process.kill()
        await_figure(kvstored, 0, "kvstore_dbus_connected")

    def test_without_a_bus_there_are_none_of_its_figures(self, start_kvstored):
        assert not any("dbus" in name for name in scrape(start_kvstored()).families)


class TestProcess:
    def test_figures_are_those_of_the_process(self, kvstored):
        figures = scrape(kvstored)
        # One is the connection that was asked on.
        assert kvstored.count_files() - 1 <= figures.get("process_open_fds") <= kvstored.count_files() + 2
        assert figures.get("process_resident_memory_bytes") == pytest.approx(kvstored.resident_bytes(), rel=0.2)
        assert figures.get("process_cpu_seconds_total") > 0
        assert figures.get("process_max_fds") >= 1024
        started = os.stat(f"/proc/{kvstored.pid}").st_ctime
        assert figures.get("process_start_time_seconds") == pytest.approx(started, abs=60)
        assert scrape(kvstored).get("process_start_time_seconds") == figures.get("process_start_time_seconds")

    def test_build_has_the_version(self, shared_kvstored):
        version = shared_kvstored.status()["version"]
        assert scrape(shared_kvstored).get("kvstore_build_info", version=version) == 1


class TestJournal:
    def test_strict_writes_show_in_the_journal(self, start_kvstored):
        daemon = start_kvstored(store=SQLITE)
        for i in range(5):
            daemon.request("PUT", f"/store/{i}", "v" * 5000)
        figures = scrape(daemon)
        assert figures.get("kvstore_journal_strict") == 1
        assert figures.get("kvstore_journal_changes_total") == 5
        assert figures.get("kvstore_journal_commit_duration_seconds_count") == 5
        assert figures.get("kvstore_journal_commit_duration_seconds_sum") > 0
        assert figures.get("kvstore_journal_lag_changes") == 0
        assert figures.get("kvstore_journal_lag_bytes") == 0
        assert figures.get("kvstore_journal_failures_total") == 0
        assert figures.get("kvstore_journal_failing") == 0
        assert figures.get("kvstore_journal_file_bytes") > 0
        assert figures.get("kvstore_writable") == 1
        # A strict write is answered later, and its time is the disk's too.
        figures = await_durations(daemon, 5, "/store/{key}", "PUT")
        assert (figures.get("kvstore_http_request_duration_seconds_sum", route="/store/{key}", method="PUT")
                >= figures.get("kvstore_journal_commit_duration_seconds_sum"))

    def test_relaxed_writes_lag(self, start_kvstored):
        daemon = start_kvstored("--durability", "relaxed", store=SQLITE)
        daemon.request("PUT", "/store/k", "v")
        figures = await_figure(daemon, 0, "kvstore_journal_lag_changes")
        assert figures.get("kvstore_journal_strict") == 0
        await_figure(daemon, 1, "kvstore_journal_changes_total")

    def test_keys_that_were_loaded(self, start_kvstored, directory, carrier):
        path = f"sqlite:{directory}/kv.db"
        daemon = Daemon(directory, store=path, carrier=carrier)
        try:
            daemon.request("PUT", "/store/k", "v")
            size = scrape(daemon).get("kvstore_entries_bytes")
        finally:
            daemon.stop()
        figures = scrape(start_kvstored(store=path))
        assert figures.get("kvstore_journal_loaded_keys") == 1
        assert figures.get("kvstore_entries_bytes") == size


class TestRateLimit:
    def test_who_is_over_it_sees_how_the_service_is(self, start_kvstored):
        daemon = start_kvstored(rate_limit="1:50")
        statuses = [daemon.request("GET", "/store/k").status for _ in range(60)]
        refused = statuses.count(429)
        assert refused >= 5
        assert daemon.request("GET", "/healthz").status == 200
        assert daemon.request("GET", "/readyz").status == 200
        figures = scrape(daemon)
        # The probes have been charged in vain, too.
        assert figures.get("kvstore_rate_limited_requests_total") >= refused
        assert requests(figures, "unknown", "GET", 429) == refused
        assert figures.get("kvstore_rate_limiter_clients") >= 1

    def test_scrapers_have_an_allowance_of_their_own(self, start_kvstored):
        daemon = start_kvstored(rate_limit="1:50")
        assert daemon.request("GET", "/metrics").status == 200
        response = daemon.request("GET", "/metrics")
        assert response.status == 429
        assert 1 <= int(response.headers["Retry-After"]) <= 32
        assert daemon.request("GET", "/store/k").status == 404
