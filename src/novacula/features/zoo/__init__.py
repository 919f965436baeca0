"""Synthetic clouds that are known to be irreducible or not, on which scores are chosen and measured. Source: ours."""

from novacula.features.zoo.family import Family, Sampler
from novacula.features.zoo.table import ZOO

__all__ = ["ZOO", "Family", "Sampler"]
