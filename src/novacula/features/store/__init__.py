"""Stores of states on the disk, in shards; each state has its token and its place in the text."""

from novacula.features.store.store import Batches, Labels, Origin, Place, Store
from novacula.features.store.writer import StoreWriter, Written
