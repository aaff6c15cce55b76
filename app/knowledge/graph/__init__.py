"""The knowledge graph: what passages tell of, how that hangs together, and where it is told."""
