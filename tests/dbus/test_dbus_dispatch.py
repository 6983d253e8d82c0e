# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""How calls get to their methods: in order, and whatever a caller may put into a message."""

import os

import pytest
from gi.repository import Gio, GLib

from raw_caller import RawCaller, method_call
from support.bus import NAME, PATH, WATCH_INTERFACE, BusError
from support.limits import SOON

UNKNOWN_METHOD = "org.freedesktop.DBus.Error.UnknownMethod"
INVALID_ARGS = "org.freedesktop.DBus.Error.InvalidArgs"
LIMIT_EXCEEDED = "org.kvstore.Error.LimitExceeded"


@pytest.fixture
def client(shared_kvstored):
    with shared_kvstored.bus() as client:
        yield client


@pytest.fixture
def raw(shared_kvstored):
    with RawCaller(shared_kvstored.bus_address) as raw:
        yield raw


def put(key, value):
    return method_call("Put", GLib.Variant("(ssa{sv})", (key, value, {})))


def get(key):
    return method_call("Get", GLib.Variant("(s)", (key,)))


def watch(*keys):
    return method_call("Watch", GLib.Variant("(asasa{sv})", (keys, [], {})))


def without_answer(message):
    message.set_flags(Gio.DBusMessageFlags.NO_REPLY_EXPECTED)
    return message


def changes_until_answered(raw, serial):
    """What watches tell until a call is answered, and the answer."""
    changes = []
    while True:
        message = raw.read()
        if message.get_member() == "Changed":
            changes += message.get_body().unpack()[0]
        elif message.get_reply_serial() == serial:
            return changes, message


# -- order


def test_calls_behind_a_watch_keep_their_order(raw, key):
    """A Watch is carried out elsewhere than a Put, but not after one that was sent behind it."""
    for i in range(50):
        name = f"{key}-{i}"
        serials = raw.send_together([watch(name), put(name, "1"), get(name)])
        replies = [raw.read_next_reply() for _ in serials]
        assert [reply.get_reply_serial() for reply in replies] == serials
        assert replies[-1].get_body().unpack()[0] == "1"


def test_nothing_is_told_of_what_is_behind_a_close(raw, key):
    for i in range(20):
        name = f"{key}-{i}"
        path = raw.read_reply(raw.send(watch(name))).get_body().unpack()[0]
        close = method_call("Close", path=path, interface=WATCH_INTERFACE)
        # What the watch had to tell would be told before the last one is answered.
        *_, last = raw.send_together([close, put(name, "late"), watch(f"{key}-other")])
        changes, _ = changes_until_answered(raw, last)
        assert not [change for change in changes if change[3] == "late"]


def test_answers_come_in_order(raw, key):
    calls = [put(key, "0")]
    for i in range(500):
        calls += [method_call("CompareAndSwap", GLib.Variant("(sss)", (key, str(i), str(i + 1)))), get(key)]
    serials = raw.send_together(calls)
    replies = [raw.read_next_reply() for _ in serials]
    assert [reply.get_reply_serial() for reply in replies] == serials
    assert [reply.get_body().unpack()[0] for reply in replies[2::2]] == [str(i + 1) for i in range(500)]


# -- what is no call, or a strange one


def error_of(reply):
    assert reply.get_message_type() == Gio.DBusMessageType.ERROR
    return reply.get_error_name(), reply.get_body().unpack()[0]


def test_no_answer_where_none_is_wanted(raw, key):
    """Neither for what succeeds, nor for what fails in whichever way; and it is carried out all the same."""
    messages = [
        put(key, "1"),
        get(f"{key}-missing"),
        get("\n"),
        method_call("Get"),
        method_call("Watch", GLib.Variant("(asasa{sv})", ([], [], {}))),
        put(key, "2"),
        method_call("Close", path=f"{PATH}/watch/0", interface=WATCH_INTERFACE),
    ]
    *_, last = raw.send_together([*map(without_answer, messages), get(key)])
    reply = raw.read_next_reply()
    assert reply.get_reply_serial() == last
    assert reply.get_body().unpack()[0] == "2"


def test_a_call_without_a_body(raw):
    name, text = error_of(raw.read_reply(raw.send(method_call("Get"))))
    assert name == INVALID_ARGS
    assert text == "Type of message, “()”, does not match expected type “(s)”"
    reply = raw.read_reply(raw.send(method_call("GetStatus")))
    assert reply.get_message_type() == Gio.DBusMessageType.METHOD_RETURN


def test_a_body_where_none_belongs(raw):
    name, text = error_of(raw.read_reply(raw.send(method_call("GetStatus", GLib.Variant("(s)", ("a",))))))
    assert name == INVALID_ARGS
    assert "“(s)”" in text and "“()”" in text


@pytest.mark.parametrize("path, interface, method", [
    (PATH, None, "Get"),
    ("/", NAME, "Get"),
    (f"{PATH}/more", NAME, "Get"),
    (f"{PATH}/watch/1000000", NAME, "Get"),
    (PATH, "org.example.Other", "Get"),
    (PATH, WATCH_INTERFACE, "Close"),
    (f"{PATH}/watch/1000000", WATCH_INTERFACE, "Close"),
    (f"{PATH}/watch/", WATCH_INTERFACE[:-1], "Close"),
    (f"{PATH}/watch/1/2", WATCH_INTERFACE, "Close"),
    (PATH, NAME, "get"),
    (PATH, NAME, "GetX"),
])
def test_what_is_not_there(raw, path, interface, method):
    message = method_call("Get", GLib.Variant("(s)", ("a",)) if method != "Close" else None)
    message.set_path(path.rstrip("/") or "/")
    message.set_interface(interface)
    message.set_member(method)
    name, text = error_of(raw.read_reply(raw.send(message)))
    assert name == UNKNOWN_METHOD
    assert text


def test_an_unknown_method_of_a_watch(raw, client, key):
    path = client.call("Watch", "(asasa{sv})", [key], [], {})
    with pytest.raises(BusError) as caught:
        client.invoke(NAME, path, WATCH_INTERFACE, "Open")
    assert caught.value.name == UNKNOWN_METHOD
    with pytest.raises(BusError) as caught:
        client.invoke(NAME, path, WATCH_INTERFACE, "Close", GLib.Variant("(s)", ("a",)))
    assert caught.value.name == INVALID_ARGS
    client.invoke(NAME, path, WATCH_INTERFACE, "Close")
    with pytest.raises(BusError) as caught:
        client.invoke(NAME, path, WATCH_INTERFACE, "Close")
    assert caught.value.name == UNKNOWN_METHOD
    assert path in caught.value.message


def test_what_is_no_call(raw, client, key):
    """Signals and answers that look like calls are for nobody."""
    signal = Gio.DBusMessage.new_signal(PATH, NAME, "Put")
    signal.set_destination(NAME)
    signal.set_body(GLib.Variant("(ssa{sv})", (key, "1", {})))
    answer = put(key, "2")
    answer.set_message_type(Gio.DBusMessageType.METHOD_RETURN)
    answer.set_reply_serial(77)
    answer.set_destination(client.get_owner())
    failure = put(key, "3")
    failure.set_message_type(Gio.DBusMessageType.ERROR)
    failure.set_error_name("org.example.Error")
    failure.set_reply_serial(78)
    failure.set_destination(client.get_owner())
    *_, last = raw.send_together([signal, answer, failure, get(key)])
    assert error_of(raw.read_reply(last))[0] == "org.kvstore.Error.NotFound"


def test_the_other_byte_order(raw, key):
    order = Gio.DBusMessageByteOrder
    host = put(key, "väl").get_byte_order()
    other = order.BIG_ENDIAN if host == order.LITTLE_ENDIAN else order.LITTLE_ENDIAN
    messages = [
        put(key, "väl"),
        get(key),
        method_call("GetMany", GLib.Variant("(as)", ([key],))),
        method_call("Batch", GLib.Variant("(a(sssa{sv}))", ([("GET", key, "", {})],))),
    ]
    for message in messages:
        message.set_byte_order(other)
    written, *read = [raw.read_reply(serial) for serial in raw.send_together(messages)]
    revision, created = written.get_body().unpack()
    assert created is True
    assert read[0].get_body().unpack() == ("väl", {"revision": revision})
    assert read[1].get_body().unpack() == ({key: ("väl", {"revision": revision})},)
    assert read[2].get_body().unpack() == ([(200, "väl", {"revision": revision})],)


def test_descriptors_are_let_go(shared_kvstored, raw, key):
    """They are nowhere asked for; whoever sends some must not fill the table of the service with them."""
    options = {"ttl": GLib.Variant("h", 0)}
    before = shared_kvstored.count_files()
    with open(os.devnull, "rb") as file:
        fds = [file.fileno()] * 3
        for _ in range(20):
            wrong = method_call("Put", GLib.Variant("(ssa{sv})", (key, "1", options)))
            for message, error in ((wrong, "org.kvstore.Error.InvalidArgument"), (put(key, "1"), None)):
                message.set_unix_fd_list(Gio.UnixFDList.new_from_array([os.dup(fd) for fd in fds]))
                reply = raw.read_reply(raw.send_together([message], fds)[0])
                assert reply.get_error_name() == error
    assert shared_kvstored.count_files() <= before + 3


def test_every_call_is_charged(bus, start_kvstored):
    """Also one that comes to nothing, and one that nobody wants answered; but nobody is kept from closing a watch."""
    kvstored = start_kvstored(bus=bus.address, rate_limit="1:20")
    with RawCaller(bus.address) as raw:
        path = raw.read_reply(raw.send(watch("a"))).get_body().unpack()[0]
        raw.send_together([without_answer(method_call("Get")) for _ in range(40)])
        name, text = error_of(raw.read_reply(raw.send(method_call("Get"))))
        assert name == LIMIT_EXCEEDED
        assert "retry after" in text
        close = method_call("Close", path=path, interface=WATCH_INTERFACE)
        assert raw.read_reply(raw.send(close)).get_message_type() == Gio.DBusMessageType.METHOD_RETURN
        assert kvstored.status()["watch_requests_count"] == 0


def test_callers_beyond_those_remembered(bus, start_kvstored):
    """The allowance is a caller's, however many others have called meanwhile."""
    kvstored = start_kvstored(bus=bus.address, rate_limit="1:20")
    callers = [RawCaller(bus.address) for _ in range(12)]
    try:
        for caller in callers:
            caller.send_together([without_answer(get("a")) for _ in range(20 + SOON)])
        for caller in callers:
            assert error_of(caller.read_reply(caller.send(get("a"))))[0] == LIMIT_EXCEEDED
    finally:
        for caller in callers:
            caller.socket.close()
    with kvstored.bus() as client:
        with pytest.raises(BusError) as caught:
            client.call("Get", "(s)", "a")
        assert caught.value.name == "org.kvstore.Error.NotFound"
