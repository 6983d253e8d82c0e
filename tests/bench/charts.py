# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Pictures of tables and curves, as SVG. Equal data give equal files.

They have no background, and their colours stand out on a white and on a black page alike.
"""

import os
import pathlib
from statistics import median

from bench import machine
from bench.report import all_records, number, unit_of

INK = "#7a7a7a"
OTHERS = ["#b07aa1", "#4e9a51", "#c2a000", "#8c6d5a"]
COLOURS = {
    "kvstored": "#e0571b", "nginx": "#2f8fd0", "webdis + redis": "#2aa198", "etcd": "#b07aa1",
    "SoupServer": "#8a8a8a",
    "kvstored GET": "#e0571b", "kvstored PUT": "#d79a00", "nginx, a file": "#2f8fd0",
}
PALE = {"kvstored": "#f0a060"}


def load_matplotlib():
    """pyplot, set up; None where it is not installed."""
    # It remembers what fonts there are: not in the home of whoever measures.
    os.environ.setdefault("MPLCONFIGDIR", str(machine.get_build() / "matplotlib"))
    try:
        import matplotlib
    except ImportError:
        return None
    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams.update({
        "svg.hashsalt": "kvstore", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9,
        "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK, "grid.color": INK,
        "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
        "axes.titlesize": 9, "axes.titlelocation": "left", "legend.frameon": False,
        "figure.constrained_layout.use": True,
    })
    return pyplot


def colour_of(label, place):
    if label in COLOURS:
        return COLOURS[label]
    # A kvstored with options is a paler kvstored.
    family = label.split(",")[0].split(" --")[0]
    return PALE.get(family) or COLOURS.get(family) or OTHERS[place % len(OTHERS)]


def show_plain_numbers(axis):
    from matplotlib import ticker

    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: number(value)))
    axis.set_minor_locator(ticker.NullLocator())


def draw_dots(axes, labels, series, title):
    """A row for each label; on a logarithmic axis, a dot at the median between the least and the most."""
    for place, label in enumerate(labels):
        values, colour = series[label], colour_of(label, place)
        axes.hlines(place, min(values), max(values), color=colour, linewidth=3, alpha=0.45)
        axes.plot(median(values), place, "o", color=colour, markersize=7)
        axes.annotate(
            number(median(values)), (median(values), place), (0, 6), textcoords="offset points", ha="center",
            fontsize=8,
        )
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.7)
    axes.set_xscale("log")
    axes.margins(x=0.12)
    axes.set_title(title)
    axes.grid(axis="x", alpha=0.25)
    axes.tick_params(axis="y", length=0)
    show_plain_numbers(axes.xaxis)


def draw_latencies(axes, labels, rows, names):
    """A row for each label, from its median latency over the 99th to the 99.9th percentile."""
    for place, label in enumerate(labels):
        middles = [median(rows[label][name]) for name in names]
        colour = colour_of(label, place)
        axes.plot(middles, [place] * len(middles), "-", color=colour, linewidth=1.5, alpha=0.6)
        for (marker, size), value in zip((("o", 7), ("|", 12), ("d", 7)), middles):
            axes.plot(value, place, marker, color=colour, markersize=size, markeredgewidth=2)
    axes.set_yticks(range(len(labels)), [""] * len(labels))
    axes.set_ylim(len(labels) - 0.5, -0.7)
    axes.set_xscale("log")
    axes.set_title("latency, µs:  ● p50   | p99   ◆ p99.9")
    axes.grid(axis="x", alpha=0.25)
    axes.tick_params(axis="y", length=0)
    show_plain_numbers(axes.xaxis)


def draw_table(pyplot, record):
    rows = record["rows"]
    labels = sorted(rows, key=lambda label: median(rows[label]["cpu"]))
    names = [column["name"] for column in record["columns"]]
    percentiles = [name for name in ("p50", "p99", "p999") if name in names]
    count = 2 if percentiles else 1
    figure, axes = pyplot.subplots(1, count, figsize=(7.6, 0.9 + 0.34 * len(labels)), squeeze=False)
    draw_dots(axes[0][0], labels, {label: rows[label]["cpu"] for label in labels}, "CPU a request, µs")
    if percentiles:
        draw_latencies(axes[0][1], labels, rows, percentiles)
    return figure


def draw_curve(pyplot, record):
    figure, axes = pyplot.subplots(figsize=(5.6, 3))
    x = record["x"]["values"]
    every = []
    for place, (label, points) in enumerate(record["series"].items()):
        colour = colour_of(label, place)
        every += [median(values) for values in points]
        least, most = list(map(min, points)), list(map(max, points))
        axes.fill_between(x, least, most, color=colour, alpha=0.2, linewidth=0)
        axes.plot(x, list(map(median, points)), "o-", color=colour, markersize=4, label=label)
    axes.set_xscale("log")
    # What stays within a factor of twenty is seen best from zero.
    if max(every) > 20 * min(every):
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set_xlabel(record["x"]["title"])
    axes.set_ylabel(unit_of(record["unit"]))
    axes.set_title(record["title"])
    axes.grid(alpha=0.25)
    axes.set_xticks(x)
    show_plain_numbers(axes.xaxis)
    show_plain_numbers(axes.yaxis)
    if len(record["series"]) > 1:
        axes.legend()
    return figure


def draw(results, directory):
    """Writes a picture of each table and curve to a folder, and gives {record's name: file}.

    Without matplotlib there are none.
    """
    pyplot = load_matplotlib()
    if pyplot is None:
        return {}
    files = {}
    for record in all_records(results):
        draw_kind = {"table": draw_table, "curve": draw_curve}.get(record.get("kind"))
        if draw_kind is None or not record.get("chart", True):
            continue
        figure = draw_kind(pyplot, record)
        path = pathlib.Path(directory) / f"{record['name']}.svg"
        figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
        files[record["name"]] = path
    return files
