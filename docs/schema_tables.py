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
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

from novacula.cli import PARTS
from novacula.runs import Record


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
    classes = dict(_classes(msgspec.inspect.type_info(kind)))
    for name, schema in msgspec.json.schema(kind)["$defs"].items():
        summary = " ".join(schema.get("description", "").partition("\n\n")[0].split())
        yield from (f"**{name}** {summary}".replace("`", "``"), "", ".. list-table::", "   :widths: 25 25 50", "")
        said = _entries(classes[name])
        for entry, value in schema.get("properties", {}).items():
            yield from (
                f"   * - ``{entry}``",
                f"     - {_type(value)}",
                f"     - {said.get(entry.replace('-', '_'), '')}",
            )
        yield ""


def _classes(info: object) -> Iterator[tuple[str, type]]:
    """Yields name and class of everything with fields in a type, as msgspec describes it."""
    if isinstance(info, msgspec.inspect.DataclassType | msgspec.inspect.StructType):
        yield info.cls.__name__, info.cls
    parts = msgspec.structs.astuple(info) if isinstance(info, msgspec.Struct) else info
    for part in parts if isinstance(parts, tuple) else ():
        yield from _classes(part)


def _entries(kind: type) -> dict[str, str]:
    """What the code says of each field of a class and its bases."""
    found = {}
    for owner in (owner for owner in reversed(kind.__mro__) if owner.__module__.startswith("novacula.")):
        for (name, field), lines in ModuleAnalyzer.for_module(owner.__module__).find_attr_docs().items():
            if name == owner.__name__:
                text = re.sub(r"(`+)(.*?)\1", r"``\2``", " ".join(" ".join(lines).split()))
                found[field] = text.replace("*", r"\*").replace("|", r"\|")
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
