# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""The two carriers give the same answers: thousands of requests, made up, to a daemon with the express lane and to one
without. Of a test that fails, the name has the seed, and the message what was sent."""

import json
import re
import selectors
import socket

import pytest
from request_generator import Generator

from support.limits import SOON
from support.sse import EventStream
from support.wire import Closed, Connection, build_request

SEEDS = range(16)
CONNECTIONS_A_SEED = 120

# Answers that every seed is to bring out.
COMMON = {200, 201, 204, 304, 400, 404, 405, 409, 412, 422}


# In what a loser is told.
REVISION = re.compile(rb'revision(?: is|":) ?(\d+)')


class Recorded:
    """In place of a socket: bytes that have come already."""

    def __init__(self, data):
        self.data = data

    def settimeout(self, _timeout):
        pass

    def recv(self, _length):
        data, self.data = self.data, b""
        return data


class Client:
    """Talks to one daemon, and tells what came of it without what differs by nature: the time, what it counted before,
    and the revisions, which begin at the clock. Each revision is a number here, by the order in which they are seen."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.revisions = {}
        self.before = daemon.status()

    def number(self, revision):
        return self.revisions.setdefault(int(revision), len(self.revisions))

    def tell_figures(self, status):
        """What /status tells, as it is compared."""
        return {
            name: value - self.before[name] if type(value) is int else value
            for name, value in status.items()
            if name not in ("uptime", "server_time")
        }

    def tell(self, response, ends):
        """An answer as it is compared."""
        headers = dict(response.headers)
        body = response.body
        del headers["date"]
        if "etag" in headers:
            assert headers["etag"] == f'"{headers["kv-revision"]}"'
            headers["etag"] = None
        for name in ("kv-revision", "kv-previous-revision"):
            if name in headers:
                headers[name] = self.number(headers[name])
        if "kv-expires" in headers:
            headers["kv-expires"] = None
        if response.status in (409, 412):
            body = REVISION.sub(lambda found: b"revision %d" % self.number(found[1]), body)
        if headers.get("content-type") == "application/json" and (b"server_time" in body or not body):
            # That of a HEAD has the length of a body that nobody sees.
            del headers["content-length"]
            body = self.tell_figures(json.loads(body)) if body else body
        if ends == "maybe":
            headers.pop("connection", None)
        return response.status, headers, body

    def tell_event(self, event):
        return event._replace(id=None if event.id is None else self.number(event.id))

    def talk(self, plan):
        return self.talk_in_step(plan) if plan.pieces is None else self.talk_pipelined(plan)

    # -- all at once

    def exchange(self, data, pieces):
        """Sends the pieces, and the end, while it reads; gives all that came."""
        with self.daemon.connect() as connection, selectors.DefaultSelector() as selector:
            sock = connection.sock
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setblocking(False)
            selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
            received, position, pieces, rest = b"", 0, list(pieces), 0
            while True:
                ready = selector.select(SOON)
                assert ready, f"nothing happens; so far came {received!r}"
                mask = ready[0][1]
                if mask & selectors.EVENT_READ:
                    try:
                        part = sock.recv(1 << 20)
                    except ConnectionResetError:
                        part = b""
                    if not part:
                        return received
                    received += part
                if mask & selectors.EVENT_WRITE:
                    rest = rest or (pieces.pop(0) if pieces else 0)
                    try:
                        sent = sock.send(data[position : position + rest])
                    except (BrokenPipeError, ConnectionResetError):
                        # It was refused; its answer is there to be read.
                        sent, rest, pieces = 0, 0, []
                    position, rest = position + sent, rest - sent
                    if rest == 0 and not pieces:
                        selector.modify(sock, selectors.EVENT_READ)
                        try:
                            sock.shutdown(socket.SHUT_WR)
                        except OSError:
                            pass

    def talk_pipelined(self, plan):
        connection = Connection(Recorded(self.exchange(plan.data, plan.pieces)))
        told = []
        for request in plan.requests:
            try:
                told.append(self.tell(connection.read_response(request.method), request.ends))
            except Closed:
                told.append("closed")
                break
            if request.ends == "maybe":
                return told
        return [*told, connection.read_to_end()]

    # -- one after the other

    def talk_in_step(self, plan):
        told = []
        with self.daemon.connect() as connection:
            for request in plan.requests[:-1]:
                connection.send(request.data)
                told.append(self.tell(connection.read_response(request.method), request.ends))
            return told + self.talk_last(connection, plan)

    def talk_last(self, connection, plan):
        last = plan.requests[-1]
        if last.keys:
            return self.watch(connection, last)
        if last.body is not None:
            connection.send(last.data)
            assert connection.read_head()[0] == 100
            connection.send(last.body)
            return [self.tell(connection.read_response(), "no"), self.ask(connection)]
        connection.send_while_read(last.data + plan.behind)
        if last.ends == "no":
            return [self.tell(connection.read_response(last.method), "no"), self.ask(connection)]
        try:
            connection.shut_write()
        except OSError:
            pass
        told = [self.tell(connection.read_response(last.method), last.ends)]
        return told if last.ends == "maybe" else [*told, connection.read_to_end()]

    def ask(self, connection):
        """Whether the connection goes on, right behind the request before."""
        return self.tell(connection.request("GET", "/status"), "no")

    def watch(self, connection, request):
        """What a stream begins with, and one change."""
        connection.send(request.data)
        stream = EventStream(connection)
        headers = {**stream.headers, "date": None}
        first = sorted(self.tell_event(stream.next()) for _ in request.keys)
        with self.daemon.connect() as other:
            change = self.tell(other.request("PUT", f"/store/{first_segment(request)}", "changed"), "no")
        return [stream.status, headers, first, change, self.tell_event(stream.next())]

    # -- what is left behind

    def look(self, keys):
        """What the store holds under the keys, and the figures."""
        assert self.daemon.await_status("watch_requests_count", 0)
        figures = self.tell_figures(self.daemon.status())
        with self.daemon.connect() as connection:
            values = [self.tell(connection.request("GET", f"/store/{quote(key)}"), "no") for key in keys]
        return figures, values


def quote(key):
    return "".join(f"%{byte:02X}" for byte in key.encode())


def first_segment(request):
    return quote(request.keys[0])


def count_files_of(daemon, request):
    """How many descriptors more it has once it has answered a request on a connection that stays, without that one."""
    before = daemon.count_files()
    with daemon.connect() as connection:
        connection.send(request)
        connection.read_response()
        return daemon.count_files() - before - 1


def test_lane_is_the_one_that_was_asked_for(start_kvstored, carrier):
    """The answers do not tell. But libsoup's server is made with the first request for it, and has a listener."""
    plain = build_request("GET", "/store/k")
    unusual = build_request("OPTIONS", "/store/k")
    for request, by_libsoup in ((plain, carrier == "libsoup"), (unusual, True)):
        daemon = start_kvstored("--http-threads", "1")
        assert (count_files_of(daemon, request) > 0) == by_libsoup


@pytest.fixture
def clients(shared_kvstoreds):
    return Client(shared_kvstoreds("express")), Client(shared_kvstoreds("libsoup"))


@pytest.mark.parametrize("seed", SEEDS)
def test_answer_the_same(clients, seed):
    express, libsoup = clients
    generator = Generator(seed)
    statuses = set()
    for number in range(CONNECTIONS_A_SEED):
        plan = generator.plan()
        one, other = express.talk(plan), libsoup.talk(plan)
        how = "in step" if plan.pieces is None else f"in pieces of {plan.pieces}"
        assert one == other, f"seed {seed}, connection {number}, {how}: {[r.data[:400] for r in plan.requests]}"
        statuses |= {answer[0] for answer in one if type(answer) is tuple}
        if plan.requests[-1].keys:
            for client in clients:
                assert client.daemon.await_status("watch_requests_count", 0)
    assert statuses >= COMMON, f"the generator makes too little: {COMMON - statuses}"
    assert express.look(generator.keys) == libsoup.look(generator.keys)
    for client in clients:
        assert client.daemon.request("GET", "/store/smuggled").status == 404
        assert client.daemon.request("GET", "/store/inner").status == 404
