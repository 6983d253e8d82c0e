# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""How the benchmarks start, account, load and end what they measure."""

import io
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from bench import load, machine, peers, run
from support.limits import LATER

RUN = pathlib.Path(run.__file__)

GOOD = '{"requests": 10, "microseconds": 1000000, "p50": 5, "p99": 7, "p99.9": 9, "failed": 0}'


@pytest.fixture(autouse=True)
def measure_what_is_tested(monkeypatch):
    """The build that the tests are about, and not the one for measuring."""
    if "KVSTORED_BUILDDIR" not in os.environ:
        monkeypatch.setenv("KVSTORED_BUILDDIR", str(machine.TOP / "build"))


class TestWrk:
    def test_last_line_is_read(self):
        found = load.parse_wrk(f"Running 1s test\n  10 requests in 1.00s\n{GOOD}\n")
        sample = load.make_sample(found, cpu=4.5)
        assert (sample.throughput, sample.p50, sample.p99, sample.p999, sample.cpu) == (10, 5, 7, 9, 4.5)

    @pytest.mark.parametrize("text", [
        "", "unable to connect to 127.0.0.1:1 Connection refused", GOOD.replace('"failed": 0', '"failed": 1'),
        GOOD.replace('"requests": 10', '"requests": 0'), "{}", "7",
    ])
    def test_a_run_that_went_wrong_is_no_sample(self, text):
        with pytest.raises(load.LoadError):
            load.parse_wrk(text)

    def test_requests_are_written_after_their_lengths(self):
        file = io.BytesIO()
        load.write_requests(file, [b"GET /\r\n", b"12"])
        assert file.getvalue() == b"7\nGET /\r\n2\n12"


class TestAnswer:
    def test_body_is_read_to_its_length_and_no_further(self):
        reader = io.BytesIO(
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc" b"HTTP/1.1 204 No Content\r\n\r\nrest"
        )
        assert peers.read_answer(reader) == b"abc"
        assert peers.read_answer(reader) == b""
        assert reader.read() == b"rest"

    def test_chunks_are_put_together(self):
        reader = io.BytesIO(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2\r\nab\r\na\r\n0123456789\r\n0\r\n\r\nrest"
        )
        assert peers.read_answer(reader) == b"ab0123456789"
        assert reader.read() == b"rest"

    @pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 503 Service Unavailable\r\n\r\n", b"nonsense\r\n"])
    def test_what_is_no_success_is_an_error(self, answer):
        with pytest.raises(peers.PeerError):
            peers.read_answer(io.BytesIO(answer))


class TestAnswers:
    STREAM = b"HTTP/1.1 201 Created\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"

    def count(self, pieces, number=3):
        """How many are counted when they come in these pieces."""
        class Pieces:
            recv = staticmethod(lambda size, left=iter([*pieces, b""]): next(left))

        answers = peers.Answers(Pieces)
        answers.await_number(number)
        return answers.number

    def test_each_is_counted_once_wherever_it_is_cut(self):
        assert self.count([self.STREAM]) == 3
        assert self.count([bytes([byte]) for byte in self.STREAM]) == 3
        for at in range(1, len(self.STREAM)):
            assert self.count([self.STREAM[:at], self.STREAM[at:]]) == 3

    def test_one_that_is_no_success_is_an_error_wherever_it_is_cut(self):
        stream = self.STREAM.replace(b"204", b"429", 1)
        for at in range(1, len(stream)):
            with pytest.raises(peers.PeerError, match="answered b'42"):
                self.count([stream[:at], stream[at:] + b"HTTP/1.1 204"], 4)

    def test_a_connection_that_ends_is_an_error(self):
        with pytest.raises(peers.PeerError, match="closed after 3"):
            self.count([self.STREAM], 4)


BURN = """
import subprocess, sys, threading, time
def burn():
    while time.thread_time() < 0.05:
        pass
thread = threading.Thread(target=burn)
thread.start()
thread.join()
child = subprocess.Popen([sys.executable, "-c", '''
import time
while time.process_time() < 0.1:
    pass
print("burnt", flush=True)
time.sleep(600)
'''], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(time.process_time(), flush=True)
input()
"""


class TestProcess:
    def start(self, directory):
        command = [sys.executable, "-c", BURN]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        return peers.Process(command, directory, machine.CORES, **pipes)

    def test_threads_that_have_ended_and_children_are_accounted(self, directory):
        process = self.start(directory)
        try:
            alone = float(process.popen.stdout.readline())
            assert len(process.pids()) == 2
            assert alone >= 0.05
            assert machine.cpu_nanoseconds(process.pid) / 1e9 >= alone
            assert process.cpu_nanoseconds() / 1e9 >= alone + 0.1
        finally:
            process.stop()

    def test_stops_with_its_children(self, directory):
        process = self.start(directory)
        process.popen.stdout.readline()
        pids = process.pids()
        process.stop()
        assert len(pids) == 2
        assert not any(peers.is_running(pid) for pid in pids)

    def test_one_that_ends_early_says_what_it_wrote(self, directory):
        process = peers.Process(["sh", "-c", "echo no such option >&2; exit 3"], directory, machine.CORES)
        process.popen.wait()
        with pytest.raises(peers.PeerError, match="status 3: no such option"):
            process.check()


HOLD = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from bench import interrupts
interrupts.install()
try:
    with interrupts.hold():
        with interrupts.hold():
            os.kill(os.getpid(), signal.SIGTERM)
            print("one", flush=True)
        print("two", flush=True)
    print("too far", flush=True)
except KeyboardInterrupt:
    os.kill(os.getpid(), signal.SIGINT)
    print("cleaned up", flush=True)
"""


class TestInterrupts:
    def test_wait_for_what_is_held_and_leave_cleaning_up_alone(self):
        command = [sys.executable, "-c", HOLD, str(RUN.parent.parent)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=LATER, check=True)
        assert result.stdout.split("\n") == ["one", "two", "cleaned up", ""]


class TestKvstored:
    def test_serves_what_it_was_filled_with(self):
        with peers.Kvstored() as kvstored:
            assert kvstored.exchange([kvstored.get(999)]) == peers.VALUE
            kvstored.fill_up_to(2500)
            assert kvstored.exchange([kvstored.get(2499)]) == peers.VALUE
            with pytest.raises(peers.PeerError, match="404"):
                kvstored.exchange([kvstored.get(2500)])
            assert kvstored.count_answers() == 2
            assert kvstored.cpu_nanoseconds() > 0

    def test_is_gone_with_its_folder_when_its_block_is_left(self):
        with pytest.raises(KeyboardInterrupt):
            with peers.Kvstored() as kvstored:
                pid, directory = kvstored.processes[0].pid, kvstored.directory
                raise KeyboardInterrupt
        assert not peers.is_running(pid)
        assert not os.path.exists(directory)

    def test_one_that_cannot_start_is_an_error(self):
        with pytest.raises(peers.PeerError, match="--no-such-option"):
            with peers.Kvstored("--no-such-option"):
                pass

    def test_unknown_options_are_known_to_be_so(self):
        assert peers.Kvstored.knows("--http-threads", "1")
        assert not peers.Kvstored.knows("--no-such-option")

    def test_idle_connections_stay_open_until_the_block_is_left(self):
        with peers.Kvstored() as kvstored:
            with load.idle_connections(kvstored, 20) as connections:
                assert len(connections) == 20
                for connection in connections:
                    connection.sendall(kvstored.get(1))
                    with connection.makefile("rb") as reader:
                        assert peers.read_answer(reader) == peers.VALUE
            assert all(connection.fileno() == -1 for connection in connections)


class TestDriver:
    """The real thing, with the one group that needs nothing but kvstored."""

    def start(self, directory, *arguments):
        return subprocess.Popen(
            [sys.executable, RUN, *arguments], env={**os.environ, "TMPDIR": directory}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )

    def test_measures_writes_json_and_prints_a_table(self, directory):
        path = os.path.join(directory, "results.json")
        driver = self.start(directory, "startup", "--quick", "--json", path)
        output, errors = driver.communicate(timeout=LATER)
        assert driver.returncode == 0, errors
        assert "| A start, to the first answer |" in output
        again = self.start(directory, "--results", path)
        assert again.communicate(timeout=LATER)[0] == output

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_interrupted_leaves_neither_process_nor_file(self, directory, number):
        driver = self.start(directory, "startup", "--json", os.path.join(directory, "results.json"))
        for line in driver.stderr:
            if "startup:" in line:
                break
        # It makes a folder, starts a bus in it, and then daemons, again and again.
        while not os.listdir(directory):
            pass
        driver.send_signal(number)
        driver.communicate(timeout=LATER)
        assert driver.returncode == 130
        assert os.listdir(directory) == []
        assert find_with(directory) == []

    def test_keeps_the_page_when_the_results_are_not_of_a_whole_run(self, directory):
        path = os.path.join(directory, "results.json")
        page = (machine.TOP / "docs/performance.md").read_bytes()
        whole = {"title": "", "seconds": 1, "error": None, "records": []}
        groups = {name: whole for name in run.find_groups()}
        facts = {"machine": machine.describe(), "quick": False, "groups": groups}
        for change, words in (
            ({"quick": True}, "too short"),
            ({"groups": {**groups, "startup": {**whole, "error": "no"}}}, "failed: startup"),
            ({"groups": {"startup": whole}}, "is missing: requests"),
        ):
            with open(path, "w", encoding="utf-8") as file:
                json.dump({**facts, **change}, file)
            driver = self.start(directory, "--update-docs", "--results", path)
            _, errors = driver.communicate(timeout=LATER)
            assert driver.returncode == 1
            assert words in errors
        assert (machine.TOP / "docs/performance.md").read_bytes() == page

    def test_a_group_that_fails_is_told_of(self, directory, monkeypatch):
        monkeypatch.setenv("KVSTORED_BUILDDIR", directory)
        path = os.path.join(directory, "results.json")
        driver = self.start(directory, "startup", "--quick", "--json", path)
        output, errors = driver.communicate(timeout=LATER)
        assert driver.returncode == 1
        assert "could not be measured: startup" in output
        assert "startup: FAILED" in errors
        assert find_with(directory) == []

    @pytest.mark.parametrize("arguments", [
        ["no-such-group"], ["--update-docs", "--quick"], ["--update-docs", "startup"],
    ])
    def test_refuses_what_it_cannot_do(self, directory, arguments):
        driver = self.start(directory, *arguments)
        _, errors = driver.communicate(timeout=LATER)
        assert driver.returncode == 2
        assert "error:" in errors

    def test_names_what_it_can_measure(self, directory):
        output, _ = self.start(directory, "--list").communicate(timeout=LATER)
        assert "requests" in output and "startup" in output


def find_with(directory):
    """The processes that were started with this folder for temporary files."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if directory.encode() in environment:
                found.append((entry.name, (entry / "cmdline").read_bytes()))
    return found
