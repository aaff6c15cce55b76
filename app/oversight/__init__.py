"""What was done, by whom, and with whose data: the audit trail and privacy.

It is told by the rooms above through `core.audit` and reads what they declare in `core.data`.
"""
