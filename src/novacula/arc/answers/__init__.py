"""From what the network draws to two attempts: candidates, their weights, recordings of them, and verdicts."""
