# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Event streams, frame by frame as they are on the wire."""

import json
import re
import socket
import time
from typing import NamedTuple

from support.limits import SOON
from support.wire import Closed

FRAME = re.compile(rb"(?:id: ([0-9]+)\n)?event: ([A-Z_]+) key ([^\n]*)\n((?:data: [^\n]*\n)+)\n")
JSON_FRAME = re.compile(
    rb"(?:id: ([1-9][0-9]*)\n)?event: (put|delete|expired|snapshot_end|progress|reset)\ndata: (\{[^\r\n]*\})\n\n"
)
RETRY = b"retry: 1000\n\n"


class Event(NamedTuple):
    """A frame, taken apart as an event source does."""

    id: int
    kind: str
    key: str
    data: str


class JsonEvent(NamedTuple):
    """A frame of /v1/watch, taken apart."""

    id: int
    kind: str
    data: dict


class EventStream:
    """The answer to a request for a watch. Its head has been read when this is made."""

    def __init__(self, connection, method="GET"):
        self.connection = connection
        self.status, self.headers = connection.read_head()
        self.chunked = self.headers.get("transfer-encoding") == "chunked"
        self.raw = connection.buffer if not self.chunked else b""
        if not self.chunked:
            connection.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.close()

    def _fill(self, deadline):
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError(f"no further frame, only {self.raw!r}")
        self.connection.sock.settimeout(remaining)
        try:
            if self.chunked:
                size = int(self.connection.read_until(b"\r\n"), 16)
                self.raw += self.connection.read_exactly(size)
                self.connection.read_exactly(2)
                if size == 0:
                    raise Closed(self.raw)
            else:
                if not self.connection.fill():
                    raise Closed(self.raw)
                self.raw += self.connection.buffer
                self.connection.buffer = b""
        except socket.timeout:
            raise TimeoutError(f"no further frame, only {self.raw!r}") from None

    def next_block(self, timeout=SOON):
        """The next frame or comment, with the empty line that ends it."""
        deadline = time.monotonic() + timeout
        while b"\n\n" not in self.raw:
            self._fill(deadline)
        end = self.raw.index(b"\n\n") + 2
        block, self.raw = self.raw[:end], self.raw[end:]
        return block

    def next_frame(self, timeout=SOON):
        """The next frame; comments are passed over."""
        while True:
            block = self.next_block(timeout)
            if not block.startswith(b":"):
                return block

    def next(self, timeout=SOON):
        """The next frame as an Event."""
        frame = self.next_frame(timeout)
        match = FRAME.fullmatch(frame)
        assert match, f"no frame of ours: {frame!r}"
        lines = [line[len(b"data: "):] for line in match[4].split(b"\n")[:-1]]
        return Event(
            int(match[1]) if match[1] else None,
            match[2].decode(),
            match[3].decode("utf-8"),
            b"\n".join(lines).decode("utf-8"),
        )

    def next_json(self, timeout=SOON):
        """The next frame of a stream of /v1/watch as a JsonEvent."""
        frame = self.next_frame(timeout)
        match = JSON_FRAME.fullmatch(frame)
        assert match, f"no frame of ours: {frame!r}"
        return JsonEvent(int(match[1]) if match[1] else None, match[2].decode(), json.loads(match[3].decode("utf-8")))

    def ends(self, timeout=SOON):
        """Waits for the clean end of the stream: True when nothing but comments came before it."""
        while True:
            try:
                block = self.next_block(timeout)
            except Closed:
                return self.raw == b""
            if not block.startswith(b":"):
                return False
