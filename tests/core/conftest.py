"""Drawn examples are the same in every run, and a busy machine is no failure."""

from hypothesis import settings

settings.register_profile("luminous", deadline=None, derandomize=True, database=None)
settings.load_profile("luminous")
