#!/usr/bin/python3
# SPDX-FileCopyrightText: 2026 the kvstore authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Writes docs/reference-http.md, which is data/openapi/openapi.json as a page to read."""

import argparse
import json
import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
SOURCE = TOP / "data/openapi/openapi.json"
PAGE = TOP / "docs/reference-http.md"

PROBLEM = "application/problem+json"

INTRODUCTION = """\
<!-- Made by "./dev docs" of data/openapi/openapi.json: a change belongs there. -->

# HTTP, route by route

{description}

This page is made of the file that kvstored serves as `/openapi.json`. What it is good for, with examples, is told in
[http.md](http.md), [v1.md](v1.md), [sse.md](sse.md), [backup.md](backup.md) and [metrics.md](metrics.md).
"""


class Reference:
    def __init__(self, document):
        self.document = document

    def resolve(self, node):
        while "$ref" in node:
            found = self.document
            for name in node["$ref"].removeprefix("#/").split("/"):
                found = found[name.replace("~1", "/").replace("~0", "~")]
            node = {**found, **{name: value for name, value in node.items() if name != "$ref"}}
        return node

    # -- what fits

    def tell_type(self, schema):
        """A schema in a few words; one that has a name by its name, as that has a section."""
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            return f"[{name}](#{name.lower()})"
        if "const" in schema:
            return code(schema["const"])
        if "enum" in schema:
            return ", ".join(code(value) for value in schema["enum"])
        if "allOf" in schema:
            types = schema["allOf"][1]["properties"]["type"]["enum"]
            return "problem " + ", ".join(f"[{name}](problems/{name}.md)" for name in (t.rsplit("/", 1)[1] for t in types))
        if "oneOf" in schema:
            return " or ".join(self.tell_type(one) for one in schema["oneOf"])
        if schema.get("type") == "array":
            return f"array of {self.tell_type(schema['items'])}{tell_bounds(schema)}"
        kind = schema.get("type", "any")
        words = " or ".join(kind) if isinstance(kind, list) else schema.get("format", kind)
        return words + tell_bounds(schema)

    def tell_member(self, name, schema, required):
        about = schema.get("description", "")
        return f"| `{name}` | {self.tell_type(schema)} | {'yes' if required else ''} | {about} |"

    def tell_members(self, schema):
        yield "| member | type | always | |"
        yield "| --- | --- | --- | --- |"
        for name, member in schema["properties"].items():
            yield self.tell_member(name, member, name in schema.get("required", ()))

    # -- operations

    def tell_parameters(self, parameters):
        yield "| parameter | in | type | |"
        yield "| --- | --- | --- | --- |"
        for parameter in parameters:
            about = parameter.get("description", "")
            if parameter.get("allowEmptyValue"):
                about += " Without a value it is true."
            if "default" in parameter["schema"]:
                about += f" If it is not there, {code(parameter['schema']['default'])}."
            name = f"`{parameter['name']}`" + (" (required)" if parameter.get("required") and parameter["in"] != "path" else "")
            yield f"| {name} | {parameter['in']} | {self.tell_type(parameter['schema'])} | {about} |"

    def tell_content(self, content):
        return "; ".join(f"`{name}`: {self.tell_type(media['schema'])}" for name, media in content.items())

    def list_refusals(self):
        """The refusals that many operations have, with a twin under /v1 that is a problem in any case: by their names."""
        responses = self.document["components"]["responses"]
        return {
            name: response
            for name, response in responses.items()
            if f"V1{name}" in responses and {"text/plain", PROBLEM} <= set(response.get("content", {}))
        }

    def tell_answers(self, responses):
        refusals = self.list_refusals()
        names = {status: node["$ref"].rsplit("/", 1)[1].removeprefix("V1") for status, node in responses.items()}
        refused = [f"[{status}](#{status})" for status, name in names.items() if name in refusals]
        yield "| status | | headers | body |"
        yield "| --- | --- | --- | --- |"
        for status, response in responses.items():
            if status == "default" or names[status] in refusals:
                continue
            response = self.resolve(response)
            headers = ", ".join(f"`{name}`" for name in response.get("headers", {}))
            yield f"| {status} | {response['description']} | {headers} | {self.tell_content(response.get('content', {}))} |"
        if refused:
            yield f"\nRefused with {', '.join(refused)}."

    def tell_operation(self, path, method, item):
        node = item[method]
        parameters = [self.resolve(p) for p in item.get("parameters", []) + node.get("parameters", [])]
        yield f"### `{method.upper()} {path}`\n"
        yield f"{node['summary']}." + (f" {node['description']}" if "description" in node else "") + "\n"
        if parameters:
            yield from self.tell_parameters(parameters)
            yield ""
        rules = [("No more than one of", "x-at-most-one"), ("At least one of", "x-at-least-one")]
        for words, rule in rules:
            if rule in node:
                yield f"{words} {', '.join(code(name) for name in node[rule])}.\n"
        for name, others in node.get("x-excludes", {}).items():
            yield f"With `{name}` none of {', '.join(code(other) for other in others)}.\n"
        if "requestBody" in node:
            body = self.resolve(node["requestBody"])
            yield f"Body: {body['description']} {self.tell_content(body['content'])}\n"
        yield from self.tell_answers(node["responses"])
        yield ""

    def tell_tag(self, tag):
        yield f"## {tag['description'].removesuffix('.')}\n"
        for path, item in self.document["paths"].items():
            for method in ("get", "put", "post", "delete"):
                if method in item and tag["name"] in item[method]["tags"]:
                    yield from self.tell_operation(path, method, item)

    # -- what has a name

    def tell_schema(self, name, schema):
        yield f"### {name}\n"
        if "description" in schema:
            yield f"{schema['description']}\n"
        inner = schema.get("items", schema)
        if "properties" in inner:
            yield from self.tell_members(inner)
            yield ""
        elif "oneOf" in inner:
            yield f"{'An array; each of its items is one of' if inner is not schema else 'One of'}\n"
            for one in inner["oneOf"]:
                yield f"{one.get('title', self.tell_type(one))}:\n"
                if "properties" in one:
                    yield from self.tell_members(one)
                    yield ""
        else:
            yield f"{self.tell_type(schema)}" + (f", by the pattern `{schema['pattern'].replace('|', chr(92) + '|')}`" if "pattern" in schema else "") + "\n"
        for example in schema.get("examples", [])[:1]:
            yield f"```json\n{json.dumps(example, ensure_ascii=False)}\n```\n"

    def tell_headers(self):
        yield "## Headers of answers\n"
        yield "| header | type | |"
        yield "| --- | --- | --- |"
        for name, header in self.document["components"]["headers"].items():
            if not name.startswith(("Maybe", "File")):
                yield f"| `{name}` | {self.tell_type(header['schema'])} | {header['description']} |"
        yield ""

    def tell_refusals(self):
        yield "## Refusals\n"
        schemas = [(response["content"][PROBLEM]["schema"], response) for response in self.list_refusals().values()]
        for schema, response in sorted(schemas, key=lambda pair: pair[0]["allOf"][1]["properties"]["status"]["const"]):
            headers = ", ".join(f"`{name}`" for name in response.get("headers", {}))
            yield f"### {schema['allOf'][1]['properties']['status']['const']}\n"
            yield f"{response['description']} Under `/v1` it is a problem in any case."
            yield f"\nBody: {self.tell_type(schema)}" + (f". Headers: {headers}" if headers else "") + ".\n"

    def tell_any_request(self):
        refused = self.document["components"]["responses"]["Refused"]
        yield "## Any request\n"
        yield f"{refused['description']}\n"

    def write(self):
        lines = [INTRODUCTION.format(description=self.document["info"]["description"])]
        for tag in self.document["tags"]:
            lines += self.tell_tag(tag)
        lines += self.tell_refusals()
        lines += self.tell_any_request()
        lines += self.tell_headers()
        lines.append("## What has a name\n")
        for name, schema in self.document["components"]["schemas"].items():
            lines += self.tell_schema(name, schema)
        return "\n".join(lines).rstrip("\n") + "\n"


def code(value):
    return f"`{value if isinstance(value, str) else json.dumps(value)}`".replace("\n", "\\n")


def tell_bounds(schema):
    names = {
        "minimum": "at least", "maximum": "at most", "exclusiveMaximum": "less than", "minLength": "length at least",
        "maxLength": "length at most", "x-max-bytes": "bytes at most", "minItems": "at least", "maxItems": "at most",
    }
    bounds = [f"{words} {schema[name]}" for name, words in names.items() if name in schema]
    return f" ({', '.join(bounds)})" if bounds else ""


def make():
    """The page, as it is to be."""
    return Reference(json.loads(SOURCE.read_text(encoding="utf-8"))).write()


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    PAGE.write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
