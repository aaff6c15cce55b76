"""Statistics: how sure a difference is, and how far two judges agree."""
