# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Fixtures: a message bus, and kvstored on it, each in fresh directories."""

import contextlib
import functools
import shutil
import tempfile
import zlib

import pytest

from support.bus import Bus
from support.daemon import MEMORY, Daemon


@contextlib.contextmanager
def fresh_directory():
    # Not pytest's tmp_path: a socket's path has room for 107 bytes only.
    directory = tempfile.mkdtemp(prefix="kv-")
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


@contextlib.contextmanager
def running_bus():
    with fresh_directory() as directory:
        bus = Bus(directory)
        try:
            yield bus
        finally:
            bus.stop()


@contextlib.contextmanager
def running_kvstored(*options, **settings):
    with fresh_directory() as directory:
        daemon = Daemon(directory, *options, **settings)
        try:
            yield daemon
        finally:
            daemon.stop()


@pytest.fixture
def directory():
    """An empty directory with a short path."""
    with fresh_directory() as path:
        yield path


@pytest.fixture
def bus():
    """A message bus of the test's own."""
    with running_bus() as running:
        yield running


@pytest.fixture(scope="module")
def carrier(request):
    """What carries HTTP in the daemons of the test: see support/carriers.py."""
    return getattr(request, "param", "express")


@pytest.fixture
def start_kvstored(carrier):
    """Starts kvstored: start_kvstored(*options, http=(…), bus=…, rate_limit=…, store=…, environment={…}, files=(soft, hard)).

    Each one is stopped at the end, and has to end well.
    """
    with contextlib.ExitStack() as stack:

        def start(*options, **settings):
            return stack.enter_context(running_kvstored(*options, **{"carrier": carrier, **settings}))

        yield start


@pytest.fixture
def kvstored(bus, start_kvstored):
    """A kvstored of the test's own, on a bus of its own."""
    return start_kvstored(bus=bus.address)


@pytest.fixture(scope="module")
def shared_kvstoreds():
    """Gives the one kvstored with a carrier, on a bus of its own, that the tests of a module share."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def get(carrier, store=MEMORY):
            running = stack.enter_context(running_bus())
            return stack.enter_context(
                running_kvstored(bus=running.address, carrier=carrier, store=store)
            )

        yield get


@pytest.fixture(scope="module")
def shared_kvstored(shared_kvstoreds, carrier):
    """One kvstored, on a bus of its own, for all tests of a module: each uses keys that no other uses."""
    return shared_kvstoreds(carrier)


@pytest.fixture
def key(request):
    """A key that belongs to this test."""
    name = "".join(c if c.isascii() and c.isalnum() else "-" for c in request.node.name)
    return f"{name[:100]}-{zlib.crc32(request.node.nodeid.encode()):08x}"
