"""Promise 8: programs that we write pass a list of allowed syntax, and what runs them is a limited process."""

from pathlib import Path

import numpy as np
import pytest

from novacula.distill.export import program_python
from novacula.distill.export.python import check_python
from novacula.distill.source import Function
from novacula.errors import InputError
from novacula.hypernet import build
from novacula.hypernet.formula import describe
from novacula.hypernet.formula.writers import _check as check_formula
from novacula.hypernet.tasks import find_task
from tests.distill.export.programs import random_program

FORBIDDEN = [
    "import os",
    "from os import system",
    "__import__('os').system('true')",
    "().__class__.__base__.__subclasses__()",
    "x = abs.__self__",
    "open('/etc/passwd')",
    "exec('1')",
    "eval('1')",
    "globals()",
    "getattr(1, 'real')",
    "lambda: 1",
    "[i for i in range(9)].clear()",
    "while True:\n    pass",
    "with open('x'):\n    pass",
    "try:\n    pass\nexcept:\n    pass",
    "class A:\n    pass",
    "async def f():\n    pass",
    "def f():\n    yield 1",
    "global x",
    "del x",
    "raise x",
    "f'{x}'",
    "breakpoint()",
    "print(1)",
    "x: int = 1",
    "(y := 1)",
]
ENDLESS = "def run(xs):\n    ys = [1]\n    for y in ys:\n        ys.append(y)\n    return ys\n"
HOG = "def run(xs):\n    ys = [0] * 1000\n    return ys * 1000000000\n"


@pytest.mark.parametrize("source", FORBIDDEN)
@pytest.mark.parametrize("check", [check_python, check_formula])
def test_forbidden_programs_are_refused(check, source: str) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        check(source)


def test_emitted_programs_pass_and_compute_the_same_in_their_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(4)
    programs = [program for program in (random_program(generator) for _ in range(40)) if len(program.inputs) == 1][:2]
    for number, program in enumerate(programs):
        source = program_python(program)
        check_python(source)
        Path(f"emitted{number}.py").write_text(source)
        x = generator.integers(-3, 4, (20, 6, 1))
        function = Function(f"emitted{number}:run", seconds=20.0)
        np.testing.assert_array_equal(function.run(x), program.run(x))
        function.close()


@pytest.mark.parametrize(("source", "said"), [(ENDLESS, "did not return"), (HOG, "MemoryError")])
def test_what_passes_the_list_and_still_harms_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    check_python(source)
    Path("harmful.py").write_text(source)
    function = Function("harmful:run", seconds=0.2)
    with pytest.raises(InputError, match=said):
        function.run(np.ones((1, 2, 1), np.int64))
    function.close()


def test_formulas_pass() -> None:
    for kind, inputs in (("double-sided", 3), ("pudding+", 2)):
        network = build(kind, inputs)
        formula = describe(network, find_task(str(network.task)))
        assert formula.python
        check_formula(formula.python)
