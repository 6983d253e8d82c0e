# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Dumps and restores through file descriptors: the same as over HTTP, whatever a descriptor is, and nobody waits for one."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import socket
import termios
import threading
import time
import tty

import pytest
from gi.repository import Gio, GLib

from raw_caller import RawCaller, method_call
from support.bus import Bus
from support.dumps import (
    HEAD, HOSTILE, MIB, MODES, MODES_BEFORE, MODES_ENTRIES, add_up, make_dump, many_entries, read_dump, read_revision,
    read_values,
)
from support.limits import LATER, SANITIZED, SOON

# What one caller, and all callers together, may have under way.
MAX_OF_CALLER = 4
MAX_OF_ALL = 16

COUNTS = ("created", "replaced", "unchanged", "deleted", "expired")


class Refused(Exception):
    """An error that came back."""

    def __init__(self, reply):
        self.name = reply.get_error_name().removeprefix("org.kvstore.Error.")
        self.message = reply.get_body().unpack()[0]
        super().__init__(f"{self.name}: {self.message}")


def send(raw, method, *fds, options=None, index=0, flags=None):
    """Calls Dump or Restore; gives the serial of the call."""
    body = GLib.Variant("(h)", (index,)) if method == "Dump" else GLib.Variant("(ha{sv})", (index, options or {}))
    message = method_call(method, body)
    if flags is not None:
        message.set_flags(flags)
    message.set_unix_fd_list(Gio.UnixFDList.new_from_array([os.dup(fd) for fd in fds]))
    return raw.send_together([message], fds)[0]


def finish(raw, serial):
    """What the call is answered."""
    reply = raw.read_reply(serial)
    if reply.get_message_type() == Gio.DBusMessageType.ERROR:
        raise Refused(reply)
    return reply.get_body().unpack()[0]


def call(raw, method, *fds, **settings):
    return finish(raw, send(raw, method, *fds, **settings))


def get(raw, key):
    return raw.read_reply(raw.send(method_call("Get", GLib.Variant("(s)", (key,))))).get_body().unpack()[0]


def counts(answer):
    assert set(answer) == {*COUNTS, "dry_run", "revision"}
    return tuple(answer[name] for name in COUNTS)


class Descriptor(int):
    """A file descriptor that is closed once, whoever thinks of that first: its number may be another's afterwards."""

    closed = False

    def close(self):
        if not self.closed:
            self.closed = True
            os.close(self)


@contextlib.contextmanager
def closing(*fds):
    fds = [Descriptor(fd) for fd in fds]
    try:
        yield fds[0] if len(fds) == 1 else fds
    finally:
        for fd in fds:
            fd.close()


def open_pipe():
    return closing(*os.pipe())


def open_pair(kind=socket.SOCK_STREAM):
    one, other = socket.socketpair(socket.AF_UNIX, kind)
    return closing(one.detach(), other.detach())


def open_terminal():
    """A terminal that changes nothing of what goes through it: its other end, and itself."""
    leader, follower = pty.openpty()
    tty.setraw(follower)
    return closing(leader, follower)


def open_file(directory, text=b"", flags=os.O_RDWR):
    path = os.path.join(directory, "file")
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return closing(os.open(path, flags))


def read_to_end(fd):
    data = b""
    while more := os.read(fd, MIB):
        data += more
    return data


def fill(daemon, n, value):
    text = make_dump({"key": f"k{i}", "value": value} for i in range(n))
    answer = daemon.request("POST", "/v1/restore", text, {"Content-Type": "application/x-ndjson"})
    assert answer.status == 200


def fetch(daemon):
    return daemon.request("GET", "/v1/dump").body


def wait_for_files(daemon, number):
    """Waits until it has no more than so many files open."""
    deadline = time.monotonic() + SOON
    while daemon.count_files() > number:
        assert time.monotonic() < deadline, os.listdir(f"/proc/{daemon.pid}/fd")
        time.sleep(0.01)


def is_held(daemon, fd):
    """Whether it has what the descriptor refers to open, too."""
    wanted = os.readlink(f"/proc/self/fd/{fd}")
    for name in os.listdir(f"/proc/{daemon.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(f"/proc/{daemon.pid}/fd/{name}") == wanted:
                return True
    return False


def wait_until_held(daemon, fd, held=True):
    deadline = time.monotonic() + SOON
    while is_held(daemon, fd) != held:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait_until_readable(fd):
    assert select.select([fd], [], [], SOON)[0]


@pytest.fixture
def raw(kvstored):
    with RawCaller(kvstored.bus_address) as raw:
        yield raw


@pytest.fixture
def shared_raw(shared_kvstored):
    with RawCaller(shared_kvstored.bus_address) as raw:
        yield raw


# -- what comes out goes in again


@pytest.mark.parametrize("opener", [open_pipe, open_pair])
def test_dump_is_that_of_http(kvstored, raw, opener):
    for key, value in HOSTILE.items():
        fill_one = make_dump([{"key": key, "value": value}])
        assert kvstored.request("POST", "/v1/restore", fill_one, {"Content-Type": "application/json"}).status == 200
    kvstored.request("PUT", "/store/timed?ttl=1000", "v")
    with opener() as (reading, writing):
        serial = send(raw, "Dump", writing)
        writing.close()
        body = read_to_end(reading)
        answer = finish(raw, serial)
    assert answer == {"revision": read_revision(body), "entries": len(HOSTILE) + 1}
    assert without_times(body) == without_times(fetch(kvstored))


def without_times(body):
    """The entries of a dump; when they expire goes by a clock that differs by some microseconds."""
    entries = read_dump(body)
    assert [key for key, entry in entries.items() if "expires_at" in entry] == ["timed"]
    assert entries["timed"].pop("expires_at").endswith("Z")
    return entries


def test_dump_of_nothing(raw, directory):
    with open_file(directory) as file:
        assert call(raw, "Dump", file)["entries"] == 0
        assert read_dump(os.pread(file, MIB, 0)) == {}


@pytest.mark.parametrize("opener", [open_pipe, open_pair])
def test_restore_takes_dumps_of_http(start_kvstored, kvstored, raw, opener):
    other = start_kvstored()
    text = make_dump({"key": key, "value": value} for key, value in HOSTILE.items())
    assert other.request("POST", "/v1/restore", text, {"Content-Type": "application/json"}).status == 200
    body = fetch(other)
    with opener() as (reading, writing):
        if opener is open_pair:
            reading, writing = writing, reading
        serial = send(raw, "Restore", reading)
        with open(writing, "wb", closefd=False) as file:
            file.write(body)
        writing.close()
        answer = finish(raw, serial)
    assert counts(answer) == (len(HOSTILE), 0, 0, 0, 0)
    assert read_values(fetch(kvstored)) == HOSTILE


def test_http_takes_dumps_of_the_bus(start_kvstored, kvstored, raw, directory):
    other = start_kvstored()
    fill(kvstored, 1000, "väl")
    with open_file(directory) as file:
        assert call(raw, "Dump", file)["entries"] == 1000
        body = os.pread(file, MIB, 0)
    answer = other.request("POST", "/v1/restore", body, {"Content-Type": "application/x-ndjson"})
    assert answer.json["created"] == 1000
    assert add_up(fetch(other)) == add_up(body)


def test_a_file_goes_on_where_it_stands(kvstored, raw, directory):
    """As with any program that is given it: what is there stays, and the next one goes on behind."""
    kvstored.request("PUT", "/store/k", "v")
    with open_file(directory, b"something before\n") as file:
        os.lseek(file, 0, os.SEEK_END)
        call(raw, "Dump", file)
        kvstored.request("DELETE", "/store/k")
        os.lseek(file, len(b"something before\n"), os.SEEK_SET)
        assert counts(call(raw, "Restore", file)) == (1, 0, 0, 0, 0)
        assert os.lseek(file, 0, os.SEEK_CUR) == os.fstat(file).st_size
        assert os.pread(file, 100, 0).startswith(b"something before\n{")


def test_a_file_that_is_appended_to(raw, directory):
    with open_file(directory, b"first\n", os.O_WRONLY | os.O_APPEND) as file:
        call(raw, "Dump", file)
        with open(os.path.join(directory, "file"), "rb") as written:
            assert written.read().startswith(b"first\n{")


def test_a_terminal(kvstored, raw):
    fill(kvstored, 5000, "x" * 100)
    with open_terminal() as (leader, follower):
        serial = send(raw, "Dump", follower)
        body = b""
        while not body.endswith(b'{"end":true,"entries":5000}\n'):
            body += os.read(leader, MIB)
        assert finish(raw, serial)["entries"] == 5000
    assert read_dump(body) == read_dump(fetch(kvstored))


def test_a_dump_that_is_typed(kvstored, raw):
    leader, follower = pty.openpty()
    with closing(leader, follower):
        serial = send(raw, "Restore", follower)
        os.write(leader, make_dump([{"key": "k", "value": "v"}]).encode() + b"\x04")
        assert counts(finish(raw, serial)) == (1, 0, 0, 0, 0)
    assert get(raw, "k") == "v"


def test_a_named_pipe(kvstored, raw, directory):
    """Open for both ways, so that nobody sees an end: that of the dump is told by its last line and by the answer."""
    path = os.path.join(directory, "pipe")
    os.mkfifo(path)
    with closing(os.open(path, os.O_RDWR)) as both:
        assert call(raw, "Dump", both)["entries"] == 0
        assert read_dump(os.read(both, MIB)) == {}


@pytest.mark.parametrize("mode, dry_run, expected, left", MODES)
def test_modes(kvstored, raw, directory, mode, dry_run, expected, left):
    for key, value in MODES_BEFORE.items():
        kvstored.request("PUT", f"/store/{key}", value)
    revision = read_revision(fetch(kvstored))
    options = {}
    if mode is not None:
        options["mode"] = GLib.Variant("s", mode)
    if dry_run is not None:
        options["dry_run"] = GLib.Variant("b", dry_run)
    with open_file(directory, make_dump(MODES_ENTRIES)) as file:
        answer = call(raw, "Restore", file, options=options)
    assert counts(answer) == expected
    assert answer["dry_run"] is bool(dry_run)
    assert (answer["revision"] == revision) is bool(dry_run)
    assert read_values(fetch(kvstored)) == left


def test_a_million_keys_go_round_in_little_memory(start_kvstored, kvstored, raw, directory):
    n = 1_000_000 if not SANITIZED else 50_000
    path = os.path.join(directory, "file")
    with open(path, "wb") as file:
        file.writelines(many_entries(n))
    with open(path, "rb") as file:
        body = file.read()
    with closing(os.open(path, os.O_RDWR)) as file:
        assert counts(call(raw, "Restore", file)) == (n, 0, 0, 0, 0)
        before = forget_peak(kvstored)
        os.lseek(file, 0, os.SEEK_SET)
        assert call(raw, "Dump", file)["entries"] == n
        if not SANITIZED:
            assert peak_bytes(kvstored) - before < 8 * MIB
        with open(path, "rb") as written:
            body = written.read()
        assert add_up(body)[1] == n
        before = forget_peak(kvstored)
        os.lseek(file, 0, os.SEEK_SET)
        assert counts(call(raw, "Restore", file)) == (0, 0, n, 0, 0)
        if not SANITIZED:
            assert peak_bytes(kvstored) - before < 8 * MIB


def peak_bytes(daemon):
    with open(f"/proc/{daemon.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))


def forget_peak(daemon):
    with open(f"/proc/{daemon.pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
    return daemon.resident_bytes()


# -- what will not do


@pytest.mark.parametrize("n_fds, index", [(0, 0), (2, 0), (2, 1), (1, 1), (1, 0xFFFFFFFF - 2**32), (16, 0)])
@pytest.mark.parametrize("method", ["Dump", "Restore"])
def test_not_just_one_descriptor(shared_kvstored, shared_raw, method, n_fds, index):
    files = shared_kvstored.count_files()
    with open_pipe() as (_, writing):
        with pytest.raises(Refused) as caught:
            call(shared_raw, method, *[writing] * n_fds, index=index)
    assert caught.value.name == "InvalidArgument"
    assert "One file descriptor has to come with the call" in caught.value.message
    wait_for_files(shared_kvstored, files)


@pytest.mark.parametrize("options, message", [
    ({"mode": GLib.Variant("s", "Replace")}, 'The option mode is to be "merge" or "replace"'),
    ({"mode": GLib.Variant("s", "")}, 'The option mode is to be "merge" or "replace"'),
    ({"mode": GLib.Variant("i", 1)}, 'The option mode is to be "merge" or "replace"'),
    ({"dry_run": GLib.Variant("s", "true")}, "The option dry_run is to be a boolean"),
    ({"dryrun": GLib.Variant("b", True)}, 'There is no option "dryrun" here; those that there are: mode, dry_run'),
    ({"ttl": GLib.Variant("i", 1)}, 'There is no option "ttl" here; those that there are: mode, dry_run'),
])
def test_options_that_will_not_do(shared_kvstored, shared_raw, directory, options, message):
    files = shared_kvstored.count_files()
    keys = shared_kvstored.status()["total_keys"]
    with open_file(directory, make_dump(MODES_ENTRIES)) as file:
        with pytest.raises(Refused) as caught:
            call(shared_raw, "Restore", file, options=options)
    assert (caught.value.name, caught.value.message) == ("InvalidArgument", message)
    assert shared_kvstored.status()["total_keys"] == keys
    wait_for_files(shared_kvstored, files)


def open_one(path, flags):
    return lambda directory: closing(os.open(path or directory, flags))


def open_eventfd(directory):
    return closing(os.eventfd(0))


def open_datagrams(directory):
    return open_half(socket.SOCK_DGRAM)


def open_packets(directory):
    return open_half(socket.SOCK_SEQPACKET)


@contextlib.contextmanager
def open_half(kind):
    with open_pair(kind) as (one, _):
        yield one


def open_unconnected(directory):
    return closing(socket.socket(socket.AF_UNIX).detach())


@contextlib.contextmanager
def open_without_reader(directory):
    with open_pipe() as (reading, writing):
        reading.close()
        yield writing


@contextlib.contextmanager
def open_without_peer(directory):
    with open_pair() as (one, other):
        other.close()
        yield one


@contextlib.contextmanager
def open_hung_up(directory):
    with open_terminal() as (leader, follower):
        leader.close()
        yield follower


@pytest.mark.parametrize("method, opener, name, message", [
    ("Dump", open_one("/dev/null", os.O_RDONLY), "InvalidArgument", "not open for writing"),
    ("Restore", open_one("/dev/null", os.O_WRONLY), "InvalidArgument", "not open for reading"),
    ("Dump", open_one("/dev/null", os.O_PATH), "InvalidArgument", "not open for"),
    ("Restore", open_one("/dev/null", os.O_PATH), "InvalidArgument", "not open for"),
    ("Dump", open_one(None, os.O_RDONLY), "InvalidArgument", "not open for writing"),
    ("Restore", open_one(None, os.O_RDONLY), "InvalidArgument", "is a directory's"),
    ("Dump", open_eventfd, "InvalidArgument", "neither a file's nor"),
    ("Restore", open_eventfd, "InvalidArgument", "neither a file's nor"),
    ("Dump", open_datagrams, "InvalidArgument", "stream socket"),
    ("Restore", open_packets, "InvalidArgument", "stream socket"),
    ("Dump", open_unconnected, "Failed", "Transport endpoint is not connected"),
    ("Restore", open_unconnected, "Failed", "Invalid argument"),
    ("Dump", open_one("/dev/full", os.O_WRONLY), "Failed", "Cannot write the dump: No space left on device"),
    ("Dump", open_without_reader, "Failed", "Cannot write the dump: Broken pipe"),
    ("Dump", open_without_peer, "Failed", "Cannot write the dump: Broken pipe"),
    ("Dump", open_hung_up, "Failed", "Cannot write the dump: Input/output error"),
    ("Restore", open_one("/dev/null", os.O_RDONLY), "InvalidArgument", "The dump is not whole: it ends behind line 0"),
    ("Restore", open_one("/dev/full", os.O_RDONLY), "TooLarge", "Line 1: The line is too long"),
    ("Restore", open_without_peer, "InvalidArgument", "The dump is not whole: it ends behind line 0"),
])
def test_descriptors_that_will_not_do(shared_kvstored, shared_raw, directory, method, opener, name, message):
    files = shared_kvstored.count_files()
    with opener(directory) as fd:
        with pytest.raises(Refused) as caught:
            call(shared_raw, method, fd)
    assert caught.value.name == name
    assert message in caught.value.message
    wait_for_files(shared_kvstored, files)
    assert shared_raw.read_reply(shared_raw.send(method_call("GetStatus"))).get_error_name() is None


def test_a_reader_that_leaves_half_way(kvstored, raw):
    fill(kvstored, 1000, "x" * 1000)
    with open_pipe() as (reading, writing):
        serial = send(raw, "Dump", writing)
        os.read(reading, 100)
        reading.close()
        with pytest.raises(Refused) as caught:
            finish(raw, serial)
    assert (caught.value.name, caught.value.message) == ("Failed", "Cannot write the dump: Broken pipe")


@pytest.mark.parametrize("text, name, message", [
    ("", "InvalidArgument", "The dump is not whole: it ends behind line 0"),
    ("x", "InvalidArgument", "Line 1: This is not valid JSON"),
    ("{}\n", "Unprocessable", "Line 1: This is not the first line of a dump"),
    (HEAD, "InvalidArgument", "The dump is not whole: it ends behind line 1"),
    (HEAD + '{"key":"k","value":"v"}\n{"key":"","value":"v"}\n', "InvalidKey", "Line 3: "),
    (HEAD + '{"key":"k","value":"v"}\n{"end":true,"entries":2}\n', "Unprocessable", "Line 3: There should be 2 entries"),
    (HEAD + '{"key":"k","value":"%s"}\n' % ("v" * (2 * MIB + 1)), "TooLarge", "Line 2: The value is too long"),
    (make_dump([]) + "\n", "InvalidArgument", "Line 3: "),
], ids=["nothing", "nonsense", "no-head", "no-end", "bad-key", "wrong-number", "long-value", "empty-line"])
def test_tells_the_line(raw, directory, text, name, message):
    with open_file(directory, text) as file:
        with pytest.raises(Refused) as caught:
            call(raw, "Restore", file)
    assert caught.value.name == name
    assert caught.value.message.startswith(message)


def test_a_bad_line_is_answered_at_once(kvstored, raw):
    """Not only when the other end has nothing more to say."""
    kvstored.request("PUT", "/store/old", "v")
    with open_pipe() as (reading, writing):
        serial = send(raw, "Restore", reading, options={"mode": GLib.Variant("s", "replace")})
        os.write(writing, (HEAD + "nonsense\n").encode())
        with pytest.raises(Refused) as caught:
            finish(raw, serial)
        assert caught.value.message.startswith("Line 2: ")
    assert get(raw, "old") == "v"


# -- nobody waits


def test_a_reader_that_does_not_read_holds_up_nobody(kvstored, raw):
    fill(kvstored, 10000, "old" * 100)
    before = read_values(fetch(kvstored))
    with open_pipe() as (reading, writing), open_pipe() as (second, second_writing), kvstored.bus() as other:
        serial = send(raw, "Dump", writing)
        writing.close()
        wait_until_readable(reading)
        # Others, the caller itself, over HTTP, in the main context and in the relay's thread.
        fill(kvstored, 10000, "new")
        assert get(raw, "k1") == "new"
        assert other.call("Get", "(s)", "k2")[0] == "new"
        other.listen()
        other.call("Watch", "(asasa{sv})", ["k3"], [], {})
        assert other.next_signal()[2][0][0][3] == "new"
        assert other.get_property("Keys") == 10000
        # Another dump is of what there is by now.
        second_serial = send(raw, "Dump", second_writing)
        second_writing.close()
        assert set(read_values(read_to_end(second)).values()) == {"new"}
        assert finish(raw, second_serial)["entries"] == 10000
        # And the first is still of what there was.
        assert read_values(read_to_end(reading)) == before
        assert finish(raw, serial)["entries"] == 10000


def test_is_of_the_moment_of_the_call(raw, key):
    """What the caller sends before it is in it, and what it sends behind it is not."""
    with open_pipe() as (reading, writing):
        for value in ("before", "after"):
            raw.send(method_call("Put", GLib.Variant("(ssa{sv})", (key, value, {}))))
            if value == "before":
                serial = send(raw, "Dump", writing)
                writing.close()
        assert read_values(read_to_end(reading)) == {key: "before"}
        finish(raw, serial)
    assert get(raw, key) == "after"


@pytest.mark.parametrize("opener", [open_pipe, open_pair, open_terminal])
def test_what_the_caller_shares_stays_as_it_is(kvstored, raw, opener):
    """It is not made non-blocking under the eyes of others who use it, not even while it is waited for."""
    fill(kvstored, 10000, "x" * 100)
    with opener() as (reading, writing):
        before = fcntl.fcntl(writing, fcntl.F_GETFL)
        serial = send(raw, "Dump", writing)
        wait_until_readable(reading)
        assert fcntl.fcntl(writing, fcntl.F_GETFL) == before
        body = b""
        while b'{"end":true' not in body[-100:]:
            body += os.read(reading, MIB)
        finish(raw, serial)
        assert fcntl.fcntl(writing, fcntl.F_GETFL) == before


@pytest.mark.parametrize("opener", [open_pipe, open_pair, open_terminal])
def test_a_caller_that_leaves_ends_its_dump(kvstored, opener):
    fill(kvstored, 10000, "x" * 100)
    files = kvstored.count_files()
    with opener() as (reading, writing):
        with RawCaller(kvstored.bus_address) as raw:
            send(raw, "Dump", writing)
            wait_until_readable(reading)
            assert is_held(kvstored, writing)
        wait_until_held(kvstored, writing, held=False)
        wait_for_files(kvstored, files)
        writing.close()
        if opener is not open_terminal:
            assert b'{"end":true' not in read_to_end(reading)


def test_a_stopped_terminal_is_let_go(kvstored):
    """As by Ctrl-S: it takes nothing, for as long as it likes."""
    fill(kvstored, 100, "x" * 100)
    files = kvstored.count_files()
    with open_terminal() as (_, follower):
        termios.tcflow(follower, termios.TCOOFF)
        with RawCaller(kvstored.bus_address) as raw:
            send(raw, "Dump", follower)
            wait_until_held(kvstored, follower)
        wait_until_held(kvstored, follower, held=False)
        wait_for_files(kvstored, files)
        termios.tcflow(follower, termios.TCOON)


@pytest.mark.parametrize("opener", [open_pipe, open_pair, open_terminal])
def test_a_caller_that_leaves_ends_its_restore(kvstored, opener):
    """What it had sent may have been put; nothing is deleted."""
    kvstored.request("PUT", "/store/old", "v")
    files = kvstored.count_files()
    with opener() as (one, other):
        reading, writing = (one, other) if opener is open_pipe else (other, one)
        with RawCaller(kvstored.bus_address) as raw:
            send(raw, "Restore", reading, options={"mode": GLib.Variant("s", "replace")})
            os.write(writing, (HEAD + '{"key":"k","value":"v"}\n').encode())
            assert get(raw, "old") == "v"
            assert is_held(kvstored, reading)
        wait_until_held(kvstored, reading, held=False)
        wait_for_files(kvstored, files)
    assert "old" in read_values(fetch(kvstored))


def test_a_caller_that_is_gone_before_its_dump(kvstored):
    files = kvstored.count_files()
    fill(kvstored, 10000, "x" * 100)
    with open_pipe() as (_, writing):
        for _ in range(20):
            with RawCaller(kvstored.bus_address) as hasty:
                send(hasty, "Dump", writing)
        wait_for_files(kvstored, files)


def test_leaves_nothing_behind(kvstored, raw, directory):
    fill(kvstored, 100, "v")
    files = kvstored.count_files()
    with open_file(directory, make_dump(MODES_ENTRIES)) as file:
        for _ in range(50):
            os.lseek(file, 0, os.SEEK_SET)
            call(raw, "Restore", file)
            os.lseek(file, 0, os.SEEK_SET)
            call(raw, "Dump", file)
            os.lseek(file, 0, os.SEEK_SET)
            os.ftruncate(file, 0)
            with pytest.raises(Refused):
                call(raw, "Restore", file)
            os.write(file, make_dump(MODES_ENTRIES).encode())
        # Before it answers it has closed what it was given.
        assert kvstored.count_files() <= files


def test_no_answer_where_none_is_wanted(kvstored, raw, directory):
    kvstored.request("PUT", "/store/k", "v")
    no_answer = Gio.DBusMessageFlags.NO_REPLY_EXPECTED
    with open_pipe() as (reading, writing), closing(os.open("/dev/full", os.O_WRONLY)) as full:
        send(raw, "Dump", full, flags=no_answer)
        send(raw, "Dump", writing, flags=no_answer)
        send(raw, "Dump", flags=no_answer)
        writing.close()
        assert read_values(read_to_end(reading)) == {"k": "v"}
        last = raw.send(method_call("GetStatus"))
        assert raw.read_next_reply().get_reply_serial() == last


# -- limits


def test_a_caller_has_its_share(kvstored, raw):
    with contextlib.ExitStack() as stack:
        pipes = [stack.enter_context(open_pipe()) for _ in range(MAX_OF_CALLER + 1)]
        serials = [send(raw, "Restore", reading) for reading, _ in pipes[:-1]]
        files = kvstored.count_files()
        for method, fd in (("Restore", pipes[-1][0]), ("Dump", pipes[-1][1])):
            with pytest.raises(Refused) as caught:
                call(raw, method, fd)
            assert caught.value.name == "LimitExceeded"
            assert "You have 4 dumps and restores under way" in caught.value.message
        assert kvstored.count_files() <= files + 4 * MAX_OF_CALLER
        # One that has ended makes room for another, also one that has failed.
        os.write(pipes[0][1], b"nonsense\n")
        with pytest.raises(Refused):
            finish(raw, serials[0])
        serials[0] = send(raw, "Restore", pipes[-1][0])
        pipes[0] = pipes[-1]
        for serial, (_, writing) in zip(serials, pipes):
            os.write(writing, make_dump([]).encode())
            writing.close()
            assert counts(finish(raw, serial)) == (0, 0, 0, 0, 0)


def test_all_callers_have_theirs_together(kvstored):
    with contextlib.ExitStack() as stack:
        raws = [stack.enter_context(RawCaller(kvstored.bus_address)) for _ in range(MAX_OF_ALL // MAX_OF_CALLER + 1)]
        reading, writing = stack.enter_context(open_pipe())
        files = kvstored.count_files()
        for raw in raws[:-1]:
            for _ in range(MAX_OF_CALLER):
                send(raw, "Restore", reading)
            raw.read_reply(raw.send(method_call("GetStatus")))
        for _ in range(50):
            with pytest.raises(Refused) as caught:
                call(raws[-1], "Dump", writing)
            assert caught.value.name == "LimitExceeded"
            assert "All callers together have 16" in caught.value.message
        assert kvstored.count_files() <= files + 4 * MAX_OF_ALL
        for raw in raws[:-1]:
            raw.socket.close()
        wait_for_files(kvstored, files)
        assert call(raws[-1], "Dump", writing)["entries"] == 0


def test_entries_count_for_the_rate_limit(bus, start_kvstored, directory):
    """A restore is not refused half way, and leaves nothing for what comes next. A dump is one request."""
    kvstored = start_kvstored(bus=bus.address, rate_limit="1:20")
    text = make_dump({"key": f"k{i}", "value": "v"} for i in range(3000))
    with RawCaller(bus.address) as raw, open_file(directory, text) as file:
        assert counts(call(raw, "Restore", file)) == (3000, 0, 0, 0, 0)
        assert count_until_refused(raw) <= SOON
    with RawCaller(bus.address) as raw, open_file(directory) as file:
        assert call(raw, "Dump", file)["entries"] == 3000
        assert count_until_refused(raw) >= 19


def count_until_refused(raw):
    for n in range(1000):
        reply = raw.read_reply(raw.send(method_call("GetStatus")))
        if reply.get_error_name() is not None:
            assert reply.get_error_name() == "org.kvstore.Error.LimitExceeded"
            return n
    raise AssertionError("it is never refused")


# -- the end of a service, and of a bus


def test_what_is_read_is_finished_at_a_stop(kvstored, raw):
    fill(kvstored, 10000, "x" * 100)
    with open_pipe() as (reading, writing), open_pipe() as (second, second_writing):
        serial = send(raw, "Dump", writing)
        writing.close()
        wait_until_readable(reading)
        second_serial = send(raw, "Restore", second)
        os.write(second_writing, HEAD.encode())
        raw.read_reply(raw.send(method_call("GetStatus")))
        kvstored.signal(signal.SIGTERM)
        os.write(second_writing, b'{"key":"late","value":"v"}\n{"end":true,"entries":1}\n')
        second_writing.close()
        assert len(read_values(read_to_end(reading))) == 10000
        answers = {reply.get_reply_serial(): reply for reply in (raw.read_next_reply(), raw.read_next_reply())}
        assert answers[serial].get_body().unpack()[0]["entries"] == 10000
        assert answers[second_serial].get_body().unpack()[0]["created"] == 1
    assert kvstored.wait() == 0


def test_a_dump_that_nobody_reads_does_not_hold_up_a_stop_for_ever(kvstored, raw):
    """It is cut off in less time than a stop may take, and told so."""
    fill(kvstored, 10000, "x" * 100)
    with open_pipe() as (reading, writing):
        serial = send(raw, "Dump", writing)
        wait_until_readable(reading)
        kvstored.signal(signal.SIGTERM)
        with pytest.raises(Refused) as caught:
            finish(raw, serial)
        assert caught.value.message == "Nobody has taken anything of the dump for 20 s"
        assert kvstored.wait(SOON) == 0
        writing.close()
        assert b'{"end":true' not in read_to_end(reading)


def test_ends_with_the_bus(directory, start_kvstored):
    bus = Bus(directory)
    kvstored = start_kvstored(bus=bus.address.split(",")[0])
    fill(kvstored, 10000, "x" * 100)
    with open_pipe() as (reading, writing), open_pipe() as (second, _):
        with RawCaller(bus.address) as raw:
            send(raw, "Restore", second)
            send(raw, "Dump", writing)
            wait_until_readable(reading)
            assert is_held(kvstored, writing) and is_held(kvstored, second)
            bus.stop()
        wait_until_held(kvstored, writing, held=False)
        wait_until_held(kvstored, second, held=False)
        assert kvstored.status()["total_keys"] == 10000


def test_dumps_beside_writers_are_of_one_moment(kvstored, raw):
    """A writer goes round the keys and puts the number of the round there."""
    fill(kvstored, 500, "0")
    stop = threading.Event()

    def go_round():
        number = 0
        with kvstored.bus() as writer:
            while not stop.is_set():
                number += 1
                for start in range(0, 500, 100):
                    batch = [("PUT", f"k{i}", str(number), {}) for i in range(start, start + 100)]
                    writer.call("Batch", "(a(sssa{sv}))", batch)

    writer = threading.Thread(target=go_round)
    writer.start()
    try:
        for _ in range(20):
            with open_pipe() as (reading, writing):
                serial = send(raw, "Dump", writing)
                writing.close()
                entries = read_values(read_to_end(reading))
                finish(raw, serial)
            values = [int(entries[f"k{i}"]) for i in range(500)]
            assert values == sorted(values, reverse=True)
            assert values[0] - values[-1] <= 1
    finally:
        stop.set()
        writer.join()
