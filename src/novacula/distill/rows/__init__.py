"""What rows alone show: their kind, their noise, and whether they determine a program."""
