# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""A message bus of the tests' own, and the service's interface on it."""

import collections
import os
import select
import signal
import subprocess
import time

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

from support.limits import SOON  # noqa: E402

NAME = "org.kvstore.KvStore1"
PATH = "/org/kvstore/KvStore1"
INTERFACE = "org.kvstore.KvStore1"
WATCH_INTERFACE = "org.kvstore.KvStore1.Watch"

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={directory}/bus</listen>
  <auth>EXTERNAL</auth>{services}
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
  <limit name="max_incoming_bytes">1000000000</limit>
  <limit name="max_outgoing_bytes">1000000000</limit>
  <limit name="max_message_size">1000000000</limit>
  <limit name="max_replies_per_connection">50000</limit>
</busconfig>
"""


class Bus:
    """A dbus-daemon, with nobody on it. It starts services only where it is given a directory of service files."""

    def __init__(self, directory, services=None, environment=None):
        config = os.path.join(directory, "bus.conf")
        with open(config, "w", encoding="utf-8") as file:
            element = f"<servicedir>{services}</servicedir>" if services else ""
            file.write(CONFIG.format(directory=directory, services=element))
        read_fd, write_fd = os.pipe()
        self.process = subprocess.Popen(
            ["dbus-daemon", f"--config-file={config}", f"--print-address={write_fd}", "--nofork"],
            pass_fds=[write_fd],
            stdin=subprocess.DEVNULL,
            env=environment,
        )
        os.close(write_fd)
        with open(read_fd, encoding="ascii") as file:
            ready, _, _ = select.select([file], [], [], SOON)
            self.address = file.readline().strip() if ready else ""
        assert self.address, "dbus-daemon did not start"

    def connect(self):
        return BusClient(self.address)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(SOON)


class BusError(Exception):
    """An error that came back over the bus."""

    def __init__(self, error):
        self.name = Gio.DBusError.get_remote_error(error)
        # Gio.DBusError.strip_remote_error() works on a copy in Python.
        self.message = error.message.removeprefix(f"GDBus.Error:{self.name}: ")
        super().__init__(f"{self.name}: {self.message}")


class BusClient:
    """A caller on the bus: a connection, and so a unique name, of its own."""

    def __init__(self, address):
        flags = Gio.DBusConnectionFlags
        self.connection = Gio.DBusConnection.new_for_address_sync(
            address, flags.AUTHENTICATION_CLIENT | flags.MESSAGE_BUS_CONNECTION, None, None
        )
        self.connection.set_exit_on_close(False)
        self.signals = collections.deque()
        self.subscription = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if not self.connection.is_closed():
            self.connection.close_sync(None)

    def invoke(self, name, path, interface, method, parameters=None, timeout=SOON, fds=()):
        descriptors = Gio.UnixFDList.new()
        for fd in fds:
            descriptors.append(fd)
        try:
            reply, _ = self.connection.call_with_unix_fd_list_sync(
                name, path, interface, method, parameters, None,
                Gio.DBusCallFlags.NO_AUTO_START, int(timeout * 1000), descriptors if fds else None, None,
            )
        except GLib.Error as error:
            if Gio.DBusError.is_remote_error(error):
                raise BusError(error) from None
            raise
        return reply.unpack()

    def call(self, method, signature="()", *arguments, timeout=SOON, fds=()):
        """Calls a method of the service; gives the one value that it returns, or all of them."""
        values = self.invoke(NAME, PATH, INTERFACE, method, GLib.Variant(signature, arguments), timeout, fds)
        return values[0] if len(values) == 1 else values

    def get_property(self, name):
        parameters = GLib.Variant("(ss)", (INTERFACE, name))
        return self.invoke(NAME, PATH, "org.freedesktop.DBus.Properties", "Get", parameters)[0]

    def get_owner(self, name=NAME):
        """Who owns the name; None when nobody does."""
        bus = "org.freedesktop.DBus"
        try:
            return self.invoke(bus, "/org/freedesktop/DBus", bus, "GetNameOwner", GLib.Variant("(s)", (name,)))[0]
        except BusError as error:
            assert error.name == "org.freedesktop.DBus.Error.NameHasNoOwner"
            return None

    def listen(self):
        """Collects the signals of every watch from here on."""
        if self.subscription is None:
            self.subscription = self.connection.signal_subscribe(
                None, WATCH_INTERFACE, None, None, None, Gio.DBusSignalFlags.NONE, self._on_signal
            )

    def _on_signal(self, _connection, _sender, path, _interface, name, parameters, *_):
        self.signals.append((path, name, parameters.unpack()))

    def iterate_until(self, condition, timeout=SOON):
        """Runs the main context, in which replies and signals come, until there is what is waited for."""
        deadline = time.monotonic() + timeout
        context = GLib.MainContext.default()
        while not condition():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError("it did not come")
            # Wakes the context up when the time is over; what comes over the bus does so by itself.
            wake = GLib.timeout_source_new(int(remaining * 1000) + 1)
            wake.set_callback(lambda *_: False)
            wake.attach(context)
            context.iteration(True)
            wake.destroy()

    def next_signal(self, timeout=SOON):
        """The next signal: path, name, arguments."""
        self.iterate_until(lambda: self.signals, timeout)
        return self.signals.popleft()
