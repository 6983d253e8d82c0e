# SPDX-FileCopyrightText: 2026 the kvstore authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The last line of ./dev test counts right, above all when something went wrong."""

import json
import subprocess
import sys

import pytest
import tree

TOOLS = tree.TOP / "tests" / "tools"
sys.path.insert(0, str(TOOLS))

import count_results  # noqa: E402
import select_tests  # noqa: E402


def log(*entries):
    return "".join(json.dumps({"name": "x", **entry}) + "\n" for entry in entries)


@pytest.mark.parametrize(
    "entry, counts",
    [
        ({"result": "OK", "stdout": "TAP version 13\n1..2\nok 1 /a\nok 2 /b\n"}, (2, 0, 0)),
        ({"result": "OK", "stdout": "ok 1 /a\nok 2 /b # SKIP no bus\n"}, (1, 0, 1)),
        ({"result": "OK", "stdout": "not ok 1 /a # TODO one day\n"}, (1, 0, 0)),
        ({"result": "OK", "stdout": "# Subtest: a\n    ok 1 b\n    ok 2 c\nok 1 a\n"}, (1, 0, 0)),
        ({"result": "OK", "stdout": "# okay\nok 1 /a\nokay then\n"}, (1, 0, 0)),
        ({"result": "FAIL", "stdout": "ok 1 /a\nnot ok 2 /b\nok 3 /c\n"}, (2, 1, 0)),
        # a program that reported its failure and aborted has failed once, not twice
        ({"result": "ERROR", "stdout": "ok 1 /a\nnot ok /b - ERROR: assertion\n"}, (1, 1, 0)),
        # a crash, without a word
        ({"result": "ERROR", "stdout": "1..3\nok 1 /a\n", "returncode": -11}, (1, 1, 0)),
        ({"result": "ERROR", "stdout": None, "returncode": -6}, (0, 1, 0)),
        # all points were good, and then a sanitizer spoke at exit
        ({"result": "FAIL", "stdout": "1..1\nok 1 /a\n", "returncode": 1}, (1, 1, 0)),
        ({"result": "TIMEOUT", "stdout": "ok 1 /a\n"}, (1, 1, 0)),
        ({"result": "INTERRUPT"}, (0, 1, 0)),
        ({"result": "UNEXPECTEDPASS"}, (0, 1, 0)),
        ({"result": "OK"}, (1, 0, 0)),
        ({"result": "EXPECTEDFAIL"}, (1, 0, 0)),
        ({"result": "SKIP", "stdout": "1..0 # SKIP no bus\n"}, (0, 0, 1)),
        ({"result": "SKIP", "stdout": "ok 1 /a # SKIP\nok 2 /b # skip\n"}, (0, 0, 2)),
    ],
)
def test_counts_test_program(entry, counts):
    assert count_results.count_meson(log(entry)) == counts


def test_adds_test_programs():
    text = log({"result": "OK", "stdout": "ok 1 /a\n"}, {"result": "TIMEOUT"}, {"result": "SKIP"})
    assert count_results.count_meson(text, 1) == (1, 1, 1)


def test_meson_that_failed_without_a_log_is_a_failure():
    assert count_results.count_meson("", 1) == (0, 1, 0)


def test_broken_log_is_a_failure():
    assert count_results.count_meson('{"name": "x", "res') == (0, 1, 0)


JUNIT = """<?xml version="1.0"?><testsuites><testsuite tests="5">
<testcase name="a"/>
<testcase name="b"><failure message="no"/></testcase>
<testcase name="c"><skipped message="no bus"/></testcase>
<testcase name="d"><error message="in the fixture"/></testcase>
<testcase name="e"><system-out>text</system-out></testcase>
</testsuite></testsuites>"""


@pytest.mark.parametrize(
    "text, status, counts",
    [
        (JUNIT, 1, (2, 2, 1)),
        ("<testsuites><testsuite/></testsuites>", 5, (0, 0, 0)),
        ("<testsuites><testsuite><testcase/></testsuite></testsuites>", 3, (1, 1, 0)),
        ("", 4, (0, 1, 0)),
        ("", 0, (0, 0, 0)),
        ("<testsuites><testsuite>", 1, (0, 1, 0)),
    ],
)
def test_counts_pytest(text, status, counts):
    assert count_results.count_pytest(text, status) == counts


def run(tmp_path, meson=None, pytest_xml=None):
    command = [sys.executable, str(TOOLS / "count_results.py")]
    if meson is not None:
        (tmp_path / "log.json").write_text(meson, encoding="utf-8")
        command += ["--meson", str(tmp_path / "log.json"), "--meson-status", "0"]
    if pytest_xml is not None:
        (tmp_path / "junit.xml").write_text(pytest_xml, encoding="utf-8")
        command += ["--pytest", str(tmp_path / "junit.xml"), "--pytest-status", "0"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout


def test_prints_the_sum_of_both(tmp_path):
    meson = log({"result": "OK", "stdout": "ok 1 /a\nok 2 /b # SKIP\n"})
    assert run(tmp_path, meson, JUNIT) == (1, "3 passed, 2 failed, 2 skipped\n")


def test_succeeds_when_something_passed_and_nothing_failed(tmp_path):
    assert run(tmp_path, log({"result": "OK"})) == (0, "1 passed, 0 failed, 0 skipped\n")


def test_no_test_at_all_is_no_success(tmp_path):
    assert run(tmp_path) == (1, "0 passed, 0 failed, 0 skipped\n")


def test_skipping_everything_is_no_success(tmp_path):
    assert run(tmp_path, log({"result": "SKIP"})) == (1, "0 passed, 0 failed, 1 skipped\n")


TESTS = [
    {"name": "entry", "suite": ["kvstore:core"]},
    {"name": "store", "suite": ["kvstore:store", "kvstore:threaded"]},
    {"name": "watch", "suite": ["kvstore:store"]},
    {"name": "example", "suite": ["kvstore"]},
]


@pytest.mark.parametrize(
    "suite, words, names",
    [
        (None, [], ["entry", "store", "watch", "example"]),
        ("threaded", [], ["store"]),
        (None, ["atc"], ["watch"]),
        (None, ["entry", "ampl"], ["entry", "example"]),
        (None, ["store"], ["store", "watch"]),
        ("threaded", ["entry"], []),
        (None, ["nothing"], []),
    ],
)
def test_selects_test_programs(suite, words, names):
    chosen = select_tests.select(TESTS, suite, words)
    assert chosen == [f"kvstore:{name}" for name in names]
