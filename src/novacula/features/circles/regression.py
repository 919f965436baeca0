"""Explanation via regression: which functions of the prompt make up a state, and what is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from novacula.errors import InputError
from novacula.features.circles.test import circle


@dataclass(frozen=True)
class Regression:
    """States X as a linear function of designs, X̂.

    Attributes:
        r2: 1 - ‖X - X̂‖²/‖X - X̄‖².
        r2_left_out: the same where each row is predicted from the others; it falls where a function explains nothing.
        residual: X - X̂.
    """

    r2: float
    r2_left_out: float
    residual: Float[np.ndarray, "n q"]


@dataclass(frozen=True)
class Term:
    """A function that a greedy explanation has added.

    Attributes:
        function: its name.
        regression: of the states on all functions so far.
    """

    function: str
    regression: Regression


def regress(states: Float[np.ndarray, "n q"], designs: Sequence[Float[np.ndarray, "n _"]]) -> Regression:
    """Fits states by functions and a constant, with least squares.

    Raises:
        InputError: the states are all equal, or not finite.

    Source: arXiv 2405.14860, section 6 (explanation via regression); leaving rows out, by the hat matrix, is ours.
    """
    total = ((states - states.mean(0)) ** 2).sum()
    if not np.isfinite(total) or total <= 0:
        raise InputError("states", "must be finite and not all alike")
    design = np.concatenate([np.ones((len(states), 1)), *designs], axis=1)
    left, sizes, _ = np.linalg.svd(design, full_matrices=False)
    basis = left[:, sizes > 1e-9 * sizes[0]]
    residual = states - basis @ (basis.T @ states)
    # A row that alone fixes a coefficient cannot be predicted from the others, so it counts as unexplained.
    free = 1 - (basis**2).sum(1)
    alone = free < 1e-9
    left_out = np.where(alone[:, None], states - states.mean(0), residual / np.where(alone, 1.0, free)[:, None])
    return Regression(float(1 - (residual**2).sum() / total), float(1 - (left_out**2).sum() / total), residual)


def explain_states(
    states: Float[np.ndarray, "n q"], functions: Mapping[str, Float[np.ndarray, "n _"]], *, most: int = 6
) -> list[Term]:
    """Adds one function after the other, each the one that predicts left-out rows best, as long as that helps.

    Args:
        states: X, such as leading principal coordinates.
        functions: the values of each function on every row.
        most: most functions that are taken.

    Raises:
        InputError: as `regress`.
    """
    chosen: list[Term] = []
    rest = dict(functions)
    reached = 0.0
    while rest and len(chosen) < most:
        designs = [functions[term.function] for term in chosen]
        tried = {name: regress(states, [*designs, values]) for name, values in rest.items()}
        best = max(tried, key=lambda name: tried[name].r2_left_out)
        if tried[best].r2_left_out < reached + 1e-3:
            break
        reached = tried[best].r2_left_out
        chosen.append(Term(best, tried[best]))
        del rest[best]
    return chosen


def prompt_functions(
    labels: Int[np.ndarray, " n"], offsets: Int[np.ndarray, " n"], period: int
) -> dict[str, Float[np.ndarray, "n _"]]:
    """Returns functions of label α, offset β and answer γ = α + β, each as columns.

    A one-hot code has a column for each value, so that of 12 months has 12 columns.

    Source: arXiv 2405.14860, section 6 and its appendix; circles of higher harmonics are ours.
    """
    answer = (labels + offsets) % period
    one = offsets == 1
    functions = {
        "α": one_hot(labels),
        "β": one_hot(offsets),
        "γ": one_hot(answer),
        "α + β": one_hot(labels + offsets),
        "parity of α + β": ((labels + offsets) % 2)[:, None].astype(float),
        "circle(α - β)": circle(labels - offsets, period),
        "α + 1 = β": (labels + 1 == offsets)[:, None].astype(float),
        "α where β = 1": one_hot(labels) * one[:, None],
    }
    for harmonic in range(1, period // 2 + 1):
        turned = "" if harmonic == 1 else f"{harmonic}"
        functions[f"circle({turned}γ)"] = circle(answer * harmonic, period)
    return functions


def one_hot(values: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n values"]:
    """Returns a column for each value that occurs."""
    return (values[:, None] == np.unique(values)[None]).astype(float)


def leading(states: Float[np.ndarray, "n d"], components: int) -> Float[np.ndarray, "n q"]:
    """Returns centered states in their leading principal components."""
    left, sizes, _ = np.linalg.svd(states - states.mean(0), full_matrices=False)
    return left[:, :components] * sizes[:components]


def residual_colors(residual: Float[np.ndarray, "n q"]) -> Float[np.ndarray, "n 3"]:
    """Returns the three leading principal components of a residual, each stretched to 0 … 1: red, green, blue."""
    three = leading(residual, 3)
    three = np.pad(three, ((0, 0), (0, 3 - three.shape[1])))
    low, high = three.min(0), three.max(0)
    return (three - low) / np.where(high > low, high - low, 1.0)
