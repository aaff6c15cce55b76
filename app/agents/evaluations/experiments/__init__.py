"""Experiments: targets asked every case, their results, and what these say."""
