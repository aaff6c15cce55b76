"""The kernel: what every room needs and none owns.

It holds no business words and imports no other room.
"""
