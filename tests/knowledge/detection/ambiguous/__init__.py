"""Sentences whose words have several senses: the set, and how a chooser of senses does on it."""
