"""The 62 tasks of arXiv 2402.05110 and three delayed variants, typed anew as plain step functions for these tests.

The synthesizer may not read the package's own definitions; these come from the text of the specification instead.
"""

from collections.abc import Callable
from dataclasses import dataclass

State = tuple[int, ...]
Step = Callable[[State, State], tuple[State, State]]


@dataclass(frozen=True)
class PlainTask:
    """A step function (state, x) -> (next, y) and where its inputs come from."""

    step: Step
    start: State
    low: int
    high: int
    streams: int = 1
    length: int = 10


def _window(size: int, output: Callable[[State], int]) -> tuple[Step, State]:
    """Remember the last `size` inputs, newest first; `output` reads the current one too."""

    def step(state: State, x: State) -> tuple[State, State]:
        seen = x + state
        return seen[:size], (int(output(seen)),)

    return step, (0,) * size


def _fold(start: int, change: Callable[[int, int], int], output: Callable[[int], int] = int) -> tuple[Step, State]:
    """One number, changed by every input, then read."""

    def step(state: State, x: State) -> tuple[State, State]:
        after = change(state[0], x[0])
        return (after,), (int(output(after)),)

    return step, (start,)


def _addition(base: int) -> tuple[Step, State]:
    def step(state: State, x: State) -> tuple[State, State]:
        total = x[0] + x[1] + state[0]
        return (total // base,), (total % base,)

    return step, (0,)


def _division(divisor: int) -> tuple[Step, State]:
    def step(state: State, x: State) -> tuple[State, State]:
        rest = 2 * state[0] + x[0]
        return (rest % divisor,), (rest // divisor,)

    return step, (0,)


def _delayed_division(divisor: int) -> tuple[Step, State]:
    def step(state: State, x: State) -> tuple[State, State]:
        rest = 2 * state[0] + x[0]
        return (rest % divisor, rest // divisor), (state[1],)

    return step, (0, 0)


def _pointwise(output: Callable[..., int]) -> tuple[Step, State]:
    return lambda state, x: (state, (int(output(*x)),)), ()


def _majority(values: int) -> tuple[Step, State]:
    """Only differences of the counts matter: the state holds them relative to the count of 0."""

    def step(state: State, x: State) -> tuple[State, State]:
        counts = [0, *state]
        counts[x[0]] += 1
        return tuple(count - counts[0] for count in counts[1:]), (counts.index(max(counts)),)

    return step, (0,) * (values - 1)


def _palindrome(state: State, x: State) -> tuple[State, State]:
    """The state is the whole prefix, as a number with a leading 1."""
    bits = bin(2 * state[0] + x[0])[3:]
    return (2 * state[0] + x[0],), (int(bits == bits[::-1]),)


def _parenthesis(state: State, x: State) -> tuple[State, State]:
    depth = -1 if state[0] < 0 else state[0] + 1 - 2 * x[0]
    return (depth,), (int(depth == 0),)


def _dithering(state: State, x: State) -> tuple[State, State]:
    return ((state[0] + x[0]) % 15,), ((state[0] + x[0]) // 15,)


def _newton(acceleration: Callable[[int, int, int], int]) -> tuple[Step, State]:
    def step(state: State, x: State) -> tuple[State, State]:
        speed = state[0] + acceleration(x[0], state[0], state[1])
        return (speed, state[1] + speed), (state[1] + speed,)

    return step, (0, 0)


def _magnetic(state: State, x: State) -> tuple[State, State]:
    speed = (state[0] + x[0] - state[1], state[1] + x[1] + state[0])
    place = (state[2] + speed[0], state[3] + speed[1])
    return speed + place, place


TASKS: dict[str, PlainTask] = {
    "Binary_Addition": PlainTask(*_addition(2), 0, 1, 2),
    **{f"Base_{base}_Addition": PlainTask(*_addition(base), 0, base - 1, 2) for base in range(3, 8)},
    "Bitwise_Xor": PlainTask(*_pointwise(lambda a, b: a ^ b), 0, 1, 2),
    "Bitwise_Or": PlainTask(*_pointwise(lambda a, b: a | b), 0, 1, 2),
    "Bitwise_And": PlainTask(*_pointwise(lambda a, b: a & b), 0, 1, 2),
    "Bitwise_Not": PlainTask(*_pointwise(lambda a: 1 - a), 0, 1),
    **{f"Parity_Last{k}": PlainTask(*_window(k - 1, lambda seen: sum(seen) % 2), 0, 1) for k in (2, 3, 4)},
    "Parity_All": PlainTask(*_fold(0, lambda a, x: a ^ x), 0, 1),
    "Parity_Zeros": PlainTask(*_fold(0, lambda a, x: a ^ (1 - x)), 0, 1),
    "Evens_Counter": PlainTask(*_fold(0, lambda a, x: a + (x % 2 == 0)), 0, 9),
    "Sum_All": PlainTask(*_fold(0, lambda a, x: a + x), 0, 99),
    **{f"Sum_Last{k}": PlainTask(*_window(k - 1, sum), 0, 99, length=10 if k < 5 else 20) for k in range(2, 8)},
    "Current_Number": PlainTask(*_pointwise(lambda a: a), 0, 99),
    **{
        f"Prev{k}": PlainTask(*_window(k, lambda seen: seen[-1]), 0, 99, length=10 if k < 5 else 20)
        for k in range(1, 6)
    },
    "Previous_Equals_Current": PlainTask(*_window(1, lambda seen: seen[0] == seen[1]), 0, 7),
    "Diff_Last2": PlainTask(*_window(1, lambda seen: seen[0] - seen[1]), -100, 99),
    "Abs_Diff": PlainTask(*_window(1, lambda seen: abs(seen[0] - seen[1])), -100, 99),
    "Abs_Current": PlainTask(*_pointwise(lambda a: abs(a)), -100, 99),
    "Diff_Abs_Values": PlainTask(*_window(1, lambda seen: abs(seen[0]) - abs(seen[1])), -100, 99),
    "Min_Seen": PlainTask(*_fold(9, min), 0, 9),
    "Max_Seen": PlainTask(*_fold(0, max), 0, 99),
    **{f"Majority_0_{values - 1}": PlainTask(*_majority(values), 0, values - 1) for values in (2, 3, 4)},
    "Evens_Detector": PlainTask(*_pointwise(lambda a: a % 2 == 0), 0, 9),
    "Perfect_Square_Detector": PlainTask(*_pointwise(lambda a: a in (0, 1, 4, 9, 16)), 0, 19),
    "Bit_Palindrome": PlainTask(_palindrome, (1,), 0, 1),
    "Balanced_Parenthesis": PlainTask(_parenthesis, (0,), 0, 1),
    "Parity_Bits_Mod2": PlainTask(lambda state, x: ((1 - state[0],), state), (0,), 0, 1),
    "Alternating_Last3": PlainTask(*_window(2, lambda seen: seen in ((0, 1, 0), (1, 0, 1))), 0, 1),
    "Alternating_Last4": PlainTask(*_window(3, lambda seen: seen in ((0, 1, 0, 1), (1, 0, 1, 0))), 0, 1),
    "Bit_Shift_Right": PlainTask(*_window(1, lambda seen: seen[1]), 0, 1),
    "Bit_Dot_Prod_Mod2": PlainTask(lambda s, x: ((s[0] ^ (x[0] & x[1]),), (s[0] ^ (x[0] & x[1]),)), (0,), 0, 1, 2),
    **{f"Div_{divisor}": PlainTask(*_division(divisor), 0, 1) for divisor in (3, 5, 7)},
    **{f"Add_Mod_{m}": PlainTask(*_fold(0, lambda a, x, m=m: (a + x) % m), 0, m - 1) for m in range(3, 9)},
    "Dithering": PlainTask(_dithering, (0,), 0, 15),
    "Newton_Freebody": PlainTask(*_newton(lambda x, v, p: x), -10, 10),
    "Newton_Gravity": PlainTask(*_newton(lambda x, v, p: x - 1), -10, 10),
    "Newton_Spring": PlainTask(*_newton(lambda x, v, p: x - p), -10, 10),
    "Newton_Magnetic": PlainTask(_magnetic, (0, 0, 0, 0), -10, 10, 2),
}
DELAYED: dict[str, PlainTask] = {
    f"Div_{divisor}_delayed": PlainTask(*_delayed_division(divisor), 0, 1) for divisor in (3, 5, 7)
}
"""Reported apart, not among the 62."""
