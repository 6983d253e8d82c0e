# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""In place of a bus: says what a bus must say for kvstored to be on it, and then whatever a test wants, byte by byte."""

import os
import socket
import threading

from gi.repository import Gio, GLib

from support.bus import NAME
from support.limits import LATER

CALLER = ":1.7"
GUID = b"0123456789abcdef" * 2


def listen(directory, family):
    """A socket that listens, and its address as D-Bus writes it."""
    if family == "tcp":
        listener = socket.create_server(("127.0.0.1", 0))
        return listener, f"tcp:host=127.0.0.1,port={listener.getsockname()[1]},family=ipv4"
    path = os.path.join(directory, "made-up-bus")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    return listener, f"unix:path={path}"


class MadeUpBus:
    """What kvstored takes for a bus. It is let on whenever it comes, in a thread; what it sends then, the test reads."""

    def __init__(self, directory, family):
        self.listener, self.address = listen(directory, family)
        self.listener.settimeout(LATER)
        self.socket = None
        self.serial = 0
        self.thread = None

    def __enter__(self):
        self.expect()
        return self

    def __exit__(self, *_):
        self.thread.join()
        self.listener.close()
        self.socket.close()

    def expect(self):
        """Lets kvstored on when it comes."""
        self.thread = threading.Thread(target=self.let_on)
        self.thread.start()

    def wait(self):
        self.thread.join()

    def let_on(self):
        self.socket = self.listener.accept()[0]
        self.socket.settimeout(LATER)
        while (line := self.read_line()) != b"BEGIN\r\n":
            if line.lstrip(b"\0").startswith(b"AUTH EXTERNAL"):
                self.socket.sendall(b"OK " + GUID + b"\r\n")
            elif line == b"NEGOTIATE_UNIX_FD\r\n":
                self.socket.sendall(b"ERROR\r\n")
            else:
                self.socket.sendall(b"REJECTED EXTERNAL\r\n")
        self.answer("Hello", GLib.Variant("(s)", (":1.1",)))
        self.answer("RequestName", GLib.Variant("(u)", (1,)))

    def let_go(self):
        """Takes the name back when kvstored leaves."""
        self.answer("ReleaseName", GLib.Variant("(u)", (1,)))

    def answer(self, method, body):
        """Waits for a call of kvstored's, and answers it."""
        while (call := self.read()).get_member() != method:
            pass
        reply = Gio.DBusMessage.new_method_reply(call)
        reply.set_body(body)
        self.send(self.write(reply, "org.freedesktop.DBus"))

    def read_exactly(self, length):
        data = b""
        while len(data) < length:
            more = self.socket.recv(length - len(data))
            assert more, "kvstored has closed the connection"
            data += more
        return data

    def read_line(self):
        line = b""
        while not line.endswith(b"\n"):
            line += self.read_exactly(1)
        return line

    def read(self):
        head = self.read_exactly(16)
        rest = self.read_exactly(Gio.DBusMessage.bytes_needed(head) - 16)
        return Gio.DBusMessage.new_from_blob(head + rest, Gio.DBusCapabilityFlags.NONE)

    def read_reply(self):
        """The next answer to a call of the test's."""
        while True:
            message = self.read()
            if message.get_reply_serial() == self.serial:
                return message

    def write(self, message, sender=CALLER):
        """The bytes of a message."""
        self.serial += 1
        message.set_serial(self.serial)
        message.set_sender(sender)
        message.set_destination(NAME)
        return bytes(message.to_blob(Gio.DBusCapabilityFlags.NONE))

    def send(self, data):
        self.socket.sendall(data)

    def is_closed(self):
        """Waits for what there still is to be read, and tells whether nothing more will come."""
        try:
            while self.socket.recv(4096):
                pass
        except ConnectionResetError:
            pass
        except TimeoutError:
            return False
        return True
