"""The directive ``json-schemas``: a table for every dataclass that runs write as JSON, made from the code."""

import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import msgspec
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from novacula.cli.parts import PARTS
from novacula.runs import Record

_ENTRY = re.compile(r"^ {8}(?P<names>\w+(?:, \w+)*): (?P<text>.*(?:\n {12}.*)*)", re.MULTILINE)


class JsonSchemas(SphinxDirective):
    """Writes tables for ``run.json`` and for the ``result.json`` of every verb."""

    def run(self) -> list[nodes.Node]:
        """Returns the tables."""
        documents: list[tuple[str, Any]] = [("run.json", Record)]
        for part in PARTS:
            if find_spec(f"novacula.{part}.verbs"):
                verbs = import_module(f"novacula.{part}.verbs").VERBS
                documents += [(f"result.json of {verb.signature.command}", verb.signature.findings) for verb in verbs]
        lines = [line for title, kind in documents for line in _document(title, kind)]
        container = nodes.container()
        self.state.nested_parse(StringList(lines, source="json-schemas"), 0, container)
        return container.children


def _document(title: str, kind: Any) -> Iterator[str]:
    """The page's lines about one file, in reStructuredText."""
    yield from (f".. rubric:: {title}", "")
    for name, schema in msgspec.json.schema(kind)["$defs"].items():
        description = schema.get("description", "")
        summary = " ".join(description.partition("\n\n")[0].split())
        yield from (f"**{name}** {summary}".replace("`", "``"), "", ".. list-table::", "   :widths: 25 25 50", "")
        said = _entries(description)
        for entry, value in schema.get("properties", {}).items():
            yield from (f"   * - ``{entry}``", f"     - {_type(value)}", f"     - {said.get(entry, '')}")
        yield ""


def _entries(description: str) -> dict[str, str]:
    """What the section Attributes of a docstring says of each name."""
    found = {}
    for match in _ENTRY.finditer(description):
        text = re.sub(r"(`+)(.*?)\1", r"``\2``", " ".join(match["text"].split()))
        found |= dict.fromkeys(match["names"].split(", "), text.replace("*", r"\*").replace("|", r"\|"))
    return found


def _type(schema: Mapping[str, Any]) -> str:
    """The type of an entry in words."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "enum" in schema:
        return "one of " + ", ".join(f"``{value}``" for value in schema["enum"])
    match schema.get("type"):
        case "array":
            items = schema.get("items") or next(iter(schema.get("prefixItems", [{}])))
            return f"list of {_type(items)}" if items else "list"
        case "object":
            inner = schema.get("additionalProperties")
            return f"object of {_type(inner)}" if isinstance(inner, dict) and inner else "object"
        case str() as name:
            return {"integer": "whole number", "string": "text", "boolean": "true or false"}.get(name, name)
    return "anything"


def setup(app: Sphinx) -> None:
    """Adds the directive."""
    app.add_directive("json-schemas", JsonSchemas)
