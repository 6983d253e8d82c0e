# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""The methods and properties of org.kvstore.KvStore1, asked as a program asks them."""

import datetime
import xml.etree.ElementTree

import pytest
from gi.repository import GLib

from support.bus import INTERFACE, NAME, PATH, BusError

ERROR = "org.kvstore.Error."
MAX_VALUE = 2 * 1024 * 1024


@pytest.fixture
def client(shared_kvstored):
    with shared_kvstored.bus() as client:
        yield client


def put(client, key, value, **options):
    return client.call("Put", "(ssa{sv})", key, value, options)


def get(client, key):
    return client.call("Get", "(s)", key)


def fails(error, client, method, signature, *arguments):
    """Calls what must fail with an error of that name and gives its text, which is one for a person."""
    with pytest.raises(BusError) as caught:
        client.call(method, signature, *arguments)
    assert caught.value.name == ERROR + error
    # GLib's bindings may leave in front what GLib put there; the daemon itself sends none of it.
    text = caught.value.message.removeprefix(f"GDBus.Error:{caught.value.name}: ")
    assert text and "GDBus" not in text
    return text


def u64(number):
    return GLib.Variant("t", number)


def seconds_until(expires):
    moment = datetime.datetime.strptime(expires, "%Y-%m-%dT%H:%M:%S.%f%z")
    # It is told to the nearest millisecond, so that it may be half of one early.
    earliest = moment - datetime.timedelta(microseconds=500)
    return (earliest - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


# -- reading and writing


def test_put_and_get(client, key):
    revision, created = put(client, key, "väl\nue")
    assert created is True
    assert get(client, key) == ("väl\nue", {"revision": revision})


def test_put_replaces(client, key):
    first, _ = put(client, key, "1")
    second, created = put(client, key, "2")
    assert second > first
    assert created is False
    assert get(client, key) == ("2", {"revision": second})


def test_empty_value(client, key):
    put(client, key, "")
    assert get(client, key)[0] == ""
    assert client.call("GetBytes", "(s)", key)[0] == []
    client.call("PutBytes", "(saya{sv})", key, b"", {})
    assert get(client, key)[0] == ""


def test_get_what_is_not_there(client, key):
    fails("NotFound", client, "Get", "(s)", key)
    fails("NotFound", client, "GetBytes", "(s)", key)


def test_bytes_hold_what_text_cannot(client, key):
    revision, created = client.call("PutBytes", "(saya{sv})", key, b"a\0b", {})
    assert created is True
    assert "GetBytes" in fails("InvalidValue", client, "Get", "(s)", key)
    value, details = client.call("GetBytes", "(s)", key)
    assert bytes(value) == b"a\0b"
    assert details == {"revision": revision}


def test_bytes_are_text_where_they_can_be(client, key):
    client.call("PutBytes", "(saya{sv})", key, "ä".encode(), {"ttl": u64(100)})
    value, details = get(client, key)
    assert value == "ä"
    assert 98 < seconds_until(details["expires"]) <= 100


def test_bytes_that_are_not_utf8(client, key):
    fails("InvalidValue", client, "PutBytes", "(saya{sv})", key, b"\xff\xfe", {})
    fails("NotFound", client, "Get", "(s)", key)


def test_delete(client, key):
    first, _ = put(client, key, "1")
    assert client.call("Delete", "(sa{sv})", key, {}) > first
    fails("NotFound", client, "Get", "(s)", key)
    fails("NotFound", client, "Delete", "(sa{sv})", key, {})


def test_compare_and_swap(client, key):
    fails("NotFound", client, "CompareAndSwap", "(sss)", key, "1", "2")
    first, _ = put(client, key, "1", ttl=u64(100))
    assert str(first) in fails("ConditionFailed", client, "CompareAndSwap", "(sss)", key, "0", "2")
    assert get(client, key)[0] == "1"
    second = client.call("CompareAndSwap", "(sss)", key, "1", "2")
    value, details = get(client, key)
    assert second > first
    assert (value, details["revision"]) == ("2", second)
    assert 90 < seconds_until(details["expires"]) <= 100


def test_touch(client, key):
    fails("NotFound", client, "Touch", "(sa{sv})", key, {"ttl": u64(5)})
    first, _ = put(client, key, "1")
    second = client.call("Touch", "(sa{sv})", key, {"ttl": u64(100)})
    value, details = get(client, key)
    assert second > first
    assert (value, details["revision"]) == ("1", second)
    assert 90 < seconds_until(details["expires"]) <= 100
    client.call("Touch", "(sa{sv})", key, {})
    assert "expires" not in get(client, key)[1]
    client.call("Touch", "(sa{sv})", key, {"ttl": u64(0)})
    fails("NotFound", client, "Get", "(s)", key)


def test_increment(client, key):
    assert client.call("Increment", "(sx)", key, 5)[0] == 5
    total, revision = client.call("Increment", "(sx)", key, -7)
    assert total == -2
    assert get(client, key) == ("-2", {"revision": revision})
    client.call("Increment", "(sx)", key, 2 - 2**63 + 1)
    assert client.call("Increment", "(sx)", key, -1)[0] == -(2**63)
    fails("NotANumber", client, "Increment", "(sx)", key, -1)
    put(client, key, "one")
    fails("NotANumber", client, "Increment", "(sx)", key, 1)
    assert get(client, key)[0] == "one"


def test_get_many(client, key):
    first, _ = put(client, key + "1", "1", ttl=u64(100))
    second, _ = client.call("PutBytes", "(saya{sv})", key + "2", b"\0", {})
    found = client.call("GetMany", "(as)", [key + "1", key + "2", key + "3", key + "1"])
    assert sorted(found) == [key + "1", key + "2"]
    value, details = found[key + "1"]
    assert (value, details["revision"]) == ("1", first)
    assert "expires" in details
    assert found[key + "2"] == ("", {"revision": second, "value_bytes": [0]})
    assert client.call("GetMany", "(as)", []) == {}


def test_get_many_is_bounded(client, key):
    keys = [f"{key}{i}" for i in range(9)]
    for name in keys:
        put(client, name, "x" * MAX_VALUE)
    assert len(client.call("GetMany", "(as)", keys[:8])) == 8
    fails("TooLarge", client, "GetMany", "(as)", keys)
    # A key that is named again takes no room.
    assert len(client.call("GetMany", "(as)", keys[:1] * 1024)) == 1
    fails("TooLarge", client, "GetMany", "(as)", keys[:1] * 1025)
    fails("InvalidKey", client, "GetMany", "(as)", [keys[0], ""])


# -- options


@pytest.mark.parametrize("signature", ["y", "n", "q", "i", "u", "x", "t", "d"])
def test_ttl_of_every_number_type(client, key, signature):
    put(client, key, "1", ttl=GLib.Variant(signature, 100))
    assert 90 < seconds_until(get(client, key)[1]["expires"]) <= 100


def test_ttl_with_a_fraction(client, key):
    put(client, key, "1", ttl=GLib.Variant("d", 99.5))
    assert 90 < seconds_until(get(client, key)[1]["expires"]) <= 99.5


def test_ttl_zero_expires_at_once(client, key):
    put(client, key, "1")
    put(client, key, "2", ttl=u64(0))
    fails("NotFound", client, "Get", "(s)", key)
    assert put(client, key, "3")[1] is True


@pytest.mark.parametrize("ttl", [("t", 2**64 - 1), ("d", 1e300), ("x", 2**63 - 1), ("t", 10**12)])
def test_ttl_beyond_the_clock(client, key, ttl):
    put(client, key, "1", ttl=GLib.Variant(*ttl))
    value, details = get(client, key)
    assert value == "1"
    assert details.get("expires", "9999").startswith("9999")


def test_put_without_ttl_clears_it(client, key):
    put(client, key, "1", ttl=u64(100))
    put(client, key, "2")
    assert "expires" not in get(client, key)[1]


def test_keepttl(client, key):
    put(client, key, "1", ttl=u64(100))
    put(client, key, "2", keepttl=GLib.Variant("b", True))
    value, details = get(client, key)
    assert value == "2"
    assert 90 < seconds_until(details["expires"]) <= 100


def test_if_absent(client, key):
    assert put(client, key, "1", if_absent=GLib.Variant("b", True))[1] is True
    with pytest.raises(BusError) as caught:
        put(client, key, "2", if_absent=GLib.Variant("b", True))
    assert caught.value.name == ERROR + "ConditionFailed"
    assert get(client, key)[0] == "1"


def test_if_revision(client, key):
    with pytest.raises(BusError) as caught:
        put(client, key, "0", if_revision=u64(17))
    assert caught.value.name == ERROR + "ConditionFailed"
    revision, _ = put(client, key, "1")
    with pytest.raises(BusError) as caught:
        put(client, key, "2", if_revision=u64(revision + 1))
    assert str(revision) in caught.value.message
    second, created = put(client, key, "2", if_revision=GLib.Variant("x", revision))
    assert created is False
    fails("ConditionFailed", client, "Delete", "(sa{sv})", key, {"if_revision": u64(revision)})
    client.call("Delete", "(sa{sv})", key, {"if_revision": u64(second)})
    fails("NotFound", client, "Get", "(s)", key)


YES = GLib.Variant("b", True)


def text(value):
    return GLib.Variant("s", value)


def test_if_present(client, key):
    reason = fails("ConditionFailed", client, "Put", "(ssa{sv})", key, "0", {"if_present": YES})
    assert reason.endswith("there is no such key")
    fails("NotFound", client, "Get", "(s)", key)
    revision, _ = put(client, key, "1")
    second, created = put(client, key, "2", if_present=YES)
    assert created is False
    fails("ConditionFailed", client, "Put", "(ssa{sv})", key, "3", {"if_present": YES, "if_revision": u64(revision)})
    put(client, key, "3", if_present=YES, if_revision=u64(second))
    assert get(client, key)[0] == "3"


def test_who_loses_is_told_the_revision(client, key):
    put(client, key, "1")
    revision, _ = client.call("PutBytes", "(saya{sv})", key, b"\0", {"ttl": u64(100)})
    unchanged = client.call("GetBytes", "(s)", key)
    stale = {"if_revision": u64(revision - 1)}
    for method, signature, *arguments in [
        ("Put", "(ssa{sv})", key, "2", stale),
        ("Put", "(ssa{sv})", key, "2", {"if_absent": YES}),
        ("PutBytes", "(saya{sv})", key, b"2", stale),
        ("PutBytes", "(saya{sv})", key, b"2", {"if_absent": YES}),
        ("Delete", "(sa{sv})", key, stale),
        ("Touch", "(sa{sv})", key, stale),
        ("CompareAndSwap", "(sss)", key, "1", "2"),
    ]:
        reason = fails("ConditionFailed", client, method, signature, *arguments)
        assert reason.endswith(f"it is at revision {revision}"), method
        assert client.call("GetBytes", "(s)", key) == unchanged, method


def test_a_condition_on_what_is_not_there(client, key):
    condition = {"if_revision": u64(17)}
    reason = fails("ConditionFailed", client, "Put", "(ssa{sv})", key, "1", condition)
    assert reason.endswith("there is no such key")
    fails("NotFound", client, "Delete", "(sa{sv})", key, condition)
    fails("NotFound", client, "Touch", "(sa{sv})", key, condition)
    fails("NotFound", client, "Get", "(s)", key)


def test_touch_on_a_condition(client, key):
    revision, _ = put(client, key, "1")
    second = client.call("Touch", "(sa{sv})", key, {"ttl": u64(100), "if_revision": u64(revision)})
    value, details = get(client, key)
    assert (value, details["revision"]) == ("1", second)
    assert 90 < seconds_until(details["expires"]) <= 100
    fails("InvalidArgument", client, "Touch", "(sa{sv})", key, {"if_absent": YES})


def test_expires_is_taken_as_it_is_told(client, key):
    told = "2040-01-31T12:00:00.125Z"
    put(client, key, "1", expires_at=text(told))
    assert get(client, key)[1]["expires"] == told
    put(client, key, "2")
    client.call("Touch", "(sa{sv})", key, {"expires_at": text("2040-01-31T14:00:00+02:00")})
    assert get(client, key)[1]["expires"] == "2040-01-31T12:00:00.000Z"


def test_expires_in_the_past(client, key):
    put(client, key, "1")
    client.call("Touch", "(sa{sv})", key, {"expires_at": text("2001-01-01T00:00:00Z")})
    fails("NotFound", client, "Get", "(s)", key)
    put(client, key, "1", expires_at=text("2001-01-01T00:00:00Z"))
    fails("NotFound", client, "Get", "(s)", key)


def test_an_option_that_is_false_is_none(client, key):
    no = GLib.Variant("b", False)
    put(client, key, "1")
    revision, _ = put(client, key, "2", ttl=u64(100), keepttl=no, if_absent=no)
    put(client, key, "3", if_revision=u64(revision), if_absent=no)
    assert get(client, key)[0] == "3"


WRONG_OPTIONS = {
    "unknown": {"tll": u64(1)},
    "of another method": {"since": u64(1)},
    "text for a number": {"ttl": GLib.Variant("s", "5")},
    "negative": {"ttl": GLib.Variant("i", -1)},
    "negative fraction": {"ttl": GLib.Variant("d", -0.5)},
    "no number": {"ttl": GLib.Variant("d", float("nan"))},
    "infinite": {"ttl": GLib.Variant("d", float("inf"))},
    "boolean for a number": {"if_revision": GLib.Variant("b", True)},
    "fraction for a revision": {"if_revision": GLib.Variant("d", 1.0)},
    "negative revision": {"if_revision": GLib.Variant("x", -1)},
    "number for a boolean": {"keepttl": GLib.Variant("i", 1)},
    "variant in a variant": {"ttl": GLib.Variant("v", u64(5))},
    "array": {"ttl": GLib.Variant("at", [5])},
    "two deadlines": {"ttl": u64(5), "keepttl": GLib.Variant("b", True)},
    "two conditions": {"if_revision": u64(5), "if_absent": GLib.Variant("b", True)},
    "absent and present": {"if_absent": GLib.Variant("b", True), "if_present": GLib.Variant("b", True)},
    "no time": {"expires_at": GLib.Variant("s", "tomorrow")},
    "time without an offset": {"expires_at": GLib.Variant("s", "2040-01-31T12:00:00")},
    "number for a time": {"expires_at": u64(2**31)},
    "time and time to live": {"expires_at": GLib.Variant("s", "2040-01-31T12:00:00Z"), "ttl": u64(5)},
    "option of a listing": {"delimiter": GLib.Variant("s", "/")},
    "empty name": {"": u64(5)},
    "huge name": {"ä" * 1_000_000: u64(5)},
}


@pytest.mark.parametrize("options", WRONG_OPTIONS.values(), ids=WRONG_OPTIONS.keys())
def test_wrong_options(client, key, options):
    text = fails("InvalidArgument", client, "Put", "(ssa{sv})", key, "1", options)
    assert len(text) < 300
    fails("NotFound", client, "Get", "(s)", key)


def test_an_error_names_the_option(client, key):
    text = fails("InvalidArgument", client, "Put", "(ssa{sv})", key, "1", {"tll": u64(1)})
    assert "tll" in text
    text = fails("InvalidArgument", client, "Delete", "(sa{sv})", key, {"ttl": u64(1)})
    assert "ttl" in text and "if_revision" in text


# -- keys and values

WRONG_KEYS = {"empty": "", "newline": "a\nb", "delete": "a\x7f", "tab": "\t", "too long": "ä" * 513}
CALLS_WITH_A_KEY = {
    "Get": ("(s)",),
    "GetBytes": ("(s)",),
    "Put": ("(ssa{sv})", "1", {}),
    "PutBytes": ("(saya{sv})", b"1", {}),
    "Delete": ("(sa{sv})", {}),
    "CompareAndSwap": ("(sss)", "1", "2"),
    "Touch": ("(sa{sv})", {}),
    "Increment": ("(sx)", 1),
}


@pytest.mark.parametrize("method", CALLS_WITH_A_KEY)
@pytest.mark.parametrize("wrong", WRONG_KEYS.values(), ids=WRONG_KEYS.keys())
def test_wrong_keys(client, method, wrong):
    signature, *rest = CALLS_WITH_A_KEY[method]
    keys = client.get_property("Keys")
    fails("InvalidKey", client, method, signature, wrong, *rest)
    assert client.get_property("Keys") == keys


def test_the_longest_key(client):
    longest = "ä" * 512
    put(client, longest, "1")
    assert get(client, longest)[0] == "1"


def test_the_longest_value(client, key):
    put(client, key, "x" * MAX_VALUE)
    assert len(get(client, key)[0]) == MAX_VALUE
    too_long = "y" * (MAX_VALUE + 1)
    fails("TooLarge", client, "Put", "(ssa{sv})", key, too_long, {})
    fails("TooLarge", client, "PutBytes", "(saya{sv})", key, too_long.encode(), {})
    fails("TooLarge", client, "CompareAndSwap", "(sss)", key, "x" * MAX_VALUE, too_long)
    fails("TooLarge", client, "Batch", "(a(sssa{sv}))", [("PUT", key, too_long, {})])
    assert get(client, key)[0] == "x" * MAX_VALUE


def test_a_message_far_too_large(client, key):
    fails("TooLarge", client, "Put", "(ssa{sv})", key, "z" * (100 * 1024 * 1024), {})
    fails("NotFound", client, "Get", "(s)", key)


# -- batches


def batch(client, *entries):
    return client.call("Batch", "(a(sssa{sv}))", entries)


def test_batch_runs_in_order(client, key):
    results = batch(
        client,
        ("PUT", key, "1", {}),
        ("GET", key, "", {}),
        ("PUT", key, "2", {"ttl": u64(100)}),
        ("GET", key, "", {}),
        ("PUT", key, "3", {"if_absent": GLib.Variant("b", True)}),
        ("DELETE", key, "", {}),
        ("DELETE", key, "", {}),
        ("GET", key, "", {}),
    )
    assert [r[0] for r in results] == [201, 200, 204, 200, 412, 204, 404, 404]
    assert [r[1] for r in results] == ["", "1", "", "2", "", "", "", ""]
    revisions = [r[2].get("revision") for r in results]
    assert revisions[0] == revisions[1] < revisions[2] == revisions[3] == revisions[4] < revisions[5]
    assert revisions[6:] == [None, None]
    assert "expires" in results[3][2]


def test_batch_of_none(client):
    assert batch(client) == []


def test_batch_with_bytes(client, key):
    client.call("PutBytes", "(saya{sv})", key, b"\0\0", {})
    ((status, value, details),) = batch(client, ("GET", key, "", {}))
    assert (status, value, details["value_bytes"]) == (200, "", [0, 0])


WRONG_ENTRIES = {
    "unknown method": ("HEAD", "k", "", {}),
    "empty method": ("", "k", "", {}),
    "wrong key": ("GET", "", "", {}),
    "value to read": ("GET", "k", "v", {}),
    "value to delete": ("DELETE", "k", "v", {}),
    "option to read": ("GET", "k", "", {"ttl": u64(1)}),
    "wrong option": ("PUT", "k", "", {"tll": u64(1)}),
    "contradiction": ("PUT", "k", "", {"ttl": u64(1), "keepttl": GLib.Variant("b", True)}),
}


@pytest.mark.parametrize("wrong", WRONG_ENTRIES.values(), ids=WRONG_ENTRIES.keys())
def test_one_wrong_entry_stops_all(client, key, wrong):
    error = "InvalidKey" if wrong[1] == "" else "InvalidArgument"
    text = fails(error, client, "Batch", "(a(sssa{sv}))", [("PUT", key, "1", {}), wrong])
    assert "Entry 2 of 2" in text
    fails("NotFound", client, "Get", "(s)", key)


def test_batch_is_bounded(client, key):
    entry = ("PUT", key, "1", {})
    assert len(batch(client, *[entry] * 1024)) == 1024
    client.call("Delete", "(sa{sv})", key, {})
    fails("TooLarge", client, "Batch", "(a(sssa{sv}))", [entry] * 1025)
    fails("NotFound", client, "Get", "(s)", key)


def test_batch_leaves_out_what_is_too_much(client, key):
    put(client, key, "x" * MAX_VALUE)
    results = batch(client, *[("GET", key, "", {})] * 10, ("PUT", key, "1", {}))
    assert [r[0] for r in results] == [200] * 8 + [413] * 2 + [204]
    assert results[8][1] == ""
    assert results[8][2]["value_omitted"] is True
    assert get(client, key)[0] == "1"


# -- status and properties


def test_status(client, key):
    before = client.call("GetStatus")
    put(client, key, "1")
    get(client, key)
    client.call("CompareAndSwap", "(sss)", key, "1", "2")
    fails("ConditionFailed", client, "CompareAndSwap", "(sss)", key, "1", "2")
    client.call("Delete", "(sa{sv})", key, {})
    after = client.call("GetStatus")
    assert after["status"] == "OK"
    assert after["version"] == client.get_property("Version")
    assert after["uptime"].endswith("s")
    assert datetime.datetime.fromisoformat(after["server_time"]).tzinfo is not None
    grown = {name: after[name] - before[name] for name in after if isinstance(after[name], int)}
    assert grown == {
        "total_keys": 0,
        "total_operations": 5,
        "get_operations": 1,
        "put_operations": 1,
        "delete_operations": 1,
        "cas_operations": 2,
        "successful_cas_operations": 1,
        "failed_cas_operations": 1,
        "watch_requests_count": 0,
        "batch_requests_count": 0,
    }


def test_properties_are_live(client, key):
    keys = client.get_property("Keys")
    revision, _ = put(client, key, "1")
    assert client.get_property("Revision") == revision
    assert client.get_property("Keys") == keys + 1
    revision = client.call("Delete", "(sa{sv})", key, {})
    assert client.get_property("Revision") == revision
    assert client.get_property("Keys") == keys
    everything = client.invoke(
        NAME, PATH, "org.freedesktop.DBus.Properties", "GetAll", GLib.Variant("(s)", (INTERFACE,))
    )[0]
    assert everything == {"Version": client.get_property("Version"), "Revision": revision, "Keys": keys}


def test_properties_cannot_be_set(client):
    parameters = GLib.Variant("(ssv)", (INTERFACE, "Keys", u64(1)))
    with pytest.raises(BusError):
        client.invoke(NAME, PATH, "org.freedesktop.DBus.Properties", "Set", parameters)


def test_introspection_tells_the_interface(client):
    text = client.invoke(NAME, PATH, "org.freedesktop.DBus.Introspectable", "Introspect")[0]
    node = xml.etree.ElementTree.fromstring(text)
    interface = node.find(f"interface[@name='{INTERFACE}']")
    annotation = "annotation[@name='org.freedesktop.DBus.Property.EmitsChangedSignal']"
    assert {
        p.get("name"): p.find(annotation).get("value") for p in interface.iter("property")
    } == {"Version": "const", "Revision": "false", "Keys": "false"}
    assert interface.find("method[@name='CompareAndSwap']") is not None


# -- what is no call at all


@pytest.mark.parametrize(
    "method, signature, arguments",
    [
        ("Get", "()", ()),
        ("Get", "(ss)", ("a", "b")),
        ("Get", "(ay)", (b"a",)),
        ("Put", "(ss)", ("a", "b")),
        ("Put", "(ssa{ss})", ("a", "b", {})),
        ("Increment", "(si)", ("a", 1)),
        ("Batch", "(as)", (["a"],)),
        ("Watch", "(as)", (["a"],)),
    ],
)
def test_wrong_signatures(client, method, signature, arguments):
    with pytest.raises(BusError) as caught:
        client.call(method, signature, *arguments)
    assert caught.value.name == "org.freedesktop.DBus.Error.InvalidArgs"


def test_unknown_method(client):
    with pytest.raises(BusError) as caught:
        client.call("Frobnicate")
    assert caught.value.name == "org.freedesktop.DBus.Error.UnknownMethod"


def test_deep_nesting(client, key):
    value = GLib.Variant("i", 1)
    for _ in range(60):
        value = GLib.Variant("v", value)
    fails("InvalidArgument", client, "Put", "(ssa{sv})", key, "1", {"ttl": value})
    fails("NotFound", client, "Get", "(s)", key)
