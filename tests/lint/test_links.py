# SPDX-FileCopyrightText: 2026 the kvstore authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a document links to is there; and the checker can see what is not."""

import check_links
import pytest
import tree


def plant(top, **documents):
    for name, text in documents.items():
        (top / f"{name}.md").write_text(text, encoding="utf-8")
    return top


def test_links_lead_somewhere():
    assert check_links.check(tree.TOP) == []


def test_links_were_looked_at():
    text = tree.read(tree.TOP / "README.md")
    assert "docs/guide/README.md" in check_links.LINK.findall(text)


@pytest.mark.parametrize(
    "text",
    [
        "[a](b.md)",
        "[`a`](b.md#the-second-part)",
        "[a](#here-its-me)\n# `Here`: it's me!",
        "[a](https://example.com/none)",
        "`[a](none)`",
        "```\n[a](none)\n```",
    ],
)
def test_good(tmp_path, text):
    assert check_links.check(plant(tmp_path, a=text, b="# The second part\n")) == []


@pytest.mark.parametrize(
    "text", ["[a](c.md)", "[a](b.md#the-third)", "[a](b.md#code)", "[a](#nowhere)", "see [a](b.md) and [`x`](sub/b.md)"]
)
def test_bad(tmp_path, text):
    problems = check_links.check(plant(tmp_path, a=text, b="# The second part\n```\n# code\n```\n"))
    assert len(problems) == 1 and problems[0].startswith("a.md: ")
