# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""What `ninja install` puts in place is enough: a program is built against it as a stranger would, and the bus
starts the service from its service file."""

import os
import pathlib
import re
import shlex
import signal
import subprocess
import time

import pytest
from gi.repository import Gio, GLib

from support.bus import INTERFACE, NAME, PATH, Bus
from support.daemon import find_builddir, make_environment
from support.limits import SOON

TOP = pathlib.Path(__file__).resolve().parents[2]

SANITIZERS = {"address": ["-fsanitize=address,undefined"], "thread": ["-fsanitize=thread"]}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A tree in which everything is installed."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run(
        ["meson", "install", "-C", find_builddir(), "--no-rebuild", "--destdir", root],
        check=True, capture_output=True, timeout=100,
    )
    return root


def find_one(root, name):
    found = list(root.rglob(name))
    assert len(found) == 1, f"{name}: {found}"
    return found[0]


def pkg_config(root, *arguments):
    environment = dict(
        os.environ,
        PKG_CONFIG_PATH=str(find_one(root, "kvstore-1.pc").parent),
        PKG_CONFIG_SYSROOT_DIR=str(root),
    )
    # The sysroot is put before GLib's paths as well, which are not in it: so ours are asked for alone.
    text = subprocess.run(
        ["pkg-config", *arguments, "kvstore-1"], env=environment, check=True, capture_output=True,
        text=True, timeout=20,
    ).stdout
    own = [word for word in shlex.split(text) if str(root) in word or word == "-lkvstore-1"]
    assert own
    return own


def test_a_program_builds_against_the_library(installed, tmp_path):
    program = tmp_path / "hello"
    glib = shlex.split(subprocess.run(
        ["pkg-config", "--cflags", "--libs", "gio-2.0"], check=True, capture_output=True, text=True,
        timeout=20,
    ).stdout)
    subprocess.run(
        ["cc", "-Wall", "-Werror", "-o", program, TOP / "examples/hello.c",
         *SANITIZERS.get(os.environ.get("KVSTORED_SANITIZE"), []),
         *pkg_config(installed, "--cflags", "--libs"), *glib],
        check=True, timeout=100,
    )
    library = find_one(installed, "libkvstore-1.so").parent
    result = subprocess.run(
        [program], env=dict(os.environ, LD_LIBRARY_PATH=str(library)), check=True,
        capture_output=True, text=True, timeout=20,
    )
    assert result.stdout == "hello, world\n"


def test_the_library_exports_what_its_headers_declare_and_no_more(installed):
    text = subprocess.run(
        ["nm", "-D", "--defined-only", find_one(installed, "libkvstore-1.so").resolve()],
        check=True, capture_output=True, text=True, timeout=20,
    ).stdout
    exported = {line.split()[-1] for line in text.splitlines()}
    headers = "\n".join(path.read_text() for path in installed.rglob("kvstore-1/**/*.h"))
    declared = set(re.findall(r"\b(kv_[a-z0-9_]+) \(", re.sub(r"/\*.*?\*/", "", headers, flags=re.DOTALL)))
    declared.add("kv_store_get_type")  # by G_DECLARE_FINAL_TYPE
    assert "kv_store_new" in declared
    assert {name for name in exported if name.startswith("kv_")} == declared


def get_owner_pid(bus):
    name = "org.freedesktop.DBus"
    parameters = GLib.Variant("(s)", (NAME,))
    with bus.connect() as client:
        return client.invoke(name, "/org/freedesktop/DBus", name, "GetConnectionUnixProcessID", parameters)[0]


def test_the_bus_starts_the_service(installed, directory):
    service = find_one(installed, "org.kvstore.KvStore1.service").read_text()
    program = re.search(r"^Exec=(.*)$", service, re.MULTILINE)[1]
    assert program.endswith("/bin/kvstored")
    services = os.path.join(directory, "services")
    os.makedirs(services)
    with open(os.path.join(services, "org.kvstore.KvStore1.service"), "w", encoding="utf-8") as file:
        file.write(service.replace(program, f"{installed}{program} --http none"))

    bus = Bus(directory, services, make_environment(directory))
    try:
        with bus.connect() as client:
            # NO_AUTO_START is for calls between the tests' own; this one is to start the service.
            reply = client.connection.call_sync(
                NAME, PATH, INTERFACE, "Put", GLib.Variant("(ssa{sv})", ("k", "v", {})), None,
                Gio.DBusCallFlags.NONE, 20000, None,
            )
            assert reply.unpack()[1] is True
            os.kill(get_owner_pid(bus), signal.SIGTERM)
            deadline = time.monotonic() + SOON
            while client.get_owner() is not None:
                assert time.monotonic() < deadline
    finally:
        bus.stop()
