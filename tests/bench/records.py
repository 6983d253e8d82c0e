# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""What a benchmark hands on: records, which are plain dictionaries, to be written as JSON as they are.

A figure   name, title, unit
           series: {label: [a value a round]}
           ratios: [a ratio a round], or empty
           asked: what it is to be, in words, or None
           held: whether it was that, or None where nothing was asked
           note (may be missing): words that are shown with it
A table    kind: "table", name, title
           columns: [{name, title, unit}]
           rows: {label: {column: [a value a round]}}
           chart (may be missing): False if a picture would say nothing
A curve    kind: "curve", name, title, unit
           x: {title, values}
           series: {label: [[a value a round] for each x]}

The values of all rounds are kept: a median without its spread says too little.
"""

from statistics import median


def alternate(rounds, contestants, seldom=()):
    """Calls each contestant once a round, and gives {label: [what it returned, ...]}.

    Side by side in time is what makes two of them comparable on a machine that has other things to do. The
    order turns from round to round, so that none always runs after the same other. Those in seldom are left out
    of every other round.
    """
    results = {label: [] for label in contestants}
    labels = list(contestants)
    for number in range(rounds):
        start = number % len(labels)
        for label in labels[start:] + labels[:start]:
            if label not in seldom or number % 2 == 0:
                results[label].append(contestants[label]())
    return results


def pick(samples, field):
    """Of {label: [Sample, ...]}, the series of one field."""
    return {label: [getattr(sample, field) for sample in row] for label, row in samples.items()}


def divide(above, below):
    """The ratios of two series, round by round."""
    return [a / b for a, b in zip(above, below)]


def say_bound(at_most, at_least, unit, than=""):
    words = f"at most {at_most:g}" if at_most is not None else f"at least {at_least:g}"
    return " ".join(filter(None, [words, unit, than]))


def figure(name, title, unit, series, ratio=None, at_most=None, at_least=None, than=""):
    """A figure; asked, if a bound is given, of the median.

    ratio: two labels, the first of whose series is divided by the second's, and the bound is for that. Without
    it the bound is for the first series. than: what follows the bound in words, such as "times nginx".
    """
    record = {"name": name, "title": title, "unit": unit, "series": series, "ratios": []}
    record.update(asked=None, held=None)
    judged = next(iter(series.values()))
    if ratio:
        record["ratio_of"] = list(ratio)
        judged = record["ratios"] = divide(series[ratio[0]], series[ratio[1]])
    if at_most is not None or at_least is not None:
        middle = median(judged)
        record["asked"] = say_bound(at_most, at_least, "" if ratio else unit, than)
        record["held"] = middle <= at_most if at_most is not None else middle >= at_least
    return record


SAMPLE_COLUMNS = [
    {"name": "cpu", "title": "CPU a request", "unit": "µs"},
    {"name": "throughput", "title": "throughput", "unit": "/s"},
    {"name": "p50", "title": "p50", "unit": "µs"},
    {"name": "p99", "title": "p99", "unit": "µs"},
    {"name": "p999", "title": "p99.9", "unit": "µs"},
]


def sample_table(name, title, samples, columns=SAMPLE_COLUMNS):
    """The table of {label: [Sample, ...]}."""
    rows = {
        label: {column["name"]: [getattr(sample, column["name"]) for sample in row] for column in columns}
        for label, row in samples.items()
    }
    return {"kind": "table", "name": name, "title": title, "columns": columns, "rows": rows}


def curve(name, title, unit, x_title, x_values, series):
    return {
        "kind": "curve", "name": name, "title": title, "unit": unit,
        "x": {"title": x_title, "values": list(x_values)}, "series": series,
    }
