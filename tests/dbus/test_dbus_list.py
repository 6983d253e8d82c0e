# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""List and Count: pages of keys in byte order, folders, counts; the twins of GET /v1/keys."""

from urllib.parse import urlencode

import pytest
from gi.repository import GLib

from raw_caller import RawCaller, method_call
from support.bus import BusError

ERROR = "org.kvstore.Error."
MAX_REPLY = 16 * 1024 * 1024
YES = GLib.Variant("b", True)


class Keys:
    """The keys below a prefix that is one test's own."""

    def __init__(self, daemon, client, prefix):
        self.daemon = daemon
        self.client = client
        self.prefix = prefix

    def put(self, *names, **options):
        for name in names:
            self.client.call("Put", "(ssa{sv})", self.prefix + name, f"value of {name}", options)

    def list(self, cursor="", limit=0, prefix=None, **options):
        """A page: items, next, revision."""
        prefix = self.prefix if prefix is None else prefix
        return self.client.call("List", "(ssua{sv})", prefix, cursor, limit, options)

    def names(self, items):
        """Keys as text, folders as text in a list."""
        return [[name[len(self.prefix):]] if "folder" in details else name[len(self.prefix):] for name, details in items]

    def all_pages(self, **parameters):
        seen, cursor = [], ""
        while True:
            items, cursor, _ = self.list(cursor, **parameters)
            assert len(items) <= parameters["limit"]
            seen += self.names(items)
            if not cursor:
                return seen

    def http_page(self, **parameters):
        query = urlencode({"prefix": self.prefix, **parameters})
        return self.daemon.request("GET", f"/v1/keys?{query}").json

    def refuse(self, error, *arguments, **options):
        with pytest.raises(BusError) as caught:
            self.list(*arguments, **options)
        assert caught.value.name == ERROR + error
        return caught.value.message


@pytest.fixture
def client(shared_kvstored):
    with shared_kvstored.bus() as client:
        yield client


@pytest.fixture
def keys(shared_kvstored, client, key):
    return Keys(shared_kvstored, client, f"{key}:")


def delimiter(text):
    return GLib.Variant("s", text)


class TestPages:
    def test_byte_order(self, keys):
        names = ["b", "a", "B", "a/b", "a b", "ä", "a\"b\\", "€", "😀", "a%2Fb"]
        keys.put(*names)
        items, following, _ = keys.list()
        assert keys.names(items) == sorted(names, key=lambda name: name.encode())
        assert following == ""

    def test_an_item_has_the_details_of_its_key(self, keys):
        keys.put("plain")
        keys.put("mortal", ttl=GLib.Variant("u", 100))
        (_, mortal), (_, plain) = keys.list()[0]
        assert plain == {"revision": plain["revision"], "size": len("value of plain")}
        _, details = keys.client.call("Get", "(s)", keys.prefix + "mortal")
        assert mortal.pop("size") == len("value of mortal")
        # The time is told by the wall clock as it is set when it is told.
        assert mortal.pop("expires")[:16] == details.pop("expires")[:16]
        assert mortal == details

    def test_values(self, keys):
        keys.put("a")
        keys.client.call("PutBytes", "(saya{sv})", f"{keys.prefix}b", b"x\0\xc3\xa4", {})
        keys.client.call("Put", "(ssa{sv})", f"{keys.prefix}c", "", {})
        items = [details for _, details in keys.list(values=YES)[0]]
        assert items[0]["value"] == "value of a"
        assert (bytes(items[1]["value_bytes"]), items[1]["size"]) == (b"x\0\xc3\xa4", 4)
        assert "value" not in items[1]
        assert items[2]["value"] == ""
        assert all(set(details) == {"revision", "size"} for _, details in keys.list(values=GLib.Variant("b", False))[0])

    def test_many_values_end_a_page(self, keys):
        for name in "abcd":
            keys.client.call("Put", "(ssa{sv})", keys.prefix + name, "x" * 2_000_000, {})
        items, cursor, _ = keys.list(values=YES)
        assert keys.names(items) == ["a", "b", "c"]
        assert keys.names(keys.list(cursor, values=YES)[0]) == ["d"]
        assert keys.names(keys.list()[0]) == ["a", "b", "c", "d"]

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
    def test_pages_neither_repeat_nor_leave_out(self, keys, limit):
        names = [f"{n:02}" for n in range(20)]
        keys.put(*names)
        assert keys.all_pages(limit=limit) == names

    def test_keys_that_come_and_go_between_pages(self, keys):
        keys.put("b", "d", "f")
        items, cursor, _ = keys.list(limit=2)
        assert keys.names(items) == ["b", "d"]
        keys.put("a", "e")
        keys.client.call("Delete", "(sa{sv})", f"{keys.prefix}d", {})
        assert keys.names(keys.list(cursor)[0]) == ["e", "f"]

    def test_limits(self, keys):
        entries = [("PUT", f"{keys.prefix}{n:04}", "", {}) for n in range(1001)]
        for first in range(0, len(entries), 1000):
            keys.client.call("Batch", "(a(sssa{sv}))", entries[first:first + 1000])
        assert len(keys.list()[0]) == 100
        assert len(keys.list(limit=1000)[0]) == 1000
        assert "limit" in keys.refuse("InvalidArgument", "", 1001)
        assert "limit" in keys.refuse("InvalidArgument", "", 2**32 - 1)

    def test_expired_keys_are_not_listed(self, keys):
        keys.put("a", "c")
        keys.put("b", ttl=GLib.Variant("u", 0))
        assert keys.names(keys.list()[0]) == ["a", "c"]

    def test_the_revision_is_where_a_watch_goes_on(self, keys):
        keys.put("a")
        _, _, revision = keys.list()
        keys.put("b")
        keys.client.listen()
        keys.client.call("Watch", "(asasa{sv})", [], [keys.prefix], {"since": GLib.Variant("t", revision)})
        _, name, (changes,) = keys.client.next_signal()
        assert (name, changes[0][2]) == ("Changed", f"{keys.prefix}b")

    def test_nothing(self, keys):
        items, following, _ = keys.list()
        assert (items, following) == ([], "")


class TestFolders:
    def test_deeper_keys_are_folded(self, keys):
        keys.put("a", "a/1", "a/2", "a/b/c", "b", "c/1")
        items, _, _ = keys.list(delimiter=delimiter("/"))
        assert keys.names(items) == ["a", ["a/"], "b", ["c/"]]
        assert items[1][1] == {"folder": True}
        items, _, _ = keys.list(prefix=f"{keys.prefix}a/", delimiter=delimiter("/"), values=YES)
        assert keys.names(items) == ["a/1", "a/2", ["a/b/"]]
        assert items[0][1]["value"] == "value of a/1"

    @pytest.mark.parametrize("limit", [1, 2, 3])
    def test_pages_of_folders(self, keys, limit):
        keys.put(*(f"{folder}::{n}" for folder in "abc" for n in range(5)), "b", "d")
        assert keys.all_pages(limit=limit, delimiter=delimiter("::")) == [["a::"], "b", ["b::"], ["c::"], "d"]


class TestCount:
    def count(self, client, prefix):
        return client.call("Count", "(s)", prefix)

    def test_count(self, keys):
        keys.put("a", "a/1", "a/2", "b")
        keys.put("a/3", ttl=GLib.Variant("u", 0))
        count, revision = self.count(keys.client, keys.prefix)
        assert (count, revision) == (4, keys.list()[2])
        assert self.count(keys.client, f"{keys.prefix}a/")[0] == 2
        assert self.count(keys.client, f"{keys.prefix}x")[0] == 0
        assert self.count(keys.client, "")[0] == keys.client.get_property("Keys")

    @pytest.mark.parametrize("prefix, error", [("\n", "InvalidKey"), ("a" * 1025, "InvalidArgument")])
    def test_a_prefix_of_no_key(self, client, prefix, error):
        with pytest.raises(BusError, match="prefix") as caught:
            self.count(client, prefix)
        assert caught.value.name == ERROR + error


class TestBothDoors:
    def test_they_list_the_same(self, keys):
        keys.put("a", "b/1", "b/2", "c")
        items, cursor, revision = keys.list(limit=2, delimiter=delimiter("/"), values=YES)
        page = keys.http_page(limit=2, delimiter="/", values="true")
        (key, details), (folder, _) = items
        assert page["items"] == [{"key": key, **details}, {"prefix": folder}]
        assert (page["next_cursor"], page["revision"]) == (cursor, revision)

    def test_a_cursor_goes_from_one_to_the_other(self, keys):
        keys.put("a", "b", "c", "d")
        _, cursor, _ = keys.list(limit=1)
        page = keys.http_page(limit=1, cursor=cursor)
        assert page["items"][0]["key"] == f"{keys.prefix}b"
        assert keys.names(keys.list(page["next_cursor"])[0]) == ["c", "d"]


class TestRefusals:
    def test_a_cursor_that_was_tampered_with(self, keys):
        keys.put("a", "b")
        _, cursor, _ = keys.list(limit=1)
        for place, was in enumerate(cursor):
            changed = cursor[:place] + ("A" if was != "A" else "B") + cursor[place + 1:]
            assert "cursor" in keys.refuse("InvalidArgument", changed), changed
        for changed in [cursor[:-1], cursor + "A", cursor * 500, "ä", " "]:
            assert "cursor" in keys.refuse("InvalidArgument", changed), changed

    @pytest.mark.parametrize("other", [{"prefix": ""}, {"delimiter": delimiter("/")}], ids=["prefix", "delimiter"])
    def test_a_cursor_of_another_listing(self, keys, other):
        keys.put("a", "b")
        _, cursor, _ = keys.list(limit=1)
        assert "cursor" in keys.refuse("InvalidArgument", cursor, **other)

    @pytest.mark.parametrize("error, name, options", [
        ("InvalidArgument", "delimiter", {"delimiter": delimiter("")}),
        ("InvalidArgument", "delimiter", {"delimiter": delimiter("a" * 65)}),
        ("InvalidArgument", "delimiter", {"delimiter": GLib.Variant("y", 47)}),
        ("InvalidArgument", "delimiter", {"delimiter": GLib.Variant("ay", b"/")}),
        ("InvalidKey", "delimiter", {"delimiter": delimiter("\n")}),
        ("InvalidArgument", "values", {"values": GLib.Variant("s", "true")}),
        ("InvalidArgument", "value", {"value": YES}),
        ("InvalidArgument", "ttl", {"ttl": GLib.Variant("u", 1)}),
        ("InvalidArgument", "prefix", {"prefix": "a" * 1025}),
        ("InvalidKey", "prefix", {"prefix": "a\n"}),
    ])
    def test_what_is_wrong_is_named(self, keys, error, name, options):
        assert name in keys.refuse(error, **options)


def test_a_page_is_charged_as_it_is_over_http(bus, start_kvstored):
    daemon = start_kvstored(bus=bus.address, rate_limit="1:20")
    with daemon.bus() as client:
        keys = Keys(daemon, client, "")
        keys.list(limit=320)
        assert "retry after" in keys.refuse("LimitExceeded", "", 640)
        # What is refused for its limit counts for one.
        keys.refuse("InvalidArgument", "", 2**32 - 1)


def test_a_value_beyond_what_a_reply_holds(bus, start_kvstored):
    daemon = start_kvstored("--max-value-size", str(2 * MAX_REPLY), bus=bus.address)
    assert daemon.request("PUT", "/store/large", "x" * (MAX_REPLY + 1)).status == 201
    assert daemon.request("PUT", "/store/small", "x").status == 201
    with daemon.bus() as client:
        keys = Keys(daemon, client, "")
        ((_, details),), cursor, _ = keys.list(values=YES)
        assert (details["value_omitted"], details["size"]) == (True, MAX_REPLY + 1)
        assert "value" not in details
        assert keys.list(cursor, values=YES)[0][0][1]["value"] == "x"


def test_many_keys(bus, start_kvstored):
    """So many that the index is made in a thread, and the first answers come later, to all who ask meanwhile."""
    daemon = start_kvstored(bus=bus.address, rate_limit="off")
    with daemon.bus() as client:
        for first in range(0, 5000, 1000):
            entries = [("PUT", f"k{n:05}", "", {}) for n in range(first, first + 1000)]
            client.call("Batch", "(a(sssa{sv}))", entries)
        page = method_call("List", GLib.Variant("(ssua{sv})", ("", "", 3, {})))
        count = method_call("Count", GLib.Variant("(s)", ("k04",)))
        with RawCaller(daemon.bus_address) as raw:
            serials = raw.send_together([page, count] * 20)
            replies = {}
            while len(replies) < len(serials):
                reply = raw.read_next_reply()
                replies[reply.get_reply_serial()] = reply.get_body().unpack()
            for serial in serials[::2]:
                assert [name for name, _ in replies[serial][0]] == ["k00000", "k00001", "k00002"]
            assert all(replies[serial][0] == 1000 for serial in serials[1::2])
        assert Keys(daemon, client, "").all_pages(limit=700) == [f"k{n:05}" for n in range(5000)]
