# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""HTTP/1.1 as bytes on a socket: a client that sends exactly what it is told and reads strictly."""

import json
import re
import socket
from typing import NamedTuple

from support.limits import SOON

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([ -~]*)")
HEADER_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\x20-\x7e]*)")

# Answers that never have a body (RFC 9112, section 6.3).
NO_BODY = {204, 304}


class Headers(dict):
    """Header fields by name, in any case. A field that comes twice is an error of the server's here."""

    def add(self, name, value):
        name = name.lower()
        assert name not in self, f"the header {name} came twice"
        super().__setitem__(name, value)

    def __getitem__(self, name):
        return super().__getitem__(name.lower())

    def __contains__(self, name):
        return super().__contains__(name.lower())

    def get(self, name, default=None):
        return super().get(name.lower(), default)


class Response(NamedTuple):
    status: int
    headers: Headers
    body: bytes

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.body)


class Closed(Exception):
    """The server closed the connection where more was to come."""


class Connection:
    """One connection. Reads time out, so that no test waits for ever."""

    def __init__(self, sock, timeout=SOON):
        self.sock = sock
        self.sock.settimeout(timeout)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def send_while_read(self, data):
        """Sends what the server may refuse to take: it stops where the server closes."""
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def shut_write(self):
        self.sock.shutdown(socket.SHUT_WR)

    def fill(self):
        """Reads some more; False at the end of the stream."""
        data = self.sock.recv(65536)
        self.buffer += data
        return bool(data)

    def read_until(self, mark):
        while mark not in self.buffer:
            if not self.fill():
                raise Closed(self.buffer)
        found, _, self.buffer = self.buffer.partition(mark)
        return found

    def read_exactly(self, length):
        while len(self.buffer) < length:
            if not self.fill():
                raise Closed(self.buffer)
        data, self.buffer = self.buffer[:length], self.buffer[length:]
        return data

    def read_to_end(self):
        """Everything up to the end; a reset counts as the end."""
        try:
            while self.fill():
                pass
        except ConnectionResetError:
            pass
        data, self.buffer = self.buffer, b""
        return data

    def is_at_end(self):
        """Waits for the server to close, and tells whether it sent nothing before that."""
        return self.read_to_end() == b""

    def read_head(self):
        lines = self.read_until(b"\r\n\r\n").split(b"\r\n")
        status = STATUS_LINE.fullmatch(lines[0])
        assert status, f"no status line: {lines[0]!r}"
        headers = Headers()
        for line in lines[1:]:
            header = HEADER_LINE.fullmatch(line)
            assert header, f"no header: {line!r}"
            headers.add(header[1].decode(), header[2].decode())
        return int(status[1]), headers

    def read_chunks(self):
        body = b""
        while True:
            size = self.read_until(b"\r\n")
            assert re.fullmatch(rb"[0-9A-Fa-f]+", size), f"no chunk size: {size!r}"
            body += self.read_exactly(int(size, 16))
            assert self.read_exactly(2) == b"\r\n"
            if int(size, 16) == 0:
                return body

    def read_response(self, method="GET"):
        """Reads one final answer; interim ones (1xx) are passed over."""
        status, headers = self.read_head()
        while status < 200:
            status, headers = self.read_head()
        if method == "HEAD" or status in NO_BODY:
            body = b""
            assert status != 204 or "content-length" not in headers or headers["content-length"] == "0"
        elif "transfer-encoding" in headers:
            assert headers["transfer-encoding"] == "chunked" and "content-length" not in headers
            body = self.read_chunks()
        elif "content-length" in headers:
            body = self.read_exactly(int(headers["content-length"]))
        else:
            body = self.read_to_end()
        return Response(status, headers, body)

    def request(self, method, path, body=None, headers=()):
        self.send(build_request(method, path, body, headers))
        return self.read_response(method)


def build_request(method, path, body=None, headers=(), version="HTTP/1.1"):
    """The bytes of a request. A header set to None is left out; Host and Content-Length come by themselves."""
    if isinstance(body, str):
        body = body.encode("utf-8")
    fields = {"Host": "localhost"}
    if body is not None:
        fields["Content-Length"] = str(len(body))
    fields.update(headers)
    lines = [f"{method} {path} {version}"]
    lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")
