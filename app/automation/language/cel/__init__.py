"""CEL as workflows have it: taken apart and bounded by us, computed by its own engine."""
