"""What comes in: checked samples and weights, their folds, and their unit."""
