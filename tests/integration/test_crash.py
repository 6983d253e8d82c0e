# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""kvstored killed in the midst of its work, again and again on the same file.

Each key has one writer, who writes numbers that rise: so whoever has been told of a number may find it or a higher one
after the crash, and nothing lower. KVSTORED_CRASH_ROUNDS sets how often it is killed; with `pytest -s` the counts are
shown.
"""

import collections
import contextlib
import json
import os
import random
import threading
import time

import pytest

from support.daemon import SQLITE, Daemon
from support.limits import SCALE
from support.wire import Closed

ROUNDS = int(os.environ.get("KVSTORED_CRASH_ROUNDS", "4"))
WRITERS = 8
KEYS = 5
NAMES = [f"{w}-{k}" for w in range(WRITERS) for k in ("left", "right", *range(KEYS))]

# What a client of a daemon that is killed comes upon.
GONE = (OSError, Closed)


class Witness:
    """What clients were told, over all rounds."""

    def __init__(self):
        self.lock = threading.Lock()
        self.acknowledged = collections.Counter()
        self.times = collections.defaultdict(list)
        self.read = collections.Counter()
        self.watched = collections.Counter()
        self.revision = 0
        self.writes = 0
        self.number = 0

    def next_number(self):
        with self.lock:
            self.number += 1
            return self.number

    def acknowledge(self, number, *keys):
        with self.lock:
            self.writes += 1
            for key in keys:
                self.acknowledged[key] = number
                self.times[key].append((time.monotonic(), number))

    def kept_by(self, key, moment):
        """The last number that was acknowledged before a moment."""
        return max((number for when, number in self.times[key] if when <= moment), default=0)


def write(daemon, witness, writer):
    with contextlib.suppress(*GONE), daemon.connect() as connection:
        while True:
            number = witness.next_number()
            if number % 3 == 0:
                keys = (f"{writer}-left", f"{writer}-right")
                body = json.dumps([{"method": "PUT", "key": k, "value": str(number)} for k in keys])
                response = connection.request(
                    "POST", "/batch", body, {"Content-Type": "application/json"}
                )
                assert response.status == 200, response
            else:
                keys = (f"{writer}-{number % KEYS}",)
                response = connection.request("PUT", f"/store/{keys[0]}", str(number))
                assert response.status in (201, 204), response
            witness.acknowledge(number, *keys)


def read(daemon, witness):
    with contextlib.suppress(*GONE), daemon.connect() as connection:
        while True:
            key = random.choice(NAMES)
            response = connection.request("GET", f"/store/{key}")
            if response.status == 200:
                witness.read[key] = max(witness.read[key], int(response.text))


def watch(daemon, witness):
    with contextlib.suppress(*GONE), daemon.sse("/watch", json.dumps(NAMES)) as stream:
        while True:
            event = stream.next()
            witness.watched[event.key] = max(witness.watched[event.key], int(event.data or 0))
            witness.revision = max(witness.revision, event.id or 0)


def run_until_killed(directory, witness, durability, seconds):
    """Returns the moment of the kill."""
    daemon = Daemon(directory, "--durability", durability, store=SQLITE)
    threads = [threading.Thread(target=write, args=(daemon, witness, w)) for w in range(WRITERS)]
    threads += [threading.Thread(target=func, args=(daemon, witness)) for func in (read, watch)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    moment = time.monotonic()
    daemon.process.kill()
    daemon.told_to_stop = True
    daemon.expected_status = -9
    for thread in threads:
        thread.join()
    daemon.stop()
    return moment


def read_all(directory):
    """What the file holds: the number of each key, and the store's revision."""
    daemon = Daemon(directory, store=SQLITE)
    try:
        with daemon.connect() as connection:
            answers = {key: connection.request("GET", f"/store/{key}") for key in NAMES}
            revision = int(connection.request("PUT", "/store/after", "x").headers["KV-Revision"])
    finally:
        daemon.stop()
    return {k: int(a.text) if a.status == 200 else 0 for k, a in answers.items()}, revision


def count_torn(kept):
    return sum(kept[f"{w}-left"] != kept[f"{w}-right"] for w in range(WRITERS))


@pytest.mark.timeout(60 + 10 * ROUNDS * SCALE)
def test_strict_loses_nothing(directory):
    witness = Witness()
    lost = torn = taken_back_reads = taken_back_changes = 0
    for _ in range(ROUNDS):
        run_until_killed(directory, witness, "strict", random.uniform(0.05, 0.6) * SCALE)
        kept, revision = read_all(directory)
        lost += sum(kept[key] < witness.acknowledged[key] for key in NAMES)
        torn += count_torn(kept)
        taken_back_reads += sum(kept[key] < witness.read[key] for key in NAMES)
        taken_back_changes += sum(kept[key] < witness.watched[key] for key in NAMES)
        assert revision > witness.revision
    print(
        f"\n{ROUNDS} kills, {witness.writes} acknowledged writes: {lost} lost, {torn} batches torn, "
        f"{taken_back_reads} reads and {taken_back_changes} watched changes taken back"
    )
    assert witness.writes > 0 and witness.watched and witness.read
    assert (lost, torn, taken_back_reads, taken_back_changes) == (0, 0, 0, 0)


@pytest.mark.timeout(60 + 20 * ROUNDS * SCALE)
def test_relaxed_loses_a_second_at_most(directory):
    witness = Witness()
    lost = late = torn = 0
    rounds = max(ROUNDS // 2, 1)
    for _ in range(rounds):
        moment = run_until_killed(directory, witness, "relaxed", random.uniform(1.2, 2.5))
        kept, _ = read_all(directory)
        lost += sum(kept[key] < witness.acknowledged[key] for key in NAMES)
        late += sum(kept[key] < witness.kept_by(key, moment - 1) for key in NAMES)
        torn += count_torn(kept)
    print(
        f"\n{rounds} kills, {witness.writes} acknowledged writes: {lost} keys lost something, "
        f"{late} of them more than the last second; {torn} batches torn"
    )
    assert witness.writes > 0
    assert late == 0 and torn == 0
