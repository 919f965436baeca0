"""Communication between the directions of each cell: one 64 × 64 matrix acts on its 8 channels × 8 directions.

Source: arXiv 2512.06104, appendix on layers.
"""

import torch

from novacula.arc.network.layers.normalize import normalize
from novacula.arc.network.multitensor import Multitensor
from novacula.arc.network.weights import DirectionMaps


def communicate(tensors: Multitensor, maps: DirectionMaps) -> Multitensor:
    """Every direction receives from all eight, from the normalized stream, all at once."""
    result: Multitensor = {}
    for s, matrix in maps.matrices().items():
        v, cell = tensors[s], matrix.shape[0]
        result[s] = torch.addmm(v.view(cell, -1), matrix, normalize(v).view(cell, -1)).view(v.shape)
    return result
