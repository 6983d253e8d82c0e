# SPDX-FileCopyrightText: 2026 the kvstore authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every source file names its licence; and the checker can see one that does not."""

import check_spdx
import pytest
import tree

LINE = "SPDX-License-" "Identifier: "


def plant(top, name, text):
    path = top / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return top


def test_every_source_file_names_its_licence():
    assert check_spdx.check(tree.TOP) == []


def test_source_files_were_looked_at():
    seen = {str(path) for path in tree.files(tree.TOP) if check_spdx.is_source(path)}
    assert {"dev", ".ci/run", "meson.build", "tests/lint/check_spdx.py"} <= seen


@pytest.mark.parametrize(
    "name",
    [
        "src/core/kv-key.c",
        "src/core/kv-key.h",
        "meson.build",
        "dev",
        ".ci/run",
        "tests/http/test_get.py",
        "data/kvstored.service.in",
        "introspection/org.kvstore.KvStore1.xml",
        "po/POTFILES",
    ],
)
def test_reports_file_without_licence(tmp_path, name):
    problems = check_spdx.check(plant(tmp_path, name, "text\n"))
    assert len(problems) == 1 and problems[0].startswith(f"{name}: has no SPDX"), problems


def test_reports_licence_too_far_down(tmp_path):
    text = "\n" * check_spdx.HEAD_LINES + f"# {LINE}AGPL-3.0-or-later\n"
    assert check_spdx.check(plant(tmp_path, "dev", text))


@pytest.mark.parametrize(
    "name, licence, right",
    [
        ("src/main.c", "AGPL-3.0-or-later", True),
        ("src/main.c", "MIT", False),
        ("src/main.c", "CC0-1.0", False),
        ("introspection/org.kvstore.KvStore1.xml", "CC0-1.0", True),
        ("introspection/org.kvstore.KvStore1.xml", "AGPL-3.0-or-later", False),
        ("data/openapi.yaml", "CC0-1.0", True),
    ],
)
def test_knows_which_licence_is_expected(tmp_path, name, licence, right):
    problems = check_spdx.check(plant(tmp_path, name, f"/* {LINE}{licence} */\n"))
    assert (problems == []) == right


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "build/src/x.c",
        "build-asan/x.c",
        ".git/hooks/x.sh",
        "tests/__pycache__/x.py",
    ],
)
def test_leaves_out_what_is_no_source(tmp_path, name):
    assert check_spdx.check(plant(tmp_path, name, "text\n")) == []
