"""Gates: whether a candidate may take the place of what is there."""
