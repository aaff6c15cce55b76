"""How several agents work as one: patterns are data, and each is played by one function."""
