# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Makes up what clients send, good and bad: the same for the same seed.

A Plan is one connection. It is talked either in step, each request after the answer to the one before, or
pipelined, all of it at once in pieces that are cut anywhere. Only its last request may end the connection.
"""

import json
import random
from typing import NamedTuple

# What would be stored if something that stands behind the end of a connection were run.
SMUGGLED = b"PUT /store/smuggled HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"

KEY_NAMES = ["k", "l", "m", "a/b", "sp ace", "ä", "🗝", "100%", "..", "cas", "q?x=y", "#", "K" * 200]

# A value that would be stored under its own name if it were taken for a request.
INNER = SMUGGLED.replace(b"smuggled", b"inner")

VALUES = [b"", b"v", b"value", "wert ä 🗝".encode(), b"a\r\n\r\nb", b"\0", b"0\r\n\r\n", INNER]

UNKNOWN_PATHS = ["/", "/nowhere", "/store", "/store/", "/store/a/b", "/status/", "/watch_key", "//store/k", "/STATUS", "/v1", "/v1/kv/a/b",
                 "/v1/nowhere"]

BAD_SEGMENTS = ["%", "%4", "%zz", "%FF", "%C3", "%00", "%0A", "%7F", "k" * 1025]

# Header lines that mean nothing to anybody here, or should not.
NOISE = [
    "Accept: */*", "Accept-Encoding: gzip, br", "User-Agent: curl/7.88.1", "X-Empty:", "X-Blank: \t ", "x-lower: a",
    "X: a", "X: b", "X: \xe4\xf6\xff", "Range: bytes=0-1", "Cookie: a=b; c=\"d\"",
    "Cache-Control: no-cache", "Pragma: no-cache", "TE: trailers", "Content-Encoding: gzip", "Trailer: X", "Via: 1.1 p",
    "X-Forwarded-For: 127.0.0.1", "X-HTTP-Method-Override: DELETE", "Transfer-Encodings: chunked",
    "Content-Lengths: 5", "X-Content-Length: 5", "Keep-Alive: timeout=5, max=100", "DNT: 1", "X-Long: " + "y" * 3000,
]

CONNECTIONS = ["keep-alive", "Keep-Alive", "TE", ",", "keep-alive, TE", "x , , y", "closed", "not-close"]
CLOSES = ["close", "Close", "CLOSE", "keep-alive, close", "x,\tclose ,y"]

# No key that is to live expires while a test runs.
QUERIES = ["?", "?x", "?x=1&y=2", "?ttl=3600", "?ttl=0", "?ttl=007200", "?a=b&ttl=3600", "?%74tl=3600", "?ttl=", "?ttl=x",
           "?ttl=-1", "?ttl=1&ttl=2", "?ttl=99999999999999999999999", "?=&&=", "?a=%zz", "??", "?/../"]


V1_QUERIES = {
    "PUT": ["?ttl=3600", "?ttl=7200.5", "?ttl=0", "?keepttl", "?prev", "?prev&keepttl=true", "?expires_at=2100-01-02T03:04:05Z",
            "?expires_at=2100-01-02T03:04:05+01:00", "?ttl=1&keepttl", "?ttl=.5", "?keep_ttl", "?prev=1", "?%74tl=3600", "?&", "?="],
    "GET": ["?", "?x", "?prev", "?%zz"],
    "DELETE": ["?prev", "?prev=false", "?prev&prev", "?ttl=5"],
    "touch": ["?ttl=3600", "?ttl=0", "?persist", "?expires_at=2100-01-02T03:04:05Z", "", "?persist=false", "?ttl=1&persist", "?ttl=x"],
    "incr": ["", "", "?by=5", "?by=-7", "?by=9223372036854775807", "?by=", "?by=1.5", "?by=1&by=1", "?bye=1"],
}

# No plan knows a revision.
CONDITIONS = ['*', '"1"', 'W/"1"', '"1", "2"', ',"x"', '', '17', '"', '*, *', '"1" "2"']


class Request(NamedTuple):
    """data: its bytes; method: how its answer is to be read; ends: whether the connection ends with it, "no", "yes"
    or "maybe", where it depends on what has come when it is refused; whole: whether bytes behind it would not belong to
    it; keys: the keys that it watches, for a watch; body: what is sent after "100 Continue", where the client
    waits for that.
    """

    data: bytes
    method: str
    ends: str = "no"
    whole: bool = True
    keys: tuple = ()
    body: bytes = None


class Plan(NamedTuple):
    """requests: one after the other; pieces: the lengths of the pieces, or None when talked in step; behind: what is
    sent behind the last request, and must not be taken for one.
    """

    requests: list
    pieces: list
    behind: bytes

    @property
    def data(self):
        return b"".join(request.data for request in self.requests) + self.behind


class Generator:
    def __init__(self, seed):
        self.random = random.Random(f"kvstore {seed}")
        self.keys = [f"{name}-{seed}" for name in KEY_NAMES]

    def choose(self, *weighted):
        """One of some (weight, function) by weight, called."""
        weights, functions = zip(*weighted)
        return self.random.choices(functions, weights)[0]()

    def chance(self, probability):
        return self.random.random() < probability

    # -- parts of a request

    def key(self):
        return self.random.choice(self.keys)

    def segment(self, key):
        """The key as a segment of a path, with more escapes than it needs."""
        text = ""
        for byte in key.encode():
            char = chr(byte)
            plain = char.isascii() and (char.isalnum() or char in "-._~!$&'()*+,;=:@")
            if plain and self.random.random() < 0.9:
                text += char
            else:
                text += self.random.choice(["%{:02x}", "%{:02X}"]).format(byte)
        return text

    def value(self):
        return self.choose(
            (8, lambda: self.random.choice(VALUES)),
            (2, lambda: b"x" * self.random.choice([100, 8191, 8192, 8193, 16384, 40_000])),
            (1, lambda: self.random.choice([b"\xff", b"\xc3", b"a\x80b"])),
            # More than the sockets hold.
            (0.1, lambda: b"0123456789abcdef" * 100_000),
        )

    def header_name(self, name):
        return "".join(self.random.choice([c.lower(), c.upper()]) for c in name) if self.chance(0.2) else name

    def header(self, name, value):
        before = self.random.choice(["", " ", " ", " ", "\t", "  \t "])
        after = self.random.choice(["", "", "", "", " ", "\t"])
        return f"{self.header_name(name)}:{before}{value}{after}"

    def noise(self):
        amount = self.random.choice([0, 0, 0, 1, 2, 5, 30])
        return self.random.sample(NOISE, min(amount, len(NOISE)))

    def chunks(self, body):
        data = b""
        while body:
            part, body = self.split(body, self.random.choice([1, 2, 7, 100, 5000, 100_000] if len(body) < 1000 else [5000, 100_000]))
            size = self.random.choice(["{:x}", "{:X}", "{:04x}"]).format(len(part))
            data += size.encode() + self.random.choice([b"", b"", b"", b";x", b";name=value", b';q="a b"; r']) + b"\r\n"
            data += part + b"\r\n"
        data += self.random.choice([b"0", b"0", b"000", b"0;last"]) + b"\r\n"
        for trailer in range(self.random.choice([0, 0, 0, 1, 3])):
            data += f"Trailer-{trailer}: value\r\n".encode()
        return data + b"\r\n"

    @staticmethod
    def split(data, length):
        return data[:length], data[length:]

    def build(self, method, target, body=None, headers=(), ends="no", **more):
        """A request of some version and framing. ends: what is so whatever those are."""
        version = self.random.choices(["HTTP/1.1", "HTTP/1.0", "HTTP/1.2"], [30, 2, 1])[0]
        lines = [*headers, *self.noise()]
        connection = None
        if version == "HTTP/1.0":
            connection = self.random.choice([None, "close"] if ends == "yes" else [None, "keep-alive", "Keep-Alive", "close"])
            if (connection or "close") == "close" and ends == "no":
                ends = "yes"
        elif ends == "yes":
            connection = self.random.choice(CLOSES)
        elif self.chance(0.1):
            connection = self.random.choice(CONNECTIONS)
        elif self.chance(0.03):
            lines += ["Connection: Upgrade", self.random.choice(["Upgrade: h2c", "Upgrade: websocket"])]
        if connection is not None:
            lines.append(self.header("Connection", connection))
        if version != "HTTP/1.0" or self.chance(0.5):
            lines.append(self.header("Host", self.random.choice(["localhost", "127.0.0.1:3000", "[::1]", "a.example"])))

        data = body or b""
        if body is not None and version != "HTTP/1.0" and self.chance(0.15):
            lines.append(self.header("Transfer-Encoding", self.random.choice(["chunked", "Chunked"])))
            data = self.chunks(body)
        elif body is not None:
            lines.append(self.header("Content-Length", self.random.choice(["{}", "{}", "{}", "00{}"]).format(len(body))))
            if self.chance(0.05):
                lines.append(self.header("Expect", "100-continue"))
        elif self.chance(0.1):
            lines.append(self.header("Content-Length", "0"))
        self.random.shuffle(lines)
        start = b"\r\n" if self.chance(0.03) else b""
        head = "\r\n".join([f"{method} {target} {version}", *lines, "", ""]).encode("latin-1")
        return Request(start + head + data, method, ends, **more)

    # -- requests of the API

    def store(self):
        method = self.random.choices(["GET", "PUT", "DELETE", "HEAD"], [4, 5, 1, 1])[0]
        segment = self.segment(self.key()) if self.chance(0.95) else self.random.choice(BAD_SEGMENTS)
        query = self.random.choice(QUERIES) if self.chance(0.3) else ""
        body = None
        if method == "PUT" and self.chance(0.95):
            body = self.value()
        elif self.chance(0.05):
            # Read over, up to 64 KiB.
            body = self.value()[:50_000]
        return self.build(method, f"/store/{segment}{query}", body, self.conditions() if self.chance(0.3) else ())

    def json(self, method, target, body, ends="no", headers=(), **more):
        kind = self.random.choice(["application/json", "Application/JSON; charset=utf-8", "application/x+json"])
        text = json.dumps(body, ensure_ascii=self.chance(0.5)).encode()
        if self.chance(0.1):
            text = self.random.choice([b"", b"{", text + b"x", b"\xff", b"null", text[:-1], b"[" * 100])
            more = {}
        return self.build(method, target, text, [self.header("Content-Type", kind), *headers], ends, **more)

    def cas(self):
        values = ["", "v", "value", "other", 5]
        body = {"expected": self.random.choice(values), "new": self.random.choice(values)}
        return self.json("POST", f"/store/cas/{self.segment(self.key())}", body)

    def conditions(self):
        """The header lines of a conditional request, mostly none."""
        names = self.random.choices([[], ["If-Match"], ["If-None-Match"], ["If-Match", "If-None-Match"]], [8, 2, 3, 1])[0]
        lines = [self.header(name, self.random.choice(CONDITIONS[:1] if self.chance(0.4) else CONDITIONS)) for name in names]
        if self.chance(0.2):
            lines.append(self.header("Accept", self.random.choice(["application/problem+json", "*/*;q=0.1, application/problem+json;q=0"])))
        return lines

    def kv(self):
        method = self.random.choices(["GET", "PUT", "DELETE", "HEAD"], [4, 5, 1, 1])[0]
        segment = self.segment(self.key()) if self.chance(0.95) else self.random.choice(BAD_SEGMENTS)
        query = self.random.choice(V1_QUERIES.get(method, V1_QUERIES["GET"])) if self.chance(0.5) else ""
        body = None
        if method == "PUT" and self.chance(0.95):
            body = self.random.choice([b"5", b"-9223372036854775808"]) if self.chance(0.3) else self.value()
        return self.build(method, f"/v1/kv/{segment}{query}", body, self.conditions())

    def touch(self):
        return self.build("POST", f"/v1/touch/{self.segment(self.key())}{self.random.choice(V1_QUERIES['touch'])}", b"", self.conditions())

    def incr(self):
        return self.build("POST", f"/v1/incr/{self.segment(self.key())}{self.random.choice(V1_QUERIES['incr'])}", b"", self.conditions())

    def swap(self):
        values = ["", "v", "value", "other", 5]
        body = {"expected": self.random.choice(values), "new": self.random.choice(values)}
        if self.chance(0.3):
            body = {"revision": self.random.choice([0, 1, "1", 9007199254740993]), "new": self.random.choice(values)}
        if self.chance(0.1):
            body["extra"] = 1
        return self.json("POST", f"/v1/cas/{self.segment(self.key())}", body, headers=self.conditions())

    def v1(self):
        return self.choose((10, self.kv), (2, self.touch), (3, self.incr), (3, self.swap))

    def batch_entry(self):
        method = self.random.choice(["GET", "PUT", "DELETE", "GET", "PUT", "POST"] if self.chance(0.1) else ["GET", "PUT"])
        entry = {"method": method, "key": self.key()}
        if method == "PUT":
            entry["value"] = self.random.choice(["", "v", "value", "ä\u0000\n"])
        if method == "PUT" and self.chance(0.2):
            entry["ttl"] = self.random.choice([0, 3600, 7200, None, -1, "x"])
        return entry

    def batch(self):
        query = self.random.choice(["", "", "?atomic=true", "?atomic=false", "?atomic=maybe", "?x"])
        return self.json("POST", f"/batch{query}", [self.batch_entry() for _ in range(self.random.choice([0, 1, 2, 10]))])

    def status(self):
        return self.build(self.random.choice(["GET", "GET", "HEAD"]), "/status" + self.random.choice(["", "", "?x"]))

    def options(self):
        return self.build("OPTIONS", self.random.choice(["*", "/store/k", "/batch", "/watch", "/status", "/nowhere", "/v1/kv/k", "/v1/incr/k"]))

    def unknown(self):
        method = self.random.choice(["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "TRACE", "get", "X", "M-SEARCH"])
        target = self.random.choice([*UNKNOWN_PATHS, "/status", "/store/k", "/batch", "/watch", "/watch_key/k"])
        known = {"/status": ("GET", "HEAD"), "/watch_key/k": ("GET",), "/batch": ("POST",), "/watch": ("POST",)}
        if method in known.get(target, ()) or target == "/store/k" and method in ("GET", "PUT", "DELETE", "HEAD"):
            method = "BREW"
        return self.build(method, target)

    def head_of_watch(self):
        if self.chance(0.5):
            return self.build("HEAD", f"/watch_key/{self.segment(self.key())}")
        if self.chance(0.5):
            # What the answer to a GET would tell of revisions is never the same twice.
            return self.build("HEAD", "/v1/watch" + self.random.choice([f"?key={self.segment(self.key())}&prefix=", "?key=a&since=1"]))
        query = self.random.choice(["", "?x", "?key=", "?since=1", "?prefix=%zz", "?key=a&prev=2", "?key=a&since=-1"])
        return self.build(self.random.choice(["GET", "HEAD"]), f"/v1/watch{query}")

    def txn(self):
        """One that answers alike everywhere: with a revision it would be told another each time."""
        bad = [{}, {"then": []}, {"than": []}, {"then": [{"op": "got", "key": "k"}]}, {"then": [{"op": "touch", "key": "not there", "ttl": 1}]},
               {"if": [{"key": "k"}], "then": [{"op": "get", "key": "k"}]}, {"then": [{"op": "put", "key": "k", "value": "v", "ttl": -1}]},
               {"then": [{"op": "put", "key": "nan", "value": "x"}, {"op": "incr", "key": "nan"}]}, [], 5, {"then": [{"op": "put", "key": ""}]}]
        return self.json("POST", "/v1/txn" + self.random.choice(["", "", "", "?x"]), self.random.choice(bad))

    def listing(self):
        if self.chance(0.3):
            # The answer to a GET tells of revisions, and a cursor is never the same twice.
            return self.build("HEAD", "/v1/keys?limit=1000" + self.random.choice(["", "&prefix=", "&delimiter=/", "&values"]))
        query = self.random.choice(["?x", "?limit=0", "?limit=1001", "?prefix=%zz", "?prefix=%00", "?cursor=AQBh", "?delimiter=",
                                    "?count_only&values", "?count_only&cursor=a", "?values=1", "?limit=1&limit=1"])
        return self.build(self.random.choice(["GET", "HEAD"]), f"/v1/keys{query}")

    def request(self):
        """One after which the connection goes on, or which says itself that it ends it."""
        return self.choose(
            (20, self.store), (12, self.v1), (4, self.cas), (4, self.batch), (2, self.status), (1, self.options),
            (2, self.unknown), (1, self.head_of_watch), (1, self.listing), (1, self.txn),
        )

    # -- what may only be the last of a connection

    def closing(self):
        return self.build("GET", self.random.choice(["/status", "/store/k", "/nowhere"]), ends="yes")

    def watch(self):
        # Of HTTP/1.1 and without noise, which build() would choose: the stream is what is looked at.
        if self.chance(0.5):
            key = self.key()
            head = f"GET /watch_key/{self.segment(key)} HTTP/1.1\r\nHost: localhost\r\n"
            if self.chance(0.3):
                head += self.header("Last-Event-ID", self.random.choice(["0", "1", "9007199254740993"])) + "\r\n"
            return Request(head.encode() + b"\r\n", "GET", "yes", keys=(key,))
        keys = tuple(self.random.sample(self.keys, self.random.randint(1, 5)))
        body = json.dumps(keys).encode()
        head = f"POST /watch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return Request(head.encode() + b"\r\n" + body, "POST", "yes", keys=keys)

    def refused_by_head(self):
        """Refused before its body, which may have come or not."""
        # What is refused is read over up to a mebibyte, for the answer to arrive.
        value = self.value()[:100_000]
        large = str(3 * 1024 * 1024)
        return self.choose(
            (1, lambda: self.build("PUT", self.random.choice(UNKNOWN_PATHS), value, ends="maybe")),
            (1, lambda: self.build("POST", "/status", value, ends="maybe")),
            (1, lambda: self.build("POST", "/batch", b"[]", [self.header("Content-Type", "text/plain")], "maybe")),
            (1, lambda: Request(
                f"PUT /store/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: {large}\r\n\r\nxxx".encode(), "PUT", "yes")),
        )

    def waiting(self):
        """Sends its body only when it is told to."""
        body = self.random.choice([b"v", b"value", b"x" * 20_000])
        head = f"PUT /store/{self.segment(self.key())} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        return Request(f"{head}Expect: 100-continue\r\n\r\n".encode(), "PUT", body=body)

    def hostile(self):
        """Something that has to be refused, whoever reads it."""
        host, length = "Host: localhost", "Content-Length: 1"
        line = "PUT /store/smuggled HTTP/1.1"
        chunk = "1\r\nx\r\n0\r\n\r\n"
        lines, body = self.random.choice([
            ([line, host, length, "Content-Length: 2"], "xy"),
            ([line, host, length, "content-length:1"], "x"),
            ([line, host, "Content-Length: 1, 1"], "x"),
            ([line, host, f"Content-Length: {self.random.choice(['+1', '-1', '0x1', '1.0', '1 1', '', '1e0', '٣'])}"], "x"),
            ([line, host, f"Content-Length: {self.random.choice([2**63, 2**64, 2**64 + 1, 10**40])}"], "x"),
            ([line, host, length, "Transfer-Encoding: chunked"], chunk),
            ([line, host, "Transfer-Encoding: chunked", length], chunk),
            ([line, host, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], chunk),
            ([line, host, f"Transfer-Encoding: {self.random.choice(['gzip, chunked', 'identity', 'xchunked', 'chunked, x', ''])}"], chunk),
            ([line, host, "Transfer-Encoding: chunked"], self.random.choice(["z\r\n", "+1\r\nx", "1\nx", "1\r\nxx", "0x1\r\n", "g"])),
            ([line.replace("1.1", "1.0"), "Transfer-Encoding: chunked"], chunk),
            ([line, host, "X: a", " folded", length], "x"),
            ([line, host, "X: a", "\tfolded", length], "x"),
            ([line, " " + host, length], "x"),
            ([line, host, "Content-Length : 1"], "x"),
            ([line, host, "X Y: a", length], "x"),
            ([line, host, "nonsense", length], "x"),
            ([line, host, ": a", length], "x"),
            ([line, host, "X: a\rb", length], "x"),
            ([line, host, "X: a\nContent-Length: 1", length], "x"),
            ([line, host, f"X: a{self.random.choice(chr(0) + chr(1) + chr(11) + chr(127))}b", length], "x"),
            ([line, length], "x"),
            ([line, host, host, length], "x"),
            ([line, f"Host: {self.random.choice(['a b', 'a/b', 'me@a', 'ä'])}", length], "x"),
            ([line, host, length, "Connection: content-length"], "x"),
            ([f"{self.random.choice(['PU(T', 'PU@T', 'P' * 40])} /store/smuggled HTTP/1.1", host, length], "x"),
            ([f"PUT{self.random.choice(['  ', chr(9)])}/store/smuggled HTTP/1.1", host, length], "x"),
            ([f"PUT /store/smuggled{self.random.choice(['  ', chr(9), ' x '])}HTTP/1.1", host, length], "x"),
            ([f"PUT /store/smuggled {self.random.choice(['HTTP/1.10', 'http/1.1', 'HTTP/1', 'HTTP/1.1 ', 'RTSP/1.0', 'HTTP/2.0'])}", host, length], "x"),
            ([f"PUT {self.random.choice(['http://localhost/store/smuggled', 'store/smuggled', '*', 'localhost:80', '/a#b', '/store/ä'])} HTTP/1.1", host, length], "x"),
            (["PUT /store/smuggled", host, length], "x"),
            (["PUT /store/" + "a" * 70_000 + " HTTP/1.1", host, length], "x"),
            ([line, host, "X: " + "a" * 70_000, length], "x"),
            ([line, host, *[f"X-{i}: a" for i in range(200)], length], "x"),
            ([line, host, length, "Expect: more"], "x"),
            (["CONNECT localhost:22 HTTP/1.1", "Host: localhost:22"], "SSH-2.0-x\r\n"),
            (["PRI * HTTP/2.0", ""], "SM\r\n\r\n"),
            (["\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + "\0" * 40], ""),
        ])
        text = "\r\n".join([*lines, "", ""]) + body
        return Request(text.encode("latin-1", "replace"), "PUT", "yes")

    def bare_feeds(self):
        """A good request of which some lines end otherwise."""
        data = b"PUT /store/smuggled HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"
        ends = [i for i in range(len(data)) if data[i : i + 2] == b"\r\n"]
        at = self.random.choice(ends)
        return Request(data[:at] + self.random.choice([b"\n", b"\r\r\n", b"\n\r", b"\r"]) + data[at + 2 :], "PUT", "yes")

    def mutilated(self):
        """A good request with a byte too many, too few or another one. Whatever it is then, nothing follows it."""
        request = self.choose((3, self.store), (2, self.v1), (1, self.cas), (1, self.batch), (1, self.options))
        if INNER in request.data:
            return self.mutilated()
        data = bytearray(request.data)
        for _ in range(self.random.choice([1, 1, 2, 5])):
            at = self.random.randrange(min(len(data), 400))
            byte = self.random.choice(b"\0\t\n\r :;,/%?0159aA\x7f\xff")
            self.random.choice([
                lambda: data.insert(at, byte), lambda: data.pop(at), lambda: data.__setitem__(at, byte),
            ])()
        return Request(bytes(data), request.method, "maybe")

    def cut_off(self):
        request = self.store()
        # An empty line in front of a request is no request yet.
        return Request(request.data[: self.random.randrange(4, len(request.data))], request.method, "yes", whole=False)

    # -- connections

    def pieces(self, length):
        """Where to cut so many bytes."""
        kind = self.random.choice(["whole", "few", "many"])
        if kind == "whole":
            return [length]
        largest = max(length // 2, 1) if kind == "few" else max(length // 200, 200)
        pieces = []
        while sum(pieces) < length:
            pieces.append(min(self.random.randint(1, largest), length - sum(pieces)))
        return pieces

    def last(self, in_step):
        """The last request of a connection, which ends it in many ways or not at all."""
        return self.choose(
            (3, self.request), (2, self.closing), (2, self.refused_by_head), (4, self.hostile), (1, self.bare_feeds),
            (3, self.mutilated), (1, self.cut_off), (2 * in_step, self.watch), (2 * in_step, self.waiting),
        )

    def plan(self):
        """A connection."""
        in_step = self.chance(0.4)
        length = self.random.choice([0, 1, 3, 8, 16, 30])
        requests = []
        while len(requests) < length and all(request.ends == "no" for request in requests):
            requests.append(self.request())
        if all(request.ends == "no" for request in requests):
            requests.append(self.last(in_step))
        last = requests[-1]
        follows = last.ends == "yes" and last.whole and not last.keys and self.chance(0.8)
        plan = Plan(requests, None, SMUGGLED if follows else b"")
        return plan if in_step else plan._replace(pieces=self.pieces(len(plan.data)))
