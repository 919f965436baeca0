"""What the bench optimizes."""
