# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""What the benchmarks make of what they have measured."""

import json

import pytest

from bench import machine, records, report


def figure(**changes):
    series = {"kvstored": [8.0, 9.0, 7.0], "nginx": [10.0, 10.0, 14.0]}
    made = records.figure(
        "get", "GET", "µs", series, ratio=("kvstored", "nginx"), at_most=0.9, than="times nginx"
    )
    return {**made, **changes}


def results(*found, quick=False, error=None):
    return {
        "machine": {
            "date": "2026-01-31", "commit": "abcdef0", "kvstored": "kvstored 1", "processor": "A processor",
            "cores": 2, "memory_gib": 4.0, "kernel": "6.1", "versions": {"wrk": "4"},
        },
        "quick": quick,
        "groups": {"group": {"title": "a group", "seconds": 1, "error": error, "records": list(found)}},
    }


CURVE = records.curve("keys", "By keys", "µs", "keys", [1000, 10000], {"kvstored": [[8.0, 9.0], [8.5]]})
TABLE = {
    "kind": "table", "name": "table", "title": "A table", "columns": records.SAMPLE_COLUMNS[:2],
    "rows": {"kvstored": {"cpu": [8.0, 10.0], "throughput": [40000.0, 42000.0]}},
}


class TestFigure:
    def test_is_judged_by_the_median_of_the_rounds_ratios(self):
        assert figure()["ratios"] == [0.8, 0.9, 0.5]
        assert figure()["held"]
        series = {"a": [9.5, 9.6, 1.0], "b": [10.0, 10.0, 10.0]}
        worse = records.figure("get", "GET", "µs", series, ratio=("a", "b"), at_most=0.9)
        assert not worse["held"]

    def test_can_be_asked_to_be_large(self):
        series = {"deep": [60.0], "plain": [10.0]}
        assert records.figure("p", "P", "/s", series, ratio=("deep", "plain"), at_least=6)["held"]
        assert not records.figure("p", "P", "/s", series, ratio=("deep", "plain"), at_least=6.5)["held"]

    def test_without_a_ratio_is_judged_by_its_first_series(self):
        series = {"both": [20.0, 29.0, 50.0], "one": [90.0]}
        assert records.figure("start", "A start", "ms", series, at_most=30)["held"]
        assert not records.figure("start", "A start", "ms", series, at_most=28)["held"]

    def test_says_what_is_asked_in_words(self):
        assert figure()["asked"] == "at most 0.9 times nginx"
        assert records.figure("start", "A start", "ms", {"a": [1.0]}, at_most=30)["asked"] == "at most 30 ms"

    def test_of_which_nothing_is_asked_has_no_verdict(self):
        nothing = records.figure("a", "A", "µs", {"a": [1.0]})
        assert nothing["asked"] is None and nothing["held"] is None


class TestAlternate:
    def test_gives_each_a_turn_a_round_and_turns_the_order(self):
        order = []
        found = records.alternate(3, {name: lambda name=name: order.append(name) or name for name in "abc"})
        assert "".join(order) == "abcbcacab"
        assert found == {name: [name] * 3 for name in "abc"}

    def test_leaves_the_seldom_out_of_every_other_round(self):
        found = records.alternate(3, {"a": lambda: 1, "b": lambda: 1}, seldom=("b",))
        assert {label: len(row) for label, row in found.items()} == {"a": 3, "b": 2}


class TestMarkdown:
    @pytest.mark.parametrize(
        "value, text",
        [(1234567.8, "1,234,568"), (123.4, "123"), (12.34, "12.3"), (10.0, "10"), (1.234, "1.23"),
         (0.01234, "0.0123"), (0, "0"), (-250, "-250")],
    )
    def test_number_has_three_digits_that_matter(self, value, text):
        assert report.number(value) == text

    def test_figure_shows_median_spread_ratio_and_verdict(self):
        line = report.row(report.figure_row(figure()))
        assert line == (
            "| GET | kvstored 8 (7 to 9), nginx 10 (10 to 14) µs | 0.8 (0.5 to 0.9) "
            "| at most 0.9 times nginx | yes |"
        )

    def test_figure_that_does_not_hold_says_so(self):
        assert report.figure_row(figure(held=False))[-1] == "**no**"

    @pytest.mark.parametrize("asked", [None, "", "nothing", "the reference"])
    def test_figure_of_which_nothing_is_asked_stands_with_its_group_and_has_no_verdict(self, asked):
        page = report.render(results(figure(), figure(title="Another", asked=asked)))
        top, group = page.split("### A group")
        assert "| GET |" in top and "| Another |" not in top
        assert "| Another |" in group and "yes" not in group

    def test_a_figure_of_another_program_needs_no_more_than_the_contract(self):
        theirs = {
            "name": "sse", "title": "Delivery", "unit": "us of CPU", "asked": "at most 1.3 times send()",
            "series": {"kvstored": [1.2]}, "ratios": [1.1], "held": True,
        }
        assert report.figure_row(theirs)[1] == "kvstored 1.20 µs of CPU"
        json.dumps(report.render(results(theirs)))

    def test_table_and_curve_have_a_row_for_each_label_and_each_x(self):
        page = report.render(results(TABLE, CURVE))
        assert "| kvstored | 9 | 41,000 |" in page
        assert "| 1,000 | 8.50 (8 to 9) |" in page
        assert "| 10,000 | 8.50 |" in page

    def test_every_line_of_a_table_has_as_many_cells(self):
        page = report.render(results(figure(title="a | b"), TABLE, CURVE))
        for block in page.split("\n\n"):
            if block.startswith("|"):
                assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1, block

    def test_tells_of_quick_runs_and_of_what_failed(self):
        assert "quick" not in report.render(results(figure()))
        assert "quick" in report.render(results(figure(), quick=True))
        assert "could not be measured: group" in report.render(results(error="no wrk"))

    def test_shows_pictures_where_there_are_some(self):
        page = report.render(results(CURVE), {"keys": "performance/keys.svg"})
        assert "![By keys](performance/keys.svg)" in page
        assert "![" not in report.render(results(CURVE))


class TestReplaceBetween:
    PAGE = f"before\n\n{report.BEGIN}\nold\n{report.END}\n\nafter\n"

    def test_replaces_what_stands_between_the_marks_and_nothing_else(self):
        page = report.replace_between(self.PAGE, "new\n")
        assert page == f"before\n\n{report.BEGIN}\n\nnew\n\n{report.END}\n\nafter\n"
        assert report.replace_between(page, "new\n") == page

    @pytest.mark.parametrize("page", [
        "no marks", f"{report.BEGIN} alone", f"{report.END} before {report.BEGIN}",
        f"{report.BEGIN}{report.BEGIN}{report.END}",
    ])
    def test_refuses_a_page_that_it_would_spoil(self, page):
        with pytest.raises(ValueError):
            report.replace_between(page, "new")

    def test_the_page_has_the_marks(self):
        page = (machine.TOP / "docs/performance.md").read_text(encoding="utf-8")
        assert "new" in report.replace_between(page, "new")

    def test_the_page_shows_the_results_that_lie_beside_it(self):
        folder = machine.TOP / "docs/performance"
        found = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        addresses = {path.stem: f"performance/{path.name}" for path in folder.glob("*.svg")}
        page = (machine.TOP / "docs/performance.md").read_text(encoding="utf-8")
        assert report.replace_between(page, report.render(found, addresses)) == page
        assert not found["quick"]
