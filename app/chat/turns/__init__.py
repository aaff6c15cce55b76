"""A turn: one question, one streamed answer."""
