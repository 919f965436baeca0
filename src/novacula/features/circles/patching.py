"""Activation patching: where in a model label, offset and answer live."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int

from novacula.errors import InputError
from novacula.features.concepts import Prompts
from novacula.features.models import LanguageModel, Point, Site, Write

Place = Literal["label", "offset", "last"]
PLACES: tuple[Place, ...] = ("label", "offset", "last")


@dataclass(frozen=True)
class Patching:
    """The mean effect of patching a clean state into a prompt that differs in label or offset.

    Attributes:
        effects: by place and point; 1 where the answer changes as if the whole prompt had been exchanged, 0 where
            nothing happens.
        places: the tokens.
        points: the points of the model.
        pairs: pairs of prompts over which the mean is taken.
    """

    effects: Float[np.ndarray, "places points"]
    places: tuple[Place, ...]
    points: tuple[Point, ...]
    pairs: int


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
        drawn.append(np.random.default_rng(seed).permutation(candidates)[:count])
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
