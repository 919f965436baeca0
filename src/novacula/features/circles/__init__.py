"""Circles in a language model: tests, probes, interventions, patching, and what makes up a state."""
