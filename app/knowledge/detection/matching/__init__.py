"""Finding the terms of dictionaries in a text, whole or as it streams."""
