"""Datasets: cases to evaluate with, and the snapshots of them that experiments pin."""
