#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 the kvstore authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reports each source file that does not say, near its top, under which licence it is."""

import re
import sys

import tree

OURS = "AGPL-3.0-or-later"
PUBLIC_DOMAIN = "CC0-1.0"

# What counts as a source: files that can hold a comment and are ours to write. Documents (.md) and
# JSON cannot or need not; test data is data.
SUFFIXES = {
    ".build", ".c", ".conf", ".css", ".desktop", ".h", ".html", ".in", ".ini", ".js", ".map",
    ".po", ".py", ".service", ".sh", ".socket", ".supp", ".toml", ".xml", ".yaml", ".yml",
}  # fmt: skip
NAMES = {
    ".clang-format", ".clang-tidy", ".editorconfig", ".gitignore", "LINGUAS", "POTFILES", "dev",
    "meson_options.txt", "run",
}  # fmt: skip

# The header stands in these first lines: below a #! line, an XML declaration and a doctype.
HEAD_LINES = 12

# Spelt so that this file is not taken to name two licences.
IDENTIFIER = re.compile("SPDX-License-" r"Identifier:[ \t]*([A-Za-z0-9.+-]+)")


def is_source(path):
    return path.suffix in SUFFIXES or path.name in NAMES


def licence_for(path):
    """The interfaces are free for any client to copy; everything else is under our licence."""
    if path.parts[0] == "introspection" and path.suffix == ".xml":
        return PUBLIC_DOMAIN
    if path.name.startswith("openapi."):
        return PUBLIC_DOMAIN
    return OURS


def check(top):
    """Returns the problems found below top, each as "file: what"."""
    problems = []
    for path in tree.files(top):
        if not is_source(path):
            continue
        head = "\n".join(tree.read(top / path).splitlines()[:HEAD_LINES])
        found = IDENTIFIER.search(head)
        wanted = licence_for(path)
        if found is None:
            problems.append(f"{path}: has no SPDX licence line; {wanted} is expected")
        elif found[1] != wanted:
            problems.append(f"{path}: is under {found[1]}; {wanted} is expected")
    return problems


if __name__ == "__main__":
    sys.exit(tree.main(check, "Checks that each source file names its licence."))
