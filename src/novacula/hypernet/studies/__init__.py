"""What studies of many networks share."""
