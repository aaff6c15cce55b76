"""What can be wrong with a definition, a module a kind of mistake."""
