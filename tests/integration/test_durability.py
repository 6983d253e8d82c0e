# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""A kvstored that keeps its keys in a file: over a restart, and on disks that are full, read-only or taken."""

import contextlib
import os
import signal
import stat
import subprocess
import time

import pytest

from support.bus import BusError
from support.carriers import both_carriers
from support.daemon import SQLITE, Daemon, run
from support.dumps import make_dump
from support.limits import LATER, SCALE, SOON
from support.metrics import await_figure, scrape

DOORS = ["--http", "127.0.0.1:0", "--bus", "none"]
IS_ROOT = os.geteuid() == 0


@contextlib.contextmanager
def running(directory, *options, **settings):
    daemon = Daemon(directory, *options, **{"store": SQLITE, **settings})
    try:
        yield daemon
    finally:
        daemon.stop()


@contextlib.contextmanager
def mounted(path, options):
    """A file system of its own at a path."""
    os.makedirs(path, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", path], check=True)


@contextlib.contextmanager
def read_only_directory(path):
    if IS_ROOT:
        with mounted(path, "ro"):
            yield path
    else:
        os.mkdir(path, mode=0o500)
        yield path


class TestRestart:
    @pytest.mark.parametrize("durability", ["strict", "relaxed"])
    def test_what_was_written_is_there(self, directory, durability):
        with running(directory, "--durability", durability) as daemon:
            assert daemon.request("PUT", "/store/k", "v").status == 201
            assert daemon.request("PUT", "/store/soon?ttl=1", "v").status == 201
            assert daemon.request("PUT", "/store/late?ttl=3600", "v").status == 201
            assert daemon.request("PUT", "/store/gone", "v").status == 201
            assert daemon.request("DELETE", "/store/gone").status == 204
            tag = daemon.request("GET", "/store/k").headers["ETag"]
        time.sleep(1.1)
        with running(directory, "--durability", durability) as daemon:
            answer = daemon.request("GET", "/store/k")
            assert (answer.text, answer.headers["ETag"]) == ("v", tag)
            assert daemon.request("GET", "/store/late").status == 200
            assert daemon.request("GET", "/store/soon").status == 404
            assert daemon.request("GET", "/store/gone").status == 404
            assert daemon.status()["total_keys"] == 2

    @pytest.mark.skipif("not IS_ROOT", reason="only root may have a clock of its own")
    def test_time_to_live_goes_on_while_the_machine_sleeps(self, directory):
        with running(directory) as daemon:
            daemon.request("PUT", "/store/day?ttl=86000", "v")
            daemon.request("PUT", "/store/week?ttl=600000", "v")
        with running(directory, launcher=("unshare", "--time", "--boottime", "86400")) as daemon:
            assert daemon.request("GET", "/store/day").status == 404
            assert daemon.request("GET", "/store/week").status == 200
            assert daemon.await_status("total_keys", 1)

    def test_file_is_for_its_owner_alone(self, directory):
        with running(directory) as daemon:
            daemon.request("PUT", "/store/k", "v")
            folder = os.path.dirname(daemon.database)
            assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
            for name in os.listdir(folder):
                assert stat.S_IMODE(os.stat(f"{folder}/{name}").st_mode) == 0o600

    def test_memory_leaves_nothing(self, directory):
        with running(directory, store="memory:") as daemon:
            daemon.request("PUT", "/store/k", "v")
        assert not os.path.exists(os.path.dirname(daemon.database))

    def test_event_id_of_an_earlier_run_is_answered_with_all(self, directory):
        with running(directory) as daemon:
            daemon.request("PUT", "/store/k", "1")
            revision = daemon.request("GET", "/store/k").headers["KV-Revision"]
        with running(directory) as daemon:
            with daemon.sse("/watch_key/k", headers={"Last-Event-ID": revision}) as stream:
                assert stream.next().data == "1"


class TestStart:
    def assert_refused(self, directory, path, *parts):
        result = run([*DOORS, "--store", f"sqlite:{path}"], directory)
        assert result.returncode == 1
        assert result.stderr.startswith(f"kvstored: {path}: ")
        for part in parts:
            assert part in result.stderr

    def test_second_one_is_told_who_has_the_file(self, directory):
        with running(directory) as daemon:
            self.assert_refused(directory, daemon.database, f"process {daemon.pid} serves this file")
            assert daemon.request("PUT", "/store/k", "v").status == 201

    def test_second_one_is_told_so_where_there_was_no_room_for_a_name(self, directory):
        with running(directory) as daemon:
            os.truncate(f"{daemon.database}.lock", 0)
            self.assert_refused(directory, daemon.database, f"process {daemon.pid} serves this file")

    @pytest.mark.parametrize("make_link", [os.symlink, os.link])
    def test_second_name_of_the_file_makes_no_difference(self, directory, make_link):
        with running(directory) as daemon:
            assert daemon.request("PUT", "/store/k", "v").status == 201
            os.mkdir(f"{directory}/elsewhere")
            other = f"{directory}/elsewhere/other.db"
            make_link(daemon.database, other)
            self.assert_refused(directory, other, f"process {daemon.pid}")
            assert daemon.request("PUT", "/store/k", "w").status == 204

    def test_lock_does_not_outlive_its_holder(self, directory):
        daemon = Daemon(directory, store=SQLITE)
        daemon.told_to_stop, daemon.expected_status = True, -9
        daemon.process.kill()
        daemon.stop()
        with running(directory) as daemon:
            assert daemon.request("PUT", "/store/k", "v").status == 201

    def test_read_only_directory(self, directory):
        with read_only_directory(f"{directory}/ro") as path:
            self.assert_refused(directory, f"{path}/kv.db", "cannot create")

    def test_no_database(self, directory):
        path = f"{directory}/kv.db"
        with open(path, "w", encoding="ascii") as file:
            file.write("nothing of the kind\n" * 100)
        self.assert_refused(directory, path, "damaged", "left as it is")

    def test_directory_in_its_place(self, directory):
        os.mkdir(f"{directory}/kv.db")
        self.assert_refused(directory, f"{directory}/kv.db", "directory")

    @pytest.mark.skipif("not IS_ROOT", reason="the same without a mount is tested by tests/unit/journal")
    def test_full_disk(self, directory):
        with mounted(f"{directory}/full", "size=8k") as path:
            self.assert_refused(directory, f"{path}/kv.db", "full")


def fill(daemon):
    """Writes until nothing more is taken; gives what was."""
    taken = {}
    deadline = time.monotonic() + LATER
    while time.monotonic() < deadline:
        key = f"k{len(taken)}"
        answer = daemon.request("PUT", f"/store/{key}", "x" * 30_000)
        if answer.status == 503:
            # There may be room for a small one still.
            if daemon.request("PUT", "/store/small", "x").status == 503:
                return taken
            continue
        assert answer.status == 201
        taken[key] = answer.headers["KV-Revision"]
    raise AssertionError("the disk does not become full")


def fill_for_good(daemon, path):
    """The same, and takes what room is left for something else, until the daemon has looked three times in a row and has found
    none: it looks with a small write, for which there may be room in its log where there was none for a value."""
    deadline = time.monotonic() + LATER
    fill(daemon)
    looked, failures = 0, 0
    while looked < 3:
        assert time.monotonic() < deadline
        if daemon.request("GET", "/readyz").status == 200:
            with open(f"{path}/other", "ab", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(4096))
            daemon.request("PUT", "/store/more", "x" * 30_000)
            looked, failures = 0, scrape(daemon).get("kvstore_journal_failures_total")
            continue
        now = scrape(daemon).get("kvstore_journal_failures_total")
        looked, failures = looked + (now > failures), now
        time.sleep(0.1)


def assert_kept(daemon, taken):
    with daemon.connect() as connection:
        for key, revision in taken.items():
            assert connection.request("GET", f"/store/{key}").headers["KV-Revision"] == revision


@pytest.mark.skipif("not IS_ROOT", reason="the same without a mount is tested by tests/unit/journal")
class TestFullDisk:
    @both_carriers
    def test_writes_are_refused_until_there_is_room(self, directory, bus, carrier):
        with mounted(f"{directory}/disk", "size=1m") as path:
            options = {"store": f"sqlite:{path}/kv.db", "bus": bus.address, "carrier": carrier}
            with running(directory, **options) as daemon:
                daemon.expected_output = "Cannot write to .*: the disk is full"
                taken = fill(daemon)
                assert "the disk is full" in daemon.read_stderr()
                assert_kept(daemon, taken)
                assert "full" in daemon.request("PUT", "/store/more", "x" * 30_000).text
                with daemon.bus() as caller, pytest.raises(BusError) as error:
                    caller.call("Put", "(ssa{sv})", "more", "x" * 30_000, {})
                assert error.value.name == "org.kvstore.Error.Unavailable"
                lists = ([], [("PUT", "more", "x" * 30_000, {})], [])
                with daemon.bus() as caller, pytest.raises(BusError) as error:
                    caller.call("Transaction", "(a(sa{sv})a(sssa{sv})a(sssa{sv}))", *lists)
                assert error.value.name == "org.kvstore.Error.Unavailable"
                with open(f"{directory}/dump", "w+", encoding="utf-8") as file:
                    file.write(make_dump([{"key": "more", "value": "x" * 30_000}]))
                    file.seek(0)
                    with daemon.bus() as caller, pytest.raises(BusError) as error:
                        caller.call("Restore", "(ha{sv})", 0, {}, fds=[file.fileno()])
                assert error.value.name == "org.kvstore.Error.Unavailable"

                subprocess.run(["mount", "-o", "remount,size=16m", path], check=True)
                deadline = time.monotonic() + SOON
                while daemon.request("PUT", "/store/more", "x" * 30_000).status == 503:
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
                assert_kept(daemon, taken)
            with running(directory, **options) as daemon:
                assert_kept(daemon, taken)
                assert daemon.request("GET", "/store/more").status == 200

    def test_what_is_overwritten_does_not_fill_it(self, directory):
        with mounted(f"{directory}/disk", "size=4m") as path:
            with running(directory, store=f"sqlite:{path}/kv.db") as daemon:
                with daemon.connect() as connection:
                    for i in range(150):
                        # Pages that hold what they held before are not written.
                        value = chr(ord("a") + i % 26) * 100_000
                        assert connection.request("PUT", "/store/k", value).status in (201, 204)

    @both_carriers
    def test_a_probe_sees_it_and_the_figures_show_it(self, directory, carrier):
        with mounted(f"{directory}/disk", "size=1m") as path:
            with running(directory, store=f"sqlite:{path}/kv.db", carrier=carrier) as daemon:
                daemon.expected_output = "Cannot write to .*: the disk is full"
                assert daemon.request("GET", "/readyz").status == 200
                fill_for_good(daemon, path)
                answer = daemon.request("GET", "/readyz")
                assert (answer.status, "the disk is full" in answer.text) == (503, True)
                assert daemon.request("GET", "/healthz").status == 200
                figures = scrape(daemon)
                assert figures.get("kvstore_writable") == 0
                assert figures.get("kvstore_journal_failing") == 1
                assert figures.get("kvstore_journal_failures_total") >= 1
                assert figures.get("kvstore_journal_lag_changes") == 0
                assert figures.get("kvstore_http_requests_total", route="/store/{key}", method="PUT", status="503") >= 2

                subprocess.run(["mount", "-o", "remount,size=16m", path], check=True)
                figures = await_figure(daemon, 1, "kvstore_writable")
                assert figures.get("kvstore_journal_failing") == 0
                assert daemon.request("GET", "/readyz").status == 200

    @pytest.mark.parametrize("durability", ["strict", "relaxed"])
    def test_it_can_be_started(self, directory, durability):
        with mounted(f"{directory}/disk", "size=1m") as path:
            options = {"store": f"sqlite:{path}/kv.db"}
            with running(directory, **options) as daemon:
                daemon.request("PUT", "/store/k", "v")
            with contextlib.suppress(OSError), open(f"{path}/ballast", "wb", buffering=0) as ballast:
                while ballast.write(bytes(4096)):
                    pass
            with running(directory, "--durability", durability, **options) as daemon:
                daemon.expected_output = "Cannot write to .*: the disk is full"
                assert "the disk is full" in daemon.read_stderr()
                assert daemon.request("GET", "/store/k").text == "v"
                assert "full" in daemon.request("PUT", "/store/k", "x").text

                os.truncate(f"{path}/ballast", 0)
                deadline = time.monotonic() + SOON
                while daemon.request("PUT", "/store/k", "w").status == 503:
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
            with running(directory, **options) as daemon:
                assert daemon.request("GET", "/store/k").text == "w"

    @pytest.mark.parametrize("durability", ["strict", "relaxed"])
    def test_it_can_be_stopped(self, directory, durability):
        with mounted(f"{directory}/disk", "size=1m") as path:
            with running(
                directory, "--durability", durability, store=f"sqlite:{path}/kv.db"
            ) as daemon:
                daemon.expected_output = "Cannot write to|not cleanly"
                fill(daemon)
                start = time.monotonic()
                daemon.signal(signal.SIGTERM)
                assert daemon.wait(SOON) == 0
                assert time.monotonic() - start < 5 * SCALE
