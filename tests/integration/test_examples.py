# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""README.md and the pages in docs/ keep their word: what they show is run, each page against a daemon of its own.

How a page says what is run and what it prints stands in support/pages.py.
"""

import pathlib
import re

import pytest

from support import pages
from support.carriers import both_carriers
from support.daemon import make_environment
from support.terminal import Terminal

TOP = pathlib.Path(__file__).resolve().parents[2]
GUIDE = sorted(str(path.relative_to(TOP)) for path in (TOP / "docs/guide").glob("*.md"))
# Others that have examples. On these a block may be fenced as something that is only shown, and a command may print what
# is not.
PAGES = ["README.md", "docs/backup.md", "docs/dbus.md", "docs/metrics.md", "docs/sse.md", "docs/v1.md"]

# What a program prints that fails, as they all do in their own way.
FAILURES = ("Call failed: ", "Error: ", "curl: (")


def read_page(name):
    return (TOP / name).read_text(encoding="utf-8")


def run_page(page, terminal, strict=True):
    """Does all that a page says, and looks at what comes of it. Unless it is strict, a command may print what is not shown."""
    matcher = pages.Matcher()

    def compare(step, printed):
        if not matcher.match(step.expected, printed):
            shown = "\n".join(step.expected)
            raise AssertionError(f"line {step.line}: {step.text}\nshown:\n{shown}\nprinted:\n" + "\n".join(printed))

    for step in pages.read_steps(page):
        if step.kind == "command":
            status, printed = terminal.run(step.text)
            if step.expected or strict:
                compare(step, printed)
            shows_failure = any(line.startswith(FAILURES) for line in step.expected)
            assert status == 0 or shows_failure, f"line {step.line}: {step.text}: exit status {status}"
        elif step.kind in ("stream", "shown"):
            if step.kind == "stream":
                terminal.start_stream(step.text)
            compare(step, terminal.read_stream(len([line for line in step.expected if line])))
        else:
            assert terminal.end_stream() == [], f"line {step.line}: the stream before it printed more"


@both_carriers
@pytest.mark.parametrize("name", [*PAGES, *GUIDE])
def test_page_does_what_it_says(name, start_kvstored, bus, directory):
    daemon = start_kvstored(bus=bus.address)
    page = re.sub(r"\b(localhost|127\.0\.0\.1):3000\b", f"127.0.0.1:{daemon.port}", read_page(name))
    environment = make_environment(
        directory,
        {"DBUS_SESSION_BUS_ADDRESS": bus.address, "EVENT_SOURCE": str(TOP / "tests/support/event-source.js")},
    )
    with Terminal(directory, environment) as terminal:
        run_page(page, terminal, strict=name in GUIDE)


@pytest.mark.parametrize("name", PAGES)
def test_page_has_examples(name):
    assert any(step.kind in ("command", "stream") for step in pages.read_steps(read_page(name)))


def test_every_page_with_examples_is_run():
    """But for those that only show."""
    found = [
        str(path.relative_to(TOP))
        for path in [TOP / "README.md", *(TOP / "docs").rglob("*.md")]
        if any(block.language in pages.PRINTED for block in pages.read_blocks(path.read_text(encoding="utf-8")))
    ]
    assert set(found) <= {*PAGES, *GUIDE}


class TestReading:
    """How a page is read."""

    def test_commands_have_what_they_print(self):
        page = (
            "```sh\n# About it\ncurl a \\\n   b\n# → one\n# → two\ncurl -d '[\n  1]' c   # comment\ncat <<'X'\nx\nX\n```\n"
            "```console\ncurl no\n```\n"
            "```python\nprint(1)\n# → 1\n```\n"
        )
        assert pages.read_steps(page) == [
            ("command", "curl a \\\n   b", ["one", "two"], 3),
            ("command", "curl -d '[\n  1]' c   # comment", [], 7),
            ("command", "cat <<'X'\nx\nX", [], 9),
            ("command", "python3 - <<'END'\nprint(1)\n# → 1\nEND", ["1"], 16),
        ]

    def test_streams_end_at_the_next_and_at_headings(self):
        page = (
            "# Page\n```sh\ncurl -N a\n# → x\ncurl b\n```\n```text\ny\n\nz\n```\n"
            "```sh\ncurl -s -N c\n```\n## Section\n```javascript\nf()\n// → x\n```\n"
        )
        assert [(step.kind, step.expected) for step in pages.read_steps(page)] == [
            ("stream", ["x"]),
            ("command", []),
            ("shown", ["y", "", "z"]),
            ("end", []),
            ("stream", []),
            ("end", []),
            ("stream", ["x"]),
            ("end", []),
        ]

    @pytest.mark.parametrize(
        "page",
        [
            "```sh\n# → printed by nothing\n```\n",
            "```sh\ncurl 'a\n```\n",
            "```sh\ncurl a \\\n# → x\n```\n",
            "```sh\ncurl a\n",
            "```sh\ncurl -N a | cat\n```\n",
            "```text\nno stream\n```\n",
            "```sh\ncurl -N a\n```\n# Next\n```text\nthe stream has ended\n```\n",
        ],
    )
    def test_what_cannot_be_run_is_an_error(self, page):
        with pytest.raises(AssertionError):
            pages.read_steps(page)

    @pytest.mark.parametrize(
        "page",
        [
            "text\n```\ncurl a\n```\n",
            "text\n```bash\ncurl a\n```\n",
            "text\n```json\n{}\n```\n",
            "text\n~~~sh\ncurl a\n~~~\n",
            "text\n  ```sh\n  curl a\n  ```\n",
            "text\n    curl a\n",
            "text\nSay `curl http://localhost:3000/status`.\n",
            "text\nSay `busctl --user call org.kvstore.KvStore1`.\n",
        ],
    )
    def test_what_is_not_run_is_found(self, page):
        assert [line for line, _ in pages.find_unrun(page)] == [2]

    def test_what_is_run_is_not_found(self):
        page = "`curl -N` does\n```sh\n    curl a\n```\n```text\n`curl a://b`\n```\n```python\n```\n```javascript\n```\n"
        assert pages.find_unrun(page) == []


class TestMatching:
    """What is printed, and what is shown."""

    @pytest.mark.parametrize(
        ("shown", "printed"),
        [
            ([], []),
            (["a"], ["a", ""]),
            (["a", "", "b"], ["a", "b"]),
            (["a…c"], ["abbc"]),
            (["…"], []),
            (["a", "…", "b"], ["a", "x", "y", "b"]),
            (['"REVISION"'], ['"1795573413425742"']),
            (["NUMBER TIME CURSOR"], ["7 2026-01-31T12:00:00.000Z AQ-_"]),
            (["REVISION1 REVISION1 REVISION2"], ["1795573413425742 1795573413425742 1795573413425743"]),
            (["HTTP/1.1 200 OK", "B: 1", "A: 2", "", "body"], ["HTTP/1.1 200 OK", "A: 2", "C: 3", "B: 1", "", "body"]),
        ],
    )
    def test_same(self, shown, printed):
        assert pages.Matcher().match(shown, printed)

    @pytest.mark.parametrize(
        ("shown", "printed"),
        [
            ([], ["a"]),
            (["a"], []),
            (["a"], ["a", "b"]),
            (["a.c"], ["abc"]),
            (["a…c"], ["abbcd"]),
            (["a", "…", "b"], ["a", "b", "c"]),
            (["REVISION"], ["17"]),
            (["xREVISION"], ["x1795573413425742"]),
            (["REVISION1 REVISION1"], ["1795573413425742 1795573413425743"]),
            (["REVISION1", "REVISION1"], ["1795573413425742", "1795573413425743"]),
            (["REVISION1 REVISION2"], ["1795573413425742 1795573413425742"]),
            (["REVISION1", "REVISION2"], ["1795573413425742", "1795573413425742"]),
            (["HTTP/1.1 200 OK", "B: 1"], ["HTTP/1.1 200 OK", "A: 2", ""]),
            (["HTTP/1.1 200 OK", "B: 1"], ["HTTP/1.1 200 OK", "B: 2", ""]),
            (["HTTP/1.1 200 OK", "B: 1"], ["HTTP/1.1 200 OK", "B: 1", "", "body"]),
        ],
    )
    def test_different(self, shown, printed):
        assert not pages.Matcher().match(shown, printed)

    def test_numbered_placeholders_last(self):
        matcher = pages.Matcher()
        assert matcher.match(["REVISION1"], ["1795573413425742"])
        assert not matcher.match(["REVISION1"], ["1795573413425743"])
        assert matcher.match(["x REVISION1"], ["x 1795573413425742"])


class TestTerminal:
    """What a page is carried out in."""

    @pytest.fixture
    def terminal(self, directory):
        with Terminal(directory, make_environment(directory)) as terminal:
            yield terminal

    def test_variables_last(self, terminal):
        assert terminal.run("a=1\nfalse") == (1, [])
        assert terminal.run('echo "$a"; echo error >&2') == (0, ["1", "error"])

    def test_command_does_not_read_the_next_one(self, terminal):
        assert terminal.run("cat") == (0, [])

    def test_stream_goes_on_until_it_is_ended(self, terminal):
        terminal.run("mkfifo in")
        terminal.start_stream("tail -f -n +1 --pid=$$ in")
        assert terminal.run("printf ':\\n\\none\\ntwo\\n' > in") == (0, [])
        assert terminal.read_stream(2) == ["one", "two"]
        assert terminal.end_stream() == []

    def test_stream_that_printed_more_tells_it(self, terminal):
        terminal.start_stream("printf 'one\\ntwo\\nthree'")
        assert terminal.read_stream(1) == ["one"]
        assert terminal.end_stream() == ["two", "three"]

    def test_page_that_is_not_strict_need_not_show_all(self, terminal):
        run_page("```sh\necho a\necho b\n# → b\n```\n", terminal, strict=False)
        with pytest.raises(AssertionError, match="exit status 1"):
            run_page("```sh\nfalse\n```\n", terminal, strict=False)

    @pytest.mark.parametrize(
        ("page", "fault"),
        [
            ("```sh\necho a\n# → b\n```\n", "printed"),
            ("```sh\necho a\n```\n", "printed"),
            ("```sh\nfalse\n```\n", "exit status 1"),
            ("```sh\nexit 3\n```\n", "has ended"),
        ],
    )
    def test_page_that_is_wrong_is_found(self, terminal, page, fault):
        with pytest.raises(AssertionError, match=fault):
            run_page(page, terminal)
