"""The analyst: which algorithm a network carries out, by its weights and by its outputs."""
