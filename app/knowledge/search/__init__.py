"""Search: by words and by meaning in one ranked list, within what the caller may see."""
