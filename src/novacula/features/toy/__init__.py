"""Small transformers that we train ourselves, of which we know what they compute with."""

from novacula.features.toy.train import Toy, save_toy, train_toy

__all__ = ["Toy", "save_toy", "train_toy"]
