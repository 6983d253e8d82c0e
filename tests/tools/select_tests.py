#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 the kvstore authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Prints the names of the meson tests that a run should have, one a line, as project:name.

    select_tests.py [--suite SUITE] BUILDDIR [WORD...]

A test is chosen when it is in the suite (if one is given) and one of the words (if there are any)
is a part of its name or of the name of one of its suites.
"""

import argparse
import json
import subprocess
import sys


def select(tests, suite=None, words=()):
    """Returns "project:name" of each test of meson's introspection data that is to run."""
    chosen = []
    for test in tests:
        # meson writes a suite as "project:suite", or as "project" for a test that is in none.
        project = test["suite"][0].split(":")[0]
        suites = [s.split(":", 1)[1] for s in test["suite"] if ":" in s]
        if suite is not None and suite not in suites:
            continue
        if words and not any(w in name for w in words for name in [test["name"], *suites]):
            continue
        name = f"{project}:{test['name']}"
        if name not in chosen:
            chosen.append(name)
    return chosen


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("builddir")
    parser.add_argument("--suite")
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    output = subprocess.run(
        ["/usr/bin/meson", "introspect", "--tests", options.builddir],
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    for name in select(json.loads(output), options.suite, options.words):
        print(name)


if __name__ == "__main__":
    sys.exit(main())
