"""The families of matrices that LODO learns from, and from options to the one that they name."""

import math

import torch
from jaxtyping import Int
from torch import Tensor

from novacula.errors import InputError
from novacula.optim.config import GroupOptions
from novacula.optim.structures.layers import (
    BlockLayers,
    ResidualLayers,
    mixing_depth,
    perfect_shuffle,
    published_width,
    random_permutations,
)
from novacula.optim.structures.structure import Dense, Diagonal, Kronecker, Scalar, Structure

LARGEST_DENSE = 4096  #: number of scalars up to which a dense structure is allowed


def permutation_shape(options: GroupOptions, n: int) -> tuple[int, int] | None:
    """Returns the shape of a structure's random permutations for n scalars, or None if it has none."""
    expand = options.expand or 2
    if options.structure == "blockperm":
        depth = 16 if options.depth is None else options.depth
        return depth, published_width(n, options.block_size or 4, expand)
    if options.structure == "residual":
        return 64 if options.depth is None else options.depth, expand * n
    return None


def draw_permutations(options: GroupOptions, n: int, generator: torch.Generator) -> Int[Tensor, "depth width"] | None:
    """Draws the random permutations of a new structure for n scalars, or returns None if it has none."""
    shape = permutation_shape(options, n)
    return None if shape is None else random_permutations(*shape, generator)


def make_structure(
    options: GroupOptions, shape: tuple[int, ...], permutations: Int[Tensor, "depth width"] | None
) -> Structure:
    """Returns the structure that `options` name, for scalars of this shape.

    Raises:
        InputError: a dense structure for too many scalars.
    """
    n, k = math.prod(shape), options.block_size or 4
    match options.structure:
        case "blockperm":
            assert permutations is not None
            return BlockLayers(n, k, len(permutations), permutations)
        case "butterfly":
            width = -(-(options.expand or 1) * n // k) * k
            depth = mixing_depth(width, k) if options.depth is None else options.depth
            return BlockLayers(n, k, depth, perfect_shuffle(width, k))
        case "residual":
            assert permutations is not None
            return ResidualLayers(n, permutations)
        case "kronecker" if len(shape) > 1:
            return Kronecker(shape[0], math.prod(shape[1:]), options.block_size)
        case "scalar":
            return Scalar(n)
        case "dense":
            if n > LARGEST_DENSE:
                raise InputError("LODO", f"structure is 'dense' for {n} scalars; it is for at most {LARGEST_DENSE}")
            return Dense(n)
        case _:  # diagonal, and what a Kronecker product makes of vectors
            return Diagonal(n)
