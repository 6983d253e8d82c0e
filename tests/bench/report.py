# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""What a run found, as markdown tables. charts.py draws the pictures; the JSON is the results as they are."""

from statistics import median

BEGIN = "<!-- bench: begin -->"
END = "<!-- bench: end -->"


def number(value):
    """Three digits that matter, or all of a large number's."""
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}".removesuffix(".0")
    if size >= 1:
        return f"{value:.2f}".removesuffix(".00")
    return f"{value:.3g}"


def spread(values):
    """The median, and how far the rounds lie apart."""
    middle, least, most = number(median(values)), number(min(values)), number(max(values))
    return middle if least == most else f"{middle} ({least} to {most})"


def unit_of(name):
    """µ is not on every keyboard."""
    return f"µs{name[2:]}" if name == "us" or name.startswith("us ") else name


def row(cells):
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def table(head, rows):
    """The first column is text; the others are numbers, to the right."""
    return "\n".join([row(head), row(["---", *["---:"] * (len(head) - 1)]), *map(row, rows)])


def capital(text):
    """As a sentence begins; str.capitalize() would make the rest small."""
    return text[:1].upper() + text[1:]


def is_asked(record):
    """Whether there is a bound that a figure can miss. Some have only what they are shown beside."""
    return record["asked"] not in (None, "", "nothing", "the reference")


def verdict(record):
    if not is_asked(record):
        return ""
    return {True: "yes", False: "**no**", None: ""}[record["held"]]


def figure_row(record):
    unit = unit_of(record["unit"])
    measured = ", ".join(f"{label} {spread(values)}" for label, values in record["series"].items() if values)
    if unit:
        measured += f" {unit}"
    if record.get("note"):
        measured += f"; {record['note']}"
    ratio = spread(record["ratios"]) if record["ratios"] else ""
    asked = record["asked"] if is_asked(record) else ""
    return [capital(record["title"]), measured, ratio, asked, verdict(record)]


def figures_table(records):
    """With what is asked and whether it holds, where anything is asked of any of them."""
    width = 5 if any(map(is_asked, records)) else 3
    lines = [["figure", "measured: median (least to most)", "ratio", "asked", "holds"], ["---"] * 5]
    lines += [figure_row(record) for record in records]
    return "\n".join(row(line[:width]) for line in lines)


def sample_table(record):
    columns = record["columns"]
    head = ["", *(f"{column['title']}, {unit_of(column['unit'])}" for column in columns)]
    rows = [
        [label, *(number(median(cells[column["name"]])) for column in columns)]
        for label, cells in record["rows"].items()
    ]
    return table(head, rows)


def curve_table(record):
    head = [record["x"]["title"], *(f"{label}, {unit_of(record['unit'])}" for label in record["series"])]
    rows = [
        [f"{x:,}", *(spread(points[place]) for points in record["series"].values())]
        for place, x in enumerate(record["x"]["values"])
    ]
    return table(head, rows)


def kind_of(record):
    return record.get("kind", "figure")


def all_records(results):
    return [record for group in results["groups"].values() for record in group["records"]]


def of_kind(records, kind):
    return [record for record in records if record.get("kind", "figure") == kind]


def describe_run(results):
    facts = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    words = "a quick run, too short to rely on: " if results["quick"] else ""
    return (
        f"Measured on {facts['date']} at commit {facts['commit']}; {words}{facts['processor']}, "
        f"{facts['cores']} cores, {facts['memory_gib']:g} GiB, Linux {facts['kernel']}. Beside {versions}."
    )


def render_group(title, records, charts):
    """What a group has beside the figures of which something is asked: these stand together, at the top."""
    parts = []
    others = [record for record in of_kind(records, "figure") if not is_asked(record)]
    if others:
        parts.append(figures_table(others))
    for kind, make_table in (("table", sample_table), ("curve", curve_table)):
        for record in of_kind(records, kind):
            parts += [f"**{record['title']}**", make_table(record)]
            if record["name"] in charts:
                parts.append(f"![{record['title']}]({charts[record['name']]})")
    return [f"### {capital(title)}", *parts] if parts else []


def render(results, charts=None):
    """The results as markdown. charts: {record's name: address of its picture}, for those that have one."""
    parts = [describe_run(results)]
    failed = [name for name, group in results["groups"].items() if group["error"]]
    if failed:
        parts.append(f"**These could not be measured: {', '.join(failed)}.**")
    asked = [record for record in of_kind(all_records(results), "figure") if is_asked(record)]
    if asked:
        parts.append(figures_table(asked))
    for group in results["groups"].values():
        parts += render_group(group["title"], group["records"], charts or {})
    return "\n\n".join(parts) + "\n"


def replace_between(text, new, begin=BEGIN, end=END):
    """The text with what stands between two marks, each on a line of its own, replaced."""
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"the marks {begin} and {end} do not both stand there, once and in this order")
    head, rest = text.split(begin)
    _, tail = rest.split(end)
    return f"{head}{begin}\n\n{new.strip()}\n\n{end}{tail}"
