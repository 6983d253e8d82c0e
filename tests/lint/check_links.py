#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 the kvstore authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reports each link of a document to a file, or to a heading in one, that is not there."""

import re
import sys

import tree

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
# What stands between backquotes is text and no link, but for the name of a link.
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)


def list_anchors(text):
    """The names that renderers give the headings of a document."""
    anchors = set()
    for heading in HEADING.findall(FENCED.sub("", text)):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        anchors.add(name if name not in anchors else f"{name}-1")
    return anchors


def check(top):
    """Returns the problems found below top, each as "file: what"."""
    problems = []
    for path in tree.files(top):
        if path.suffix != ".md":
            continue
        for target in LINK.findall(CODE.sub("", FENCED.sub("", tree.read(top / path)))):
            name, _, anchor = target.partition("#")
            if re.match(r"[a-z]+:", name):
                continue
            file = (top / path.parent / name) if name else (top / path)
            if not file.exists():
                problems.append(f"{path}: there is no {target}")
            elif anchor and anchor not in list_anchors(tree.read(file)):
                problems.append(f"{path}: there is no heading {target}")
    return problems


if __name__ == "__main__":
    sys.exit(tree.main(check, __doc__))
