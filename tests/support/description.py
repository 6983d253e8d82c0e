# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""data/openapi/openapi.json, read, and answers held against it."""

import json
import pathlib
import re

import jsonschema

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
FILE = TOP / "data/openapi/openapi.json"

METHODS = ("get", "head", "put", "post", "delete", "options")

# Headers that every answer may have: they belong to HTTP and not to what was asked for.
EVERYWHERE = {"connection", "content-length", "content-type", "date", "transfer-encoding", "x-content-type-options"}

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

formats = jsonschema.FormatChecker(formats=())


@formats.checks("date-time")
def is_time(text):
    return not isinstance(text, str) or TIME.fullmatch(text) is not None


@formats.checks("int64")
def is_int64(number):
    return not isinstance(number, int) or -(2**63) <= number < 2**63


class Description:
    """An OpenAPI document."""

    def __init__(self, document=None):
        self.document = document or json.loads(FILE.read_text(encoding="utf-8"))
        self.resolver = jsonschema.RefResolver.from_schema(self.document)

    def resolve(self, node):
        """What a node is once its references are followed; what stands beside one counts as well."""
        while "$ref" in node:
            _, found = self.resolver.resolve(node["$ref"])
            node = {**found, **{name: value for name, value in node.items() if name != "$ref"}}
        return node

    def find_faults(self, value, schema):
        """What is wrong with a value, one line each."""
        validator = jsonschema.Draft202012Validator(schema, resolver=self.resolver, format_checker=formats)
        return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(value)]

    def list_operations(self):
        return [
            Operation(self, path, method, item)
            for path, item in self.document["paths"].items()
            for method in METHODS
            if method in item
        ]


class Operation:
    """A method of a path: what it takes, and what it answers with."""

    def __init__(self, description, path, method, item):
        node = item[method]
        self.description = description
        self.path = path
        self.method = method.upper()
        self.node = node
        self.name = node["operationId"]
        self.parameters = [description.resolve(p) for p in item.get("parameters", []) + node.get("parameters", [])]
        self.body = description.resolve(node["requestBody"]) if "requestBody" in node else None
        self.responses = {status: description.resolve(r) for status, r in node["responses"].items()}
        self.is_strict = path.startswith("/v1/")
        self.is_stream = node.get("x-stream", False)

    def __repr__(self):
        return self.name

    def find_response(self, status):
        if str(status) in self.responses:
            return self.responses[str(status)]
        # The path is there, and has the method.
        default = self.responses["default"]
        return default if status in default["x-statuses"] and status not in (404, 405) else None

    def find_faults(self, response, has_body=True):
        """In what an answer is another than the description has it, one line each."""
        described = self.find_response(response.status)
        if described is None:
            return [f"the status {response.status} is not described"]
        faults = list(self._find_header_faults(response, described))
        if response.status in (204, 304) or not described.get("content"):
            return faults + (["there is a body"] if response.body else [])
        return faults + list(self._find_body_faults(response, described, has_body and self.method != "HEAD"))

    def _find_header_faults(self, response, described):
        headers = {name.lower(): self.description.resolve(h) for name, h in described.get("headers", {}).items()}
        for name in response.headers:
            if name not in headers and name not in EVERYWHERE and not (name == "allow" and response.status == 405):
                yield f"the header {name} is not described"
        for name, header in headers.items():
            value = response.headers.get(name)
            if value is None:
                if header.get("required"):
                    yield f"the header {name} is missing"
                continue
            for fault in self.description.find_faults(read_text(value, self.description, header["schema"]), header["schema"]):
                yield f"the header {name}: {fault}"

    def _find_body_faults(self, response, described, has_body):
        content_type = response.headers.get("Content-Type")
        if content_type is None:
            if not described.get("x-may-be-empty") or response.body:
                yield "there is no Content-Type"
            return
        name = content_type.partition(";")[0]
        if name not in described["content"]:
            yield f"the Content-Type {name} is not described"
            return
        if not has_body:
            return
        try:
            text = response.body.decode("utf-8")
            value = json.loads(text) if name == "application/json" or name.endswith("+json") else text
        except ValueError as error:
            yield f"the body is not what it is said to be: {error}"
            return
        for fault in self.description.find_faults(value, described["content"][name]["schema"]):
            yield f"the body: {fault}"


def read_text(text, description, schema):
    """A value as it stands in a header, in the type that its schema has."""
    if description.resolve(schema).get("type") == "integer" and re.fullmatch(r"-?[0-9]+", text):
        return int(text)
    return text
