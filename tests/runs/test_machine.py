import platform
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from novacula.options import native_is_built
from novacula.runs import cores, instruction_set, machine, versions
from novacula.runs.machine import processor


def test_versions_are_those_in_use() -> None:
    import numpy

    assert versions()["python"] == platform.python_version() and versions()["numpy"] == numpy.__version__


def test_the_machine_is_described_in_json() -> None:
    assert machine() == {
        "machine": platform.machine(),
        "system": platform.system(),
        "processor": processor(),
        "instruction_set": instruction_set(),
        "extension": "native extension" if native_is_built() else "no native extension",
        "cores": cores(),
    }
    assert cores() >= 1


def test_a_gpu_is_named_once_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = SimpleNamespace(is_initialized=lambda: False, get_device_name=lambda: "NVIDIA Imaginary")
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert "gpu" not in machine()
    cuda.is_initialized = lambda: True
    assert machine()["gpu"] == "NVIDIA Imaginary"


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        (
            "processor\t: 0\nmodel\t\t: 85\nmodel name\t: A  Fast(R) CPU: @ 3.00GHz\nmodel name\t: B\n",
            "A Fast(R) CPU: @ 3.00GHz",
        ),
        ("processor : 0\nModel : Raspberry Pi 4\n", "Raspberry Pi 4"),
        ("", "riscv"),
    ],
)
def test_the_model_of_the_processor_is_that_of_the_first(
    monkeypatch: pytest.MonkeyPatch, cpuinfo: str, expected: str
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: cpuinfo)
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "riscv")
    assert processor.__wrapped__() == expected


def test_without_a_native_extension_the_machine_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "novacula._native", None)
    assert machine()["extension"] == "no native extension"


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
    monkeypatch.setitem(sys.modules, "novacula._native", ModuleType("novacula._native"))  # not built
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: cpuinfo)
    assert instruction_set.__wrapped__() == expected


def test_the_native_extension_knows_better(monkeypatch: pytest.MonkeyPatch) -> None:
    native = ModuleType("novacula._native")
    native.instruction_set = lambda: "wider still"  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "novacula._native", native)
    monkeypatch.setattr("novacula._native", native, raising=False)
    assert instruction_set.__wrapped__() == "wider still"
