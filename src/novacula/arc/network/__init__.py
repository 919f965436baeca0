"""The network of one puzzle, and the engines that train it."""
