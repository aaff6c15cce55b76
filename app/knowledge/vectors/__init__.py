"""Vectors of passages behind one protocol: in Qdrant, or beside the passages in Postgres."""
