"""Streams of states on the disk: shards, each state with its token and its place in its text."""

from novacula.features.store.batches import Batches
from novacula.features.store.store import Labels, Store
from novacula.features.store.writer import StoreWriter

__all__ = ["Batches", "Labels", "Store", "StoreWriter"]
