"""Who people are and what they may do: accounts, sessions, API keys, workspaces.

It implements the AccessResolver that every guard asks.
"""
