"""The gate: what a call is asked for before it is made, and what it leaves behind."""
