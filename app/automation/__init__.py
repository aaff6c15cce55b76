"""Workflows: a language of definitions, the node types that it is made of, and the engine.

Runs of workflows finish whatever dies: what a step gave is kept before anything builds on it.
"""
