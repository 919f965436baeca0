"""Nuisances: tokens that make clusters without much meaning, each kind by its name. Source: ours."""

import numpy as np
from jaxtyping import Bool

from novacula.features.config import NUISANCES
from novacula.features.store import Store

PLACES = 4  #: places at the beginning of a context whose states are of their own kind
MOST = 0.5  #: share of a cluster's tokens from which on it is called by the name of a nuisance


def nuisance_tokens(store: Store) -> dict[str, Bool[np.ndarray, " tokens"]]:
    """Returns for each nuisance which tokens it has.

    ``punctuation``: texts without any letter or digit, such as spaces, line ends and signs. ``position``: the first
    stored places of a context, where documents have more tokens than these.
    """
    labels, texts = store.labels, store.vocabulary
    signs = np.array([not any(letter.isalnum() or letter == "�" for letter in text) for text in texts or ()], bool)
    known = labels.tokens < len(signs)
    punctuation = np.zeros(len(labels.tokens), bool)
    punctuation[known] = signs[labels.tokens[known]]
    position = labels.positions < labels.positions.min() + PLACES
    return dict(zip(NUISANCES, (punctuation, position), strict=True))


def without(store: Store, names: tuple[str, ...]) -> Bool[np.ndarray, " tokens"]:
    """Returns which tokens are left where the nuisances of these names are switched off."""
    tokens = nuisance_tokens(store)
    return ~np.any([np.zeros(len(store), bool), *(tokens[name] for name in names)], axis=0)
