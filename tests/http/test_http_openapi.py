# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""GET /openapi.json."""

import pathlib
import re

import pytest

FILE = pathlib.Path(__file__).resolve().parent.parent.parent / "data/openapi/openapi.json"


def get(daemon, **conditions):
    headers = {name.replace("_", "-"): value for name, value in conditions.items()}
    return daemon.request("GET", "/openapi.json", headers=headers)


def test_serves_the_file(shared_kvstored):
    response = get(shared_kvstored)
    assert (response.status, response.body) == (200, FILE.read_bytes())
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-cache"
    assert re.fullmatch(r'"[1-9][0-9]*"', response.headers["ETag"])


def test_answers_head(shared_kvstored):
    response = shared_kvstored.request("HEAD", "/openapi.json")
    assert (response.status, response.body) == (200, b"")
    assert response.headers["Content-Length"] == str(FILE.stat().st_size)
    assert response.headers["ETag"] == get(shared_kvstored).headers["ETag"]


def test_keeps_its_tag_when_the_service_starts_again(shared_kvstored, start_kvstored):
    assert get(start_kvstored()).headers["ETag"] == get(shared_kvstored).headers["ETag"]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"1", {}', "*"])
def test_is_not_sent_to_one_who_has_it(shared_kvstored, form):
    tag = get(shared_kvstored).headers["ETag"]
    response = get(shared_kvstored, If_None_Match=form.format(tag))
    assert (response.status, response.body) == (304, b"")
    assert response.headers["ETag"] == tag
    assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name, tag, status", [
    ("If_None_Match", '"1"', 200), ("If_Match", "*", 200), ("If_Match", '"1"', 412), ("If_None_Match", "1", 400),
])
def test_looks_at_conditions(shared_kvstored, name, tag, status):
    assert get(shared_kvstored, **{name: tag}).status == status
