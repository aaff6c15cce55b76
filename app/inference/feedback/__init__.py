"""What people and evaluations say of answers; adaptive routes learn from it."""
