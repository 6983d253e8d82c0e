#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 the kvstore authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Reads the includes of src/ and reports each that breaks the layering or the house style.

The layers, and what each may include (docs/architecture.md has the picture):

    core                            <- store <- journal, upstream, http, dbus <- app, main.c
    core <- store <- backup         <- http, dbus
    core <- principal               <- http, dbus
    core <- metrics                 <- journal, http, dbus

http and dbus never see each other, nor a journal or an upstream. Only app and main.c name the
concrete kinds of these (journal/sqlite/, upstream/etcd/, ...). Routes know neither carrier, and
libsoup stays in its own folder.
"""

import re
import sys
from pathlib import PurePosixPath

import tree

# The layer of a file is the first folder of its path below src/. Two layers have no folder:
# "main" is src/main.c, "public" is any other file right in src/, that is what a user of the
# library includes.
MAY_INCLUDE = {
    "core": {"core"},
    "store": {"core", "store"},
    "backup": {"core", "store", "backup"},
    "principal": {"core", "principal"},
    "metrics": {"core", "metrics"},
    "journal": {"core", "store", "metrics", "journal"},
    "upstream": {"core", "store", "upstream"},
    "http": {"core", "store", "backup", "principal", "metrics", "http"},
    "dbus": {"core", "store", "backup", "principal", "metrics", "dbus"},
    "app": {"core", "store", "backup", "principal", "metrics", "journal", "upstream", "http", "dbus", "app"},
    "main": {"core", "store", "backup", "principal", "metrics", "journal", "upstream", "http", "dbus", "app"},
    "ctl": {"core", "ctl"},
    "public": {"core", "store"},
}

# Layers with a folder for each concrete kind, which only these may look into.
CONCRETE = {"journal", "upstream"}
MAY_NAME_CONCRETE = {"app", "main"}

# Headers of other projects that are confined to one folder.
CONFINED = {"libsoup/": "http/soup", "sqlite3.h": "journal/sqlite"}

# Folders below a layer that some other folder of it must not look into.
BLIND = {
    "dbus/wire": {"dbus"},
    "http/wire": {"http/connection", "http/server", "http/stream", "http/routes", "http/soup", "http/express"},
    "http/stream": {"http/connection", "http/server", "http/routes", "http/soup", "http/express"},
    "http/connection": {"http/server", "http/stream", "http/routes", "http/soup", "http/express"},
    "http/routes": {"http/connection", "http/server", "http/soup", "http/express"},
    "http/soup": {"http/server", "http/stream", "http/routes", "http/express"},
    "http/express": {"http/server", "http/stream", "http/routes", "http/soup"},
}

# Headers that the build makes, and which layers may include them.
GENERATED = {
    "config.h": set(MAY_INCLUDE),
    "kv-config.h": set(MAY_INCLUDE),
    "kv-http-resources.h": {"http"},
    "kv-dbus-generated.h": {"dbus", "app", "main", "ctl"},
}
# Those that may stand even before a file's own header.
CONFIGURATION = {"config.h", "kv-config.h"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.MULTILINE)
PRAGMA_ONCE = re.compile(r"^[ \t]*#[ \t]*pragma[ \t]+once\b", re.MULTILINE)
# Spelt so that this file does not report itself.
LEFT_OVER = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b")


def layer_of(path):
    """The layer of a path relative to src/, or None for a folder that is in no layer."""
    if len(path.parts) == 1:
        return "main" if path.name == "main.c" else "public"
    return path.parts[0] if path.parts[0] in MAY_INCLUDE else None


def inside(path, folder):
    return path.is_relative_to(folder)


def kind_of(path):
    """The folder of a concrete kind that a path lies in, such as journal/sqlite, or None."""
    if path.parts[0] in CONCRETE and len(path.parts) > 2:
        return PurePosixPath(*path.parts[:2])
    return None


def check_system_include(path, name):
    for header, home in CONFINED.items():
        if name.startswith(header) and not inside(path, home):
            yield f"<{name}> belongs in src/{home}/ only"


def check_project_include(source, path, name):
    layer = layer_of(path)
    target = PurePosixPath(name)
    if target.name in GENERATED:
        if layer not in GENERATED[target.name]:
            yield f'{layer} may not include the generated "{name}"'
        return
    if not (source / name).is_file() or ".." in target.parts:
        yield f'"{name}" is no path of a header relative to src/'
        return
    target_layer = layer_of(target)
    if target_layer not in MAY_INCLUDE[layer]:
        yield f'{layer} may not include {target_layer}: "{name}"'
        return
    kind = kind_of(target)
    if kind and layer not in MAY_NAME_CONCRETE and not inside(path, kind):
        yield f'only app and main.c may look into src/{kind}/: "{name}"'
    for folder, unseen in BLIND.items():
        for other in sorted(unseen):
            if inside(path, folder) and inside(target, other) and not inside(target, folder):
                yield f'src/{folder}/ may not look into src/{other}/: "{name}"'


def check_order(source, path, includes):
    """Own header first, then the project's, then the system's; for .c files."""
    names = [(quoted, line) for line, quoted, _ in includes if quoted not in CONFIGURATION]
    own = str(path.with_suffix(".h"))
    private = str(path.with_name(path.stem + "-private.h"))
    if (source / own).is_file() and (not names or names[0][0] not in {own, private}):
        line = names[0][1] if names else 1
        yield line, f'the first include is to be the file\'s own header, "{own}"'
    system_seen = False
    for quoted, line in names:
        if quoted is None:
            system_seen = True
        elif system_seen:
            yield line, f'"{quoted}" stands below a system header'


def check_file(source, path):
    """Yields (line, problem) for one file, whose path is relative to src/."""
    text = tree.read(source / path)
    code = tree.without_comments(text)

    for number, line in enumerate(text.splitlines(), start=1):
        if LEFT_OVER.search(line):
            yield number, "a note to oneself; do it, or open an issue"
    if path.suffix == ".h" and not PRAGMA_ONCE.search(code):
        yield 1, "a header has #pragma once"

    if layer_of(path) is None:
        yield 1, f"src/{path.parts[0]}/ is in no layer; give it one in tests/lint/check_layers.py"
        return
    includes = []
    for match in INCLUDE.finditer(code):
        line = code.count("\n", 0, match.start()) + 1
        quoted, system = match.groups()
        includes.append((line, quoted, system))
        if system:
            found = check_system_include(path, system)
        else:
            found = check_project_include(source, path, quoted)
        for problem in found:
            yield line, problem
    if path.suffix == ".c":
        yield from check_order(source, path, includes)


def check(top):
    """Returns the problems found in top/src, each as "file:line: what"."""
    source = top / "src"
    problems = []
    for file in tree.c_files(top, "src"):
        path = PurePosixPath(*file.parts[1:])
        for line, problem in sorted(check_file(source, path)):
            problems.append(f"{file}:{line}: {problem}")
    return problems


if __name__ == "__main__":
    sys.exit(tree.main(check, "Checks the includes of src/."))
