"""A user's function: its name, the consent to call it, and a process that it cannot leave, however bad it is."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from novacula.errors import InputError
from novacula.functions import (
    FUNCTIONS,
    FunctionProcess,
    allow_functions,
    check_functions,
    is_function_name,
    load_function,
)

MODULE = """
import itertools, os

print("this goes nowhere")
not_a_function = 3

def total(xs): return list(itertools.accumulate(xs))
def both(xs): return [[a + b, a - b] for a, b in xs]
def odd(xs): return [x % 2 == 1 for x in xs]
def raises(xs): return [1 // (x - 1) for x in xs]
def forever(xs):
    while True: pass
def dies(xs): os._exit(3)
def killed(xs): os.kill(os.getpid(), 9)
def greedy(xs): return [len(bytearray(10 ** 10))] * len(xs)
def half(xs): return [x / 2 if x else float("nan") for x in xs]
def text(xs): return "abc"
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "somebodys.py").write_text(MODULE)
    (tmp_path / "broken.py").write_text("raise OSError('no luck')")
    monkeypatch.chdir(tmp_path)
    return "somebodys"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("module:function", True),
        ("a.b_2.c:f", True),
        ("Binary_Addition", False),
        ("127.0.0.1:6379", False),
        ("a:b:c", False),
        (":f", False),
        ("a:", False),
        ("a b:c", False),
        ("a:f\n", False),
        (None, False),
    ],
)
def test_what_is_a_name(text: object, named: bool) -> None:
    assert is_function_name(text) == named


def test_only_what_the_user_named_may_be_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FUNCTIONS, "a:f")
    check_functions(["a:f"])
    with pytest.raises(InputError, match=f"{FUNCTIONS}=b:g,c:h"):
        check_functions(["c:h", "a:f", "b:g"])
    allow_functions(["b:g", "c:h"])
    check_functions(["a:f", "b:g", "c:h"])
    assert os.environ[FUNCTIONS] == "a:f,b:g,c:h"


def test_a_function_of_the_working_folder_is_loaded_and_the_path_left_as_it_was(module: str) -> None:
    before = sys.path.copy()
    assert load_function(f"{module}:total")([1, 2]) == [1, 3]
    for name, problem in (
        ("broken:f", "no luck"),
        (f"{module}:none", "AttributeError"),
        (f"{module}:not_a_function", "int"),
    ):
        with pytest.raises(InputError, match=problem):
            load_function(name)
    assert sys.path == before


def test_answers_that_nobody_waited_for_are_no_answers_to_later_questions(module: str) -> None:
    process = FunctionProcess(f"{module}:total", 10.0)
    assert next(process.call([[number] for number in range(300)])) == [[0]]
    assert list(process.call([[7, 1]])) == [[[7], [8]]]


def test_a_process_answers_each_list_on_its_own(module: str) -> None:
    lists = [[number, 1, 2] for number in range(1200)]
    process = FunctionProcess(f"{module}:total", 10.0)
    assert list(process.call(lists)) == [[[a], [a + 1], [a + 3]] for a, _, _ in lists]
    assert list(process.call([])) == []
    process.close()
    assert list(FunctionProcess(f"{module}:both", 10.0).call([[[3, 1]]])) == [[[4, 2]]]
    assert list(FunctionProcess(f"{module}:odd", 10.0).call([[3, 4]])) == [[[1], [0]]]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere:f", "cannot be loaded: ModuleNotFoundError"),
        ("broken:f", "cannot be loaded: OSError: no luck"),
        ("somebodys:g", "cannot be loaded: AttributeError"),
        ("somebodys:not_a_function", "is int, no function"),
        ("somebodys:raises", "raised ZeroDivisionError: "),
        ("somebodys:dies", "ended its process (exit code 3) for [0, 1]"),
        ("somebodys:killed", "ended its process (SIGKILL) for [0, 1]"),
        ("somebodys:greedy", "raised MemoryError"),
        ("somebodys:half", "returned 'nan' at step 0"),
        ("somebodys:text", "returned str; a list is needed"),
    ],
)
def test_a_bad_function_is_named_with_what_it_did(module: str, name: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        list(FunctionProcess(name, 10.0).call([[0, 1]]))
    assert caught.value.source == name
    assert said in caught.value.problems[0]


def test_a_function_that_never_returns_is_ended(module: str) -> None:
    process = FunctionProcess(f"{module}:forever", 0.3)
    pid = process._child.process.pid
    with pytest.raises(InputError, match=r"did not return within 0.3 s for \[5\]"):
        list(process.call([[5]]))
    assert has_gone(pid)


def test_a_function_ends_with_the_process_that_called_it(module: str) -> None:
    """Killed in the midst of a call, so that nobody can tidy up."""
    code = (
        "from novacula.functions import FunctionProcess; "
        "process = FunctionProcess('somebodys:forever', 100.0); "
        "print(process._child.process.pid, flush=True); list(process.call([[1]]))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert has_gone(pid)


def has_gone(pid: int) -> bool:
    """Whether a process ends soon."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False
