"""What is found: expressions, programs and machines."""
