"""What a workspace knows: its dictionaries, its documents, and the graph between them.

All of it is cut into passages, which are found by meaning and by their words.
"""
