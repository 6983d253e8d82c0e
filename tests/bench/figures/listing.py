# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Listings of keys in order, without a door: pages, the index that they come from, and writers beside it all."""

import json
import subprocess

from bench import machine
from bench.records import figure

PLACES = {"at the beginning": "beginning_us", "in the middle": "middle_us", "at the end": "end_us"}


def run_mode(mode, keys):
    """One measurement of bench-listing, which is a process of its own: what it prints."""
    command = [machine.get_build() / "tests/bench/bench-listing", mode, str(keys)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=300).stdout)


def pick(runs, field):
    return [run[field] for run in runs]


def pick_places(runs):
    """Pages that are read again and again, so that the caches have what they need; those from anywhere find it in memory."""
    return {f"{words}, again": pick(runs, field) for words, field in PLACES.items()}


def describe_pages(runs, keys):
    anywhere = {
        "anywhere, 99th percentile": pick(runs, "entries_p99_us"),
        "anywhere": pick(runs, "entries_us"),
        "with values": pick(runs, "values_us"),
        "names alone": pick(runs, "names_us"),
    }
    return [
        figure(
            "listing-page", f"A page of 100 from {keys:,} keys: CPU", "µs", {**anywhere, **pick_places(runs)},
            at_most=1000,
        ),
        figure(
            "listing-first", f"The first listing of {keys:,} keys", "ms", {"KvStore": pick(runs, "first_ms")},
            at_most=1000,
        ),
        figure(
            "listing-memory", f"Memory of the index, a key of 13 bytes of {keys:,}", "bytes",
            {"KvStore": pick(runs, "bytes_per_key")}, at_most=8,
        ),
        figure(
            "listing-count", f"The number of keys with a prefix, of {keys:,}: CPU", "µs",
            {"KvStore": pick(runs, "count_us")},
        ),
    ]


def describe_folders(runs, keys):
    return figure(
        "listing-folders", f"A page of 100 folders of 100 keys each, from {keys:,}: CPU", "µs",
        {"anywhere, 99th percentile": pick(runs, "entries_p99_us"), "anywhere": pick(runs, "entries_us"),
         **pick_places(runs)}, at_most=1000,
    )


def describe_writes(runs, keys):
    return [
        figure(
            f"listing-{name}", f"A PUT of a key that {what}, in {keys:,}: CPU", "ns",
            {"with the index": pick(runs, f"indexed_{name}_ns"), "without": pick(runs, f"plain_{name}_ns")},
            ratio=("with the index", "without"), at_most=bound, than="times without" if bound else "",
        )
        for name, what, bound in (("replace", "is there", 1.1), ("create", "is new", None))
    ]


def describe_beside(runs, keys):
    when = {"listing": "beside a thread that lists", "building": "while the index is made", "alone": "alone"}
    return [
        figure(
            f"listing-beside-{field}", f"A PUT in {keys:,} keys: {title}", "µs",
            {words: pick(runs, f"{name}_{field}_us") for name, words in when.items()},
        )
        for field, title in (("p50", "median"), ("p99", "99th percentile"), ("p999", "99.9th percentile"))
    ]


def measure(quick):
    keys = 200000 if quick else 1000000
    rounds = 1 if quick else 3
    runs = {mode: [run_mode(mode, keys) for _ in range(rounds)]
            for mode in ("pages", "folders", "writes", "beside")}
    return [
        *describe_pages(runs["pages"], keys),
        describe_folders(runs["folders"], keys),
        *describe_writes(runs["writes"], keys),
        *describe_beside(runs["beside"], keys),
    ]
