import platform
from pathlib import Path

import pytest

from novacula.runs import cores, instruction_set, machine, versions


def test_versions_are_those_in_use() -> None:
    import numpy

    assert versions()["python"] == platform.python_version() and versions()["numpy"] == numpy.__version__


def test_the_machine_is_described_in_json() -> None:
    assert machine() == {
        "machine": platform.machine(),
        "system": platform.system(),
        "instruction_set": instruction_set(),
        "cores": cores(),
    }
    assert cores() >= 1


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        ("processor : 0\nflags : fpu sse4_2 avx avx2 avx512f\n", "avx512"),
        ("flags : fpu sse4_2 avx avx2\nflags : avx512f\n", "avx2"),
        ("Features : fp asimd\n", "neon"),
        ("nothing", platform.machine()),
    ],
)
def test_the_widest_instructions_of_the_processor_count(
    monkeypatch: pytest.MonkeyPatch, cpuinfo: str, expected: str
) -> None:
    import sys
    from types import ModuleType

    monkeypatch.setitem(sys.modules, "novacula._native", ModuleType("novacula._native"))  # not built
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: cpuinfo)
    assert instruction_set.__wrapped__() == expected


def test_the_native_extension_knows_better(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import ModuleType

    native = ModuleType("novacula._native")
    native.instruction_set = lambda: "wider still"  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "novacula._native", native)
    monkeypatch.setattr("novacula._native", native, raising=False)
    assert instruction_set.__wrapped__() == "wider still"
