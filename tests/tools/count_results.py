#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 the kvstore authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Adds up a test run and prints one line: "N passed, N failed, N skipped".

    count_results.py [--meson TESTLOG.JSON --meson-status N] [--pytest JUNIT.XML --pytest-status N]

A GLib test program counts as many tests as it reported in its TAP output. A program that crashed,
ran out of time or broke off counts as one failure, unless it reported a failure itself. A run that
failed without a trace of it in its log counts as one failure, too. The exit status is 0 only when
something passed and nothing failed.
"""

import argparse
import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from typing import NamedTuple

# The test points of TAP, those of nested subtests (indented) left out: the line that closes a
# subtest stands for it.
TAP_POINT = re.compile(r"^(?P<bad>not )?ok\b(?P<rest>.*)$", re.MULTILINE)
TAP_SKIP = re.compile(r"#\s*skip", re.IGNORECASE)
TAP_TODO = re.compile(r"#\s*todo", re.IGNORECASE)

GOOD = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP"}

# What pytest exits with when it ran, but found no test to run.
PYTEST_NO_TESTS = 5


class Counts(NamedTuple):
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Counts(*(a + b for a, b in zip(self, other)))


def count_program(entry):
    """Counts one entry of meson's testlog.json."""
    passed = failed = skipped = 0
    for point in TAP_POINT.finditer(entry.get("stdout") or ""):
        if TAP_SKIP.search(point["rest"]):
            skipped += 1
        elif point["bad"] and not TAP_TODO.search(point["rest"]):
            failed += 1
        else:
            passed += 1

    result = entry.get("result")
    if result in GOOD or result in SKIPPED:
        if passed + failed + skipped == 0:
            return Counts(skipped=1) if result in SKIPPED else Counts(passed=1)
    elif failed == 0:
        failed = 1
    return Counts(passed, failed, skipped)


def count_meson(text, status=0):
    """Counts a testlog.json, which is one JSON object a line."""
    total = Counts()
    for line in text.splitlines():
        if not line.strip():
            continue
        try:
            total += count_program(json.loads(line))
        except json.JSONDecodeError:
            # meson was killed while it wrote.
            total += Counts(failed=1)
    if status != 0 and total.failed == 0:
        total += Counts(failed=1)
    return total


def count_pytest(text, status=0):
    """Counts a JUnit XML file of pytest's; the text is empty when it wrote none."""
    total = Counts()
    try:
        cases = ElementTree.fromstring(text).iter("testcase") if text.strip() else ()
    except ElementTree.ParseError:
        cases = ()
        total += Counts(failed=1)
    for case in cases:
        if case.find("failure") is not None or case.find("error") is not None:
            total += Counts(failed=1)
        elif case.find("skipped") is not None:
            total += Counts(skipped=1)
        else:
            total += Counts(passed=1)
    if status not in (0, PYTEST_NO_TESTS) and total.failed == 0:
        total += Counts(failed=1)
    return total


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def main(arguments=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--meson")
    parser.add_argument("--meson-status", type=int, default=0)
    parser.add_argument("--pytest")
    parser.add_argument("--pytest-status", type=int, default=0)
    options = parser.parse_args(arguments)

    total = Counts()
    if options.meson is not None:
        total += count_meson(read(options.meson), options.meson_status)
    if options.pytest is not None:
        total += count_pytest(read(options.pytest), options.pytest_status)

    if total.passed + total.failed == 0:
        print("no test was run", file=sys.stderr)
    sys.stderr.flush()
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped", flush=True)
    return 0 if total.failed == 0 and total.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
