# SPDX-FileCopyrightText: 2026 the kvstore authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the checkers of this folder share: walking the source tree and reading C."""

import argparse
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

# Comments and literals of C. A literal is matched so that "/*" inside it opens nothing.
_TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""",
    re.DOTALL,
)


def without_comments(code):
    """Returns C code with each comment blanked out; the lines stay where they are."""

    def blank(match):
        if match["comment"] is None:
            return match[0]
        return re.sub(r"[^\n]", " ", match[0])

    return _TOKEN.sub(blank, code)


def is_ours(relative):
    """Whether a path, relative to the top folder, is a source: no build folder, cache or .git."""
    first = relative.parts[0]
    if first.startswith("build") and len(relative.parts) > 1:
        return False
    if first.startswith(".") and len(relative.parts) > 1 and first != ".ci":
        return False
    return not {"__pycache__", "subprojects", ".pytest_cache"} & set(relative.parts)


def files(top, under="."):
    """Yields the path, relative to top, of every source file below a folder of it, in order."""
    for path in sorted((top / under).rglob("*")):
        relative = path.relative_to(top)
        if path.is_file() and not path.is_symlink() and is_ours(relative):
            yield relative


def c_files(top, under="src"):
    """Yields the C files among them."""
    return (path for path in files(top, under) if path.suffix in {".c", ".h"})


def read(path):
    return path.read_text(encoding="utf-8", errors="replace")


def main(check, description):
    """The command line of a checker: prints what check(top) finds, exits with 1 if it did."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("top", nargs="?", type=Path, default=TOP, help="the top folder to look at")
    problems = check(parser.parse_args().top)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0
