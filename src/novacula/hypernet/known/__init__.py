"""Networks of known algorithms, made by hand: weights from formulas, for any number of inputs."""
