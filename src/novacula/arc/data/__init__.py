"""Puzzles: where they come from, what they hold, and the arrays that the network is trained on."""
