"""Sparse autoencoders: ReLU with an L1 penalty, TopK, BatchTopK, JumpReLU and blocks."""

from novacula.features.sae.autoencoder import ByLatent, Codes, SparseAutoencoder
from novacula.features.sae.saelens import read_sae, write_sae
from novacula.features.sae.trainer import Trainer
