"""Puzzles, answers and curves as pictures: in reports, in notebooks and in the terminal."""
