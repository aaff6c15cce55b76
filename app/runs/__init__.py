"""Everything long is a run: a row, a gapless event log, a cancel switch, a cost.

Whoever watches a run only reads its log.
"""
