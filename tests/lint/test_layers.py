# SPDX-FileCopyrightText: 2026 the kvstore authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The includes of src/ run one way; and the checker that says so can see one that does not."""

import subprocess
import sys
from pathlib import Path

import check_layers
import pytest
import tree

# A tree that is in order, to plant a fault in.
SOUND = {
    "core/kv-key.h": "#pragma once\n#include <glib.h>\n",
    "core/kv-key.c": '#include "core/kv-key.h"\n\n#include <string.h>\n',
    "core/kv-entry-private.h": '#pragma once\n#include "core/kv-entry.h"\n',
    "core/kv-entry.h": '#pragma once\n#include "core/kv-key.h"\n',
    "core/kv-entry.c": '#include "core/kv-entry-private.h"\n',
    "store/kv-store.h": '#pragma once\n#include "core/kv-key.h"\n',
    "store/kv-store.c": (
        '#include "kv-config.h"\n#include "store/kv-store.h"\n'
        '#include <gio/gio.h>\n'
    ),
    "backup/kv-restore.h": '#pragma once\n#include "store/kv-store.h"\n',
    "principal/kv-rate-limiter.h": '#pragma once\n#include "core/kv-key.h"\n',
    "journal/kv-journal.h": '#pragma once\n#include "store/kv-store.h"\n',
    "journal/sqlite/kv-sqlite-journal.h": '#pragma once\n#include "journal/kv-journal.h"\n',
    "journal/sqlite/kv-sqlite-journal.c": (
        '#include "journal/sqlite/kv-sqlite-journal.h"\n#include <sqlite3.h>\n'
    ),
    "upstream/kv-upstream.h": '#pragma once\n#include "store/kv-store.h"\n',
    "upstream/etcd/kv-etcd-upstream.h": '#pragma once\n#include "upstream/kv-upstream.h"\n',
    "http/kv-http-exchange.h": '#pragma once\n#include "principal/kv-rate-limiter.h"\n',
    "http/routes/kv-route-get.c": (
        '#include "http/kv-http-exchange.h"\n'
        '#include "store/kv-store.h"\n'
    ),
    "http/soup/kv-soup-carrier.h": '#pragma once\n#include "http/kv-http-exchange.h"\n',
    "http/soup/kv-soup-carrier.c": (
        '#include "http/soup/kv-soup-carrier.h"\n#include <libsoup/soup.h>\n'
    ),
    "http/express/kv-express.h": '#pragma once\n#include "http/kv-http-exchange.h"\n',
    "dbus/kv-dbus-service.h": '#pragma once\n#include "store/kv-store.h"\n',
    "dbus/wire/kv-dbus-types.h": "#pragma once\n",
    "dbus/wire/kv-dbus-head.h": '#pragma once\n#include "dbus/wire/kv-dbus-types.h"\n',
    "dbus/kv-dbus-service.c": (
        '#include "dbus/kv-dbus-service.h"\n#include "kv-dbus-generated.h"\n#include <gio/gio.h>\n'
    ),
    "app/kv-app.h": "#pragma once\n#include <gio/gio.h>\n",
    "app/kv-app.c": (
        '#include "app/kv-app.h"\n#include "dbus/kv-dbus-service.h"\n'
        '#include "http/soup/kv-soup-carrier.h"\n'
        '#include "journal/sqlite/kv-sqlite-journal.h"\n'
        '#include "upstream/etcd/kv-etcd-upstream.h"\n'
    ),
    "ctl/main.c": (
        '#include "core/kv-key.h"\n#include "kv-dbus-generated.h"\n'
        '#include <gio/gio.h>\n'
    ),
    "kvstore.h": '#pragma once\n#include "core/kv-key.h"\n#include "store/kv-store.h"\n',
    "main.c": '#include "app/kv-app.h"\n#include <glib/gi18n.h>\n',
}

# (the file that gets another line, the line, a part of what is to be said)
ARROWS_BACK = [
    ("core/kv-key.h", '#include "store/kv-store.h"', "core may not include store"),
    ("core/kv-key.h", '#include "kvstore.h"', "core may not include public"),
    ("core/kv-key.h", '#include "kv-dbus-generated.h"', "core may not include the generated"),
    ("store/kv-store.h", '#include "journal/kv-journal.h"', "store may not include journal"),
    (
        "store/kv-store.h",
        '#include "principal/kv-rate-limiter.h"',
        "store may not include principal",
    ),
    (
        "principal/kv-rate-limiter.h",
        '#include "store/kv-store.h"',
        "principal may not include store",
    ),
    (
        "journal/kv-journal.h",
        '#include "upstream/kv-upstream.h"',
        "journal may not include upstream",
    ),
    (
        "journal/kv-journal.h",
        '#include "journal/sqlite/kv-sqlite-journal.h"',
        "only app and main.c",
    ),
    ("backup/kv-restore.h", '#include "http/kv-http-exchange.h"', "backup may not include http"),
    ("store/kv-store.h", '#include "backup/kv-restore.h"', "store may not include backup"),
    ("upstream/kv-upstream.h", '#include "app/kv-app.h"', "upstream may not include app"),
    (
        "upstream/kv-upstream.h",
        '#include "upstream/etcd/kv-etcd-upstream.h"',
        "only app and main.c",
    ),
    ("http/kv-http-exchange.h", '#include "dbus/kv-dbus-service.h"', "http may not include dbus"),
    ("http/kv-http-exchange.h", '#include "journal/kv-journal.h"', "http may not include journal"),
    ("http/kv-http-exchange.h", '#include "app/kv-app.h"', "http may not include app"),
    ("http/kv-http-exchange.h", "#include <libsoup/soup.h>", "belongs in src/http/soup/ only"),
    ("http/routes/kv-route-get.c", '#include "http/soup/kv-soup-carrier.h"', "may not look into"),
    ("http/routes/kv-route-get.c", '#include "http/express/kv-express.h"', "may not look into"),
    ("http/routes/kv-route-get.c", "#include <libsoup/soup-types.h>", "belongs in src/http/soup/"),
    ("dbus/kv-dbus-service.h", '#include "http/kv-http-exchange.h"', "dbus may not include http"),
    (
        "dbus/kv-dbus-service.h",
        '#include "upstream/kv-upstream.h"',
        "dbus may not include upstream",
    ),
    ("dbus/wire/kv-dbus-head.h", '#include "dbus/kv-dbus-service.h"', "may not look into"),
    ("ctl/main.c", '#include "store/kv-store.h"', "ctl may not include store"),
    ("kvstore.h", '#include "app/kv-app.h"', "public may not include app"),
    ("app/kv-app.c", "#include <sqlite3.h>", "belongs in src/journal/sqlite/ only"),
    ("app/kv-app.h", '  #  include "ctl/kv-ctl.h"', "no path of a header"),
    ("core/kv-key.h", '#include "kv-key.h"', "no path of a header relative to src/"),
    ("store/kv-store.h", '#include "../store/kv-store.h"', "no path of a header relative to src/"),
]


def plant(top, files):
    for name, text in files.items():
        path = top / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return top


def test_source_tree_is_in_order():
    assert check_layers.check(tree.TOP) == []


def test_source_tree_was_looked_at():
    assert Path("src/core/kv-entry.h") in set(tree.c_files(tree.TOP, "src"))


def test_sound_tree_has_no_problem(tmp_path):
    assert check_layers.check(plant(tmp_path, SOUND)) == []


@pytest.mark.parametrize("name, line, said", ARROWS_BACK)
def test_reports_planted_arrow_back(tmp_path, name, line, said):
    text = SOUND[name] + line + "\n"
    problems = check_layers.check(plant(tmp_path, {**SOUND, name: text}))
    number = text.count("\n")
    assert [p for p in problems if p.startswith(f"src/{name}:{number}: ") and said in p], problems


def test_command_fails_on_planted_arrow_back(tmp_path):
    plant(tmp_path, {**SOUND, "core/kv-key.c": '#include "core/kv-key.h"\n#include "main.h"\n'})
    command = [sys.executable, str(Path(check_layers.__file__)), str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "src/core/kv-key.c:2:" in result.stderr


def test_reads_no_include_in_comment_or_string(tmp_path):
    text = (
        '#include "core/kv-key.h"\n/*\n#include "app/kv-app.h"\n*/\n'
        '// #include "app/kv-app.h"\nconst char *s = "/*";\n'
    )
    assert check_layers.check(plant(tmp_path, {**SOUND, "core/kv-key.c": text})) == []


def test_sees_include_below_comment_sign_in_string(tmp_path):
    text = '#include "core/kv-key.h"\nconst char *s = "/*";\n#include "app/kv-app.h"\n/* */\n'
    problems = check_layers.check(plant(tmp_path, {**SOUND, "core/kv-key.c": text}))
    assert problems == ['src/core/kv-key.c:3: core may not include app: "app/kv-app.h"']


@pytest.mark.parametrize(
    "name, text, said",
    [
        ("core/kv-key.h", "#include <glib.h>\n", "#pragma once"),
        ("core/kv-key.c", "#include <string.h>\n", "own header"),
        ("core/kv-key.c", '#include <string.h>\n#include "core/kv-key.h"\n', "own header"),
        ("core/kv-key.c", "int x;\n", "own header"),
        (
            "store/kv-store.c",
            '#include "store/kv-store.h"\n#include <gio/gio.h>\n#include "core/kv-key.h"\n',
            "below a system header",
        ),
        ("core/kv-key.c", '#include "core/kv-key.h"\n/* TO' "DO: more */\n", "note to oneself"),
        ("tools/kv-tool.c", "#include <glib.h>\n", "in no layer"),
    ],
)
def test_reports_breach_of_house_style(tmp_path, name, text, said):
    problems = check_layers.check(plant(tmp_path, {**SOUND, name: text}))
    assert problems and all(p.startswith(f"src/{name}:") for p in problems), problems
    assert any(said in p for p in problems), problems
