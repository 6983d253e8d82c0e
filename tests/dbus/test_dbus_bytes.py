# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""What kvstored makes of bytes that no bus would pass on, or not so; and of a bus over TCP."""

import signal

import pytest
from gi.repository import Gio, GLib

from made_up_bus import MadeUpBus
from raw_caller import method_call
from support.bus import INTERFACE, PATH

INVALID_ARGS = "org.freedesktop.DBus.Error.InvalidArgs"


def read_keys(bus):
    message = Gio.DBusMessage.new_method_call(None, PATH, "org.freedesktop.DBus.Properties", "Get")
    message.set_body(GLib.Variant("(ss)", (INTERFACE, "Keys")))
    bus.send(bus.write(message))
    return bus.read_reply().get_body().unpack()[0]


@pytest.fixture(params=["unix", "tcp"])
def made_up_bus(request, directory, start_kvstored):
    with MadeUpBus(directory, request.param) as bus:
        kvstored = start_kvstored(bus=bus.address)
        bus.wait()
        yield bus
        # Answered in the main context, which knows by then that it has the name.
        read_keys(bus)
        kvstored.signal(signal.SIGTERM)
        bus.let_go()
        assert bus.is_closed()


def put(bus, key, value):
    return bus.write(method_call("Put", GLib.Variant("(ssa{sv})", (key, value, {}))))


def get(bus, key):
    return bus.write(method_call("Get", GLib.Variant("(s)", (key,))))


def test_calls_in_pieces(made_up_bus):
    for byte in put(made_up_bus, "a", "1"):
        made_up_bus.send(bytes([byte]))
    assert made_up_bus.read_reply().get_body().unpack()[1] is True
    made_up_bus.send(get(made_up_bus, "a"))
    assert made_up_bus.read_reply().get_body().unpack()[0] == "1"


def test_many_calls_in_one_piece(made_up_bus):
    made_up_bus.send(b"".join(put(made_up_bus, "a", str(i)) for i in range(1000)) + get(made_up_bus, "a"))
    assert made_up_bus.read_reply().get_body().unpack()[0] == "999"


MALFORMED = {
    "not ended": (b"key\0", b"keyx"),
    "with a NUL": (b"key\0", b"k\0y\0"),
    "not UTF-8": (b"key\0", b"k\xffy\0"),
    "too long": (b"\3\0\0\0key", b"\4\0\0\0key"),
    "far too long": (b"\3\0\0\0key", b"\xff\xff\xff\xffkey"),
}


@pytest.mark.parametrize("right, wrong", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_body_is_answered(made_up_bus, right, wrong):
    """And is the loss of nobody else: the connection stays."""
    call = get(made_up_bus, "key")
    assert right in call
    made_up_bus.send(call.replace(right, wrong))
    reply = made_up_bus.read_reply()
    assert reply.get_error_name() == INVALID_ARGS
    assert "malformed" in reply.get_body().unpack()[0]
    made_up_bus.send(put(made_up_bus, "key", "1") + get(made_up_bus, "key"))
    assert made_up_bus.read_reply().get_body().unpack()[0] == "1"


NO_MESSAGES = {
    "text": b"this is no message",
    "too long": b"l\1\0\1\xff\xff\xff\xff\1\0\0\0\0\0\0\0",
    "of no type": b"l\0\0\1\0\0\0\0\1\0\0\0\0\0\0\0",
    "zeros": b"\0" * 100,
}


@pytest.mark.parametrize("data", NO_MESSAGES.values(), ids=NO_MESSAGES.keys())
def test_what_is_no_message_ends_the_connection(made_up_bus, data):
    """What came before is answered still, and kvstored comes back."""
    made_up_bus.send(put(made_up_bus, "a", "1"))
    made_up_bus.read_reply()
    made_up_bus.send(data)
    assert made_up_bus.is_closed()
    made_up_bus.expect()
    made_up_bus.wait()
    made_up_bus.send(get(made_up_bus, "a"))
    assert made_up_bus.read_reply().get_body().unpack()[0] == "1"


def test_what_is_left_to_gdbus(made_up_bus):
    made_up_bus.send(made_up_bus.write(Gio.DBusMessage.new_method_call(None, "/", "org.freedesktop.DBus.Peer", "Ping")))
    assert made_up_bus.read_reply().get_message_type() == Gio.DBusMessageType.METHOD_RETURN
    assert read_keys(made_up_bus) == 0
