#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 the kvstore authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Compares po/POTFILES with the files below src/ that hold strings to translate.

With --write it brings po/POTFILES up to date instead.
"""

import re
import sys

import tree

# _("..."), N_("..."), C_("context", "..."), and gettext's own functions.
MARKED = re.compile(
    r'(?<![A-Za-z0-9_])(?:_|N_|C_|NC_|Q_|(?:g_)?d?n?p?gettext|g_dpgettext2)\s*\(\s*"'
)
NAME = "po/POTFILES"


def marked_files(top):
    """The C files with a string to translate."""
    return [
        str(path)
        for path in tree.c_files(top, "src")
        if MARKED.search(tree.without_comments(tree.read(top / path)))
    ]


def listed_files(top):
    lines = tree.read(top / NAME).splitlines() if (top / NAME).is_file() else []
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def check(top):
    """Returns the problems found, each as one line of text."""
    marked, listed = marked_files(top), listed_files(top)
    problems = [
        f"{NAME}: {name} is not in the tree" for name in listed if not (top / name).is_file()
    ]
    problems += [
        f"{NAME}: {name} is listed twice" for name in sorted(set(listed)) if listed.count(name) > 1
    ]
    problems += [
        f"{name}: has strings to translate, and is not in {NAME} (./dev format adds it)"
        for name in marked
        if name not in listed
    ]
    return problems


def write(top):
    path = top / NAME
    text = tree.read(path)
    comments = [line for line in text.splitlines() if line.startswith("#")]
    new = "\n".join(comments + [""] + marked_files(top)).rstrip("\n") + "\n"
    if new != text:
        path.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        sys.exit(write(tree.TOP))
    sys.exit(tree.main(check, "Checks that po/POTFILES is complete."))
