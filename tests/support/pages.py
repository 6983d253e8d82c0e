# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""The examples of a page of documentation, as steps to carry out, and what they are to print.

A block fenced as sh holds commands for bash, all of which are run, in order, in one shell for the page. What a command
prints, errors included, follows it in lines "# → TEXT"; where there are none in the guide, it prints nothing. Blank
lines do not count. Where the answer's head is shown (curl -i), its headers may come in any order, and those that are not
shown are passed over.

A command with -N is a stream: it stays until the next stream, or the next heading. A block fenced as text is what the
stream prints next. A program fenced as python is run to its end; one fenced as javascript is a stream, and says in
"// →" what it prints.

What differs from run to run is written as "…", which is any text within a line or, alone, any lines; or as one of the
words of PLACEHOLDERS. With a digit behind it (REVISION1) such a word is the same text all over the page, and another
than REVISION2.
"""

import re
import subprocess
from typing import NamedTuple

PLACEHOLDERS = {
    "REVISION": "[1-9][0-9]{15}",
    "NUMBER": "[0-9]+",
    "TIME": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z",
    "CURSOR": "[A-Za-z0-9_-]+",
}
PLACEHOLDER = re.compile(rf"(?<![A-Za-z_])({'|'.join(PLACEHOLDERS)})([0-9]?)(?![A-Za-z0-9_])|…")
ANY_LINES = "…"

FENCE = re.compile(r"^(?P<indent>[ \t>]*)(?P<mark>```+|~~~+)(?P<language>.*)$")
PRINTED = {"sh": "# →", "python": "# →", "javascript": "// →"}
# A command in the midst of prose, which nobody runs.
PROSE_COMMAND = re.compile(r"`(?:curl|busctl|gdbus) [^`]*(?:://|org\.kvstore\.)[^`]*`")


class Step(NamedTuple):
    """What is to be done next.

    kind: "command", "stream" (which is left running), "shown" (what the stream prints next) or "end" (of the stream);
    text: for bash; expected: the lines that it prints; line: where on the page that is.
    """

    kind: str
    text: str
    expected: list
    line: int


class Block(NamedTuple):
    language: str
    lines: list
    line: int
    indented: bool


def read_blocks(page):
    """The fenced blocks and the headings of a page, in order; a heading is a Block whose language is None."""
    blocks = []
    fence = None
    for number, line in enumerate(page.splitlines(), 1):
        match = FENCE.match(line)
        if fence is not None:
            if match and match["mark"].startswith(fence) and not match["language"].strip():
                fence = None
            else:
                blocks[-1].lines.append(line)
        elif match:
            fence = match["mark"]
            blocks.append(Block(match["language"].strip(), [], number, bool(match["indent"]) or fence != "```"))
        elif re.match(r"#{1,6} ", line):
            blocks.append(Block(None, [line], number, False))
    assert fence is None, "a block has no end"
    return blocks


def is_complete(command):
    """Whether bash would begin to carry it out, or wait for more lines."""
    if command.endswith("\\"):
        return False
    check = subprocess.run(["bash", "-n", "-c", command], stderr=subprocess.PIPE, check=False)
    # Bash only warns of a here-document that has no end.
    return check.returncode == 0 and not check.stderr


def read_commands(block):
    """The commands of a block fenced as sh."""
    steps = []
    pending = []
    for number, line in enumerate(block.lines, block.line + 1):
        if line.startswith(PRINTED["sh"]):
            assert steps and not pending, f"line {number}: there is no whole command before it"
            steps[-1].expected.append(line[len(PRINTED["sh"]) :].strip())
        elif pending or (line.strip() and not line.startswith("#")):
            pending.append(line)
            command = "\n".join(pending)
            if is_complete(command):
                kind = "stream" if re.search(r"\bcurl\b.* -N\b", command) else "command"
                assert kind != "stream" or "|" not in command, f"line {number}: a stream is one program"
                steps.append(Step(kind, command, [], number - len(pending) + 1))
                pending = []
    assert not pending, f"line {block.line}: this is no whole command: {pending}"
    return steps


def read_program(block, kind, interpreter):
    """A program, as one command."""
    mark = PRINTED[block.language]
    expected = [line[len(mark) :].strip() for line in block.lines if line.startswith(mark)]
    program = "\n".join(block.lines)
    return [Step(kind, f"{interpreter} <<'END'\n{program}\nEND", expected, block.line)]


def read_steps(page):
    """What to do to see that a page is true."""
    steps = []
    streaming = False
    for block in read_blocks(page):
        if block.language == "sh" and not block.indented:
            new = read_commands(block)
        elif block.language == "python":
            new = read_program(block, "command", "python3 -")
        elif block.language == "javascript":
            new = read_program(block, "stream", "node -r \"$EVENT_SOURCE\" -")
        elif block.language == "text":
            assert streaming, f"line {block.line}: there is no stream that could print this"
            new = [Step("shown", "", [line.strip() for line in block.lines], block.line)]
        elif block.language is None:
            new = [Step("end", "", [], block.line)]
        else:
            new = []
        for step in new:
            if step.kind == "stream" and streaming:
                steps.append(Step("end", "", [], step.line))
            if step.kind != "end" or streaming:
                steps.append(step)
            streaming = step.kind == "stream" or (streaming and step.kind != "end")
    if streaming:
        steps.append(Step("end", "", [], 0))
    return steps


def find_unrun(page):
    """What looks like an example and is not carried out: for each, its line and what is wrong with it."""
    unrun = []
    for block in read_blocks(page):
        if block.language is not None and (block.indented or block.language not in (*PRINTED, "text")):
            unrun.append((block.line, f"a block fenced as {block.language or 'nothing'}"))
    fenced = {
        number
        for block in read_blocks(page)
        if block.language is not None
        for number in range(block.line, block.line + len(block.lines) + 2)
    }
    for number, line in enumerate(page.splitlines(), 1):
        if number in fenced:
            continue
        if line.startswith(("    ", "\t")):
            unrun.append((number, "a block that is only indented"))
        if PROSE_COMMAND.search(line):
            unrun.append((number, "a command in the midst of prose"))
    return sorted(unrun)


class Matcher:
    """Compares what is printed with what a page shows, and remembers what its placeholders stand for."""

    def __init__(self):
        self.known = {}

    def match_line(self, shown, printed):
        """Whether a line is as shown; if so, what its placeholders stand for holds from now on."""
        groups = set()
        pattern = ""
        end = 0
        for found in PLACEHOLDER.finditer(shown):
            pattern += re.escape(shown[end : found.start()])
            end = found.end()
            name = found[0]
            if name == "…":
                pattern += ".*"
            elif not found[2]:
                pattern += PLACEHOLDERS[found[1]]
            elif name in self.known:
                pattern += re.escape(self.known[name])
            elif name in groups:
                pattern += f"(?P={name})"
            else:
                groups.add(name)
                pattern += f"(?P<{name}>{PLACEHOLDERS[found[1]]})"
        match = re.fullmatch(pattern + re.escape(shown[end:]), printed)
        if not match:
            return False
        others = [text for name, text in self.known.items() if name[:-1] in {g[:-1] for g in groups}]
        values = [*others, *match.groupdict().values()]
        if len(values) != len(set(values)):
            return False
        self.known.update(match.groupdict())
        return True

    def match(self, shown, printed):
        """Whether lines are as shown."""
        shown = [line.strip() for line in shown if line.strip()]
        if shown and shown[0].startswith("HTTP/"):
            printed = arrange_headers(shown, [line.strip() for line in printed])
        printed = [line.strip() for line in printed if line.strip()]
        before = dict(self.known)
        if self._match_lines(shown, printed):
            return True
        self.known = before
        return False

    def _match_lines(self, shown, printed):
        if not shown:
            return not printed
        if shown[0] == ANY_LINES:
            # The rest is at the end: two of these in one output would leave open which lines they stand for.
            rest = shown[1:]
            assert ANY_LINES not in rest
            return len(printed) >= len(rest) and self._match_lines(rest, printed[len(printed) - len(rest) :])
        return bool(printed) and self.match_line(shown[0], printed[0]) and self._match_lines(shown[1:], printed[1:])


def arrange_headers(shown, printed):
    """What has been printed, with the headers in the order in which they are shown, and no others."""
    if "" not in printed:
        return printed
    end = printed.index("")
    head = {}
    for line in printed[1:end]:
        head.setdefault(line.split(":")[0].lower(), []).append(line)
    names = [line.split(":")[0].lower() for line in shown[1:] if re.match(r"[A-Za-z-]+: ", line)]
    wanted = [line for name in dict.fromkeys(names) for line in head.get(name, [])]
    return [printed[0], *wanted, *printed[end + 1 :]]
