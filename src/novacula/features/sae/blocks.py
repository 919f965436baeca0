"""Which lines share a block: looked at a few times in training, after which the blocks are made anew.

Nothing in the loss says which directions share a block. A circle may be held by a direction here and another there,
each beside a line that has nothing to do with it; the loss is hardly larger, and no step leads out of this. So the
lines of every block are found by independent component analysis. Lines of all blocks that are active on the same
tokens, or have nearly one direction, come together. The others get blocks of their own, as far as there are any.
Source: ours; the analysis is A. Hyvärinen, "Fast and robust fixed-point algorithms for independent component analysis"
(1999), with the cubic function.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import normalize

_ROUNDS = 15  #: rounds of independent component analysis
_FLAT = 1e-3  #: least variance of a block's direction, in parts of its largest one, when all are brought to 1
_WEAK, _LEVELS = 0.4, 6  #: as `discovery.slices.weak_below` has them
_THIN = 0.1  #: lines whose mean square, where active, is less than this part of their block's largest are noise
_SEEN, _SEEN_TOGETHER = 2, 6  #: tokens on which a line must be active to have a place, and two lines to be joined
_TOGETHER, _ACROSS = 0.2, 0.1
"""Co-activity from which on two lines belong together: of one block, or of two, of which often only one is kept."""
_AT_ONCE = 4096  #: lines that are compared with all others at once
_NEW = 0.15  #: squared part of a line outside a span up to which it is a combination of those that span it
_LIGHT = 0.03  #: how much a row without a line counts where the rows of its block are made orthonormal
_NEAR = 0.4  #: least absolute cosine of two lines that belong together
_CHANCE, _NEAREST = 4, 0.9
"""In fewer than 100 dimensions it is four standard deviations of the cosine of random lines, but at most 0.9."""


@dataclass(frozen=True)
class Arrangement:
    """New blocks."""

    order: Int[Tensor, " latents"]  #: the line that each row takes over, numbered as the rows were
    empty: Bool[Tensor, " latents"]  #: which rows have no line
    decoder: Float[Tensor, "latents width"]  #: the rows; those of a block are orthonormal
    active: float  #: mean number of new blocks that are not just weakly active on a token


def arrange(codes: Float[Tensor, "tokens latents"], decoder: Float[Tensor, "latents width"], block: int) -> Arrangement:
    """Finds the lines of all blocks, and puts those that belong together into the same ones."""
    numbers = codes.view(len(codes), -1, block).transpose(0, 1).contiguous()
    turn, lines = independent(numbers)
    sizes = (numbers @ turn.mT).abs().transpose(0, 1).flatten(1)
    strong = (sizes >= _weak_below(sizes)) & (sizes > 0)
    uses = strong.sum(0)
    energy = (sizes.square() * strong).sum(0)
    means = (energy / uses.clamp_min(1)).view(-1, block)
    live = (uses >= _SEEN) & (means >= _THIN * means.amax(1, keepdim=True)).flatten()
    rows = normalize((lines @ decoder.view(*lines.shape[:2], -1)).flatten(0, 1))
    groups = _groups(strong.numpy(), rows, live, energy, block)
    kept = torch.zeros(len(live), dtype=torch.bool)
    kept[[line for members in groups for line in members]] = True
    order = torch.tensor(_packed(groups, (~kept).nonzero().flatten().tolist(), block))
    empty = ~kept[order]
    # Rows without a line make room for the others, and do not begin as a second copy of what has a place.
    rows[live & ~kept] = normalize(torch.randn(rows.shape, generator=torch.Generator().manual_seed(0)))[live & ~kept]
    made = orthonormal(rows[order] * torch.where(empty, _LIGHT, 1.0)[:, None], block)
    active = float(strong[:, order].view(len(codes), -1, block).any(2).sum(1).float().mean())
    return Arrangement(order, empty, made, active)


def orthonormal(rows: Float[Tensor, "latents width"], block: int) -> Float[Tensor, "latents width"]:
    """Returns the rows whose blocks are the nearest orthonormal ones: the polar factor of each."""
    blocks = rows.view(-1, block, rows.shape[1])
    sizes, axes = torch.linalg.eigh(blocks @ blocks.transpose(1, 2))
    root = (axes * sizes.clamp_min(1e-12).rsqrt()[:, None]) @ axes.transpose(1, 2)
    return (root @ blocks).view_as(rows)


def independent(
    numbers: Float[Tensor, "blocks tokens block"],
) -> tuple[Float[Tensor, "blocks block block"], Float[Tensor, "blocks block block"]]:
    """Returns matrices that turn each block's numbers into lines as independent as possible, and their directions.

    A line's activation times its direction, of norm 1, summed over the lines, gives the numbers again.
    """
    variances, axes = torch.linalg.eigh(numbers.mT @ numbers / numbers.shape[1])
    variances = variances.clamp_min(1e-12).maximum(_FLAT * variances[:, -1:])
    white = numbers @ (axes * variances.rsqrt()[:, None])
    rotation = torch.eye(numbers.shape[2]).expand(len(numbers), -1, -1)
    for _ in range(_ROUNDS):
        sources = white @ rotation.mT
        step = (sources * sources.square()).mT @ white / numbers.shape[1] - 3 * rotation
        left, _, right = torch.linalg.svd(normalize(step.flatten(1)).view_as(step))
        rotation = left @ right
    back = axes * variances.sqrt()[:, None] @ rotation.mT
    sizes = back.norm(dim=1, keepdim=True)
    return (rotation / variances.sqrt()[:, None] @ axes.mT) * sizes.mT, (back / sizes).mT


def _weak_below(sizes: Float[Tensor, "tokens lines"]) -> Float[Tensor, " lines"]:
    """Returns the size below which each line is only weakly active."""
    level = torch.zeros(sizes.shape[1])
    for _ in range(_LEVELS):
        strong = sizes * (sizes >= level)
        squares = strong.square()
        level = _WEAK * (squares * strong).sum(0) / squares.sum(0).clamp_min(1e-12)
    return level


def _groups(
    strong: Bool[np.ndarray, "tokens lines"],
    rows: Float[Tensor, "lines width"],
    live: Bool[Tensor, " lines"],
    energy: Float[Tensor, " lines"],
    most: int,
) -> list[list[int]]:
    """Returns the lines that belong together, of at most as many dimensions as a block has.

    Lines that shared a block come first, which has learned them together. Nearly equal directions follow, as they are
    never chance, and then the strongest bonds.
    """
    tokens, uses = len(strong), strong.sum(0)
    active = scipy.sparse.csr_array(strong.astype(np.float32))
    pairs = scipy.sparse.triu(active.T @ active, 1).tocoo()
    often = pairs.data >= _SEEN_TOGETHER
    one, two, both = pairs.row[often], pairs.col[often], pairs.data[often]
    chance = uses[one] * uses[two] / tokens
    likeness, within = coactivity(both, uses[one], uses[two], chance), one // most == two // most
    enough = likeness >= np.where(within, _TOGETHER, _ACROSS)
    near, cosines = _near(rows * live[:, None])
    firsts, seconds = np.r_[one[enough], near[:, 0]], np.r_[two[enough], near[:, 1]]
    bonds = np.r_[likeness[enough] + 2 * within[enough], 1 + cosines]
    group = {line: [line] for line in live.nonzero().flatten().tolist()}
    directions, weights = rows.double().numpy(), energy.double().numpy()
    for bond in np.argsort(-bonds, kind="stable").tolist():
        first, second = (group.get(int(lines[bond])) for lines in (firsts, seconds))
        if first and second and first is not second and (kept := _spanning(first + second, directions, weights, most)):
            for line in first + second:
                group.pop(line)
            group.update(dict.fromkeys(kept, kept))
    found = list({id(members): members for members in group.values()}.values())
    return sorted(found, key=lambda members: (-len(members), -int(uses[members].sum()), members))


def _spanning(
    lines: list[int], directions: Float[np.ndarray, "lines width"], weights: Float[np.ndarray, " lines"], most: int
) -> list[int]:
    """Returns those of some lines of which the others are nearly combinations; none if they are more than `most`."""
    rest, kept = directions[lines], list[int]()
    while True:
        sizes = np.square(rest).sum(1)
        new = sizes > _NEW
        if not new.any():
            return kept
        if len(kept) == most:
            return []
        place = int((sizes * weights[lines] * new).argmax())
        kept.append(lines[place])
        unit = rest[place] / sizes[place] ** 0.5
        rest = rest - np.outer(rest @ unit, unit)


def _near(rows: Float[Tensor, "lines width"]) -> tuple[Int[np.ndarray, "pairs 2"], Float[np.ndarray, " pairs"]]:
    """Returns the pairs of lines of nearly one direction and their absolute cosines, without a matrix of all pairs."""
    pairs, cosines = [], []
    least = min(_NEAREST, max(_NEAR, _CHANCE / rows.shape[1] ** 0.5))
    for start in range(0, len(rows), _AT_ONCE):
        found = (rows[start : start + _AT_ONCE] @ rows.T).abs().triu(start + 1)
        near = (found > least).nonzero()
        cosines.append(found[near[:, 0], near[:, 1]].numpy())
        pairs.append((near + torch.tensor([start, 0])).numpy())
    return np.concatenate(pairs), np.concatenate(cosines)


def coactivity(both: np.ndarray, first: np.ndarray, second: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Returns (J - J₀) / (1 - J₀): J is the Jaccard index of tokens, J₀ that of independent lines as frequent.

    Args:
        both: tokens on which two lines are active.
        first: tokens on which the first one is.
        second: tokens on which the second one is.
        chance: tokens on which both would be by chance.
    """
    sums = first + second
    index, expected = both / np.maximum(sums - both, 1), chance / np.maximum(sums - chance, 1e-9)
    return (index - expected) / np.maximum(1 - expected, 1e-9)


def _packed(groups: Sequence[list[int]], spare: list[int], block: int) -> list[int]:
    """Returns the lines in the order of new blocks, whose other places have spare ones.

    Each group goes to the emptiest block that has room for it. One that has no room is cut.
    """
    blocks = (len(spare) + sum(map(len, groups))) // block
    bins: list[list[int]] = [[] for _ in range(blocks)]
    rooms = [list(range(blocks)), *([] for _ in range(block))]  # blocks by the number of their lines
    for members in groups:
        whole = any(rooms[: block + 1 - len(members)])
        for part in [members] if whole else [[line] for line in members]:
            place = next(places for places in rooms if places).pop(0)
            bins[place] += part
            rooms[len(bins[place])].append(place)
    return [line for members in bins for line in members + [spare.pop() for _ in range(block - len(members))]]
