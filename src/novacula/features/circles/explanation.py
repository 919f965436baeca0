"""Which functions of the prompt make up a state, by regression, and where in a model they live, by patching."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int

from novacula.errors import InputError
from novacula.features.circles.test import circle
from novacula.features.concepts import Prompts
from novacula.features.models import LanguageModel, Point, Site, Write
from novacula.options import checked_seed
from novacula.runs.notebook import Brief

Place = Literal["label", "offset", "last"]
PLACES: tuple[Place, ...] = ("label", "offset", "last")


@dataclass(frozen=True)
class Regression:
    """States X as a linear function of designs, X̂."""

    r2: float  #: 1 - ‖X - X̂‖²/‖X - X̄‖²
    r2_left_out: float
    """The same where each row is predicted from the others; it falls where a function explains nothing."""
    residual: Float[np.ndarray, "n q"]  #: X - X̂


@dataclass(frozen=True)
class Term:
    """A function that a greedy explanation has added."""

    function: str  #: its name
    regression: Regression  #: the regression of the states on all functions so far


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


@dataclass(frozen=True)
class Patching(Brief):
    """The mean effect of patching a clean state into a prompt that differs in label or offset."""

    effects: Float[np.ndarray, "places points"]
    """By place and point; 1 where the answer changes as if the whole prompt had been exchanged, 0 where nothing
    happens."""
    places: tuple[Place, ...]  #: the tokens
    points: tuple[Point, ...]  #: the points of the model
    pairs: int  #: pairs of prompts over which the mean is taken


def patch(
    model: LanguageModel,
    prompts: Prompts,
    points: Sequence[Point],
    *,
    pairs: int = 20,
    seed: int = 0,
    places: Sequence[Place] = PLACES,
) -> Patching:
    """Puts states of one prompt, the clean one, into another, the dirty one, one point and token at a time.

    The effect is (D_patched - D_dirty)/(D_clean - D_dirty), where D is the logit of the clean answer minus that of the
    dirty one. Pairs whose answers the model itself does not tell apart, D_clean ≤ D_dirty, are left out.

    Args:
        model: the model.
        prompts: all labels with all offsets.
        points: where states are patched.
        pairs: number of pairs that differ in the label only; as many more differ in the offset only.
        seed: seed of the draw of pairs.
        places: tokens at which states are patched.

    Raises:
        InputError: the model tells no pair apart, or a label is not a single token.

    Source: arXiv 2405.14860, appendix on activation patching.
    """
    if "offset" in places and min(prompts.offset_positions) < 0:
        raise InputError(prompts.concept.name, "patching at the offset needs templates with {offset}")
    tokens = prompts.label_tokens(model)
    clean, dirty = _pairs(prompts, pairs, seed)
    logits = model.next_logits(prompts.tokens, vocabulary=tokens).numpy().astype(float)

    def gap(values: Float[np.ndarray, "pairs labels"], kept: Int[np.ndarray, " kept"]) -> Float[np.ndarray, " kept"]:
        row = np.arange(len(values))
        return values[row, prompts.answers[clean[kept]]] - values[row, prompts.answers[dirty[kept]]]

    drawn = np.arange(len(clean))
    kept = np.flatnonzero(gap(logits[clean], drawn) > gap(logits[dirty], drawn))
    if not len(kept):
        raise InputError(prompts.concept.name, "the model answers no two prompts differently enough to patch them")
    low, high = gap(logits[dirty[kept]], kept), gap(logits[clean[kept]], kept)
    targets = [prompts.tokens[row] for row in dirty[kept]]
    effects = np.empty((len(places), len(points)))
    for i, place in enumerate(places):
        where = _positions(prompts, place)
        states = model.read([prompts.tokens[row] for row in clean[kept]], points, [where[row] for row in clean[kept]])
        positions = torch.tensor([where[row] for row in dirty[kept]])
        for j, (point, values) in enumerate(zip(points, states, strict=True)):
            patched = model.next_logits(targets, [Write(point, positions, values)], vocabulary=tokens).numpy()
            effects[i, j] = ((gap(patched.astype(float), kept) - low) / (high - low)).mean()
    return Patching(effects, tuple(places), tuple(points), len(kept))


def all_points(model: LanguageModel, sites: Sequence[Site] = ("residual", "attention", "mlp")) -> list[Point]:
    """Returns the points of every layer at some sites; for the site ``head``, every head of every block."""
    points = []
    for site in sites:
        for layer in range(model.n_layers + (site == "residual")):
            if site == "head":
                points += [Point(layer, site, head) for head in range(model.n_heads)]
            else:
                points.append(Point(layer, site))
    return points


def _pairs(prompts: Prompts, count: int, seed: int) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"]]:
    """Draws pairs of prompts that differ in the label only, then pairs that differ in the offset only."""
    rows = np.arange(len(prompts.tokens))
    first, second = np.meshgrid(rows, rows, indexing="ij")
    same_label = prompts.labels[first] == prompts.labels[second]
    same_offset = prompts.offsets[first] == prompts.offsets[second]
    unlike = prompts.answers[first] != prompts.answers[second]
    drawn = []
    for choice in (same_offset & unlike, same_label & unlike):
        candidates = np.argwhere(choice)
        drawn.append(np.random.default_rng(checked_seed(seed)).permutation(candidates)[:count])
    chosen = np.concatenate(drawn)
    return chosen[:, 0], chosen[:, 1]


def _positions(prompts: Prompts, place: Place) -> tuple[int, ...]:
    match place:
        case "label":
            return prompts.positions
        case "offset":
            return prompts.offset_positions
        case "last":
            return prompts.last_positions
