"""Taking over people, and the hashes of their passwords, from another system."""
