"""What only comparisons need: published estimators, planted data, a network whose algorithm is known."""
