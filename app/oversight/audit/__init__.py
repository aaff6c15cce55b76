"""The audit trail: every change, in a chain that shows what was done to it since."""
