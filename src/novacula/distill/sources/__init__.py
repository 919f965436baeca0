"""What a program is distilled from: tasks, files of sequences, functions, devices."""
