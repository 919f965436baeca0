from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacula.errors import InputError
from novacula.jobs import Job, job_seed
from novacula.jobs.job import check_jobs


def test_the_seed_of_a_job_is_what_it_was() -> None:
    # A change of these numbers changes the result of every campaign.
    assert job_seed(0, "a") == 15045846903135866436
    assert job_seed(1, "a") == 3569699477795950771
    assert job_seed(0, "b") == 18127414384575225821


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.text("abAB01._-", min_size=1)), unique=True, max_size=20))
def test_seeds_differ_wherever_run_seed_or_id_differ(pairs: list[tuple[int, str]]) -> None:
    seeds = [job_seed(seed, job_id) for seed, job_id in pairs]
    assert len(set(seeds)) == len(pairs)
    assert all(0 <= seed < 2**64 for seed in seeds)


@pytest.mark.parametrize("job_id", ["a", "0a3f", "task.2_seed-1", "_", "A" * 120])
def test_an_id_that_can_name_a_file_is_taken(job_id: str) -> None:
    check_jobs([Job(job_id, {})])


HOSTILE = ["", ".", "..", ".hidden", "-x", "a/b", "../../etc/passwd", "/etc/passwd", "a\\b", "a b", "a\n", "a\0", "é"]


@pytest.mark.parametrize("job_id", [*HOSTILE, "A" * 121, "\ud800", "C:x", "$(x)"])
def test_an_id_that_cannot_is_refused(job_id: str) -> None:
    with pytest.raises(InputError, match=r"jobs: the id .* must be 1 to 120 letters"):
        check_jobs([Job(job_id, {})])


def test_the_error_lists_all_problems() -> None:
    numbers: list[dict[str, Any]] = [{"cost": -1.0}, {"cost": float("nan")}, {"memory_mb": 0.0}]
    numbers += [{"cores": 0}, {"gpus": 1.5}, {"gpus": float("inf")}]
    jobs = [Job(f"job{index}", {}, **options) for index, options in enumerate(numbers)]
    with pytest.raises(InputError) as caught:
        check_jobs([*jobs, Job("x", {}), Job("X", {}), Job("y", {}, cores=3, gpus=2), Job("z", {}, gpus=0.25)])
    problems = caught.value.problems
    assert len(problems) == 7
    names = (*(f"job{index}" for index in range(6)), "'X'")
    assert all(name in problem for name, problem in zip(names, problems, strict=True))
