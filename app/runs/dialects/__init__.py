"""A run's log in the words of others' front ends: the same log is the same bytes."""
