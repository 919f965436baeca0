"""How the documentation is built: `make docs`. Nothing is fetched, and every warning is an error."""

import doctest
import importlib.metadata
import os
import re
import sys
from pathlib import Path
from typing import Annotated, get_args, get_origin

from docutils.nodes import Element, TextElement
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PyObject
from sphinx.environment import BuildEnvironment
from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.util import typing

project = "Novacula"
author = "The Novacula authors"
copyright = author
release = importlib.metadata.version("novacula")

sys.path.insert(0, str(Path(__file__).parent))
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.doctest", "command_pages", "schema_tables"]
exclude_patterns = ["_build", "gallery", "**.ipynb_checkpoints"]
default_role = "py:obj"
nitpicky = True
# Names in docstrings' backticks may also be expressions, and shapes of arrays are text.
nitpick_ignore_regex = [("py:obj", ".*"), ("py:class", "'.*'")]
myst_heading_anchors = 3
# Notebooks have no recorded outputs: each build executes them.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
# Their kernels say errors only, and not that nothing is encrypted.
os.environ["JUPYTER_PATH"] = str(Path(__file__).with_name("jupyter"))

html_theme = "theme"
html_theme_path = ["."]
html_title = "Novacula"
html_show_sourcelink = False
html_copy_source = False

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
maximum_signature_line_length = 88

doctest_default_flags = doctest.ELLIPSIS  # messages of errors are compared, too

_GOOGLE = Config(napoleon_use_ivar=True, napoleon_attr_annotations=False)
_CODE = re.compile(r"(``.*?``|`[^`]*`)")


def setup(app: Sphinx) -> None:
    """Connects the functions below to Sphinx, and makes it show `Annotated[int, …]` as `int`."""
    shown = typing.stringify_annotation
    for module in [*sys.modules.values()]:
        if vars(module).get("stringify_annotation") is shown:
            module.stringify_annotation = lambda kind, *mode, **rest: shown(  # pyright: ignore
                get_args(kind)[0] if get_origin(kind) is Annotated else kind, *mode, **rest
            )
    app.connect("autodoc-process-docstring", read_docstring)
    app.connect("missing-reference", find_type)
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"


def read_docstring(app: Sphinx, what: str, name: str, value: object, options: object, lines: list[str]) -> None:
    """Sections in Google's style become fields; stars and bars are what they are, and emphasize nothing."""
    # An attribute's first words before a colon are text here, not its type.
    kind = "method" if what in ("attribute", "property", "data") else what
    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = _CODE.split(line)
            parts[::2] = [re.sub(r"([*|])", r"\\\1", part) for part in parts[::2]]
            text = re.sub(r"(: \w)\.$", r"\1\\.", "".join(parts))  # one letter and a dot would begin a list
            lines[number] = re.sub(r"^(\s*)Source: ", r"\1**Source:** ", text)
    lines[:] = GoogleDocstring(lines, _GOOGLE, app, kind, name, value, options).lines()


def find_type(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: TextElement) -> Element | None:
    """A type is linked under its public name, wherever it is defined; types of others, and our inner ones, are text."""
    if node.get("reftype") not in ("class", "exc", "obj"):
        return None
    name = node["reftarget"].rsplit(".", 1)[-1]
    domain = env.domains.python_domain
    public = [each for each in domain.objects if each.rsplit(".", 1)[-1] == name and domain.objects[each].objtype
              in ("class", "exception", "function")]  # fmt: skip
    if len(public) == 1:
        entry = domain.objects[public[0]]
        return domain.resolve_xref(env, node["refdoc"], app.builder, entry.objtype, public[0], node, content)
    return content if node["reftype"] in ("class", "exc") else None
