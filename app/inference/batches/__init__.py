"""Many requests at once, answered when there is time: files, batches, and their lines."""
