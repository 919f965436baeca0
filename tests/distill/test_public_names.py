"""What the part offers, and what importing it costs."""

import subprocess
import sys

import novacula.distill


def test_every_public_name_exists_and_is_documented() -> None:
    names = vars(novacula.distill)["__all__"]
    assert names == sorted(names)
    for name in names:
        assert getattr(novacula.distill, name).__doc__, name


def test_importing_the_part_imports_nothing_heavy() -> None:
    heavy = ("torch", "matplotlib", "sklearn", "z3", "aalpy", "sympy")
    code = f"import sys, novacula.distill, novacula.cli.distill; print([m for m in {heavy} if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


def test_functions_keep_their_names_beside_packages_of_the_same_name() -> None:
    import novacula.distill.normalize.normalize
    import novacula.distill.verify.verify  # noqa: F401
    from novacula.distill import bench, normalize, run, verify

    assert all(map(callable, (bench, normalize, run, verify)))
