"""Which names are of one entity: merged, split, undone, and suggested."""
