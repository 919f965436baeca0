"""Synthetic clouds that are known to be irreducible or not, on which scores are chosen and measured. Source: ours."""

from .family import Family, Sampler
from .table import ZOO

__all__ = ["ZOO", "Family", "Sampler"]
