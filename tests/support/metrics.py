# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""What /metrics shows, read as strictly as Prometheus's own client does."""

import re
import time

from prometheus_client import parser as old_parser
from prometheus_client.openmetrics import parser

from support.limits import SOON

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

NAME = re.compile(r"(kvstore|process)(_[a-z0-9]+)+")


class Figures:
    """The families of one answer by name, and the samples of all of them."""

    def __init__(self, text, parse):
        families = list(parse(text))
        self.families = {family.name: family for family in families}
        assert len(self.families) == len(families), "a family came twice"
        self.samples = {}
        for family in families:
            for sample in family.samples:
                key = sample.name, tuple(sorted(sample.labels.items()))
                assert key not in self.samples, f"{key} came twice"
                self.samples[key] = sample.value

    def get(self, name, **labels):
        """The value of one sample; 0 where it is not there, as Prometheus's sum() would have it."""
        return self.samples.get((name, tuple(sorted(labels.items()))), 0)

    def has(self, name, **labels):
        return (name, tuple(sorted(labels.items()))) in self.samples

    def sum(self, name, **labels):
        """Of all samples of that name that have these labels, whatever others they have."""
        return sum(
            value
            for (sample, pairs), value in self.samples.items()
            if sample == name and labels.items() <= dict(pairs).items()
        )


def read_openmetrics(text):
    assert text.endswith("# EOF\n")
    figures = Figures(text, parser.text_string_to_metric_families)
    for family in figures.families.values():
        assert NAME.fullmatch(family.name), f"{family.name} is no name that Prometheus would like"
        assert family.documentation, f"{family.name} has no help"
        for unit in ("seconds", "bytes"):
            assert (family.unit == unit) == family.name.endswith(f"_{unit}"), f"the unit of {family.name}"
    return figures


def read_prometheus(text):
    assert "# EOF" not in text
    return Figures(text, old_parser.text_string_to_metric_families)


def scrape(daemon):
    """What the daemon shows now."""
    response = daemon.request("GET", "/metrics")
    assert response.status == 200
    assert response.headers["Content-Type"] == OPENMETRICS
    return read_openmetrics(response.text)


def await_figure(daemon, value, name, **labels):
    """Waits until a figure has a value, and gives all of them as they were then."""
    deadline = time.monotonic() + SOON
    while (figures := scrape(daemon)).get(name, **labels) != value:
        assert time.monotonic() < deadline, f"{name} is {figures.get(name, **labels)}"
        time.sleep(0.01)
    return figures
