# SPDX-FileCopyrightText: 2026 the kvstore authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""po/POTFILES lists every file with a string to translate; and the checker can see one missing."""

import check_potfiles
import pytest
import tree


@pytest.fixture
def top(tmp_path):
    (tmp_path / "po").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "po/POTFILES").write_text("# a comment\nsrc/main.c\n", encoding="utf-8")
    (tmp_path / "src/main.c").write_text('puts (_("Hello"));\n', encoding="utf-8")
    return tmp_path


def test_potfiles_is_complete():
    assert check_potfiles.check(tree.TOP) == []


def test_complete_list_has_no_problem(top):
    assert check_potfiles.check(top) == []


@pytest.mark.parametrize(
    "code",
    ['_("a")', '_ ("a")', 'x = N_("a");', 'C_("x", "a")', 'ngettext ("a", "b", n)', '_(\n "a")'],
)
def test_reports_file_that_is_not_listed(top, code):
    (top / "src/other.c").write_text(code + "\n", encoding="utf-8")
    problems = check_potfiles.check(top)
    assert len(problems) == 1 and problems[0].startswith("src/other.c: "), problems


@pytest.mark.parametrize("code", ['foo_("a")', '/* _("a") */', "_(x)", '"a" // N_("b")'])
def test_takes_nothing_else_for_a_string_to_translate(top, code):
    (top / "src/other.c").write_text(code + "\n", encoding="utf-8")
    assert check_potfiles.check(top) == []


def test_reports_entry_without_file(top):
    (top / "src/main.c").unlink()
    assert check_potfiles.check(top) == ["po/POTFILES: src/main.c is not in the tree"]


def test_reports_entry_listed_twice(top):
    (top / "po/POTFILES").write_text("src/main.c\nsrc/main.c\n", encoding="utf-8")
    assert check_potfiles.check(top) == ["po/POTFILES: src/main.c is listed twice"]


def test_write_mends_the_list_and_keeps_its_comment(top):
    (top / "src/other.c").write_text('_("a")\n', encoding="utf-8")
    (top / "src/main.c").write_text("int x;\n", encoding="utf-8")
    check_potfiles.write(top)
    assert (top / "po/POTFILES").read_text(encoding="utf-8") == "# a comment\n\nsrc/other.c\n"
    assert check_potfiles.check(top) == []
