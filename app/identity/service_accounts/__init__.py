"""Service accounts: members that are no person."""
