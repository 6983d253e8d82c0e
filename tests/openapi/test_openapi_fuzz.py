# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""A live daemon, held against its description by requests that are made up from it.

What an operation takes by its description is not refused as wrong, what it does not take is, and every answer is
one that is described: its status, headers, Content-Type and body. What is made up is the same in each run.
"""

import copy
import json
from urllib.parse import quote

import hypothesis
import pytest

from requests_from_schemas import CURRENT_REVISION, CURRENT_TAG, KEYS, list_breaks, requests_to_refuse, requests_to_take
from support.description import Description
from support.wire import Headers, Response, build_request

description = Description()
operations = description.list_operations()

# How a request is refused that is wrong in itself, as against one that comes at the wrong time.
WRONG = {400, 405, 413, 415, 422}

# What no request on its own is answered with: the rate limit is off, and the disk takes everything.
NOT_HERE = {"429", "503"}

settings = hypothesis.settings(
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=False,
    suppress_health_check=list(hypothesis.HealthCheck),
)


def arrange(daemon, key, before):
    """Puts what is to be at a key, and gives its entity tag; one of nothing where nothing is."""
    target = f"/v1/kv/{quote(key, safe='')}"
    if before is None:
        daemon.request("DELETE", target)
        return '"1"'
    return daemon.request("PUT", target, before).headers["ETag"]


def send(daemon, operation, request):
    """The answer to a request; only the head of a stream."""
    tag = arrange(daemon, request.key, request.before) if request.key else '"1"'
    if not request.key and operation.body is not None:
        arrange(daemon, KEYS[0], "text")
        arrange(daemon, KEYS[1], None)
    headers = {name: value.replace(CURRENT_TAG, tag) for name, value in request.headers}
    body = request.body and request.body.replace(str(CURRENT_REVISION).encode(), tag.strip('"').encode())
    with daemon.connect() as connection:
        connection.send(build_request(operation.method, request.target, body, {"Connection": "close", **headers}))
        if not operation.is_stream:
            return connection.read_response(operation.method)
        status, headers = connection.read_head()
        length = 0 if operation.method == "HEAD" else int(headers.get("Content-Length", 0))
        return Response(status, headers, connection.read_exactly(length))


def check(operation, request, response):
    is_head = operation.is_stream and response.status == 200
    faults = operation.find_faults(response, has_body=not is_head)
    assert not faults, (request, response, faults)


# How many requests of each kind.
GOOD_ONES = 40
BAD_ONES = 2


def ask(daemon, operation, requests, number, is_well):
    """Sends requests that are made up, and gives the statuses that came, of which each has to be well."""
    seen = set()

    @hypothesis.settings(settings, max_examples=number)
    @hypothesis.given(requests)
    def run(request):
        response = send(daemon, operation, request)
        seen.add(str(response.status))
        check(operation, request, response)
        assert is_well(response.status), (request, response)

    run()
    return seen


def ask_well(daemon, operation):
    number = GOOD_ONES if operation.method != "OPTIONS" else BAD_ONES
    return ask(daemon, operation, requests_to_take(operation), number, lambda status: status not in WRONG)


def ask_wrong(daemon, operation):
    seen = set()
    for wanted, changes in list_breaks(operation) if operation.method != "OPTIONS" else ():
        seen |= ask(daemon, operation, requests_to_refuse(operation, changes), BAD_ONES, lambda status, wanted=wanted: status == wanted)
    return seen


@pytest.mark.parametrize("operation", operations, ids=str)
def test_takes_and_answers_what_is_described(shared_kvstored, operation):
    seen = ask_well(shared_kvstored, operation) | ask_wrong(shared_kvstored, operation)
    seen.add(str(announce_too_much(shared_kvstored, operation).status))
    assert set(operation.responses) - {"default"} - NOT_HERE <= seen


def announce_too_much(daemon, operation):
    """The answer to a request whose body would be longer than any that is taken, or has a value that is."""
    path = operation.path.replace("{key}", "k")
    headers = {"Connection": "close", "Content-Length": str(2**40)}
    body = None
    if operation.path == "/v1/restore":
        body = json.dumps({"kvstore": "dump", "version": 1}) + "\n" + json.dumps({"key": "k", "value": "v" * (2**21 + 1)}) + "\n"
        del headers["Content-Length"]
    if operation.body is not None:
        headers["Content-Type"] = "application/json"
    with daemon.connect() as connection:
        connection.send_while_read(build_request(operation.method, path, body, headers))
        response = connection.read_response(operation.method)
    check(operation, path, response)
    return response


def test_too_many_requests_are_refused_where_that_is_described(start_kvstored):
    daemon = start_kvstored(rate_limit="1:1")
    limited = set()
    for operation in operations:
        if operation.path == "/metrics":
            continue
        headers = {"Content-Type": "application/json"} if operation.body is not None else {}
        body = "[]" if operation.body is not None else None
        for _ in range(3):
            response = daemon.request(operation.method, operation.path.replace("{key}", "k"), body, headers)
            if response.status == 429:
                check(operation, operation.path, response)
                limited.add(operation.name)
                break
    described = {o.name for o in operations if "429" in o.responses and o.path != "/metrics"}
    assert limited == described


# What the checks above would not notice if they were blind.

def answer(status, headers, body=b""):
    told = Headers()
    for name, value in headers.items():
        told.add(name, value)
    return Response(status, told, body)


GOOD = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-cache", "ETag": '"17"', "KV-Revision": "17"}
PROBLEM = {"type": "/problems/no-such-key", "title": "T", "status": 404, "detail": "D"}


@pytest.mark.parametrize("status, headers, body, fault", [
    (200, {}, b"v", None),
    (202, {}, b"v", "status 202"),
    (404, {}, b"v", "Content-Type text/plain is not described"),
    (200, {"ETag": None}, b"v", "etag is missing"),
    (200, {"ETag": "17"}, b"v", "header etag"),
    (200, {"KV-Revision": "x"}, b"v", "header kv-revision"),
    (200, {"KV-Expires": "tomorrow"}, b"v", "header kv-expires"),
    (200, {"X-More": "x"}, b"v", "header x-more is not described"),
    (200, {"Content-Type": None}, b"v", "no Content-Type"),
    (200, {"Content-Type": "text/html"}, b"v", "Content-Type text/html"),
    (200, {}, b"\xff", "not what it is said to be"),
    (304, {"Content-Type": None}, b"v", "there is a body"),
])
def test_a_wrong_answer_is_found(status, headers, body, fault):
    operation = next(o for o in operations if o.name == "getKey")
    told = {name: value for name, value in {**GOOD, **headers}.items() if value is not None}
    faults = operation.find_faults(answer(status, told, body))
    assert (faults == []) if fault is None else any(fault in one for one in faults)


@pytest.mark.parametrize("changes, good", [
    ({}, True), ({"type": "/problems/invalid-key"}, False), ({"status": 400}, False), ({"detail": ""}, False), ({"limit": "1"}, False),
])
def test_a_wrong_problem_is_found(changes, good):
    operation = next(o for o in operations if o.name == "getKey")
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-cache"}
    faults = operation.find_faults(answer(404, headers, json.dumps({**PROBLEM, **changes}).encode()))
    assert (faults == []) == good


def find_planted(shared_kvstored, name, plant):
    """Whether a fault in the description of an operation is found by asking the daemon."""
    document = copy.deepcopy(description.document)
    plant(document)
    operation = next(o for o in Description(document).list_operations() if o.name == name)
    try:
        ask_well(shared_kvstored, operation)
        ask_wrong(shared_kvstored, operation)
    except AssertionError:
        return True
    return False


def delete_parameter(document):
    document["components"]["parameters"]["Persist"]["name"] = "forever"


def widen(document):
    document["components"]["parameters"]["By"]["schema"]["maximum"] = 2**64


def rename(document):
    document["components"]["parameters"]["Mode"]["schema"]["enum"] = ["merge", "mix"]


def forget_status(document):
    del document["paths"]["/v1/kv/{key}"]["delete"]["responses"]["404"]


@pytest.mark.parametrize("name, plant", [
    ("touchKey", delete_parameter), ("incrementKey", widen), ("restore", rename), ("deleteKey", forget_status),
], ids=["parameter", "bound", "choice", "status"])
def test_a_planted_fault_is_found(shared_kvstored, name, plant):
    assert not find_planted(shared_kvstored, name, lambda document: None)
    assert find_planted(shared_kvstored, name, plant)
