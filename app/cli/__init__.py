"""The command line: `luminous up`, `serve`, `migrate` and their kin.

It starts the service and the engines under it, and holds no business rule.
"""
