"""Relations of joint states: what is guessed holds in all states, is as sharp as it can be, and is exact."""

import numpy as np
import pytest

from novacula.distill.verify.invariants import Guard, Guess, _null_space, guess_invariants


def exact(rows: list[list[int]]) -> np.ndarray:
    return np.array(rows, object)


def holds_everywhere(guess: Guess, states: np.ndarray) -> bool:
    return all(guess.holds(row) for row in states.tolist())


@pytest.mark.parametrize("seed", range(8))
def test_every_guess_holds_in_all_states_that_were_seen(seed: int) -> None:
    generator = np.random.default_rng(seed)
    states = generator.integers(-6, 7, (30, 3)).astype(object)
    states[:, 2] = states[:, 0] - 2 * states[:, 1] + 5
    guesses = guess_invariants(states)
    assert guesses and all(holds_everywhere(guess, states) for guess in guesses)


@pytest.mark.parametrize("seed", range(8))
def test_bounds_are_met_by_some_state(seed: int) -> None:
    """A bound with room to spare could be sharper."""
    states = np.random.default_rng(seed).integers(-6, 7, (25, 2)).astype(object)
    bounds = [guess for guess in guess_invariants(states) if guess.relation == ">= 0"]
    for guess in bounds:
        within = [row for row in states.tolist() if guess.guard.holds(row)]
        assert min(guess.value(row) for row in within) == 0


def test_directions_of_bounds_are_variables_sums_and_differences() -> None:
    states = exact([[0, 5], [3, 9], [1, 7]])
    always = Guard("always")
    bounds = {
        guess.coefficients for guess in guess_invariants(states) if guess.guard == always and guess.relation == ">= 0"
    }
    assert {row[:2] for row in bounds} == {*((1, 0), (-1, 0), (0, 1), (0, -1)), *((-1, 1), (1, -1), (1, 1), (-1, -1))}
    assert (-1, 0, 3) in bounds and (-1, 1, -5) in bounds and (1, 1, -5) in bounds


def test_a_relation_that_a_planted_system_obeys_is_among_the_guesses() -> None:
    counts = np.arange(40).astype(object)
    states = np.column_stack([counts, 3 * counts + 1, counts % 2])
    guesses = guess_invariants(states)
    equal = [guess for guess in guesses if guess.relation == "== 0" and guess.guard.kind == "always"]
    assert len(equal) == 1 and np.array_equal(np.abs(equal[0].coefficients), [3, 1, 0, 1])


def test_a_relation_that_holds_only_where_a_flag_is_set_is_guarded() -> None:
    generator = np.random.default_rng(0)
    states = generator.integers(0, 50, (80, 3)).astype(object)
    states[:, 0] = generator.integers(0, 2, 80)
    set_ = states[:, 0] == 1
    states[set_, 2] = states[set_, 1] + 4
    guarded = [guess for guess in guess_invariants(states) if guess.relation == "== 0"]
    flagged = [guess for guess in guarded if guess.guard == Guard("equals", 0, 1)]
    assert any(guess.value([1, 10, 14]) == 0 and guess.value([1, 10, 15]) != 0 for guess in flagged)
    assert not [guess for guess in guarded if guess.guard.kind == "always"]


def test_signs_guard_where_a_variable_has_many_values_of_both() -> None:
    balance = np.arange(-5, 6).astype(object)
    states = np.column_stack([balance, np.where(balance < 0, 0, 2 * balance)])
    guesses = guess_invariants(states)
    assert any(
        guess.guard == Guard("negative", 0) and guess.relation == "== 0" and guess.coefficients[0] == 0
        for guess in guesses
    )
    assert any(
        guess.guard == Guard("natural", 0)
        and guess.relation == "== 0"
        and guess.value([4, 8]) == 0 != guess.value([4, 7])
        for guess in guesses
    )


@pytest.mark.parametrize("guard", [Guard("always"), Guard("equals", 1, 2), Guard("negative", 0), Guard("natural", 0)])
def test_a_guard_means_the_same_of_numbers_and_of_arrays(guard: Guard) -> None:
    states = exact([[-1, 3], [0, 3], [4, 2], [-7, 0]])
    plain = [bool(guard.holds(row)) for row in states.tolist()]
    assert np.broadcast_to(guard.holds(states.T), 4).tolist() == plain
    expected = {"always": 4, "equals": 1, "negative": 2, "natural": 2}
    assert sum(plain) == expected[guard.kind]


def test_where_the_guard_does_not_hold_nothing_is_said() -> None:
    guess = Guess(Guard("equals", 0, 1), (0, 1, -5), "== 0")
    assert guess.holds([1, 5]) and not guess.holds([1, 6]) and guess.holds([0, 6])
    bound = Guess(Guard("always"), (1, 0, -2), ">= 0")
    assert bound.holds([2, 0]) and not bound.holds([1, 0])


@pytest.mark.parametrize("seed", range(10))
def test_the_null_space_has_the_dimension_that_the_rank_leaves(seed: int) -> None:
    generator = np.random.default_rng(seed)
    columns, rank = 5, 1 + seed % 4
    states = (generator.integers(-3, 4, (40, rank)) @ generator.integers(-3, 4, (rank, columns))).astype(object)
    rows = np.concatenate([states, np.ones((40, 1), object)], axis=1)
    vectors = _null_space(states)
    assert len(vectors) == columns + 1 - np.linalg.matrix_rank(rows.astype(float))
    assert not rows.dot(np.array(vectors, object).T).any()
    assert len(vectors) == np.linalg.matrix_rank(np.array(vectors, float))


def test_numbers_beyond_all_floats_are_exact() -> None:
    """2^80 + 1 and 2^80 are the same float64: an equality of floats would hold here."""
    large = 2**80
    states = exact([[large, large + 1], [3 * large, 3 * large + 3], [5, 5]])
    equal = [guess for guess in guess_invariants(states) if guess.relation == "== 0" and guess.guard.kind == "always"]
    assert all(holds_everywhere(guess, states) for guess in equal)
    assert not any(guess.value([1, 1]) == 0 and guess.value([2, 2]) == 0 for guess in equal)
