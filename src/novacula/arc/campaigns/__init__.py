"""Many puzzles at once: their jobs, the rounds of a submission, and what a campaign is worth."""
