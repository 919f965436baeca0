import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from novacula.errors import InputError
from novacula.jobs import work
from novacula.jobs.work import answer_request, check_work, load_work, make_request
from tests.jobs import toy
from tests.jobs.toy import PACKAGES, WORK


def answer(name: str, configuration: dict[str, Any], packages: tuple[str, ...] = PACKAGES) -> dict[str, Any]:
    return json.loads(answer_request(name, packages, make_request(configuration, 7)))


def test_a_public_function_of_an_allowed_package_is_found() -> None:
    check_work(WORK, PACKAGES)
    assert load_work(WORK, PACKAGES) is toy.iterate


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (WORK, "must lie in novacula"),
        ("os:system", "must lie in novacula"),
        ("novacula_evil:run", "must lie in novacula"),
        ("builtins:eval", "must lie in novacula"),
        ("novacula.__main__:main", "must be of the form"),
        ("novacula.jobs.work:_checked", "must be of the form"),
        ("novacula.jobs.work", "must be of the form"),
        ("novacula.jobs.work:a.b", "must be of the form"),
        ("novacula..jobs:run", "must be of the form"),
        ("novacula.jobs.work:run\n", "must be of the form"),
        ("", "must be of the form"),
        ("novacula.nowhere:run", "there is no module novacula.nowhere"),
        ("novacula.errors.nowhere:run", "there is no module novacula.errors.nowhere"),
    ],
)
def test_a_name_that_may_not_be_called_is_refused_before_any_work(name: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        check_work(name)


@pytest.mark.parametrize("name", ["missing", "PACKAGES", "Job", "Holder", "borrowed", "note", "also_needs_more"])
def test_what_is_no_work_function_of_its_module_is_refused(name: str) -> None:
    check_work(f"tests.jobs.toy:{name}", PACKAGES)
    with pytest.raises(InputError, match=r"must name a function of \(configuration, seed\) that tests"):
        load_work(f"tests.jobs.toy:{name}", PACKAGES)
    assert answer(f"tests.jobs.toy:{name}", {})["status"] == "failed"


def test_a_name_borrowed_from_another_module_is_refused() -> None:
    with pytest.raises(InputError, match=r"that novacula\.jobs\.run defines"):
        load_work("novacula.jobs.run:write_outcome")


def test_an_answer_holds_the_result_as_a_file_would(tmp_path: Path) -> None:
    found = answer(WORK, {"name": "a", "log": str(tmp_path)})
    assert (found["status"], found["error"]) == ("finished", "")
    assert found["result"]["seed"] == 7
    assert found["result"]["pair"] == [1, found["result"]["x"]]
    assert found["platform"]["instruction_set"] and found["versions"]["python"]


def test_an_error_of_the_work_has_its_place(tmp_path: Path) -> None:
    found = answer(WORK, {"name": "a", "log": str(tmp_path), "fail": "no ? such"})
    assert (found["status"], found["result"]) == ("failed", None)
    assert found["error"].startswith("ArithmeticError: no \\udc80 such (toy.py, line ")


@pytest.mark.parametrize(
    ("configuration", "problem"),
    [
        ({"mapping": False, "values": {}}, "TypeError: the work returned a list; it must return a mapping"),
        ({"mapping": True, "values": {}}, "ValueError: result.value is a set, which JSON does not have"),
        ({"mapping": True, "values": {"x": "x" * 2000}}, "ValueError: the result takes 20.. bytes of JSON"),
    ],
)
def test_a_result_that_no_file_can_hold_is_a_failure(
    configuration: dict[str, Any], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "MAX_RESULT", 1000)
    found = answer("tests.jobs.toy:not_json", configuration)
    assert found["status"] == "failed"
    assert re.match(problem, found["error"]), found["error"]


def test_time_and_memory_are_those_of_this_job_alone() -> None:
    much = answer("tests.jobs.toy:allocate", {"megabytes": 150, "seconds": 0.2})
    little = answer("tests.jobs.toy:allocate", {"megabytes": 1, "seconds": 0.0})
    assert much["cpu_seconds"] >= 0.2 and little["cpu_seconds"] < 0.1
    assert much["peak_memory_mb"] >= 150
    if os.access("/proc/self/clear_refs", os.W_OK):
        assert little["peak_memory_mb"] < much["peak_memory_mb"] - 100
