# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""A caller on the bus without a library in between, for what a library would not do."""

import os
import socket

from gi.repository import Gio

from support.bus import INTERFACE, NAME, PATH
from support.limits import LATER


class RawCaller:
    """A caller that reads when it is told to, and not before."""

    def __init__(self, address):
        self.serial = 0
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LATER)
        self.socket.connect(address.split("path=")[1].split(",")[0])
        uid = str(os.getuid()).encode().hex()
        self.socket.sendall(f"\0AUTH EXTERNAL {uid}\r\n".encode())
        assert self.socket.recv(4096).startswith(b"OK ")
        self.socket.sendall(b"NEGOTIATE_UNIX_FD\r\n")
        assert self.socket.recv(4096).startswith(b"AGREE_UNIX_FD")
        self.socket.sendall(b"BEGIN\r\n")
        self.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, message):
        return self.send_together([message])[0]

    def send_together(self, messages, fds=()):
        """Sends messages in one piece, the descriptors with the first; gives their serials."""
        data, serials = b"", []
        for message in messages:
            self.serial += 1
            message.set_serial(self.serial)
            serials.append(self.serial)
            data += message.to_blob(Gio.DBusCapabilityFlags.NONE)
        if fds:
            sent = socket.send_fds(self.socket, [data], list(fds))
            data = data[sent:]
        self.socket.sendall(data)
        return serials

    def read_exactly(self, length):
        data = b""
        while len(data) < length:
            more = self.socket.recv(length - len(data))
            assert more, "the bus has closed the connection"
            data += more
        return data

    def read(self):
        head = self.read_exactly(16)
        rest = self.read_exactly(Gio.DBusMessage.bytes_needed(head) - 16)
        message = Gio.DBusMessage.new_from_blob(head + rest, Gio.DBusCapabilityFlags.NONE)
        if message.get_message_type() == Gio.DBusMessageType.METHOD_CALL:
            self.send(Gio.DBusMessage.new_method_reply(message))
        return message

    def call(self, *target, body=None):
        message = Gio.DBusMessage.new_method_call(*target)
        if body is not None:
            message.set_body(body)
        reply = self.read_reply(self.send(message))
        assert reply.get_message_type() == Gio.DBusMessageType.METHOD_RETURN
        return reply

    def read_reply(self, serial):
        """What is answered to a call, be it an error."""
        while True:
            reply = self.read()
            if reply.get_reply_serial() == serial:
                return reply

    def read_next_reply(self):
        """The next answer, to whichever call."""
        while True:
            reply = self.read()
            if reply.get_reply_serial():
                return reply

    def read_changes(self):
        """The changes of the next signal; none of one that is something else."""
        message = self.read()
        return message.get_body().unpack()[0] if message.get_member() == "Changed" else []


def method_call(method, body=None, path=PATH, interface=INTERFACE):
    """A call to the service that is still to be sent."""
    message = Gio.DBusMessage.new_method_call(NAME, path, interface, method)
    if body is not None:
        message.set_body(body)
    return message
