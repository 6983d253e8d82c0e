# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""README.md and the pages in docs/ keep their word: what they show is run, against a daemon of its own.

An example is a block fenced as sh whose lines begin with curl or busctl, or a program fenced as python. What a command
prints follows it in lines "# → TEXT"; where those are missing the output may be anything. A command may end with a comment.
"""

import os
import re
import subprocess

import pytest

from support.carriers import both_carriers
from support.daemon import make_environment

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTED = "# →"


def read_commands(block):
    """The commands of a block, and what they print; none when it has others."""
    commands = []
    for line in re.sub(r"\\\n\s*", " ", block).splitlines():
        if line.startswith(PRINTED):
            command, expected = commands.pop()
            commands.append((command, [*(expected or []), line[len(PRINTED) :].strip()]))
        elif line.startswith(("curl ", "busctl ")):
            commands.append((line, None))
        elif line.strip() and not line.startswith("#"):
            return []
    return commands


def read_program(block):
    """A program as one command, and what it prints."""
    expected = [line[len(PRINTED) :].strip() for line in block.splitlines() if line.startswith(PRINTED)]
    return [(f"python3 - <<'END'\n{block}END\n", expected or None)]


def read_examples(text):
    """The blocks of examples: lists of (command, lines that it is to print or None)."""
    readers = {"sh": read_commands, "python": read_program}
    examples = [readers[language](block) for language, block in BLOCK.findall(text)]
    return [commands for commands in examples if commands]


def test_examples_are_found():
    text = (
        "```sh\ncurl a \\\n   b\n# → one\n# → two\ncurl c   # comment\n```\n"
        "```sh\n./dev run\n```\n```console\ncurl no\n```\n```sh\n# only\nbusctl d\n```\n"
        "```python\nprint(1)\n# → 1\n```\n"
    )
    assert read_examples(text) == [
        [("curl a  b", ["one", "two"]), ("curl c   # comment", None)],
        [("busctl d", None)],
        [("python3 - <<'END'\nprint(1)\n# → 1\nEND\n", ["1"])],
    ]


@both_carriers
@pytest.mark.parametrize(
    "page", ["README.md", "docs/backup.md", "docs/dbus.md", "docs/metrics.md", "docs/v1.md"]
)
def test_page_does_what_it_says(page, start_kvstored, bus, directory):
    with open(os.path.join(TOP, page), encoding="utf-8") as file:
        examples = read_examples(file.read())
    assert examples
    daemon = start_kvstored(bus=bus.address)
    environment = make_environment(directory, {"DBUS_SESSION_BUS_ADDRESS": bus.address})
    for command, expected in (pair for example in examples for pair in example):
        here = re.sub(r"\b(localhost|127\.0\.0\.1):3000\b", f"127.0.0.1:{daemon.port}", command)
        streams = " -N" in here
        # A stream has no end: it is given time for its first frames.
        result = subprocess.run(
            ["timeout", "-s", "INT", "2" if streams else "20", "bash", "-c", here],
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
        assert result.returncode == 0 or streams, f"{command}: {result.stderr}"
        if expected is not None:
            printed = [line.strip() for line in result.stdout.splitlines() if line.strip()]
            assert printed == expected, command
