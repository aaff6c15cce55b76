"""Help from a model: definitions written, mended and gone on with; and what behaviour suggests."""
