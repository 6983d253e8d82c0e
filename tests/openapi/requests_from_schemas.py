# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Makes up requests from the description: such as an operation takes, and such as it must refuse.

Debian has no package that does that, but has Hypothesis, which this is a thin layer above.
"""

import json
from typing import NamedTuple
from urllib.parse import quote

from hypothesis import strategies as st

# How long what is made up may get. Limits have tests of their own.
LONGEST = 40

# Stands for the entity tag, or the revision, of what is at the key.
CURRENT_TAG = '"current"'
CURRENT_REVISION = 1795573413425741

# What is put at the key before the request, so that it may find something; None for nothing.
BEFORE = [None, "text", "7"]

# Keys that requests have in common. At the first there is a text before a request that has its keys elsewhere than in its path, and
# at the second nothing.
KEYS = ["k", "l", "a/b", ".."]

JSON_TYPES = {"application/json": ["application/json", "application/json; charset=utf-8", "application/x+json"]}


JSON_LINES = "application/x-ndjson"


class Request(NamedTuple):
    """path: of the description; key: decoded, or None; segment: what stands in the path for it; query: pairs, None for no value."""

    path: str
    key: str
    segment: str
    query: tuple
    headers: tuple
    body: bytes
    before: str

    @property
    def target(self):
        path = self.path.replace("{key}", self.segment or "")
        query = "&".join(quote(name, safe="") + ("" if value is None else "=" + quote(value, safe="")) for name, value in self.query)
        return f"{path}?{query}" if query else path


def fits_bytes(schema):
    return lambda text: is_encodable(text) and len(text.encode()) <= schema.get("x-max-bytes", 10**6)


def make_text(schema):
    texts = st.text(
        st.characters(blacklist_categories=["Cs"]), min_size=schema.get("minLength", 0),
        max_size=min(schema.get("maxLength", LONGEST), LONGEST),
    )
    if schema.get("format") == "date-time":
        return st.builds(
            "{}-{:02}-{:02}T{:02}:{:02}:{:02}{}{}".format, st.integers(1970, 9999), st.integers(1, 12), st.integers(1, 28),
            st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.sampled_from(["", ".5", ".123456789"]),
            st.sampled_from(["Z", "+01:00", "-23:59"]),
        )
    return st.from_regex(schema["pattern"], fullmatch=True).filter(fits_bytes(schema)) if "pattern" in schema else texts


def is_encodable(text):
    return not any("\ud800" <= c <= "\udfff" for c in text) and len(text) <= LONGEST


def make_number(schema):
    least = schema.get("minimum", -(2**63))
    most = schema.get("maximum", schema.get("exclusiveMaximum", 2**64) - 1)
    if schema["type"] == "integer":
        return st.integers(least, most) | st.sampled_from([least, most])
    # Such as Python writes without an exponent.
    return st.integers(least, most) | st.builds(lambda whole, part: whole + part / 1000, st.integers(least, 10**6), st.integers(0, 999))


def make_value(description, schema):
    """A strategy for what fits a schema."""
    if schema.get("$ref", "").endswith("/Key"):
        return st.sampled_from(KEYS) | make_value(description, description.resolve(schema))
    schema = description.resolve(schema)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "oneOf" in schema:
        return st.one_of([make_value(description, one) for one in schema["oneOf"]])
    kind = schema["type"]
    if isinstance(kind, list):
        return st.one_of([make_value(description, {**schema, "type": one}) for one in kind])
    if kind == "array":
        return st.lists(make_value(description, schema["items"]), min_size=schema.get("minItems", 0), max_size=3)
    if kind == "object":
        members = {name: make_value(description, one) for name, one in schema["properties"].items()}
        optional = {name: members.pop(name) for name in list(members) if name not in schema.get("required", ())}
        objects = st.fixed_dictionaries(members, optional=optional)
        return objects.filter(lambda value: not description.find_faults(value, schema)) if "anyOf" in schema else objects
    return {
        "string": make_text, "integer": make_number, "number": make_number,
        "boolean": lambda _: st.booleans(), "null": lambda _: st.none(),
    }[kind](schema)


def to_text(value):
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def choose_names(draw, operation):
    """Which optional parameters of the query a request has: no more than go together, and no fewer than there must be."""
    names = {p["name"] for p in operation.parameters if p["in"] == "query" and not p.get("x-opaque")}
    exclusive = operation.node.get("x-at-most-one", [])
    needed = operation.node.get("x-at-least-one", [])
    chosen = draw(st.sets(st.sampled_from(sorted(names)))) if names else set()
    if exclusive:
        chosen -= set(exclusive) - {draw(st.sampled_from(exclusive))}
    if needed and not chosen & set(needed):
        chosen.add(draw(st.sampled_from(needed)))
    for name, others in operation.node.get("x-excludes", {}).items():
        if name in chosen:
            chosen -= set(others)
    return chosen


def make_pairs(draw, operation, chosen):
    """The query, as pairs."""
    pairs = []
    for parameter in operation.parameters:
        name = parameter["name"]
        if parameter["in"] != "query" or not (name in chosen or parameter.get("required")):
            continue
        value = draw(make_value(operation.description, parameter["schema"]))
        if name in operation.node.get("x-at-least-one", ()) and value is False:
            value = True
        values = value if isinstance(value, list) else [value]
        bare = value is True and parameter.get("allowEmptyValue") and draw(st.booleans())
        pairs += [(name, None if bare else to_text(one)) for one in values]
    return tuple(pairs)


def make_headers(draw, operation):
    headers = {}
    for parameter in operation.parameters:
        name = parameter["name"]
        if parameter["in"] != "header" or not draw(st.booleans()):
            continue
        values = make_value(operation.description, parameter["schema"])
        if name.startswith("If-"):
            values = st.sampled_from([CURRENT_TAG, "*", '"1"']) | values
        headers[name] = to_text(draw(values))
    # The one combination that nothing can be asked by.
    if headers.get("If-Match") == "*":
        headers.pop("If-None-Match", None)
    return headers


def is_of_lines(operation):
    """Whether its body is lines of JSON, of which a schema says nothing."""
    return operation.body is not None and JSON_LINES in operation.body["content"]


def make_body(draw, operation, before):
    """The Content-Type and the body."""
    if operation.body is None:
        return None, None
    name = draw(st.sampled_from(sorted(operation.body["content"])))
    media = operation.body["content"][name]
    if is_of_lines(operation):
        return name, operation.body["content"][JSON_LINES]["example"].encode()
    if operation.description.resolve(media["schema"]).get("type") == "string":
        return name, draw(make_value(operation.description, media["schema"])).encode()
    value = draw(make_value(operation.description, media["schema"]))
    if isinstance(value, dict) and before is not None and draw(st.booleans()):
        value.update({name: now for name, now in (("expected", before), ("revision", CURRENT_REVISION)) if name in value})
    return draw(st.sampled_from(JSON_TYPES[name])), json.dumps(value, ensure_ascii=draw(st.booleans())).encode()


@st.composite
def requests_to_take(draw, operation):
    """A request as the operation takes it."""
    key = None
    before = None
    if any(p["in"] == "path" for p in operation.parameters):
        key = draw(make_value(operation.description, next(p["schema"] for p in operation.parameters if p["in"] == "path")))
        before = draw(st.sampled_from(BEFORE))
    headers = make_headers(draw, operation)
    content_type, body = make_body(draw, operation, before)
    if content_type is not None:
        headers["Content-Type"] = content_type
    return Request(
        operation.path, key, None if key is None else quote(key, safe=""), make_pairs(draw, operation, choose_names(draw, operation)),
        tuple(headers.items()), body, before,
    )


# What stands where something else is wanted.
NO_TEXTS = ["", "x", '"', "W/", '"a" "b"', "W/*", "\x01", "\x7f", "k" * 1025]
NO_NUMBERS = ["", "x", "-", "1e3", "0x10", "+1", " 1", "1,5", "٣"]
BAD_SEGMENTS = ["%", "%4", "%zz", "%FF", "%C3", "%00", "%0A", "%7F", "k" * 1025, "%C3%A9" * 513]


def list_bad_values(description, schema):
    """Texts that do not fit the schema of a parameter."""
    schema = description.resolve(schema)
    if "enum" in schema:
        return ["", "other", schema["enum"][0].upper()]
    kind = schema.get("type")
    if kind in ("integer", "number"):
        bad = list(NO_NUMBERS) + (["1.5"] if kind == "integer" else ["1.", ".5"])
        bad += [str(schema["minimum"] - 1)] if "minimum" in schema else []
        bad += [str(schema["maximum"] + 1)] if "maximum" in schema else []
        return bad + ([str(schema["exclusiveMaximum"])] if "exclusiveMaximum" in schema else [])
    if kind == "boolean":
        return ["", "yes", "TRUE", "1"]
    if schema.get("format") == "date-time":
        return ["", "now", "2026-01-31", "2026-02-30T00:00:00Z", "2026-01-31T12:00:00"]
    if kind == "array":
        return list_bad_values(description, schema["items"])
    return [text for text in NO_TEXTS if description.find_faults(text, schema)]


def list_bad_json(description, schema):
    """Values that do not fit the schema of a body, with the statuses that they may be refused by."""
    schema = description.resolve(schema)
    bad = [value for value in (None, True, 1, "x", [1], {}) if description.find_faults(value, schema)]
    for example in schema.get("examples", []):
        for name in example if isinstance(example, dict) else ():
            bad.append({other: value for other, value in example.items() if other != name})
            bad.append({**example, name: None})
            bad.append({**example, "unasked": 1})
    return [value for value in bad if description.find_faults(value, schema)]


def list_breaks(operation):
    """Ways to spoil a request: each a status that must come of it, and what to replace."""
    has_key = "{key}" in operation.path
    breaks = [(400, {"segment": segment}) for segment in BAD_SEGMENTS] if has_key else []
    for parameter in operation.parameters:
        name = parameter["name"]
        for value in list_bad_values(operation.description, parameter["schema"]) if parameter["in"] != "path" else ():
            if parameter["in"] == "query":
                breaks.append((400, {"query": ((name, value),)}))
            elif value.isascii() and value.isprintable() and value == value.strip():
                # Conditions are not looked at where there is nothing that they could be about (RFC 9110, section 13.2.1).
                breaks.append((400, {"headers": {name: value}, "before": "text"}))
        if parameter["in"] == "query" and parameter["schema"].get("type") != "array":
            breaks.append((400, {"twice": name}))
    if operation.is_strict:
        breaks.append((400, {"add": ("unasked", "1")}))
        breaks.append((400, {"add": ("", "1")}))
    exclusive = operation.node.get("x-at-most-one", [])
    pairs = [(one, other) for one in exclusive for other in exclusive if one < other]
    pairs += [(one, other) for one, others in operation.node.get("x-excludes", {}).items() for other in others]
    breaks += [(400, {"both": pair}) for pair in pairs]
    if operation.node.get("x-at-least-one"):
        breaks.append((400, {"query": ()}))
    for name, media in operation.body["content"].items() if operation.body else ():
        if name not in JSON_TYPES and name != JSON_LINES:
            breaks.append((400, {"body": b"\xff"}))
            continue
        wrong = [json.dumps(value).encode() for value in list_bad_json(operation.description, media["schema"])]
        if is_of_lines(operation):
            wrong = [b"{}\n", b'{"kvstore":"dump","version":2}\n', b'{"kvstore":"dump","version":1}\n{"end":true,"entries":1}\n']
        breaks += [(415, {"headers": {"Content-Type": kind}}) for kind in (None, "text/plain", "application/jsonx", "")]
        breaks += [(400, {"headers": {"Content-Type": name}, "body": body}) for body in (b"", b"{", b'"\xff"', b"[1,]", b'{"a":"\\ud800"}')]
        breaks += [(422, {"headers": {"Content-Type": name}, "body": body}) for body in wrong]
    return breaks


@st.composite
def requests_to_refuse(draw, operation, changes):
    """A request with one thing wrong: changes as list_breaks() has them."""
    request = draw(requests_to_take(operation))
    values = {p["name"]: make_value(operation.description, p["schema"]) for p in operation.parameters}
    if "twice" in changes or "both" in changes:
        names = changes.get("both", (changes.get("twice"),) * 2)
        query = tuple((name, to_text(draw(values[name].map(lambda value: value is False or value)))) for name in names)
        return request._replace(query=query)
    if "add" in changes:
        return request._replace(query=request.query + (changes["add"],))
    if "headers" in changes:
        headers = {**dict(request.headers), **changes["headers"]}
        request = request._replace(headers=tuple((name, value) for name, value in headers.items() if value is not None))
    return request._replace(**{name: value for name, value in changes.items() if name != "headers"})
