"""What a dictionary's entries could be told of each other: subject fields, and duplicates."""
