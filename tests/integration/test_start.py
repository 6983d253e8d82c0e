# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""How kvstored starts, and when it refuses to."""

import os
import re
import signal
import socket
import stat

import pytest

from support.daemon import run

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

QUIET = ("--http", "127.0.0.1:0", "--bus", "none")


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
        return True
    except OSError:
        return False


def free_port():
    """A port that nobody listens on now, at either address."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def write_config(directory, text):
    """Gives the environment that has this file for its configuration."""
    os.makedirs(f"{directory}/kvstore")
    with open(f"{directory}/kvstore/kvstore.conf", "w", encoding="utf-8") as file:
        file.write(text)
    return {"XDG_CONFIG_HOME": directory}


class TestOptions:
    def test_version(self, directory):
        result = run(["--version"], directory)
        assert result.returncode == 0
        assert re.fullmatch(r"kvstored \d+\.\d+\.\d+\n", result.stdout)
        assert result.stderr == ""

    def test_help_names_every_option(self, directory):
        result = run(["--help"], directory)
        assert result.returncode == 0
        options = set(re.findall(r"--([a-z-]+)", result.stdout))
        assert options >= {
            "allow-remote", "bus", "config", "durability", "http", "http-threads", "log-level", "max-connections",
            "max-value-size", "no-express", "rate-limit", "ready-fd", "store", "version",
        }
        assert max(map(len, result.stdout.splitlines())) <= 110

    @pytest.mark.parametrize(
        "arguments, message",
        [
            (["--nonsense"], "--nonsense"),
            (["--http-auth", "none"], "--http-auth"),
            (["--allow-origin", "*"], "--allow-origin"),
            (["--allow-host", "x"], "--allow-host"),
            (["start"], "start"),
            ([*QUIET, "more"], "more"),
            (["--http", "none", "--bus", "none"], "nothing to serve"),
            ([*QUIET, "--store", "sqlite:"], "names no file"),
            ([*QUIET, "--store", "etcd://127.0.0.1:2379"], "not available"),
            ([*QUIET, "--store", "bus:"], "not available"),
            ([*QUIET, "--durability", "some"], "--durability"),
            ([*QUIET, "--store", "what:"], "what:"),
            ([*QUIET, "--rate-limit", "0"], "--rate-limit"),
            ([*QUIET, "--log-level", "chatty"], "chatty"),
            ([*QUIET, "--ready-fd", "77"], "--ready-fd"),
            ([*QUIET, "--config", "/nonexistent/kvstore.conf"], "/nonexistent/kvstore.conf"),
            (["--bus", "none", "--http", "127.0.0.1"], "127.0.0.1"),
            (["--bus", "none", "--http", "127.0.0.1:65536"], "65536"),
            (["--bus", "none", "--http", "127.0.0.1:http"], "http"),
            (["--bus", "none", "--http", "nonsense"], "nonsense"),
            (["--bus", "none", "--http", "unix:"], "unix:"),
            (["--bus", "none", "--http", "unix:" + "x" * 200], "xxx"),
            (["--bus", "none", "--http", "0.0.0.0:0"], "0.0.0.0"),
            (["--bus", "none", "--http", "[::]:0"], "[::]"),
            (["--bus", "none", "--http", "192.0.2.1:0"], "192.0.2.1"),
        ],
        ids=lambda a: " ".join(a)[-40:] if isinstance(a, list) else "",
    )
    def test_bad_ones_are_refused_with_status_2(self, directory, arguments, message):
        result = run(arguments, directory)
        assert result.returncode == 2
        assert result.stdout == ""
        first = result.stderr.splitlines()[0]
        assert first.startswith("kvstored: ") and message in result.stderr

    def test_allow_remote_opens_other_addresses(self, start_kvstored):
        daemon = start_kvstored("--allow-remote", http=["0.0.0.0:0"])
        with daemon.connect(address=f"http://127.0.0.1:{daemon.port}") as connection:
            assert connection.request("GET", "/status").status == 200


class TestPort:
    @pytest.mark.parametrize("value", ["", "x", "-1", "65536", "80 ", "99999999999999999999"])
    def test_bad_one_is_refused(self, directory, value):
        result = run(["--bus", "none"], directory, {"KV_STORE_PORT": value})
        assert result.returncode == 2
        assert "KV_STORE_PORT" in result.stderr

    def test_is_served_at_both_loopbacks(self, start_kvstored):
        port = free_port()
        daemon = start_kvstored(http=[], environment={"KV_STORE_PORT": str(port)})
        expected = [f"http://127.0.0.1:{port}"] + [f"http://[::1]:{port}"] * has_ipv6()
        assert daemon.addresses == expected
        for address in expected:
            with daemon.connect(address=address) as connection:
                assert connection.request("GET", "/status").status == 200

    def test_command_line_beats_it(self, start_kvstored):
        daemon = start_kvstored(http=["127.0.0.1:0"], environment={"KV_STORE_PORT": "1"})
        assert daemon.port > 1


class TestAddresses:
    def test_several(self, start_kvstored, directory):
        addresses = ["127.0.0.1:0", f"unix:{directory}/kv", "127.0.0.1:0"]
        daemon = start_kvstored(http=addresses)
        assert len(set(daemon.addresses)) == 3
        assert daemon.addresses[1] == f"unix:{directory}/kv"
        for address in daemon.addresses:
            with daemon.connect(address=address) as connection:
                assert connection.request("GET", "/status").status == 200

    def test_are_logged(self, start_kvstored):
        daemon = start_kvstored(http=["127.0.0.1:0", "127.0.0.1:0"])
        for address in daemon.addresses:
            assert f"kvstored: Listening on {address}\n" in daemon.read_stderr()

    def test_localhost_is_both(self, start_kvstored):
        if not has_ipv6():
            pytest.skip("this machine has no IPv6")
        port = free_port()
        daemon = start_kvstored(http=[f"localhost:{port}"])
        assert daemon.addresses == [f"http://127.0.0.1:{port}", f"http://[::1]:{port}"]

    def test_address_in_use_is_a_failure(self, directory, kvstored):
        result = run(["--http", f"127.0.0.1:{kvstored.port}", "--bus", "none"], directory)
        assert result.returncode == 1
        assert str(kvstored.port) in result.stderr
        assert kvstored.request("GET", "/status").status == 200

    def test_default_port_in_use_is_a_failure(self, directory, kvstored):
        result = run(["--bus", "none"], directory, {"KV_STORE_PORT": str(kvstored.port)})
        assert result.returncode == 1

    def test_http_alone(self, start_kvstored):
        daemon = start_kvstored(bus="none")
        assert len(daemon.addresses) == 1

    def test_bus_alone(self, bus, start_kvstored):
        daemon = start_kvstored(http=["none"], bus=bus.address)
        assert daemon.addresses == ["bus org.kvstore.KvStore1"]
        with daemon.bus() as client:
            assert client.call("GetStatus")["status"] == "OK"


class TestUnixSocket:
    def test_is_for_its_owner_only(self, start_kvstored, directory):
        os.umask(os.umask(0))
        start_kvstored(http=[f"unix:{directory}/kv"])
        status = os.stat(f"{directory}/kv")
        assert stat.S_ISSOCK(status.st_mode)
        assert stat.S_IMODE(status.st_mode) == 0o600

    def test_is_removed_at_the_end(self, start_kvstored, directory):
        daemon = start_kvstored(http=[f"unix:{directory}/kv"])
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
        assert not os.path.lexists(f"{directory}/kv")

    def test_one_that_is_left_over_is_replaced(self, start_kvstored, directory):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(f"{directory}/kv")
        daemon = start_kvstored(http=[f"unix:{directory}/kv"])
        assert daemon.request("GET", "/status").status == 200

    def test_one_in_use_is_a_failure(self, start_kvstored, directory):
        daemon = start_kvstored(http=[f"unix:{directory}/kv"])
        result = run(["--http", f"unix:{directory}/kv", "--bus", "none"], directory)
        assert result.returncode == 1
        assert f"{directory}/kv" in result.stderr
        assert daemon.request("GET", "/status").status == 200

    def test_other_file_is_left_alone(self, directory):
        with open(f"{directory}/kv", "w", encoding="utf-8") as file:
            file.write("precious")
        result = run(["--http", f"unix:{directory}/kv", "--bus", "none"], directory)
        assert result.returncode == 1
        with open(f"{directory}/kv", encoding="utf-8") as file:
            assert file.read() == "precious"


class TestBus:
    def test_name_is_ours(self, kvstored):
        assert kvstored.addresses[-1] == "bus org.kvstore.KvStore1"
        assert "org.kvstore.KvStore1" in kvstored.read_stderr()
        with kvstored.bus() as client:
            assert client.get_owner() is not None

    def test_second_one_is_refused_and_the_first_unharmed(self, kvstored, directory):
        result = run(["--http", "127.0.0.1:0", "--bus", kvstored.bus_address], directory)
        assert result.returncode == 1
        assert "org.kvstore.KvStore1" in result.stderr
        with kvstored.bus() as client:
            assert client.call("Put", "(ssa{sv})", "k", "v", {})[1]
        assert kvstored.request("GET", "/store/k").body == b"v"

    def test_no_session_bus_at_all_leaves_http(self, start_kvstored):
        daemon = start_kvstored(bus=None)
        assert daemon.addresses == [daemon.http]
        assert "no session bus" in daemon.read_stderr()
        assert daemon.request("GET", "/status").status == 200

    def test_session_bus_that_is_gone_leaves_http(self, start_kvstored, directory):
        environment = {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={directory}/gone"}
        daemon = start_kvstored(bus=None, environment=environment)
        assert daemon.addresses == [daemon.http]
        assert "Cannot get on the session bus" in daemon.read_stderr()
        assert "serving HTTP only" in daemon.read_stderr()
        assert daemon.request("GET", "/status").status == 200

    def test_session_bus_that_is_gone_is_a_failure_when_asked_for(self, directory):
        environment = {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={directory}/gone"}
        result = run(["--http", "127.0.0.1:0", "--bus", "session"], directory, environment)
        assert result.returncode == 1
        assert "Cannot get on the session bus" in result.stderr

    def test_neither_http_nor_a_session_bus_that_is_gone_is_a_failure(self, directory):
        environment = {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={directory}/gone"}
        result = run(["--http", "none"], directory, environment)
        assert result.returncode == 1
        assert "Cannot get on the session bus" in result.stderr

    def test_name_that_is_taken_is_a_failure_even_when_nobody_asked(self, kvstored, directory):
        environment = {"DBUS_SESSION_BUS_ADDRESS": kvstored.bus_address}
        result = run(["--http", "127.0.0.1:0"], directory, environment)
        assert result.returncode == 1
        assert "org.kvstore.KvStore1" in result.stderr

    def test_session_bus_of_the_environment(self, bus, start_kvstored):
        daemon = start_kvstored(bus=None, environment={"DBUS_SESSION_BUS_ADDRESS": bus.address})
        assert daemon.addresses[-1] == "bus org.kvstore.KvStore1"
        with bus.connect() as client:
            assert client.call("GetStatus")["status"] == "OK"

    def test_session_bus_that_was_asked_for_must_be_there(self, directory):
        result = run(["--http", "127.0.0.1:0", "--bus", "session"], directory)
        assert result.returncode == 1

    def test_bus_address_that_leads_nowhere_is_a_failure(self, directory):
        result = run(["--http", "127.0.0.1:0", "--bus", f"unix:path={directory}/none"], directory)
        assert result.returncode == 1
        assert result.stderr.startswith("kvstored: ")

    def test_neither_http_nor_session_bus_is_a_failure(self, directory):
        result = run(["--http", "none"], directory)
        assert result.returncode == 1

    def test_http_goes_on_when_the_bus_is_lost(self, bus, start_kvstored):
        daemon = start_kvstored(bus=bus.address)
        daemon.expected_output = "bus"
        with daemon.bus() as client:
            client.call("Put", "(ssa{sv})", "k", "v", {})
        bus.process.kill()
        bus.process.wait()
        assert daemon.request("GET", "/store/k").body == b"v"
        assert daemon.request("PUT", "/store/k", "w").status == 204


class TestConfiguration:
    def test_file_is_read(self, start_kvstored, directory):
        environment = write_config(
            directory,
            f"[kvstored]\nhttp=127.0.0.1:0;unix:{directory}/kv\nbus=none\nmax-value-size=10\nrate-limit=off\n",
        )
        daemon = start_kvstored(http=[], bus=None, rate_limit=None, environment=environment)
        assert len(daemon.addresses) == 2
        assert daemon.request("PUT", "/store/k", "x" * 11).status == 413

    def test_command_line_beats_it(self, start_kvstored, directory):
        environment = write_config(directory, "[kvstored]\nhttp=none\nbus=nonsense-is-not-read\n".replace("bus", "# bus"))
        daemon = start_kvstored("--max-value-size", "5", environment=environment)
        assert daemon.request("PUT", "/store/k", "x" * 6).status == 413

    def test_named_file(self, start_kvstored, directory):
        path = f"{directory}/other"
        with open(path, "w", encoding="utf-8") as file:
            file.write("[kvstored]\nmax-value-size=7\n")
        daemon = start_kvstored("--config", path)
        assert daemon.request("PUT", "/store/k", "x" * 8).status == 413
        assert daemon.request("PUT", "/store/k", "x" * 7).status == 201

    @pytest.mark.parametrize(
        "text, message",
        [
            ("[kvstored]\nhtp=none\n", "htp"),
            ("[daemon]\nhttp=none\n", "daemon"),
            ("[kvstored]\nlog-level=chatty\n", "chatty"),
            ("nonsense\n", "kvstore.conf"),
        ],
    )
    def test_mistake_in_it_is_refused_and_named(self, directory, text, message):
        result = run(QUIET, directory, write_config(f"{directory}/config", text))
        assert result.returncode == 2
        assert message in result.stderr and "kvstore.conf" in result.stderr

    def test_sample_in_the_tree_is_one(self, start_kvstored):
        daemon = start_kvstored("--config", f"{TOP}/data/kvstore.conf")
        assert daemon.request("GET", "/status").status == 200

    def test_sample_shows_every_key_with_a_value_that_is_taken(self, start_kvstored, directory):
        with open(f"{TOP}/data/kvstore.conf", encoding="utf-8") as file:
            text, count = re.subn(r"^#([a-z-]+=)", r"\1", file.read(), flags=re.MULTILINE)
        assert count == 11
        with open(f"{directory}/all", "w", encoding="utf-8") as file:
            file.write(text)
        daemon = start_kvstored("--config", f"{directory}/all")
        assert daemon.request("GET", "/status").status == 200


class TestLog:
    def test_level_is_kept(self, bus, start_kvstored):
        daemon = start_kvstored("--log-level", "warning", bus=bus.address)
        daemon.request("PUT", "/store/k", "v")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
        assert daemon.read_stderr() == ""

    def test_never_shows_keys_or_values(self, bus, start_kvstored):
        daemon = start_kvstored("--log-level", "debug", bus=bus.address)
        daemon.request("PUT", "/store/xyzzy-key", "xyzzy-value")
        daemon.request("GET", "/store/xyzzy-key")
        daemon.request("PUT", "/store/xyzzy%00", "xyzzy")
        daemon.raw(b"GET /xyzzy HTTP/1.1\r\nxyzzy\r\n\r\n")
        with daemon.sse("/watch_key/xyzzy-key") as stream:
            stream.next()
        with daemon.bus() as client:
            client.call("Put", "(ssa{sv})", "xyzzy-key", "xyzzy-value", {})
            client.call("Watch", "(asasa{sv})", ["xyzzy-key"], ["xyzzy"], {})
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
        assert "Listening" in daemon.read_stderr()
        assert "xyzzy" not in daemon.read_stderr()

    def test_lines_begin_with_the_name(self, kvstored):
        lines = kvstored.read_stderr().splitlines()
        assert lines and all(line.startswith("kvstored: ") for line in lines)
