"""Every task against a definition of its own, written here in plain Python from the published text."""

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import accumulate, pairwise, product

import numpy as np
import pytest

from novacula.distill.tasks import TASKS, VARIANTS, SequenceTask

ALL = {**TASKS, **VARIANTS}
Definition = Callable[[list], list]


def before(x: list[int], time: int, lag: int) -> int:
    return x[time - lag] if time >= lag else 0


def each(function: Callable[[list[int], int], int]) -> Definition:
    """A definition of the output at every position, from all inputs and the position."""
    return lambda x: [int(function(x, time)) for time in range(len(x))]


def addition(base: int) -> Definition:
    def add(x: list[tuple[int, int]]) -> list[int]:
        total = sum(a * base**i for i, (a, _) in enumerate(x)) + sum(b * base**i for i, (_, b) in enumerate(x))
        return [total // base**i % base for i in range(len(x))]

    return add


def division(divisor: int, delay: int = 0) -> Definition:
    def divide(x: list[int]) -> list[int]:
        quotient = int("".join(map(str, x)), 2) // divisor
        digits = [quotient >> place & 1 for place in reversed(range(len(x)))]
        return [0] * delay + digits[: len(x) - delay]

    return divide


def majority(x: list[int], time: int) -> int:
    counts = Counter(x[: time + 1])
    return min(counts, key=lambda value: (-counts[value], value))


def balanced(x: list[int], time: int) -> bool:
    depths = list(accumulate(1 - 2 * bit for bit in x[: time + 1]))
    return depths[-1] == 0 and min(depths) >= 0


def window(x: list[int], time: int, count: int) -> list[int]:
    return [before(x, time, lag) for lag in range(count)]


def alternating(count: int) -> Definition:
    return each(
        lambda x, t: window(x, t, count) in ([i % 2 for i in range(count)], [(i + 1) % 2 for i in range(count)])
    )


def body(force: Callable[[int, int], int]) -> Definition:
    def move(x: list[int]) -> list[int]:
        velocity, positions = 0, [0]
        for push in x:
            velocity += force(push, positions[-1])
            positions.append(positions[-1] + velocity)
        return positions[1:]

    return move


def magnetic(x: list[tuple[int, int]]) -> list[list[int]]:
    """Complex numbers: the velocity v becomes v + force + iv."""
    velocity, position, result = 0j, 0j, []
    for a, b in x:
        velocity = velocity * (1 + 1j) + complex(a, b)
        position += velocity
        result.append([round(position.real), round(position.imag)])
    return result


def dithering(x: list[int]) -> list[int]:
    sums = [0, *accumulate(x)]
    return [late // 15 - early // 15 for early, late in pairwise(sums)]


DEFINITIONS: dict[str, Definition] = {
    "Binary_Addition": addition(2),
    **{f"Base_{base}_Addition": addition(base) for base in range(3, 8)},
    "Bitwise_Xor": lambda x: [a ^ b for a, b in x],
    "Bitwise_Or": lambda x: [a | b for a, b in x],
    "Bitwise_And": lambda x: [a & b for a, b in x],
    "Bitwise_Not": lambda x: [1 - a for a in x],
    **{f"Parity_Last{k}": each(lambda x, t, k=k: sum(window(x, t, k)) % 2) for k in (2, 3, 4)},
    "Parity_All": each(lambda x, t: sum(x[: t + 1]) % 2),
    "Parity_Zeros": each(lambda x, t: x[: t + 1].count(0) % 2),
    "Evens_Counter": each(lambda x, t: sum(v % 2 == 0 for v in x[: t + 1])),
    "Sum_All": each(lambda x, t: sum(x[: t + 1])),
    **{f"Sum_Last{k}": each(lambda x, t, k=k: sum(window(x, t, k))) for k in range(2, 8)},
    "Current_Number": list,
    **{f"Prev{k}": each(lambda x, t, k=k: before(x, t, k)) for k in range(1, 6)},
    "Previous_Equals_Current": each(lambda x, t: x[t] == before(x, t, 1)),
    "Diff_Last2": each(lambda x, t: x[t] - before(x, t, 1)),
    "Abs_Diff": each(lambda x, t: abs(x[t] - before(x, t, 1))),
    "Abs_Current": each(lambda x, t: abs(x[t])),
    "Diff_Abs_Values": each(lambda x, t: abs(x[t]) - abs(before(x, t, 1))),
    "Min_Seen": each(lambda x, t: min(x[: t + 1])),
    "Max_Seen": each(lambda x, t: max(x[: t + 1])),
    **{f"Majority_0_{k}": each(majority) for k in (1, 2, 3)},
    "Evens_Detector": each(lambda x, t: x[t] in (0, 2, 4, 6, 8)),
    "Perfect_Square_Detector": each(lambda x, t: x[t] in [i * i for i in range(5)]),
    "Bit_Palindrome": each(lambda x, t: x[: t + 1] == x[: t + 1][::-1]),
    "Balanced_Parenthesis": each(balanced),
    "Parity_Bits_Mod2": each(lambda x, t: t % 2),
    "Alternating_Last3": alternating(3),
    "Alternating_Last4": alternating(4),
    "Bit_Shift_Right": each(lambda x, t: before(x, t, 1)),
    "Bit_Dot_Prod_Mod2": lambda x: [sum(a * b for a, b in x[: t + 1]) % 2 for t in range(len(x))],
    **{f"Div_{k}": division(k) for k in (3, 5, 7)},
    **{f"Div_{k}_delayed": division(k, delay=1) for k in (3, 5, 7)},
    **{f"Add_Mod_{k}": each(lambda x, t, k=k: sum(x[: t + 1]) % k) for k in range(3, 9)},
    "Dithering": dithering,
    "Newton_Freebody": body(lambda push, position: push),
    "Newton_Gravity": body(lambda push, position: push - 1),
    "Newton_Spring": body(lambda push, position: push - position),
    "Newton_Magnetic": magnetic,
}


def rows_of(array: np.ndarray) -> list:
    """Rows as lists, of integers where there is one stream."""
    return (array[:, :, 0] if array.shape[2] == 1 else array).tolist()


def test_there_are_62_tasks_and_three_variants_with_the_published_totals() -> None:
    assert (len(TASKS), len(VARIANTS)) == (62, 3)
    assert set(DEFINITIONS) == set(ALL)
    published = [task.published for task in TASKS.values()]
    assert (sum(p.mips for p in published), sum(p.gpt4 for p in published)) == (32, 30)
    assert sum(p.mips and p.gpt4 for p in published) == 19
    assert Counter(p.how for p in published) == {None: 30, "LR": 19, "BR": 6, "BR+1": 3, "SR": 4}
    assert all((p.how is not None) == p.mips for p in published)


@pytest.mark.parametrize("task", ALL.values(), ids=lambda task: task.name)
def test_the_program_does_what_the_definition_says(task: SequenceTask) -> None:
    for length in (task.length, 1, 2 * task.length + 3):
        data = task.data(60, np.random.default_rng(length), length)
        assert data.x.shape[1] == length
        assert rows_of(data.y) == [DEFINITIONS[task.name](row) for row in rows_of(data.x)]


@pytest.mark.parametrize("task", ALL.values(), ids=lambda task: task.name)
def test_inputs_have_the_range_and_use_all_of_it(task: SequenceTask) -> None:
    data = task.data(3000, np.random.default_rng(0))
    assert (data.low, data.high) == (task.low, task.high)
    assert data.x.shape[1:] == (20 if task.name in ("Sum_Last5", "Sum_Last6", "Sum_Last7", "Prev5") else 10,
                                len(task.program.inputs))  # fmt: skip
    if task.sampler == "uniform":
        counts = np.bincount((data.x - task.low).ravel(), minlength=task.high - task.low + 1)
        expected = data.x.size / len(counts)
        assert np.abs(counts - expected).max() < 6 * np.sqrt(expected)


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [
        ("Binary_Addition", [[1, 1], [1, 0], [1, 1], [0, 0]], [0, 0, 1, 1]),
        ("Base_7_Addition", [[6, 6], [6, 0], [0, 0]], [5, 0, 1]),
        ("Previous_Equals_Current", [0, 0, 3, 3, 5], [1, 1, 0, 1, 0]),
        ("Alternating_Last3", [1, 0, 1, 1, 0], [0, 1, 1, 0, 0]),
        ("Alternating_Last4", [1, 0, 1, 0, 0], [0, 0, 1, 1, 0]),
        ("Balanced_Parenthesis", [0, 1, 0, 0, 1, 1, 1, 0], [0, 1, 0, 0, 0, 1, 0, 0]),
        ("Balanced_Parenthesis", [1, 0, 0, 1], [0, 0, 0, 0]),
        ("Majority_0_2", [2, 1, 1, 2, 0, 0], [2, 1, 1, 1, 1, 0]),
        ("Div_3", [1, 1, 0, 1], [0, 1, 0, 0]),
        ("Div_3_delayed", [1, 1, 0, 1], [0, 0, 1, 0]),
        ("Dithering", [15, 0, 14, 1, 15], [1, 0, 0, 1, 1]),
        ("Bit_Palindrome", [1, 0, 0, 1, 1], [1, 0, 0, 1, 0]),
        ("Newton_Gravity", [1, 0, 3], [0, -1, 0]),
        ("Newton_Spring", [2, 0, 0], [2, 2, 0]),
        ("Newton_Magnetic", [[1, 0], [0, 0], [0, 0]], [[1, 0], [2, 1], [2, 3]]),
        ("Diff_Abs_Values", [-5, 3, -3], [5, -2, 0]),
    ],
)
def test_sequences_worked_by_hand(name: str, x: list, y: list) -> None:
    inputs = np.array(x).reshape(1, len(x), -1)
    assert ALL[name].program.run(inputs).tolist() == np.array(y).reshape(1, len(y), -1).tolist()


def mealy_states(task: SequenceTask) -> int:
    """The size of the minimal machine: reachable states of the program, merged until the partition is stable."""
    symbols = list(product(range(task.low, task.high + 1), repeat=len(task.program.inputs)))
    table: dict[tuple, list] = {}
    open_states = [task.program.start]
    while open_states:
        state = open_states.pop()
        if state not in table:
            table[state] = [task.program.step(state, symbol) for symbol in symbols]
            open_states += [after for after, _ in table[state]]
    block = dict.fromkeys(table, 0)
    while True:
        signature = {state: (block[state], *((block[a], y) for a, y in steps)) for state, steps in table.items()}
        names = {value: index for index, value in enumerate(dict.fromkeys(signature.values()))}
        if len(names) == len(set(block.values())):
            return len(names)
        block = {state: names[value] for state, value in signature.items()}


@pytest.mark.parametrize(
    "task", [task for task in ALL.values() if task.published.mealy is not None], ids=lambda task: task.name
)
def test_minimal_machines_have_the_sizes_in_the_table(task: SequenceTask) -> None:
    assert mealy_states(task) == task.published.mealy


def test_palindromes_are_drawn_as_published() -> None:
    task = TASKS["Bit_Palindrome"]
    data = task.data(40_000, np.random.default_rng(1))
    rows = Counter(map(tuple, data.x[:, :, 0].tolist()))
    # Two of the 1024 words have no palindrome of length 2 to 10 at their beginning.
    assert len(rows) == 1022
    assert (0, *[1] * 9) not in rows
    assert (1, *[0] * 9) not in rows
    exact: defaultdict[tuple[int, ...], float] = defaultdict(float)
    for length in range(2, 11):
        half = (length + 1) // 2
        for free in product((0, 1), repeat=half + 10 - length):
            first = free[:half]
            exact[(*first, *first[: length - half][::-1], *free[half:])] += 2.0 ** -len(free) / 9
    assert sum(exact.values()) == pytest.approx(1)
    share = data.y[:, 9, 0].mean()
    expected = sum(p for word, p in exact.items() if word == word[::-1])
    assert share == pytest.approx(expected, abs=0.01)
    for word in [(0,) * 10, (0, 0, *[1] * 8), (0, 1, 0, 1, 1, 1, 1, 1, 1, 1)]:
        assert rows[word] / 40_000 == pytest.approx(exact[word], rel=0.25)


def test_distinct_rows_are_distinct_and_in_no_order() -> None:
    x = TASKS["Previous_Equals_Current"].inputs(5000, np.random.default_rng(0), 4)[:, :, 0]
    assert len(np.unique(x, axis=0)) == len(x) < 5000
    assert not (np.diff(x[:, 0]) >= 0).all()


def test_the_same_seed_draws_the_same_data() -> None:
    first, again, other = (TASKS["Div_3"].data(5, np.random.default_rng(seed)).x for seed in (3, 3, 4))
    assert (first == again).all()
    assert not (first == other).all()
